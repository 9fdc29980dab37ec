package profinet

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// linkDecoder reads what a station sends on the link, to another one or to all.
type linkDecoder struct {
	flow       discovery.Flow
	told       told
	operations [2]discovery.Operations // told of the sender as the client, and as the server
	answers    bool                    // it is told that the sender answers the other
	cyclic     [maxFrameIDs]uint16     // frame ids told
	known      int                     // of them
}

// maxFrameIDs is how many frame ids of one station to another are told: one for each I/O connection.
const maxFrameIDs = 16

// Feed takes the payload of one frame. Most are cyclic data, which say who exchanges them and no more.
func (d *linkDecoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	if class := cyclicClass(b); class != "" {
		d.frameID(side, t, binary.BigEndian.Uint16(b), class, out)
		return len(b), nil
	}
	if d.flow.Transport != discovery.EtherType {
		return len(b), nil // an alarm
	}
	if !isStatement(b) {
		return len(b), d.service(side, t, b, out)
	}
	s, err := ParseStation(b)
	self := d.flow.Ends[side]
	d.told.observe(discovery.Observation{Time: t, Subject: self, Facts: s.facts()}, out)
	if s.IP.holds(self.MAC) {
		self.IP = s.IP.Address
		d.told.observe(discovery.Observation{Time: t, Subject: self, Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, bindingDCP)}}, out)
	}
	switch {
	case len(b) < headDCP:
	case binary.BigEndian.Uint16(b) == frameGetSet:
		d.talk(side.Other(), discovery.OpRead, t, out)
	case err == nil && s.Role&roleController == 0: // devices ask controllers, too, whether a name is taken
		d.talk(side.Other(), 0, t, out)
	}
	return len(b), err
}

// frameID tells once which frame id the sender gives to whom.
func (d *linkDecoder) frameID(side discovery.Side, t time.Time, id uint16, class string, out discovery.Sink) {
	for _, known := range d.cyclic[:d.known] {
		if known == id {
			return
		}
	}
	if d.known == maxFrameIDs {
		return
	}
	d.cyclic[d.known] = id
	d.known++
	text := fmt.Sprintf("%#04x, %s", id, class)
	if to := d.flow.Ends[side.Other()]; !to.MAC.IsZero() && !to.MAC.IsGroup() {
		text += ", to " + to.MAC.String()
	} else if to.IP.IsValid() {
		text += ", to " + to.IP.String()
	}
	out.Observe(discovery.Observation{Time: t, Subject: d.flow.Ends[side], Facts: []discovery.Fact{discovery.NewFact(KeyFrameID, text)}})
}

// cyclicClass is the class of cyclic data, by the ranges of frame ids (IEC 61158-6-10 clause 4.2.2.3), or "" for another frame.
func cyclicClass(b []byte) string {
	if len(b) < 2 {
		return ""
	}
	switch id := binary.BigEndian.Uint16(b); {
	case 0x0100 <= id && id <= 0x0fff:
		return "RT class 3"
	case 0x8000 <= id && id <= 0xbfff:
		return "RT class 2"
	case 0xc000 <= id && id <= 0xfbff:
		return "RT class 1"
	}
	return ""
}

// headDCP is the length of what stands before the blocks of DCP.
const headDCP = 12

// service reads what a station asks of another one, or that it did what it was asked. What is to be set is not told as the
// other's: it may refuse.
func (d *linkDecoder) service(side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	if len(b) < 4 || binary.BigEndian.Uint16(b) != frameGetSet {
		return nil
	}
	r := wire.NewReader(b[2:])
	service, kind := r.Uint8(), r.Uint8()
	r.Skip(6)
	size := int(r.Uint16())
	if r.Err() != nil {
		return fmt.Errorf("read dcp frame of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	switch {
	case service == serviceGet && kind == typeRequest:
		d.talk(side, discovery.OpRead, t, out)
	case service == serviceSet && kind == typeSuccess:
		d.talk(side.Other(), 0, t, out)
	case service == serviceSet && kind == typeRequest:
		does, err := setOperation(r, size)
		for _, op := range [...]discovery.Operations{discovery.OpWrite, discovery.OpControl} {
			if does&op != 0 {
				d.talk(side, op, t, out)
			}
		}
		return err
	}
	return nil
}

// setOperation says what the blocks of a set request do: option 1, suboption 1, length 2, qualifier 2 (counted in the length), value.
func setOperation(r wire.Reader, size int) (discovery.Operations, error) {
	var op discovery.Operations
	have := min(size, r.Len())
	blocks := r.Sub(have)
	for blocks.Len() > 0 {
		option, length := blocks.Uint16(), int(blocks.Uint16())
		blocks.Skip(length)
		if blocks.Err() != nil {
			return op, fmt.Errorf("read dcp set: block at byte %d: %w", headDCP+blocks.Offset(), io.ErrUnexpectedEOF)
		}
		blocks.Skip(min(length%2, blocks.Len()))
		switch option {
		case controlStart, controlEnd:
		case controlSignal, controlFactory, controlReset:
			op |= discovery.OpControl
		default:
			op |= discovery.OpWrite
		}
	}
	if have < size {
		return op, fmt.Errorf("read dcp set: %d of %d bytes of blocks: %w", have, size, io.ErrUnexpectedEOF)
	}
	return op, nil
}

// talk tells once what one of the two does to the other, or, without an operation, that it asks the other. There is nothing to tell where a
// frame went to all.
func (d *linkDecoder) talk(client discovery.Side, op discovery.Operations, t time.Time, out discovery.Sink) {
	other := d.flow.Ends[discovery.Server].MAC
	if other.IsZero() || other.IsGroup() {
		return
	}
	if op&^d.operations[client] == 0 && (op != 0 || d.answers) {
		return
	}
	d.operations[client] |= op
	d.answers = true
	out.Observe(discovery.Observation{Time: t, Subject: d.flow.Ends[client], Talks: []discovery.Conversation{{
		Client: d.flow.Ends[client], Server: d.flow.Ends[client.Other()], Transport: discovery.EtherType, Port: EtherType, Protocol: "profinet", Operations: op,
	}}})
}
