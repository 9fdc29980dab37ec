package bacnet

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// decoder reads both sides of a conversation. An answer names the object that it is about, so questions need not be remembered.
type decoder struct {
	flow       discovery.Flow
	operations [2]discovery.Operations // told, by the side that asks
	devices    [2]device
	told       told
	assemblies [maxAssemblies]assembly
	oldest     int // the next assembly to be given up
}

// device is the one that was heard first at an end, without a router or forwarder between.
type device struct {
	known    bool
	instance uint32
}

// Feed takes one datagram or frame.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	m := message{decoder: d, side: side, time: t, out: out}
	if err := m.read(b); err != nil {
		return len(b), fmt.Errorf("read bacnet message: %w", err)
	}
	return len(b), nil
}

// message is the one that is being read.
type message struct {
	decoder *decoder
	side    discovery.Side
	time    time.Time
	out     discovery.Sink

	origin netip.Addr // who said it, where the side forwards it
	npdu   npdu
	cut    bool             // the capture has not all of it
	facts  []discovery.Fact // not yet told
	count  int              // of facts
}

func (m *message) read(b []byte) error {
	body, err := b, error(nil)
	switch flow := m.decoder.flow; {
	case flow.Transport != discovery.EtherType:
		var l link
		l, err = parseLink(b)
		if !l.hasNPDU() {
			m.virtualLink(l)
			return err
		}
		m.origin, body = l.origin.Addr(), l.body
	case flow.Ports[discovery.Server] == MSTP:
		body, err = mstpNPDU(b)
		if body == nil {
			return err
		}
	}
	m.cut = err != nil
	if inner := m.network(body); err == nil {
		err = inner
	}
	return err
}

// network reads the NPDU and what it carries.
func (m *message) network(b []byte) error {
	n, err := parseNPDU(b)
	if err != nil {
		return err
	}
	m.npdu = n
	if n.isNetworkMessage() {
		return m.routing()
	}
	a, err := parseAPDU(n.body)
	if err != nil {
		return err
	}
	switch a.kind {
	case confirmedRequest:
		m.operate(m.side, confirmedOperation(a.service))
		return m.notification(a)
	case unconfirmedRequest:
		m.operate(m.side, unconfirmedOperation(a.service))
		return m.announcement(a)
	case simpleAck, complexAck:
		m.operate(m.side.Other(), confirmedOperation(a.service))
		return m.acknowledgement(a)
	}
	return nil
}

// acknowledgement reads an answer, or as much of it as has come.
func (m *message) acknowledgement(a apdu) error {
	if a.kind != complexAck || a.service != readProperty && a.service != readPropertyMultiple {
		return nil
	}
	body, whole := a.body, true
	if a.segmented {
		key := m.digest().number(uint64(a.invoke)).number(uint64(a.service))
		if body, whole = m.decoder.assemble(key, a, m.cut); body == nil {
			return nil
		}
	}
	err := m.answer(a.service, body)
	if !whole && errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // what is missing is to come, or was lost; nobody sent it wrongly
	}
	return err
}

// operate tells an operation once in a conversation. A station of an MS/TP bus is not one of the link, and what goes to all is
// no conversation.
func (m *message) operate(client discovery.Side, op discovery.Operations) {
	d := m.decoder
	onLink := d.flow.Transport == discovery.EtherType
	if op&^d.operations[client] == 0 || onLink && (d.flow.Ports[discovery.Server] == MSTP || d.flow.Ends[discovery.Server].MAC.IsGroup()) {
		return
	}
	d.operations[client] |= op
	m.out.Observe(d.flow.Talk("bacnet", client, m.time, op))
}

// Bounds on what is remembered of a conversation.
const (
	maxAssemblies = 2
	maxAssembled  = 32 << 10 // bytes of one; the properties of a device with a list of 6,000 objects
	maxRemembered = 512      // facts told
)

// assembly is an answer that comes in segments (clause 5.2).
type assembly struct {
	key  digest // 0 when free
	next uint8  // sequence number of the segment that is to come
	body []byte
}

// assemble adds a segment to its answer. It gives the answer so far, since nobody knows whether the rest will be heard, and
// whether it is whole. Segments that are sent again, or that come after a lost one, give nil.
func (d *decoder) assemble(key digest, a apdu, cut bool) (body []byte, whole bool) {
	s := d.assemblyOf(key)
	if a.sequence == 0 && (s == nil || s.next != 0) { // the number may have come round to 0
		if s == nil {
			s = &d.assemblies[d.oldest]
			d.oldest = (d.oldest + 1) % maxAssemblies
		}
		*s = assembly{key: key}
	}
	if s == nil || a.sequence != s.next {
		return nil, false
	}
	room := maxAssembled - len(s.body)
	s.body = append(s.body, a.body[:min(len(a.body), room)]...)
	s.next++
	body = s.body
	whole = !a.more && !cut && len(a.body) <= room
	if !a.more || cut || len(a.body) > room {
		*s = assembly{}
	}
	return body, whole
}

func (d *decoder) assemblyOf(key digest) *assembly {
	for i := range d.assemblies {
		if s := &d.assemblies[i]; s.key == key {
			return s
		}
	}
	return nil
}

// told remembers by their digests which facts were told, so that a device that is asked the same every minute costs nothing.
type told struct{ digests map[digest]struct{} }

// isNew notes a fact, and reports whether it was not noted before.
func (t *told) isNew(of digest) bool {
	if _, known := t.digests[of]; known {
		return false
	}
	if t.digests == nil || len(t.digests) >= maxRemembered {
		t.digests = map[digest]struct{}{} // who has told so much tells it again
	}
	t.digests[of] = struct{}{}
	return true
}

// digest is FNV-1a of 64 bits.
type digest uint64

const emptyDigest digest = 14695981039346656037

func (d digest) byte(b byte) digest { return (d ^ digest(b)) * 1099511628211 }

func (d digest) bytes(b []byte) digest {
	for _, c := range b {
		d = d.byte(c)
	}
	return d.byte(byte(len(b)))
}

func (d digest) number(n uint64) digest {
	for shift := 0; shift < 64; shift += 8 {
		d = d.byte(byte(n >> shift))
	}
	return d
}

// digest is that of the one who said the message.
func (m *message) digest() digest {
	origin := m.origin.As16()
	return emptyDigest.byte(byte(m.side)).bytes(origin[:]).number(uint64(m.npdu.network)).bytes(m.npdu.address)
}
