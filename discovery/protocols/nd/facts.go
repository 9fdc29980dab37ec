package nd

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// Name is the protocol's name and the value of the bindings it tells.
const Name = "nd"

// The keys, named by the fields of the standards.
const (
	KeyPrefix         discovery.Key = "nd.prefix"          // of the link
	KeyRoute          discovery.Key = "nd.route"           // that the router leads to
	KeyRouterLifetime discovery.Key = "nd.router-lifetime" // seconds
	KeyMTU            discovery.Key = "nd.mtu"
	KeyDNSServer      discovery.Key = "nd.dns-server"
	KeySearchDomain   discovery.Key = "nd.search-domain"
)

// Protocol is neighbour discovery.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     Name,
		Title:    "IPv6 Neighbour Discovery",
		Standard: "RFC 4861, RFC 4862, RFC 4191, RFC 8106",
		Hears:    "which MAC and IPv6 address belong together, who is a router, and the prefixes, routes and name servers that it announces",
		Keys:     []discovery.Key{KeyPrefix, KeyRoute, KeyRouterLifetime, KeyMTU, KeyDNSServer, KeySearchDomain},
		Ports:    []discovery.Port{{Transport: discovery.IP, Number: ProtocolNumber}},
		Decode: func(f discovery.Flow) discovery.Decoder {
			if f.Transport == discovery.EtherType {
				return discovery.Stateless(echoes)(f)
			}
			return &decoder{flow: f}
		},
		Segment: echoAsker(),
	}
}

// decoder remembers what it told last, so that a repeat is told once.
type decoder struct {
	flow discovery.Flow
	told once.Recent
}

// Feed takes one ICMPv6 message.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	from := d.flow.Ends[side]
	if from.IP.Is4() {
		return 0, discovery.ErrNotMine
	}
	if len(b) == 0 {
		return 0, fmt.Errorf("read icmpv6 message of 0 bytes: %w", discovery.ErrNotMine)
	}
	if kind := Type(b[0]); kind < RouterSolicitation || kind > NeighbourAdvertisement {
		return len(b), nil // echoes, errors, group membership
	}
	m, err := Parse(b)
	if m.Type == RouterAdvertisement {
		d.announce(&m.Router, from, t, out)
	}
	if err != nil {
		return len(b), err
	}
	ip, err := m.bound(from)
	if err != nil {
		return len(b), fmt.Errorf("read %s: %w", m.Type, err)
	}
	if !ip.IsValid() {
		return len(b), nil
	}
	from.IP = ip
	if address := ip.As16(); d.told.IsNew(once.Sum(once.Sum(once.Basis, from.MAC[:]), address[:]), t) {
		out.Observe(discovery.Observation{Time: t, Subject: from, Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, Name)}})
	}
	return len(b), nil
}

// errForeignStation says that a message speaks for another station than the one that sent its frame.
var errForeignStation = errors.New("the link-layer address is not of the station that sent the frame")

// bound is the address that the message shows to belong to the station that sent it, if any. A frame sent on another station's
// behalf (a proxy in an access point, a forged answer) would put two devices' addresses together; one that says so is trouble.
func (m *Message) bound(from discovery.Subject) (netip.Addr, error) {
	none := netip.Addr{}
	switch {
	case from.MAC.IsZero() || from.MAC.IsGroup():
		return none, nil
	case !m.Station.IsZero() && m.Station != from.MAC:
		return none, errForeignStation
	case m.Type == NeighbourAdvertisement && m.Target == from.IP:
		return m.Target, nil
	case m.Station.IsZero():
		return none, nil
	case m.Type == NeighbourAdvertisement && m.Override:
		return m.Target, nil // sent from another address of the same station
	case m.Type == NeighbourAdvertisement:
		return none, nil // a proxy's, or of an address that several hosts share (RFC 4861 sections 7.2.7 and 7.2.8)
	case !from.IP.IsValid() || !isHost(from.IP):
		return none, nil // who still probes for its address has none
	}
	return from.IP, nil
}

// announce tells what a router says. Only a link-local sender is one (RFC 4861 section 6.1.2), and only while it leads somewhere.
func (d *decoder) announce(o *Router, from discovery.Subject, t time.Time, out discovery.Sink) {
	if !from.IP.IsLinkLocalUnicast() {
		return
	}
	var facts []discovery.Fact
	sum := once.Basis
	tell := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" {
			facts = append(facts, fact)
			sum = once.Sum(once.Sum(sum, string(key)), fact.Value)
		}
	}
	if o.Lifetime > 0 || len(o.Routes) > 0 {
		tell(discovery.KeyRole, "router")
	}
	if o.Lifetime > 0 {
		tell(KeyRouterLifetime, strconv.Itoa(int(o.Lifetime)))
	}
	if o.MTU > 0 {
		tell(KeyMTU, strconv.FormatUint(uint64(o.MTU), 10))
	}
	for _, prefix := range o.Prefixes {
		tell(KeyPrefix, prefix.String())
	}
	for _, route := range o.Routes {
		tell(KeyRoute, route.String())
	}
	for _, server := range o.DNS {
		tell(KeyDNSServer, server.String())
	}
	for _, domain := range o.Domains {
		tell(KeySearchDomain, domain)
	}
	if len(facts) > 0 && d.told.IsNew(sum, t) {
		out.Observe(discovery.Observation{Time: t, Subject: from, Facts: facts})
	}
}
