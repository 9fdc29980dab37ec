package listen

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// sessionKey names what has a decoder: a flow, or what a station sends without ports: its frames of one EtherType and protocol
// (to one other station, where the EtherType is one that stations talk over), or its packets of one address, IP protocol and
// protocol.
type sessionKey struct {
	flow     flowKey
	source   discovery.MAC
	target   discovery.MAC
	address  address
	number   uint16 // the EtherType or the IP protocol
	vlan     uint16
	protocol int16
}

// session is a conversation that a protocol reads.
type session struct {
	protocol  int
	transport discovery.Transport
	decoder   *guard
	stream    discovery.Stream // TCP
	halves    [2]half          // TCP, by Side
	problem   func(error)

	ends   [2]address
	macs   [2]discovery.MAC // of the stations, where there are no ports
	port   uint16           // the server's, the EtherType, or the IP protocol
	vlan   uint16
	group  bool
	flow   ref[flowKey, flow]
	unread [2]int // the most that the decoder has left unread of each side: its buffers stay that large
}

// guard is the decoder of a session. A panic in it becomes an error and ends the session: one bad frame never ends a run.
type guard struct {
	decoder discovery.Decoder
	broken  bool
	left    [2]int // bytes that were left unread by the last call
}

// errPanic is what a panic of a decoder becomes.
type errPanic struct{ cause any }

func (e errPanic) Error() string { return fmt.Sprintf("panic: %v", e.cause) }

func (g *guard) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (n int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			g.broken = true
			n, err = len(b), errPanic{cause}
		}
	}()
	if g.broken {
		return len(b), nil
	}
	n, err = g.decoder.Feed(side, t, b, gap, out)
	g.left[side] = len(b) - min(max(n, 0), len(b))
	return n, err
}

// decode makes a guarded decoder, or nil when even that panics.
func (l *Listener) decode(s *session, flow discovery.Flow) (g *guard) {
	defer func() {
		if cause := recover(); cause != nil {
			l.trouble(s, errPanic{cause})
			g = nil
		}
	}()
	return &guard{decoder: l.protocols.protocols[s.protocol].Decode(flow)}
}

// claims asks a protocol whether the bytes are its own.
func (l *Listener) claims(protocol int, first []byte) (does bool) {
	defer func() {
		if cause := recover(); cause != nil {
			l.troubles.add(l.protocols.name(protocol), errPanic{cause}.Error(), "while it looked at first bytes")
			does = false
		}
	}()
	return l.protocols.protocols[protocol].Claims(first)
}

// read gives a packet to the protocol that reads its flow, or looks for one.
func (l *Listener) read(e *entry[flowKey, flow], p *packet, from int) {
	f := &e.value
	s := f.session.get()
	if s == nil && f.session.entry != nil { // it was shed
		f.session = ref[sessionKey, session]{}
	}
	if s != nil {
		if l.feed(e, s, p, from) || f.refused {
			return
		}
	}
	for len(p.payload) > 0 && !f.refused {
		protocol := l.claim(f, e.key, p, from)
		if protocol == none {
			return
		}
		s := l.begin(e, protocol)
		if s == nil {
			f.refused = true
			return
		}
		if l.feed(e, s, p, from) {
			return
		}
	}
}

// claim picks the protocol that is to read a flow: one that lists its port, else one that recognises the first bytes.
func (l *Listener) claim(f *flow, key flowKey, p *packet, from int) int {
	listed := l.protocols.at(f.transport, key.ports[f.server])
	if len(listed) == 0 {
		listed = l.protocols.at(f.transport, key.ports[1-f.server])
	}
	if f.candidate == 0 && len(listed) > 1 {
		for _, protocol := range listed {
			if l.protocols.protocols[protocol].Claims != nil && l.claims(protocol, p.payload) {
				return protocol
			}
		}
	}
	if f.candidate < len(listed) {
		return listed[f.candidate]
	}
	end := &f.ends[from]
	if end.tries >= maxTries {
		return none
	}
	end.tries++
	for _, protocol := range l.protocols.claiming[f.transport] {
		if !slices.Contains(listed, protocol) && l.claims(protocol, p.payload) {
			return protocol
		}
	}
	return none
}

// begin makes the session of a flow. It gives nil when the protocol cannot.
func (l *Listener) begin(e *entry[flowKey, flow], protocol int) *entry[sessionKey, session] {
	f := &e.value
	key := sessionKey{flow: e.key}
	if old := l.sessions.find(key); old != nil {
		l.sessions.drop(old)
	}
	entry := l.sessions.add(key)
	s := &entry.value
	*s = session{
		protocol: protocol, transport: f.transport, flow: e.ref(), port: e.key.ports[f.server], vlan: f.vlan, group: f.group,
		ends: [2]address{e.key.ends[1-f.server], e.key.ends[f.server]},
	}
	s.decoder = l.decode(s, discovery.Flow{
		Ends:      [2]discovery.Subject{l.end(s, discovery.Client), l.end(s, discovery.Server)},
		Ports:     [2]uint16{e.key.ports[1-f.server], e.key.ports[f.server]},
		Transport: f.transport,
	})
	if s.decoder == nil {
		l.sessions.drop(entry)
		return nil
	}
	s.stream.Decoder = s.decoder
	s.problem = func(err error) { l.trouble(s, err) }
	for end := range f.ends {
		if f.ends[end].syn && f.ends[end].tries <= 1 {
			s.halves[f.side(end)].begin(f.ends[end].first + 1)
		}
	}
	f.protocol, f.session = protocol, entry.ref()
	return entry
}

