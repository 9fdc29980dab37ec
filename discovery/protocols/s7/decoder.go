package s7

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
)

// Bounds on what is remembered of a conversation.
const (
	maxList = 16 << 10 // bytes of a list that comes in parts
	maxTold = 64       // lists and facts that are not told again
	maxPlus = 8        // answers of S7comm-plus that are searched for an identity
)

// decoder reads both sides of one connection. Nothing is allocated for reads and writes of variables.
type decoder struct {
	flow      discovery.Flow
	transport cotp.Reassembler
	known     bool           // a message was read
	hidden    bool           // what follows is encrypted
	settled   bool           // a message told who is who
	client    discovery.Side // once settled
	place     place
	placed    bool   // place is known
	route     string // the CPU is in another subnet
	told      discovery.Operations
	said      []uint64 // hashes of the lists and facts that were told
	parts     parts
	plus      int // answers of S7comm-plus that were searched
}

// parts is a list whose last part has not come.
type parts struct {
	unit, sequence uint8
	list           []byte
}

// Feed reads one packet.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if gap > 0 {
		d.parts.list = d.parts.list[:0]
	}
	n, tpdu, err := d.transport.Feed(side, b, gap)
	if err != nil {
		return n, err
	}
	switch tpdu.Kind {
	case cotp.ConnectRequest:
		d.settle(side)
		d.called(tpdu.CalledTSAP)
	case cotp.ConnectConfirm:
		d.settle(side.Other())
		if !d.placed && d.route == "" {
			d.confirmed(tpdu)
		}
	case cotp.Data:
		if len(tpdu.Data) > 0 {
			return n, d.message(side, t, tpdu, out)
		}
	}
	return n, nil
}

// settle notes who is the client. A listener that came late may have taken the server for it.
func (d *decoder) settle(client discovery.Side) {
	if !d.settled {
		d.settled, d.client = true, client
	}
}

// called notes what the client wants to be connected to.
func (d *decoder) called(tsap []byte) {
	d.place, d.placed = parsePlace(tsap)
	d.route = routeOf(tsap)
}

// confirmed notes what a connection leads to whose request was not heard. Some servers turn the two selectors round, so it is only
// known where they agree, or one is none of a place.
func (d *decoder) confirmed(tpdu cotp.TPDU) {
	called, isPlace := parsePlace(tpdu.CalledTSAP)
	calling, mayBe := parsePlace(tpdu.CallingTSAP)
	switch {
	case isPlace && (!mayBe || calling == called):
		d.called(tpdu.CalledTSAP)
	case mayBe && !isPlace:
		d.called(tpdu.CallingTSAP)
	}
}

// message reads one message of either generation.
func (d *decoder) message(side discovery.Side, t time.Time, tpdu cotp.TPDU, out discovery.Sink) error {
	b := tpdu.Data
	switch {
	case d.hidden:
		return nil
	case b[0] == protocolPlus:
		d.known = true
		d.plusMessage(side, t, b, out)
		return nil
	case b[0] != protocolS7 && tpdu.Torn:
		return nil // the end of a message
	case d.known && isTLS(b):
		d.hidden = true
		return nil
	case b[0] != protocolS7 && d.known:
		return fmt.Errorf("read message: protocol id %#02x at byte 0", b[0])
	case b[0] != protocolS7:
		return fmt.Errorf("read message: protocol id %#02x: %w", b[0], discovery.ErrNotMine)
	}
	m, err := parse(b)
	if err != nil {
		if tpdu.Torn {
			return nil
		}
		return err
	}
	d.known = true
	if m.Kind == Userdata {
		return d.service(side, t, m, out)
	}
	f := m.function()
	switch {
	case m.Kind == Job && f.byClient():
		d.settle(side)
	case m.Kind == AckData && f.byClient():
		d.settle(side.Other())
	}
	d.talk(t, f.operation(), out)
	if f == setup && m.Kind == AckData && m.Error == 0 && d.placed {
		d.observe(side, t, []discovery.Fact{discovery.NewFact(KeyRackSlot, d.place.String())}, out)
	}
	return nil
}

