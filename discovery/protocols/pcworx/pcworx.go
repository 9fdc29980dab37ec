// Package pcworx hears and asks PC WORX, the engineering protocol of Phoenix Contact's controllers (ILC, AXC, RFC): type, order number
// and firmware.
//
// Standard: not published; by captures of an ILC 151 ETH and an ILC 191 ETH 2TX, and by what public scanners send and read. Port: TCP
// 1962.
//
// Heard: the answer to the message that asks who is there, and that it was asked. Other messages are passed over. Asked: by opt-in, that
// message.
package pcworx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

const (
	name = "pcworx"
	// Port is the usual one.
	Port = 1962
)

// A frame is its direction, a service, its whole length of two bytes, a sequence number of two, then what the service needs. A session
// is opened by one service, a message to the controller handed over by another, and its answer fetched by a third.
const (
	request    = 0x01
	response   = 0x81
	headerSize = 4
	maxFrame   = 8 << 10

	serviceOpen  = 0x01
	servicePut   = 0x05
	serviceFetch = 0x06

	atSession  = 16 // in the answer to the opening, two bytes
	atQuestion = 18 // in a message that is handed over, its code of two bytes
	atAnswer   = 24 // in one that is fetched

	codeIdentity   = 0x0295
	identityAnswer = 0x8295
)

// The texts of an answer, each ended by a zero byte, stand at these offsets of the frame.
const (
	atType     = 30
	atFirmware = 66
	atDate     = 79
	atTime     = 91
	atOrder    = 152
	answerSize = atOrder + 8
)

// The keys.
const (
	KeyType         discovery.Key = "pcworx.plc-type"      // "ILC 151 ETH"
	KeyOrderNumber  discovery.Key = "pcworx.order-number"  // "2700974"
	KeyFirmware     discovery.Key = "pcworx.firmware"      // "4.41"
	KeyFirmwareDate discovery.Key = "pcworx.firmware-date" // "09/28/15 14:35:01"
)

func keys() []discovery.Key {
	return []discovery.Key{KeyType, KeyOrderNumber, KeyFirmware, KeyFirmwareDate}
}

// Protocol is PC WORX, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "PC WORX (Phoenix Contact)",
		Standard: "not published; by captures, and by what public scanners send and read",
		Hears:    "type, order number and firmware of a controller of Phoenix Contact, when it is asked for them",
		Keys:     keys(),
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}},
		Claims:   isOpening,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:    asker(),
	}
}

// length gives the length of the first frame of a stream, 0 while it is not whole.
func length(b []byte) (int, error) {
	if len(b) > 0 && b[0] != request && b[0] != response {
		return 0, fmt.Errorf("pc worx frame with %#02x at byte 0", b[0])
	}
	if len(b) < headerSize {
		return 0, nil
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case n < headerSize || n > maxFrame:
		return 0, fmt.Errorf("pc worx length %d at byte 2", n)
	case n > len(b):
		return 0, nil
	}
	return n, nil
}

// isOpening recognises a stream by the frame that opens a session: it names the interface to talk to.
func isOpening(first []byte) bool {
	n, err := length(first)
	return err == nil && n > 0 && first[0] == request && first[1] == serviceOpen && bytes.Contains(first[:n], []byte("IBETH"))
}

// is reports whether a frame has this direction and service, and this code at an offset.
func is(b []byte, direction, service byte, at int, code uint16) bool {
	return len(b) >= at+2 && b[0] == direction && b[1] == service && binary.BigEndian.Uint16(b[at:]) == code
}

// conversation reads both sides of a connection.
type conversation struct {
	flow  discovery.Flow
	known bool
	lost  [2]bool // where frames begin is not known any more
	talk  bool    // that it was asked was told
}

// Feed reads one frame.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.lost[side] || gap > 0 {
		c.lost[side] = true
		return len(b), nil
	}
	n, err := length(b)
	if err == nil && len(b) > 0 && (b[0] == request) != (side == discovery.Client) {
		err = fmt.Errorf("pc worx direction %#02x of the other side at byte 0", b[0])
	}
	switch {
	case err != nil && !c.known:
		return len(b), fmt.Errorf("read frame: %w: %w", discovery.ErrNotMine, err)
	case err != nil:
		c.lost[side] = true
		return len(b), fmt.Errorf("read frame: %w", err)
	case n == 0:
		return 0, nil
	}
	c.known = true
	switch frame := b[:n]; {
	case is(frame, request, servicePut, atQuestion, codeIdentity) && !c.talk:
		c.talk = true
		out.Observe(c.flow.Talk(name, side, t, discovery.OpRead))
	case is(frame, response, serviceFetch, atAnswer, identityAnswer):
		facts, err := identity(frame)
		if len(facts) > 0 {
			out.Observe(discovery.Observation{Time: t, Subject: c.flow.Ends[side], Facts: facts})
		}
		return n, err
	}
	return n, nil
}

// identity reads the texts of an answer.
func identity(b []byte) ([]discovery.Fact, error) {
	var out []discovery.Fact
	text := func(at, end int) string {
		r := wire.NewReader(b[min(at, len(b)):])
		value, _, _ := bytes.Cut(r.Bytes(min(end-at, r.Len())), []byte{0})
		return discovery.Text(string(value))
	}
	tell := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" {
			out = append(out, fact)
		}
	}
	tell(KeyType, text(atType, atFirmware))
	tell(KeyFirmware, text(atFirmware, atDate))
	tell(KeyFirmwareDate, text(atDate, atTime)+" "+text(atTime, atTime+9))
	tell(KeyOrderNumber, text(atOrder, answerSize))
	if len(b) < answerSize {
		return out, fmt.Errorf("read identity of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return out, nil
}

var errEcho = errors.New("the question came back")
