// Package knx hears and asks KNXnet/IP, by which routers and interfaces join the KNX lines of buildings to the network: name, serial
// number, maker and line address of the device, and whether clients read or write over it.
//
// Standard: ISO 22510:2019, EN 50090-6-2 (KNXnet/IP: core 3/8/2, tunnelling 3/8/4). Port: UDP 3671.
//
// Heard: search and description responses, and what clients send through a tunnel: its kind, never its value. Asked: by opt-in, a
// description, which opens nothing.
package knx

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

const (
	name = "knx"
	// Port is the registered one.
	Port = 3671
)

// A message is a header of 6 bytes, size 06, version 10, service, length of the whole in two bytes, and a body.
const (
	headerSize = 6
	version    = 0x10
)

// Services (core 3/8/2 clause 7, tunnelling 3/8/4 clause 4).
const (
	searchResponse      = 0x0202
	descriptionRequest  = 0x0203
	descriptionResponse = 0x0204
	searchExtended      = 0x020c // response
	configure           = 0x0310 // device management
	tunnel              = 0x0420
)

// Blocks of a description (core 3/8/2 clause 7.5.4). Each begins with its length and type.
const (
	blockDevice   = 0x01
	blockServices = 0x02
	deviceSize    = 54
)

// Message is one datagram.
type Message struct {
	Service uint16
	Body    []byte
}

