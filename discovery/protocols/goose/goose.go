// Package goose hears GOOSE, by which protection relays and bay controllers of IEC 61850 tell each other events on the station bus: which
// devices publish, and under which control blocks.
//
// Standard: IEC 61850-8-1:2011 (annex C frame, annex A.1 PDU). EtherType 88b8, to multicast addresses.
//
// Heard: the references of control block, data set and id that a publisher sends along. Its values and counters are never kept. It is
// never asked: the protocol has no questions.
package goose

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

const (
	name = "goose"
	// EtherType is the one of GOOSE (IEC 61850-8-1 clause C.2).
	EtherType = 0x88b8
)

// A frame is an application id, the length of all from there on, two reserved fields, each of two bytes, and the PDU in BER.
const (
	headerSize = 8
	pdu        = 0x61
	maxName    = 129 // of a reference, in bytes (IEC 61850-7-2 clause 6.1.1.2)
)

// Fields of the PDU, by their tags.
const (
	tagControlBlock = 0x80
	tagDataSet      = 0x82
	tagID           = 0x83
)

// The keys.
const (
	KeyControlBlock discovery.Key = "goose.control-block" // "GEDeviceF650/LLN0$GO$gcb01"
	KeyDataSet      discovery.Key = "goose.data-set"
	KeyID           discovery.Key = "goose.id"
	KeyAppID        discovery.Key = "goose.app-id" // "0x0001"
)

// Protocol is GOOSE. It is only heard.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "GOOSE (IEC 61850)",
		Standard: "IEC 61850-8-1:2011",
		Hears:    "which devices publish events on a station bus, and under which control blocks, data sets and ids",
		Keys:     []discovery.Key{KeyControlBlock, KeyDataSet, KeyID, KeyAppID},
		Ports:    []discovery.Port{{Transport: discovery.EtherType, Number: EtherType}},
		Decode:   func(f discovery.Flow) discovery.Decoder { return &publisher{flow: f} },
	}
}

// publisher reads the frames of one station to one address. It repeats its messages, every few milliseconds after an event.
type publisher struct {
	flow discovery.Flow
	last [maxBlocks][]byte // what was told: application id and the references
	next int
}

// maxBlocks bounds the control blocks that a station publishes to one address, as far as they are remembered.
const maxBlocks = 8

// Feed reads one frame.
func (p *publisher) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	r := wire.NewReader(b)
	id := r.Uint16()
	length := int(r.Uint16())
	r.Skip(4)
	tag := r.Uint8()
	content := r.Sub(berLength(&r))
	switch {
	case r.Err() != nil || length > len(b):
		return len(b), fmt.Errorf("read goose frame of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	case tag != pdu:
		return len(b), fmt.Errorf("goose pdu %#02x at byte %d", tag, headerSize)
	}
	var fields [3][]byte
	for content.Len() > 0 {
		tag := content.Uint8()
		value := content.Bytes(berLength(&content))
		if content.Err() != nil {
			return len(b), fmt.Errorf("read goose pdu of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
		switch tag {
		case tagControlBlock:
			fields[0] = value
		case tagDataSet:
			fields[1] = value
		case tagID:
			fields[2] = value
		}
		if tag > tagID {
			break // the rest changes all the time
		}
	}
	if p.told(id, fields) {
		return len(b), nil
	}
	facts := []discovery.Fact{discovery.NewFact(KeyAppID, fmt.Sprintf("0x%04x", id))}
	for i, key := range []discovery.Key{KeyControlBlock, KeyDataSet, KeyID} {
		if fact := discovery.NewFact(key, string(fields[i][:min(len(fields[i]), maxName)])); fact.Value != "" {
			facts = append(facts, fact)
		}
	}
	out.Observe(discovery.Observation{Time: t, Subject: p.flow.Ends[side], Facts: facts})
	return len(b), nil
}

// told reports whether this was told already, and remembers it. Of a repeated message, nothing is allocated.
func (p *publisher) told(id uint16, fields [3][]byte) bool {
	var buffer [2 + 3*(maxName+1)]byte
	sum := binary.BigEndian.AppendUint16(buffer[:0], id)
	for _, field := range fields {
		sum = append(append(sum, field[:min(len(field), maxName)]...), 0)
	}
	for _, one := range p.last {
		if bytes.Equal(one, sum) {
			return true
		}
	}
	p.last[p.next] = bytes.Clone(sum)
	p.next = (p.next + 1) % maxBlocks
	return false
}

// berLength reads a length in the definite form of up to two bytes more (X.690 clause 8.1.3); -1, which no read accepts, for another.
func berLength(r *wire.Reader) int {
	switch n := r.Uint8(); {
	case n < 0x80:
		return int(n)
	case n == 0x81:
		return int(r.Uint8())
	case n == 0x82:
		return int(r.Uint16())
	}
	return -1
}
