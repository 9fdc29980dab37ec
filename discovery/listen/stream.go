package listen

import (
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// half is one direction of a TCP connection that is being put in order (RFC 9293 section 3.4: sequence numbers wrap, so they
// are compared by their difference).
type half struct {
	began    bool
	next     uint32 // sequence number of the next byte to deliver
	gap      int    // bytes lost before it
	acked    uint32 // the other side has acknowledged up to here
	hasAck   bool
	segments []segment // later ones, in order; they may overlap
	held     int       // bytes of them
}

type segment struct {
	sequence uint32
	size     int // on the wire; more than the data when the capture cut the frame short
	data     []byte
}

// unknownLoss is told as the gap before the first bytes of a connection that was joined in its middle: what came before is not
// known, and the decoder must look for the next message.
const unknownLoss = 1

func (h *half) begin(next uint32) { h.began, h.next = true, next }

// segment puts a TCP segment in its place and delivers what is in order. It reports false when the protocol disowns it.
func (l *Listener) segment(s *session, side discovery.Side, p *packet) bool {
	h := &s.halves[side]
	mine := true
	if p.flags&flagACK != 0 {
		mine = l.acknowledge(s, side.Other(), p.ack)
	}
	sequence := p.sequence
	if p.flags&flagSYN != 0 {
		sequence++ // the SYN counts as a byte
		if !h.began {
			h.begin(sequence)
		}
	}
	if p.size == 0 || !mine {
		return mine
	}
	if !h.began {
		h.begin(sequence)
		h.gap = unknownLoss
	}
	g := segment{sequence, p.size, p.payload}
	ahead := int32(sequence - h.next)
	switch {
	case ahead > maxJump || ahead < -maxJump:
		h.restart(l, sequence)
		return l.deliver(s, side, g)
	case ahead <= 0:
		if !l.deliver(s, side, g) {
			return false
		}
		return l.drain(s, side, false)
	}
	l.hold(h, g)
	tooMuch := h.held > l.limits.HeldPerStream || len(h.segments) > maxSegments || l.held > l.limits.Held
	return l.drain(s, side, tooMuch)
}

// acknowledge notes what one side has of the other's bytes: what it has and we have not will not come again.
func (l *Listener) acknowledge(s *session, side discovery.Side, ack uint32) bool {
	h := &s.halves[side]
	if h.hasAck && int32(ack-h.acked) <= 0 {
		return true
	}
	h.acked, h.hasAck = ack, true
	if len(h.segments) == 0 {
		return true
	}
	return l.drain(s, side, false)
}

// hold keeps a copy of a segment that came before its turn.
func (l *Listener) hold(h *half, g segment) {
	at, found := slices.BinarySearchFunc(h.segments, g.sequence, func(have segment, sequence uint32) int {
		return int(int32(have.sequence - sequence))
	})
	if found {
		if h.segments[at].size >= g.size {
			return // the same once more
		}
		h.held -= len(h.segments[at].data)
		l.held -= len(h.segments[at].data)
		h.segments = slices.Delete(h.segments, at, at+1)
	}
	g.data = slices.Clone(g.data)
	h.segments = slices.Insert(h.segments, at, g)
	h.held += len(g.data)
	l.held += len(g.data)
}

// drain delivers the segments that are in order now. It passes a hole when the other side has acknowledged the bytes in it, or
// when all is to go.
func (l *Listener) drain(s *session, side discovery.Side, all bool) bool {
	h := &s.halves[side]
	for len(h.segments) > 0 {
		g := h.segments[0]
		if hole := int32(g.sequence - h.next); hole > 0 {
			if !all && (!h.hasAck || int32(h.acked-g.sequence) < 0) {
				break
			}
			h.gap += int(hole)
			l.counters.Shed.Segments += uint64(hole)
			h.next = g.sequence
		}
		h.segments = slices.Delete(h.segments, 0, 1)
		h.held -= len(g.data)
		l.held -= len(g.data)
		if !l.deliver(s, side, g) {
			return false
		}
	}
	return true
}

// restart forgets what was held: the numbers have nothing to do with those before.
func (h *half) restart(l *Listener, next uint32) {
	l.held -= h.held
	h.segments, h.held = nil, 0
	h.gap += unknownLoss
	h.next = next
	h.hasAck = false
}

// deliver gives the new part of a segment, which begins at or before the next byte, to the decoder.
func (l *Listener) deliver(s *session, side discovery.Side, g segment) bool {
	h := &s.halves[side]
	old := int(h.next - g.sequence)
	if old >= g.size {
		return true // a repetition
	}
	data := g.data[min(old, len(g.data)):]
	h.next = g.sequence + uint32(g.size)
	gap := h.gap
	h.gap = g.size - len(g.data) // cut off by the capture
	if len(data) == 0 {
		h.gap = gap + g.size - old
		return true
	}
	l.speaker.session, l.speaker.side = s, side
	return s.stream.Feed(side, l.now, data, gap, &l.speaker, s.problem)
}

// giveUp delivers all that a flow's streams hold back, whatever is missing before it.
func (l *Listener) giveUp(e *entry[flowKey, flow]) {
	f := &e.value
	entry := f.session.get()
	if entry == nil || f.transport != discovery.TCP {
		return
	}
	s := &entry.value
	if !l.drain(s, discovery.Client, true) || !l.drain(s, discovery.Server, true) || s.decoder.broken {
		l.sessions.drop(entry)
		f.session = ref[sessionKey, session]{}
		f.refused = true
	}
}
