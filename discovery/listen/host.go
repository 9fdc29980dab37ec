package listen

import (
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// station is a MAC that has sent.
type station struct {
	router bool
	near   []hostKey // addresses told as bound to it, because they were on the link
	far    []address // addresses that it sends for, from behind a router or not to be known
}

// hostKey is an IP address in a VLAN.
type hostKey struct {
	address address
	vlan    uint32
}

// host is an IP address that was heard.
type host struct {
	mac    discovery.MAC // bound to it
	onLink bool          // bound by on-link alone
	told   bool
}

// maxBound is how many addresses of one station are told as on the link, IPv6 with its many addresses of one network included.
const maxBound = 12

// hear learns the sender's addresses.
func (l *Listener) hear(p *packet) {
	if !p.stationed {
		l.introduce(p)
		return
	}
	e := l.stations.find(p.source)
	if e == nil {
		e = l.stations.add(p.source)
		l.counters.Stations++
		l.emit(discovery.Observation{
			Time: l.now, Protocol: "ethernet",
			Subject: discovery.Subject{MAC: p.source, VLAN: p.vlan()},
			Facts:   []discovery.Fact{discovery.NewFact(discovery.KeyMAC, p.source.String())},
		})
	}
	l.heardAgain(addressOfMAC(p.source), false)
	if !p.hasSender() {
		return
	}
	l.heardAgain(p.from, false)
	s := &e.value
	key := hostKey{p.from, uint32(p.vlan())}
	if !s.router && !slices.Contains(s.near, key) {
		switch {
		case !isOnLink(p):
			l.far(e, p)
		case p.source.IsVirtual(): // VRRP speaks from a shared MAC with the router's own address
		default:
			l.near(e, p, key)
		}
	}
	l.introduce(p)
}

// hasSender reports whether the packet's source can be the address of one host.
func (p *packet) hasSender() bool {
	if p.etherType != etherIPv4 && p.etherType != etherIPv6 || p.from == (address{}) {
		return false
	}
	_, isMAC := p.from.mac()
	return !isMAC && !p.from.isUnspecified() && !p.from.isGroup() && !p.from.isLoopback()
}

// isOnLink reports whether no router has passed the packet on: a router counts the hops down, and systems begin at 64, 128 or
// 255; and it does not forward link-local addresses at all. A public IPv4 address is not believed: firewalls that translate
// addresses begin to count anew.
func isOnLink(p *packet) bool {
	if p.from.isLinkLocal() {
		return true
	}
	return (p.hops == 64 || p.hops == 128 || p.hops == 255) && !p.from.isPublic4()
}

// near binds an address on the link to its station. One that has addresses of too many is a router, a proxy or a translator
// that does not count down.
func (l *Listener) near(e *entry[discovery.MAC, station], p *packet, key hostKey) {
	s := &e.value
	if !p.from.isLinkLocal() && s.networks(p.from) >= maxNear {
		l.router(e)
		return
	}
	h := l.host(key)
	bound := &h.value
	if !bound.mac.IsZero() && bound.mac != p.source && !bound.onLink || len(s.near) >= maxBound {
		return // ARP and its like know better
	}
	s.near = append(s.near, key)
	bound.mac, bound.onLink, bound.told = p.source, true, true
	l.emit(discovery.Observation{
		Time: l.now, Protocol: "ip",
		Subject: discovery.Subject{MAC: p.source, IP: p.from.ip(), VLAN: p.vlan()},
		Facts:   []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "on-link")},
	})
}

// networks counts the addresses of a's family that are told of the station: single ones of IPv4, and /64 networks of IPv6,
// where one host has many addresses of its own making (RFC 8981); a's own network is not counted.
func (s *station) networks(a address) int {
	count := 0
	for i, have := range s.near {
		if have.address.is4() != a.is4() || have.address.isLinkLocal() {
			continue
		}
		if !a.is4() {
			same := func(other hostKey) bool { return other.address.high == have.address.high && !other.address.is4() }
			if have.address.high == a.high || slices.ContainsFunc(s.near[:i], same) {
				continue
			}
		} else if have.address == a {
			continue
		}
		count++
	}
	return count
}

// far notes an address that is behind the station, or may be.
func (l *Listener) far(e *entry[discovery.MAC, station], p *packet) {
	s := &e.value
	if slices.Contains(s.far, p.from) {
		return
	}
	if len(s.far) < maxFar {
		s.far = append(s.far, p.from)
		return
	}
	l.router(e)
}

// router tells that a station forwards others' packets, and takes back what was believed of its addresses.
func (l *Listener) router(e *entry[discovery.MAC, station]) {
	s := &e.value
	s.router = true
	for _, key := range s.near {
		if h := l.hosts.find(key); h != nil && h.value.onLink && h.value.mac == e.key {
			h.value.mac, h.value.onLink = discovery.MAC{}, false
		}
	}
	s.near, s.far = nil, nil
	l.emit(discovery.Observation{
		Time: l.now, Protocol: "ip",
		Subject: discovery.Subject{MAC: e.key},
		Facts:   []discovery.Fact{discovery.NewFact(discovery.KeyRole, "router")},
	})
}

// introduce tells an address once that takes part in no conversation.
func (l *Listener) introduce(p *packet) {
	if !p.hasSender() {
		return
	}
	h := l.host(hostKey{p.from, uint32(p.vlan())})
	if h.value.told || p.fromPort != 0 || p.toPort != 0 {
		return
	}
	h.value.told = true
	l.emit(discovery.Observation{
		Time: l.now, Protocol: "ip", Subject: l.subject(p.from, p.vlan()),
		Facts: []discovery.Fact{discovery.NewFact(discovery.KeyIP, p.from.ip().String())},
	})
}

func (l *Listener) host(key hostKey) *entry[hostKey, host] {
	h := l.hosts.find(key)
	if h == nil {
		h = l.hosts.add(key)
		l.counters.Addresses++
	}
	return h
}

// bind learns from a protocol that an address belongs to a station.
func (l *Listener) bind(s discovery.Subject) {
	if s.MAC.IsZero() || s.MAC.IsGroup() || !s.IP.IsValid() {
		return
	}
	h := l.host(hostKey{addressOf(s.IP), uint32(s.VLAN)})
	h.value.mac, h.value.onLink, h.value.told = s.MAC, false, true
}

// subject is an address as far as it is known now: with its MAC when the two are bound.
func (l *Listener) subject(a address, vlan uint16) discovery.Subject {
	s := discovery.Subject{Site: l.options.Site, Segment: l.options.Segment, IP: a.ip(), VLAN: vlan}
	if mac, is := a.mac(); is {
		s.MAC = mac
	} else if h := l.hosts.byKey[hostKey{a, uint32(vlan)}]; h != nil {
		s.MAC = h.value.mac
	}
	return s
}

// emit fills in what listen knows of every observation, and gives it out. What nobody said (a speaker without MAC and with the
// address 0.0.0.0) can be about nobody.
func (l *Listener) emit(o discovery.Observation) {
	if o.Subject.IsZero() {
		return
	}
	o.Survey, o.Sensor, o.Mode = l.options.Survey, l.options.Sensor, discovery.Heard
	if o.Subject.Site == "" && o.Subject.Segment == "" {
		o.Subject.Site, o.Subject.Segment = l.options.Site, l.options.Segment
	}
	l.out(o)
}
