package listen

import (
	"cmp"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// conversationKey names who talks to whom. The client's port is not part of it: each connection has another.
type conversationKey struct {
	client, server address
	port           uint16
	vlan           uint16
	protocol       int16
	transport      discovery.Transport
}

// conversation is what the flows of one have added up to.
type conversation struct {
	grown          bool // since it was told
	waits          bool // for an end that is not told of yet
	answered       bool
	group          bool
	sure           evidence // of which end is the client; kept for talks between stations alone
	operations     discovery.Operations
	packets, bytes uint64 // since it was told
	first, last    time.Time
	rhythm         rhythm
	pulse          *pulse // nil: nothing since it was given out
}

// conversationOf finds the conversation of a flow, or begins it.
func (l *Listener) conversationOf(e *entry[flowKey, flow]) *entry[conversationKey, conversation] {
	f := &e.value
	if c := f.conversation.get(); c != nil && int(c.key.protocol) == f.protocol {
		return c
	}
	key := conversationKey{
		client: e.key.ends[1-f.server], server: e.key.ends[f.server], port: e.key.ports[f.server],
		vlan: f.vlan, protocol: int16(f.protocol), transport: f.transport,
	}
	c := l.conversations.find(key)
	if c == nil && f.protocol == none {
		// A connection that has carried no data yet belongs to what is usually spoken there.
		for _, candidate := range l.protocols.at(f.transport, key.port) {
			usual := key
			usual.protocol = int16(candidate)
			if c = l.conversations.find(usual); c != nil {
				return c // not kept: data may still show otherwise
			}
		}
	}
	if c == nil {
		c = l.conversations.add(key)
		c.value.first, c.value.last = f.first, f.last
		l.counters.Conversations++
	}
	f.conversation = c.ref()
	return c
}

// grow adds what a flow has counted.
func (c *conversation) grow(f *flow) {
	c.grown = true
	c.answered = c.answered || f.answered
	c.group = c.group || f.group
	c.packets += f.packets
	c.bytes += f.bytes
	if f.first.Before(c.first) {
		c.first = f.first
	}
	if f.last.After(c.last) {
		c.last = f.last
	}
}

// rhythm notes when a message of the client begins.
func (l *Listener) rhythm(e *entry[flowKey, flow], p *packet, from int) {
	f := &e.value
	if f.transport == discovery.TCP {
		end := &f.ends[from]
		if end.moved && int32(p.sequence+uint32(p.size)-end.next) <= 0 {
			return // a repetition, a keep-alive, or a frame that was captured twice
		}
		// A message of several segments is pushed with the last one. Short segments are whole messages: some stacks never push.
		goesOn := f.open
		f.open = p.flags&flagPSH == 0 && p.size >= 512
		if goesOn {
			return
		}
	}
	c := l.conversationOf(e)
	before := f.message
	if before.IsZero() {
		before = c.value.rhythm.message // of an earlier connection
	}
	if !before.IsZero() && !l.now.Before(before) {
		l.interval(e, l.now.Sub(before))
	}
	c.value.rhythm.note(before, l.now)
	f.message = l.now
}

// tell gives a conversation out, as far as it has grown.
func (l *Listener) tell(e *entry[conversationKey, conversation]) {
	c := &e.value
	if !c.grown {
		return
	}
	client, server := l.subject(e.key.client, e.key.vlan), l.subject(e.key.server, e.key.vlan)
	if c.group {
		server.MAC = discovery.MAC{}
	}
	if server.IsZero() { // 0.0.0.0 is nobody
		c.grown = false
		return
	}
	for _, end := range [...]discovery.Subject{client, server} {
		if missing, ok := l.knows(end); !ok {
			if !c.waits {
				c.waits = true
				l.door.wait(missing, discovery.Observation{}, l.now)
			}
			return
		}
	}
	c.grown = false
	median, frequency := c.rhythm.class()
	about, protocol := "ip", l.protocols.name(int(e.key.protocol))
	if e.key.transport == discovery.EtherType {
		about, protocol = "ethernet", cmp.Or(protocol, etherName(e.key.port))
	}
	l.emit(discovery.Observation{
		Time: c.last, Protocol: about, Subject: client,
		Talks: []discovery.Conversation{{
			Client: client, Server: server, Transport: e.key.transport, Port: e.key.port,
			Protocol: protocol, Operations: c.operations,
			Packets: c.packets, Bytes: c.bytes, Answered: c.answered, First: c.first, Last: c.last,
			MedianInterval: median, Frequency: frequency,
		}},
	})
	c.packets, c.bytes = 0, 0
}

// rhythm is how often the client speaks: a sample of the intervals between its messages.
type rhythm struct {
	messages       uint32
	first, message time.Time // the first and the last one
	intervals      []float32 // seconds, at most samples of them
	random         uint32
}

// note adds a message, and the interval since the one before. When the sample is full, each interval ever seen has the same
// chance to be in it (Vitter's algorithm R, with a generator that gives the same for the same frames).
func (r *rhythm) note(before, now time.Time) {
	r.messages++
	if r.first.IsZero() {
		r.first = now
	}
	r.message = now
	if before.IsZero() || now.Before(before) {
		return
	}
	interval := float32(now.Sub(before).Seconds())
	if len(r.intervals) < samples {
		if r.intervals == nil {
			r.intervals = make([]float32, 0, samples)
		}
		r.intervals = append(r.intervals, interval)
		return
	}
	r.random = r.random*1664525 + 1013904223 // Numerical Recipes, section 7.1
	if at := uint64(r.random) * uint64(r.messages) >> 32; at < samples {
		r.intervals[at] = interval
	}
}

// The bounds of the classes.
const (
	cyclicPeriod = 10 * time.Second // regular and slower is "periodic"
	burst        = 10 * time.Second // irregular and over sooner is "one-off"
	regularFrom  = 4                // intervals that show a period
	spread       = 0.5              // of the middle half of the intervals, over their median, that still counts as regular
)

// class gives the median interval and the frequency. A client that asks several things in a row each cycle is cyclic too: the
// short intervals inside such a burst, less than a tenth of the long ones, do not count for the regularity.
func (r *rhythm) class() (time.Duration, string) {
	if len(r.intervals) == 0 {
		return 0, "one-off"
	}
	sorted := slices.Clone(r.intervals)
	slices.Sort(sorted)
	median := time.Duration(float64(sorted[len(sorted)/2]) * float64(time.Second))
	long := sorted[len(sorted)*9/10] / 10
	from, _ := slices.BinarySearch(sorted, long)
	pauses := sorted[from:]
	if n := len(pauses); n >= regularFrom {
		period := pauses[n/2]
		if pauses[n*3/4]-pauses[n/4] <= spread*period {
			if time.Duration(float64(period)*float64(time.Second)) <= cyclicPeriod {
				return median, "cyclic"
			}
			return median, "periodic"
		}
	}
	if r.message.Sub(r.first) <= burst {
		return median, "one-off"
	}
	return median, "sporadic"
}
