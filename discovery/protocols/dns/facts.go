package dns

import (
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
)

// The keys.
const (
	// KeyName is a name of the address: whose A, AAAA or PTR record it is. The teller is the server that answered, or who told
	// the server.
	KeyName discovery.Key = "dns.name"
	// KeyLookedUp is a name that the subject asked for and that has an address off site.
	KeyLookedUp discovery.Key = "dns.looked-up"
)

// Protocol is the hearing face of DNS.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "dns",
		Title:    "DNS",
		Standard: "RFC 1035, RFC 3596, RFC 2136",
		Hears:    "names of addresses on site, from answers and updates; names off site that devices look up",
		Keys:     []discovery.Key{KeyName, KeyLookedUp},
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}, {Transport: discovery.TCP, Number: Port}},
		Decode:   func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
	}
}

// names tells the names of addresses on site, whichever section they stand in: additional records name domain controllers.
func (d *decoder) names(side discovery.Side, t time.Time, m dns.Message, out discovery.Sink) {
	for _, r := range m.Records {
		if r.Class != dns.IN {
			continue // an update deletes in class ANY or NONE (RFC 2136 section 2.5)
		}
		ip, isAddress := r.IP()
		name := r.Name
		if !isAddress && r.Type == dns.PTR {
			var err error
			if ip, isAddress = r.Name.ReverseAddr(); isAddress {
				if name, err = r.Target(); err != nil {
					continue
				}
			}
		}
		if !isAddress || !d.isOnSite(ip) {
			continue
		}
		o := discovery.Observation{Time: t, Subject: d.subject(ip), Facts: []discovery.Fact{discovery.NewFact(KeyName, name.String())}}
		if o.Subject != d.flow.Ends[side] {
			o.Teller = d.flow.Ends[side]
		}
		d.told.Tell(out, o)
	}
}

// lookedUp tells what the client asked for when an answer's address is off site.
func (d *decoder) lookedUp(side discovery.Side, t time.Time, m dns.Message, out discovery.Sink) {
	if len(m.Questions) == 0 || m.Questions[0].Type != dns.A && m.Questions[0].Type != dns.AAAA {
		return
	}
	for _, r := range m.Records {
		if ip, ok := r.IP(); ok && r.Section == dns.Answers && isPublic(ip) && !d.isOnSite(ip) {
			d.told.Tell(out, discovery.Observation{
				Time: t, Subject: d.flow.Ends[side.Other()],
				Facts: []discovery.Fact{discovery.NewFact(KeyLookedUp, m.Questions[0].Name.String())},
			})
			return
		}
	}
}

// subject is the address of an end of the conversation, with all that is known of it, or the bare address of somebody else.
func (d *decoder) subject(ip netip.Addr) discovery.Subject {
	for _, end := range d.flow.Ends {
		if end.IP.Unmap() == ip.Unmap() {
			return end
		}
	}
	return discovery.Subject{IP: ip.Unmap()}
}

// isOnSite reports whether an address is the plant's: a private one (RFC 1918, RFC 4193), a link-local one, or in the same /24 or
// /64 as the client, since some plants use public addresses.
func (d *decoder) isOnSite(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.IsPrivate() || ip.IsLinkLocalUnicast() {
		return true
	}
	client := d.flow.Ends[discovery.Client].IP.Unmap()
	if !isPublic(ip) || !client.IsValid() || client.BitLen() != ip.BitLen() {
		return false
	}
	bits := 24
	if ip.Is6() {
		bits = 64
	}
	network, err := client.Prefix(bits)
	return err == nil && network.Contains(ip)
}

// isPublic reports whether an address can belong to a host on the Internet.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
}
