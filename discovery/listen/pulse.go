package listen

import (
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// pulse is what was heard of a conversation since it was last given out.
type pulse struct {
	intervals, answers []time.Duration
	repeats, resets    int
}

// repeatAfter is how long after a segment its repetition comes at the earliest: what comes sooner was captured twice, as a
// mirror of both directions does. TCP waits for a second before its first measurement and 200 ms in practice (RFC 6298).
const repeatAfter = 20 * time.Millisecond

// maxPulses bounds the conversations that have a pulse at a time; each has up to two samples of 512 bytes.
const maxPulses = 8192

// Pulses gives how each conversation between two stations has beaten since the last call, in no order. A Listener with
// Options.Pulse must be asked about as often as it is flushed. The slices are the caller's.
func (l *Listener) Pulses(yield func(discovery.Pulse)) {
	open, waiting := map[conversationKey]int{}, map[conversationKey]bool{}
	for e := l.flows.older; e != nil; e = e.prior {
		if f := &e.value; !f.ended && !f.waiting.IsZero() {
			if c := f.conversation.get(); c != nil {
				waiting[c.key] = true
			}
		}
		if f := &e.value; f.transport == discovery.TCP && !f.ended && f.answered {
			if c := f.conversation.get(); c != nil {
				open[c.key]++
			}
		}
	}
	for e := l.conversations.older; e != nil; e = e.prior {
		c := &e.value
		if c.pulse == nil {
			continue
		}
		yield(discovery.Pulse{
			Client: e.key.client.ip(), Server: e.key.server.ip(), Transport: e.key.transport, Port: e.key.port,
			Protocol: l.protocols.name(int(e.key.protocol)), Last: c.rhythm.message,
			Intervals: c.pulse.intervals, Answers: c.pulse.answers, Repeats: c.pulse.repeats, Resets: c.pulse.resets, Open: open[e.key], Waiting: waiting[e.key],
		})
		c.pulse = nil
		l.pulses--
	}
}

// pulseOf is the pulse of a flow's conversation, or nil where none is kept.
func (l *Listener) pulseOf(e *entry[flowKey, flow]) *pulse {
	if !l.options.Pulse || e.value.group {
		return nil
	}
	c := &l.conversationOf(e).value
	if c.pulse == nil {
		if l.pulses >= maxPulses {
			return nil
		}
		c.pulse = new(pulse)
		l.pulses++
	}
	return c.pulse
}

// beat notes how long the server took, what was sent again, and what was broken off. It comes before the rhythm of the client.
func (l *Listener) beat(e *entry[flowKey, flow], p *packet, from int) {
	f := &e.value
	end := &f.ends[from]
	if f.transport == discovery.TCP {
		if p.flags&flagRST != 0 && !f.waiting.IsZero() {
			if b := l.pulseOf(e); b != nil {
				b.resets++
			}
			f.waiting = time.Time{}
		}
		if p.size == 0 {
			return
		}
		if end.moved && int32(p.sequence+uint32(p.size)-end.next) <= 0 {
			// A byte before the next one is a keep-alive (RFC 9293 section 3.8.4).
			if p.size > 1 && l.now.Sub(end.spoke) >= repeatAfter {
				if b := l.pulseOf(e); b != nil {
					b.repeats++
				}
				end.spoke = l.now
			}
			return
		}
	}
	if p.size == 0 {
		return
	}
	end.spoke = l.now
	if from != f.server {
		if f.waiting.IsZero() {
			f.waiting = l.now
		}
		return
	}
	if f.waiting.IsZero() {
		return
	}
	if b := l.pulseOf(e); b != nil && len(b.answers) < discovery.MaxPulse {
		b.answers = append(b.answers, max(l.now.Sub(f.waiting), 0))
	}
	f.waiting = time.Time{}
}

// interval notes the time since the client's message before.
func (l *Listener) interval(e *entry[flowKey, flow], d time.Duration) {
	if b := l.pulseOf(e); b != nil && len(b.intervals) < discovery.MaxPulse {
		b.intervals = append(b.intervals, d)
	}
}