// end is the subject at one side of a session, as far as it is known now.
func (l *Listener) end(s *session, side discovery.Side) discovery.Subject {
	if s.transport == discovery.EtherType || s.transport == discovery.IP {
		return discovery.Subject{Site: l.options.Site, Segment: l.options.Segment, MAC: s.macs[side], IP: s.ends[side].ip(), VLAN: s.vlan}
	}
	subject := l.subject(s.ends[side], s.vlan)
	if side == discovery.Server && s.group {
		subject.MAC = discovery.MAC{}
	}
	return subject
}

// feed gives a packet to the session of its flow. It reports false when the protocol turned out to be another, and has then
// closed the session.
func (l *Listener) feed(e *entry[flowKey, flow], entry *entry[sessionKey, session], p *packet, from int) bool {
	f, s := &e.value, &entry.value
	side := f.side(from)
	l.sessions.touch(entry)
	mine := true
	if f.transport == discovery.TCP {
		mine = l.segment(s, side, p)
	} else if len(p.payload) > 0 {
		mine = l.message(s, side, p.payload)
	}
	broken := s.decoder.broken
	if mine && !broken {
		l.charge(s)
		return true
	}
	// The flow may be gone from the session's hands already if it was shed while it was fed.
	l.sessions.drop(entry)
	f.session = ref[sessionKey, session]{}
	f.protocol = none
	f.candidate++
	f.refused = f.refused || broken
	return false
}

// message gives a datagram or a frame to its decoder, and reports false when it is not the protocol's.
func (l *Listener) message(s *session, side discovery.Side, b []byte) bool {
	l.speaker.session, l.speaker.side = s, side
	_, err := s.decoder.Feed(side, l.now, b, 0, &l.speaker)
	if errors.Is(err, discovery.ErrNotMine) {
		return false
	}
	if err != nil {
		l.trouble(s, err)
	}
	return true
}

// charge counts what the decoder leaves unread, and sheds the sessions that were not fed for longest when it is too much.
func (l *Listener) charge(s *session) {
	for side, left := range s.decoder.left {
		if left > s.unread[side] {
			l.unread += left - s.unread[side]
			s.unread[side] = left
		}
	}
	for l.unread > l.limits.Unread && l.sessions.older != l.sessions.newer {
		l.counters.Shed.Sessions++
		l.sessions.drop(l.sessions.older)
	}
}

// closeSession is called before a session leaves.
func (l *Listener) closeSession(e *entry[sessionKey, session]) {
	s := &e.value
	l.unread -= s.unread[0] + s.unread[1]
	for side := range s.halves {
		l.held -= s.halves[side].held
	}
}

// layer2 gives a frame to the protocols of its EtherType, and counts it for the two stations that talk over it.
func (l *Listener) layer2(p *packet) {
	if p.etherType == 0 {
		l.counters.Unknown++
		return
	}
	if !p.isTalk() {
		if _, listed := l.station(p, discovery.EtherType, p.etherType, address{}, nil); !listed {
			l.counters.Unknown++
		}
		return
	}
	e, from := l.exchange(p)
	protocol, listed := l.station(p, discovery.EtherType, p.etherType, address{}, e)
	if !listed {
		l.counters.Unknown++
	}
	f := &e.value
	if protocol != none {
		f.protocol = protocol
	}
	if from == f.server {
		f.answered = true
	} else {
		l.rhythm(e, p, from)
	}
}

// fullHops is the hop limit of a packet that no router has passed on (RFC 5082).
const fullHops = 255

// layer3 gives a packet to the protocols that ride straight on IP.
func (l *Listener) layer3(p *packet) {
	if p.hops == fullHops {
		l.station(p, discovery.IP, uint16(p.protocol), p.from, nil)
	}
}

// station gives what a station sent to the protocols of the number, in their order, until one does not disown it. It gives that
// one, and reports whether there are any. talk is the flow of the frame, where it is a talk of two stations.
func (l *Listener) station(p *packet, transport discovery.Transport, number uint16, from address, talk *entry[flowKey, flow]) (taker int, listed bool) {
	if !p.stationed {
		return none, false
	}
	candidates := l.protocols.at(transport, number)
	for _, protocol := range candidates {
		key := sessionKey{source: p.source, address: from, number: number, vlan: p.vlan(), protocol: int16(protocol)}
		if talk != nil {
			key.target = p.target
		}
		e := l.sessions.find(key)
		if e == nil {
			e = l.beginStation(key, transport, p)
		}
		s := &e.value
		if s.decoder == nil {
			continue
		}
		if talk != nil {
			s.flow = talk.ref()
			talk.value.protocol = protocol // the decoder may speak of the conversation
		}
		mine := l.message(s, discovery.Client, p.payload)
		if s.decoder.broken {
			s.decoder = nil // the session stays, so that it is not begun again
		}
		if mine {
			return protocol, true
		}
	}
	return none, len(candidates) > 0
}

func (l *Listener) beginStation(key sessionKey, transport discovery.Transport, p *packet) *entry[sessionKey, session] {
	e := l.sessions.add(key)
	s := &e.value
	*s = session{
		protocol: int(key.protocol), transport: transport, port: key.number, vlan: key.vlan,
		macs: [2]discovery.MAC{p.source, p.target}, ends: [2]address{key.address, p.to},
	}
	s.decoder = l.decode(s, discovery.Flow{
		Ends:      [2]discovery.Subject{l.end(s, discovery.Client), l.end(s, discovery.Server)},
		Ports:     [2]uint16{0, key.number},
		Transport: transport,
	})
	return e
}
