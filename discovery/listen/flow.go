package listen

import (
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// flowKey names a connection or a pair of datagram ports, whichever way a packet goes: the lesser end stands first.
type flowKey struct {
	ends  [2]address
	ports [2]uint16
	tags  uint32 // see tagKey
}

// tagKey packs both VLAN ids and the IP protocol.
func tagKey(p *packet) uint32 {
	return uint32(p.tags[0])<<20 | uint32(p.tags[1])<<8 | uint32(p.protocol)
}

// key is the flow of a packet, and which of its ends sent it.
func (p *packet) key() (flowKey, int) {
	if p.from.less(p.to) || p.from == p.to && p.fromPort <= p.toPort {
		return flowKey{[2]address{p.from, p.to}, [2]uint16{p.fromPort, p.toPort}, tagKey(p)}, 0
	}
	return flowKey{[2]address{p.to, p.from}, [2]uint16{p.toPort, p.fromPort}, tagKey(p)}, 1
}

// flow is what is known of one. What it has counted goes to its conversation when it is folded.
type flow struct {
	transport discovery.Transport
	vlan      uint16
	server    int // which end
	sure      evidence
	group     bool // the server is a group
	ended     bool
	refused   bool // no protocol is tried any more
	answered  bool

	ends [2]struct {
		mac   discovery.MAC // that sent for this end last
		hops  uint8
		heard bool
		tries uint8
		syn   bool
		fin   bool
		first uint32    // sequence number of the SYN
		next  uint32    // sequence number behind what it has sent
		moved bool      // next is set
		spoke time.Time // when it last sent data
	}

	spoke int8  // which end spoke last
	fro   uint8 // how often the other one then did, up to toAndFro

	packets, bytes uint64 // since the last fold
	first, last    time.Time
	message        time.Time // when the client's last message began
	waiting        time.Time // when the client's oldest message without an answer began
	open           bool      // the client's last message may go on in the next segment

	protocol     int // none until one reads it
	candidate    int // how many of the protocols at its port have refused it
	session      ref[sessionKey, session]
	conversation ref[conversationKey, conversation]
}

func (f *flow) side(end int) discovery.Side {
	if end == f.server {
		return discovery.Server
	}
	return discovery.Client
}

// flow takes a packet with ports.
func (l *Listener) flow(p *packet) {
	key, from := p.key()
	e := l.flows.find(key)
	if e != nil && p.opens() && e.value.isOther(p, from) {
		l.flows.drop(e) // the ports are used again
		e = nil
	}
	if e == nil {
		e = l.flows.add(key)
		l.counters.Flows++
		e.value = flow{transport: p.ground(), vlan: p.vlan(), protocol: none, first: l.now, group: p.group, spoke: -1}
		e.value.server = from
		if toServer, sure := l.serverOf(p); toServer {
			e.value.server, e.value.sure = 1-from, sure
		} else {
			e.value.sure = sure
		}
	}
	f := &e.value
	if p.stationed {
		// A look at the addresses is needed only when something about them is new.
		if end := &f.ends[from]; !end.heard || end.mac != p.source || end.hops != p.hops {
			end.heard, end.mac, end.hops = true, p.source, p.hops
			l.hear(p)
		}
	}
	if f.fro < toAndFro {
		l.turns(e, p, from)
	}
	if f.packets == 0 {
		f.first = l.now
	}
	f.packets += uint64(p.frames)
	f.bytes += uint64(p.length)
	f.last = l.now
	if f.transport == discovery.TCP {
		l.connection(e, p, from)
	}
	if f.side(from) == discovery.Server && (f.transport != discovery.TCP || p.flags&flagRST == 0) {
		f.answered = true // a reset is how a port that nobody listens at says no
	}
	if len(p.payload) > 0 && !f.refused || f.session.entry != nil {
		l.read(e, p, from) // before the rhythm, which is the protocol's
	}
	if l.options.Pulse {
		l.beat(e, p, from)
	}
	if p.size > 0 {
		if from != f.server {
			l.rhythm(e, p, from)
		}
		if f.transport == discovery.TCP {
			f.advance(p, from)
		}
	}
}

// toAndFro is how often both ends of a flow speak in turn until both are real: who only pretends to have an address does not hear what
// is answered.
const toAndFro = 3

// turns notes who spoke, until both ends are known to be real.
func (l *Listener) turns(e *entry[flowKey, flow], p *packet, from int) {
	f := &e.value
	if int8(from) != f.spoke {
		f.spoke = int8(from)
		f.fro++
	}
	if !l.door.isCrowded() {
		return
	}
	if f.fro == toAndFro {
		l.areReal(e)
		return
	}
	l.heardAgain(e.key.ends[from], false)
	if p.stationed {
		l.heardAgain(addressOfMAC(p.source), false)
	}
}

// areReal notes that both ends of a flow are real.
func (l *Listener) areReal(e *entry[flowKey, flow]) {
	for i, a := range e.key.ends {
		l.isReal(a, e.value.vlan)
		if end := &e.value.ends[i]; end.heard {
			l.isReal(addressOfMAC(end.mac), e.value.vlan)
			end.heard = false // its addresses are looked at again
		}
	}
}

// opens reports the first segment of a connection.
func (p *packet) opens() bool {
	return p.protocol == protocolTCP && p.flags&(flagSYN|flagACK) == flagSYN
}

// isOther reports whether a SYN belongs to another connection than the one that is known, and not to its repetition.
func (f *flow) isOther(p *packet, from int) bool {
	end := &f.ends[from]
	if end.syn {
		return end.first != p.sequence
	}
	// No SYN of this end was seen: all that is known is from before, unless the answer to this SYN came first.
	return !f.ends[1-from].syn
}

// connection follows TCP's flags.
func (l *Listener) connection(e *entry[flowKey, flow], p *packet, from int) {
	f := &e.value
	end := &f.ends[from]
	switch {
	case p.flags&flagSYN != 0:
		end.syn, end.first = true, p.sequence
		end.next, end.moved = p.sequence+1, true
		server := from
		if p.opens() {
			server = 1 - from
		}
		if f.sure < bySYN && server != f.server {
			l.turn(e)
		}
		f.sure = bySYN
	case p.flags&flagRST != 0:
		f.ended = true
	case p.flags&flagACK != 0 && from != f.server:
		f.answered = true // it acknowledges something
	}
	if p.flags&flagFIN != 0 {
		end.fin = true
		f.ended = f.ended || f.ends[1-from].fin
	}
}

// turn makes the client of a flow its server.
func (l *Listener) turn(e *entry[flowKey, flow]) {
	f := &e.value
	if s := f.session.get(); s != nil {
		l.sessions.drop(s)
	}
	f.server = 1 - f.server
	f.conversation = ref[conversationKey, conversation]{}
	f.session = ref[sessionKey, session]{}
	f.protocol, f.answered = none, false
}

// advance keeps the sequence number behind what an end has sent.
func (f *flow) advance(p *packet, from int) {
	end := &f.ends[from]
	next := p.sequence + uint32(p.size)
	if !end.moved || int32(next-end.next) > 0 {
		end.next, end.moved = next, true
	}
}

// fold adds what a flow has counted to its conversation.
func (l *Listener) fold(e *entry[flowKey, flow]) {
	f := &e.value
	if f.packets == 0 {
		return
	}
	l.conversationOf(e).value.grow(f)
	f.packets, f.bytes = 0, 0
}

// closeFlow is called before a flow leaves.
func (l *Listener) closeFlow(e *entry[flowKey, flow]) {
	l.giveUp(e)
	l.fold(e)
	if s := e.value.session.get(); s != nil {
		l.sessions.drop(s)
	}
}
