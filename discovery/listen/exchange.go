package listen

import "github.com/walkdown-ot/walkdown/discovery"

// EtherTypes that carry no talk between two stations, although frames of some go to one: they find or check the neighbour, or
// are for the next bridge alone (IEEE 802 numbers).
const (
	etherARP      = 0x0806
	etherCDP      = 0x2000 // as SNAP numbers it
	etherRARP     = 0x8035
	etherControl  = 0x8808 // pause
	etherSlow     = 0x8809 // LACP, OAM
	etherEAPOL    = 0x888e
	etherLLDP     = 0x88cc
	etherCFM      = 0x8902
	etherLoopback = 0x9000 // a switch's look for loops
)

// isTalk reports whether a frame belongs to a talk between two stations, over an EtherType of their own.
func (p *packet) isTalk() bool {
	if !p.stationed || p.group || p.target.IsZero() || p.source == p.target || p.etherType < etherLowest {
		return false
	}
	switch p.etherType {
	case etherARP, etherCDP, etherRARP, etherControl, etherSlow, etherEAPOL, etherLLDP, etherCFM, etherLoopback:
		return false
	}
	return true
}

// exchange counts a frame of such a talk in its flow: one for each pair of stations and EtherType, which stands where flows of
// IP have their ports.
func (l *Listener) exchange(p *packet) (e *entry[flowKey, flow], from int) {
	p.frames, p.size = 1, len(p.payload)
	p.from, p.to = addressOfMAC(p.source), addressOfMAC(p.target)
	p.fromPort, p.toPort = p.etherType, p.etherType
	key, from := p.key()
	if e = l.flows.find(key); e == nil {
		e = l.flows.add(key)
		l.counters.Flows++
		e.value = flow{transport: discovery.EtherType, vlan: p.vlan(), server: 1 - from, protocol: l.spoken(p.etherType), first: l.now, spoke: -1}
		l.recall(e)
	}
	f := &e.value
	if f.fro < toAndFro {
		l.turns(e, p, from)
	}
	if f.packets == 0 {
		f.first = l.now
	}
	f.packets++
	f.bytes += uint64(p.length)
	f.last = l.now
	return e, from
}

// spoken is the protocol of an EtherType, as long as nothing shows another.
func (l *Listener) spoken(etherType uint16) int {
	if listed := l.protocols.at(discovery.EtherType, etherType); len(listed) > 0 {
		return listed[0]
	}
	return none
}

// recall gives a new flow between two stations the client that an earlier one had, or that was foretold.
func (l *Listener) recall(e *entry[flowKey, flow]) {
	f, found := &e.value, -1
	for server := range e.key.ends {
		c := l.conversations.find(conversationKey{
			client: e.key.ends[1-server], server: e.key.ends[server], port: e.key.ports[0], vlan: f.vlan,
			protocol: int16(f.protocol), transport: f.transport,
		})
		if c != nil && int(c.value.sure) > found {
			found = int(c.value.sure)
			f.server, f.sure = server, c.value.sure
		}
	}
}

// settle makes an end of a flow between two stations its server, when what says so is surer than what was believed.
func (l *Listener) settle(e *entry[flowKey, flow], server int, sure evidence) {
	f := &e.value
	if f.sure >= sure {
		return
	}
	if f.server != server {
		protocol := f.protocol
		l.turn(e)
		f.protocol = protocol
	}
	f.sure = sure
	l.conversationOf(e).value.sure = sure
}

// foretell takes what a protocol says of a talk between two stations that it sets up over another transport. It is told with
// its frames, when they come: without one, nobody knows that it came about.
func (l *Listener) foretell(t discovery.Conversation, vlan uint16) {
	for _, end := range []*discovery.Subject{&t.Client, &t.Server} {
		if end.MAC.IsZero() && end.IP.IsValid() {
			*end = l.subject(addressOf(end.IP), vlan)
		}
	}
	if t.Client.MAC.IsZero() || t.Server.MAC.IsZero() || t.Client.MAC == t.Server.MAC {
		return
	}
	client, server := addressOfMAC(t.Client.MAC), addressOfMAC(t.Server.MAC)
	p := packet{from: client, to: server, fromPort: t.Port, toPort: t.Port, tags: [2]uint16{vlan}}
	key, from := p.key()
	if e := l.flows.find(key); e != nil {
		l.settle(e, 1-from, byMessage)
		if e.value.server == 1-from {
			l.conversationOf(e).value.does(t.Operations)
		}
		return
	}
	name := conversationKey{client: client, server: server, port: t.Port, vlan: vlan, protocol: int16(l.spoken(t.Port)), transport: discovery.EtherType}
	c := l.conversations.find(name)
	if c == nil {
		c = l.conversations.add(name)
		c.value.first, c.value.last = l.now, l.now
		l.counters.Conversations++
	}
	c.value.sure = byMessage
	c.value.operations |= t.Operations
}

// does adds operations, to be told when they are new.
func (c *conversation) does(operations discovery.Operations) {
	c.grown = c.grown || c.operations|operations != c.operations
	c.operations |= operations
}

// etherName is what is spoken over an EtherType that no protocol here reads.
func etherName(etherType uint16) string {
	switch etherType {
	case 0x88a4:
		return "ethercat"
	case 0x88ab:
		return "powerlink"
	case 0x88cd:
		return "sercos"
	case 0x88b8:
		return "goose"
	case 0x88ba:
		return "sampled-values"
	case 0x88f7:
		return "ptp"
	case 0x890f:
		return "cclink-ie"
	case 0x8863, 0x8864:
		return "pppoe"
	}
	return ""
}
