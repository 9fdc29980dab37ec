// Package listen turns frames into observations: it walks their headers, folds them into conversations, puts streams back
// together, hands them to the protocol that claims them, and learns which addresses there are and which belong together. It
// sends nothing, and holds no socket, file, clock or goroutine: the times are those of the frames.
//
// Written from IEEE 802.3 and 802.1Q (frames and tags), RFC 1042 (SNAP), RFC 791 and 8200 (IP), RFC 9293 (TCP), RFC 768 (UDP),
// and tcpdump.org/linktypes.html for the headers that capturing systems put before a packet.
package listen

import (
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Options make a Listener.
type Options struct {
	Protocols []discovery.Protocol
	// Site, Segment, Sensor and Survey stand on every observation.
	Site, Segment, Sensor, Survey string
	Out                           discovery.Sink
	Limits                        Limits // what is zero is as in DefaultLimits
	// Own are the sensor's own MACs. What they send is no evidence, and what is sent to them is none of the plant's talk: when
	// it answers a question of ours, the pace-keeper reads it.
	Own []discovery.MAC
	// Pulse keeps how conversations beat, for Pulses.
	Pulse bool
}

// Listener takes frames and tells observations. It is used by one goroutine.
type Listener struct {
	options   Options
	limits    Limits
	protocols index
	packet    packet // of the frame at hand
	now       time.Time

	flows         *table[flowKey, flow]
	conversations *table[conversationKey, conversation]
	sessions      *table[sessionKey, session]
	stations      *table[discovery.MAC, station]
	hosts         *table[hostKey, host]
	fragments     fragments
	door          door
	troubles      troubles

	held     int // bytes that wait for what is missing before them, of all streams
	unread   int // bytes that decoders have left unread at most, of all streams
	pulses   int // conversations that have one
	speaker  speaker
	counters Counts
}

// New makes a Listener that tells to o.Out.
func New(o Options) *Listener {
	o.Own = slices.Clone(o.Own)
	limits := o.Limits.orDefault()
	l := &Listener{
		options:       o,
		limits:        limits,
		protocols:     newIndex(o.Protocols),
		flows:         newTable[flowKey, flow](limits.Flows),
		conversations: newTable[conversationKey, conversation](limits.Conversations),
		sessions:      newTable[sessionKey, session](limits.Sessions),
		stations:      newTable[discovery.MAC, station](limits.Stations),
		hosts:         newTable[hostKey, host](limits.Addresses),
		troubles:      newTroubles(limits.Reasons),
	}
	l.fragments.init(limits)
	l.door.init(limits)
	l.flows.gone = l.closeFlow
	l.conversations.gone = func(e *entry[conversationKey, conversation]) {
		if l.tell(e); e.value.grown {
			l.counters.Shed.Untold++
			l.counters.Shed.UntoldPackets += e.value.packets
		}
		if e.value.pulse != nil {
			l.pulses--
		}
	}
	l.sessions.gone = l.closeSession
	l.speaker.listener = l
	return l
}

// Frame takes one frame. It keeps nothing of f.Data without copying it, and allocates nothing for a frame of a flow that is
// known and that no protocol reads.
func (l *Listener) Frame(f *discovery.Frame) {
	l.counters.Frames++
	l.counters.Bytes += uint64(max(f.Length, len(f.Data)))
	l.now = f.Time
	l.walk(f, 0)
}

// walk walks the headers of a frame, which is inside of so many tunnels.
func (l *Listener) walk(f *discovery.Frame, tunnels int) {
	p := &l.packet
	*p = packet{length: max(f.Length, len(f.Data))}
	if !p.link(f) {
		l.counters.Malformed++
		return
	}
	if p.stationed && (slices.Contains(l.options.Own, p.source) || slices.Contains(l.options.Own, p.target)) {
		l.counters.Own++
		return
	}
	switch p.etherType {
	case etherIPv4, etherIPv6:
		if !l.ip(p) || tunnels == maxTunnels {
			return
		}
		if inner, ok := p.tunnelled(); ok {
			l.counters.Tunnelled++
			l.walk(&inner, tunnels+1)
		}
	default:
		l.hear(p)
		l.layer2(p)
	}
}

// ip takes a frame with an IP packet. It reports whether the packet is whole and sound.
func (l *Listener) ip(p *packet) bool {
	if !p.network() {
		l.counters.Malformed++
		l.hear(p)
		return false
	}
	if p.fragmented {
		l.hear(p)
		l.counters.Fragments++
		if !l.fragments.join(p, l.now) {
			return false
		}
	}
	switch p.transport() {
	case ported:
		l.flow(p)
	case portless:
		l.hear(p)
		l.layer3(p)
	case malformed:
		l.counters.Malformed++
		l.hear(p)
		return false
	}
	return true
}

// Flush tells the conversations as far as they have grown since the last Flush, closes flows that have ended or fell silent,
// and gives up waiting for segments that are missing in streams: call it about once a second on a live interface, and at the
// end.
func (l *Listener) Flush() {
	for e := l.flows.older; e != nil; {
		next := e.prior
		f := &e.value
		if f.session.get() != nil {
			l.giveUp(e)
		}
		if f.ended || l.now.Sub(f.last) > idleTime {
			l.flows.drop(e)
		} else {
			l.fold(e)
		}
		e = next
	}
	for e := l.conversations.older; e != nil; e = e.prior {
		l.tell(e)
	}
}

// Counts is what a Listener has seen and shed so far.
type Counts struct {
	Frames, Bytes uint64
	Own           uint64 // frames from and to the sensor itself
	Malformed     uint64 // frames whose headers contradict themselves or are cut short
	Fragments     uint64 // IP fragments
	Tunnelled     uint64 // frames inside of others
	Unknown       uint64 // layer-2 frames of no protocol that is listened to

	Flows, Conversations, Stations, Addresses uint64 // those seen; one that was shed and came back counts again

	Shed Shed
}

// Shed is what did not fit into the limits.
type Shed struct {
	Flows, Conversations, Stations, Addresses uint64 // forgotten early; conversations had been told
	Sessions                                  uint64 // decoders that were closed early
	Segments                                  uint64 // bytes of streams that were given up
	Datagrams                                 uint64 // fragmented datagrams that never became whole

	// Newcomers are addresses of which nothing was told, because more came at once than a plant has, and they did not show that they
	// are real. Untold are the observations and conversations of theirs, with so many packets. One that came again counts again.
	Newcomers, Untold, UntoldPackets uint64
}

// Counts gives the counters. What was heard since the last Flush is not told yet, and counts as untold.
func (l *Listener) Counts() Counts {
	out := l.counters
	out.Shed.Flows = l.flows.shed
	out.Shed.Conversations = l.conversations.shed
	out.Shed.Stations = l.stations.shed
	out.Shed.Addresses = l.hosts.shed
	out.Shed.Sessions += l.sessions.shed
	out.Shed.Datagrams = l.fragments.shed
	out.Shed.Newcomers = l.door.waiting.shed + uint64(len(l.door.waiting.byKey))
	out.Shed.Untold += l.door.lost
	for e := l.conversations.newer; e != nil; e = e.next {
		if e.value.grown {
			out.Shed.Untold++
			out.Shed.UntoldPackets += e.value.packets
		}
	}
	for e := l.door.waiting.newer; e != nil; e = e.next {
		out.Shed.Untold += uint64(len(e.value.pending))
	}
	return out
}