// service reads an extended service: the answers with system status lists are what tells.
func (d *decoder) service(side discovery.Side, t time.Time, m Message, out discovery.Sink) error {
	s, err := parseService(m)
	if err != nil {
		return err
	}
	switch s.Type {
	case serviceRequest:
		d.settle(side)
	case serviceAnswer:
		d.settle(side.Other())
	default:
		return nil
	}
	d.talk(t, s.operation(), out)
	if s.Type != serviceAnswer || s.Group != groupCPU || s.Subfunction != subReadSZL || s.Error != 0 || len(s.Payload) == 0 {
		return nil
	}
	payload, err := d.join(s)
	if len(payload) == 0 {
		return err
	}
	return d.list(side, t, payload, out)
}

// join puts a list together from its parts. It gives nothing while there are more, and for a list that tells nothing.
func (d *decoder) join(s Service) ([]byte, error) {
	p := &d.parts
	continued := len(p.list) > 0 && p.unit == s.Unit && p.sequence == s.Sequence
	if !continued {
		p.list = p.list[:0]
		if !s.More {
			return s.Payload, nil
		}
		if l, ok := parseList(s.Payload); !ok || !l.names() {
			return nil, nil
		}
		p.unit, p.sequence = s.Unit, s.Sequence
	}
	if len(p.list)+len(s.Payload) > maxList {
		p.list = nil
		return nil, fmt.Errorf("join SZL: longer than %d bytes", maxList)
	}
	p.list = append(p.list, s.Payload...)
	if s.More {
		return nil, nil
	}
	whole := p.list
	p.list = p.list[:0]
	return whole, nil
}

// list tells what a list says, once.
func (d *decoder) list(side discovery.Side, t time.Time, payload []byte, out discovery.Sink) error {
	l, ok := parseList(payload)
	if !ok || !l.names() || !d.isNew(payload) {
		return nil
	}
	facts, err := l.facts()
	d.observe(side, t, facts, out)
	return err
}

// isNew reports whether something was not told yet. The oldest of many is forgotten.
func (d *decoder) isNew(text []byte) bool {
	hash := fnv.New64a()
	_, _ = hash.Write(text) // never fails
	sum := hash.Sum64()
	if slices.Contains(d.said, sum) {
		return false
	}
	if len(d.said) == maxTold {
		d.said = slices.Delete(d.said, 0, 1)
	}
	d.said = append(d.said, sum)
	return true
}

// plusMessage reads a message of S7comm-plus.
func (d *decoder) plusMessage(side discovery.Side, t time.Time, b []byte, out discovery.Sink) {
	opcode, function := plusFunction(b)
	switch opcode {
	case plusRequest:
		d.settle(side)
	case plusAnswer:
		d.settle(side.Other())
	}
	d.talk(t, plusOperation(function), out)
	if opcode != plusAnswer || function != plusCreateObject || d.plus >= maxPlus {
		return
	}
	d.plus++
	d.observe(side, t, plusIdentity(b), out)
}

// observe tells facts about the CPU that a side stands for, each once.
func (d *decoder) observe(side discovery.Side, t time.Time, facts []discovery.Fact, out discovery.Sink) {
	facts = slices.DeleteFunc(facts, func(f discovery.Fact) bool { return !d.isNew([]byte(string(f.Key) + "=" + f.Value)) })
	if len(facts) == 0 {
		return
	}
	about := d.flow.Ends[side]
	if d.route != "" {
		about = about.At(pathRoute, d.route)
	}
	out.Observe(discovery.Observation{Time: t, Subject: about, Facts: facts})
}

// talk tells an operation once in a conversation.
func (d *decoder) talk(t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^d.told == 0 {
		return
	}
	d.told |= op
	out.Observe(d.flow.Talk(name, d.client, t, op))
}