// parse reads the header.
func parse(b []byte) (Message, error) {
	if len(b) < headerSize {
		return Message{}, fmt.Errorf("read knx message of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	if b[0] != headerSize || b[1] != version {
		return Message{}, fmt.Errorf("knx header % x at byte 0: %w", b[:2], discovery.ErrNotMine)
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	switch {
	case n < headerSize:
		return Message{}, fmt.Errorf("knx length %d at byte 4", n)
	case n > len(b):
		return Message{}, fmt.Errorf("read knx message of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return Message{Service: binary.BigEndian.Uint16(b[2:]), Body: b[headerSize:n]}, nil
}

// claims recognises a message on any port: its length is that of the datagram, and its service one of those that are read.
func claims(first []byte) bool {
	m, err := parse(first)
	if err != nil || headerSize+len(m.Body) != len(first) {
		return false
	}
	switch m.Service {
	case searchResponse, searchExtended, descriptionRequest, descriptionResponse:
		return true
	}
	return false
}

// The keys, by the fields of the device information.
const (
	KeyName         discovery.Key = "knx.friendly-name"
	KeySerial       discovery.Key = "knx.serial-number"      // "0083:1a2b3c4d"; its first half is the maker's
	KeyManufacturer discovery.Key = "knx.manufacturer-id"    // "0x0083"
	KeyAddress      discovery.Key = "knx.individual-address" // "1.1.0"
	KeyMAC          discovery.Key = "knx.mac-address"
	KeyMedium       discovery.Key = "knx.medium"           // "TP1"
	KeyServices     discovery.Key = "knx.service-families" // "core 1, tunnelling 1"
)

func keys() []discovery.Key {
	return []discovery.Key{KeyName, KeySerial, KeyManufacturer, KeyAddress, KeyMAC, KeyMedium, KeyServices}
}

// Protocol is KNXnet/IP, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "KNXnet/IP",
		Standard: "ISO 22510:2019, EN 50090-6-2",
		Hears:    "name, serial number, maker and line address of KNX routers and interfaces, and whether clients read, write or configure over them",
		Keys:     keys(),
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker: &discovery.Asker{
			Transport: discovery.UDP,
			Port:      Port,
			Requests: []discovery.Request{{
				Name: "describe", Safety: discovery.SafetyC, Max: 1, Yields: keys(), Effect: "none: reads constants from memory; no connection is opened",
				Template: discovery.MustTemplate("0610 0203 000e 0801 00000000 0000"),
			}},
			Ask: ask,
		},
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, serial := s.Known(KeySerial)
	if _, name := s.Known(KeyName); serial && name {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by knx: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, nil)
	defer d.Close()
	// The answer goes back to where the question came from: the endpoint in it is none.
	b, err := d.Ask([]byte{headerSize, version, descriptionRequest >> 8, descriptionRequest & 0xff, 0, 14, 8, 1, 0, 0, 0, 0, 0, 0})
	if err != nil {
		return fmt.Errorf("ask %s by knx: %w", t.Subject, err)
	}
	if m, err := parse(b); err != nil || m.Service != descriptionResponse {
		return fmt.Errorf("ask %s by knx: %w: no description in %d bytes", t.Subject, discovery.ErrNotUnderstood, len(b))
	}
	return nil
}

// conversation reads both sides.
type conversation struct {
	flow discovery.Flow
	said [2]once.Memory
	told discovery.Operations
}

// Feed reads a datagram.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	m, err := parse(b)
	if err != nil {
		return len(b), err
	}
	blocks := m.Body
	switch m.Service {
	case searchResponse, searchExtended:
		const endpoint = 8 // where it is controlled, before the blocks
		if len(blocks) < endpoint {
			return len(b), fmt.Errorf("read knx search response of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
		blocks = blocks[endpoint:]
	case descriptionResponse:
	case tunnel, configure:
		c.talk(side, t, operation(m), out)
		return len(b), nil
	default:
		return len(b), nil
	}
	facts, err := description(blocks)
	c.said[side].Tell(out, discovery.Observation{Time: t, Subject: c.flow.Ends[side], Facts: facts})
	return len(b), err
}

// description reads the blocks of one.
func description(b []byte) (facts []discovery.Fact, err error) {
	tell := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" {
			facts = append(facts, fact)
		}
	}
	for r := wire.NewReader(b); r.Len() > 0; {
		at := r.Offset()
		n := int(r.Uint8())
		block := r.Sub(n - 1)
		kind := block.Uint8()
		if block.Err() != nil {
			return facts, fmt.Errorf("read knx block at byte %d: %w", at, io.ErrUnexpectedEOF)
		}
		switch kind {
		case blockDevice:
			if n < deviceSize {
				return facts, fmt.Errorf("knx device information of %d bytes at byte %d", n, at)
			}
			medium := block.Uint8()
			block.Skip(1) // programming mode
			address := block.Uint16()
			block.Skip(2) // project and installation
			serial := block.Bytes(6)
			block.Skip(4) // multicast group
			mac := discovery.MAC(block.Bytes(6))
			text, _, _ := bytes.Cut(block.Bytes(30), []byte{0})
			tell(KeyName, string(text))
			if !bytes.Equal(serial, make([]byte, len(serial))) {
				tell(KeySerial, fmt.Sprintf("%x:%x", serial[:2], serial[2:]))
				tell(KeyManufacturer, fmt.Sprintf("0x%x", serial[:2]))
			}
			tell(KeyAddress, fmt.Sprintf("%d.%d.%d", address>>12, address>>8&0xf, address&0xff))
			if !mac.IsZero() {
				tell(KeyMAC, mac.String())
			}
			tell(KeyMedium, map[uint8]string{0x02: "TP1", 0x04: "PL110", 0x10: "RF", 0x20: "IP"}[medium])
		case blockServices:
			list := ""
			for block.Len() >= 2 {
				family, of := block.Uint8(), block.Uint8()
				if word := families(family); word != "" && len(list) < 200 {
					list += fmt.Sprintf(", %s %d", word, of)
				}
			}
			tell(KeyServices, string(bytes.TrimPrefix([]byte(list), []byte(", "))))
		}
	}
	return facts, nil
}

// families are those of services (core 3/8/2 clause 7.5.4.3).
func families(family uint8) string {
	return map[uint8]string{
		2: "core", 3: "device management", 4: "tunnelling", 5: "routing", 6: "remote logging", 7: "remote configuration", 8: "object server", 9: "secure",
	}[family]
}

// operation is what a client sends through a tunnel or to the device itself: the kind of the group telegram in a frame of cEMI (3/6/3
// clause 4.1.5), behind a connection header of 4 bytes.
func operation(m Message) discovery.Operations {
	r := wire.NewReader(m.Body)
	r.Skip(4)
	code := r.Uint8()
	if m.Service == configure {
		return map[uint8]discovery.Operations{0xfc: discovery.OpRead, 0xf6: discovery.OpWrite, 0xf1: discovery.OpControl}[code] // properties, reset
	}
	const request = 0x11 // L_Data.req
	r.Skip(int(r.Uint8()) + 2 + 4 + 1)
	application := r.Uint16() & 0x03ff
	if r.Err() != nil || code != request {
		return 0
	}
	switch application >> 6 {
	case 0: // group value read
		return discovery.OpRead
	case 2: // group value write
		return discovery.OpWrite
	}
	return 0
}

// talk tells an operation once in a conversation.
func (c *conversation) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^c.told == 0 {
		return
	}
	c.told |= op
	out.Observe(c.flow.Talk(name, client, t, op))
}
