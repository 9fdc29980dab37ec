// Package mdns overhears multicast DNS and DNS service discovery: what devices call themselves and which services they announce.
// Standards: RFC 6762, RFC 6763; UDP 5353.
// Heard: address records, service instances with their ports, device-info, HINFO and the text records that name a product.
// Asked: by opt-in, one host for the services that it announces.
package mdns

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// Port is that of mDNS (RFC 6762 section 3).
const Port = 5353

// cacheFlush is the top bit of a record's class: the record replaces what was known (RFC 6762 section 10.2).
const cacheFlush = 0x8000

// decoder reads what one host says to the group, or to one who asked.
type decoder struct {
	flow discovery.Flow
	told [2]once.Memory
	// own are the hosts that had the address of each side, by folded name: their other addresses may come in another message.
	own [2]map[dns.Name]bool
}

// maxOwn bounds the host names of one sender.
const maxOwn = 16

// Feed takes a datagram. Questions are passed over with the records in them: those are what the asker knows already, or what it
// only means to become (RFC 6762 sections 7.1 and 8.1).
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	header, err := dns.ParseHeader(b)
	if err != nil {
		return len(b), fmt.Errorf("read mdns message: %w", err)
	}
	if !header.Response || header.Opcode != dns.Query || header.RCode != 0 || d.told[side].Seen(b) {
		return len(b), nil
	}
	m, err := dns.Parse(b)
	if d.own[side] == nil {
		d.own[side] = map[dns.Name]bool{}
	}
	a := newAnnouncement(m.Records, d.flow.Ends[side], d.own[side], err == nil)
	a.tell()
	for _, s := range a.said {
		o := discovery.Observation{Time: t, Subject: s.about, Facts: s.facts}
		if !s.about.IsZero() {
			o.Teller = d.flow.Ends[side]
		}
		d.told[side].Tell(out, o)
	}
	if err != nil {
		return len(b), fmt.Errorf("read mdns message: %w", err)
	}
	return len(b), nil
}

// announcement is a response with the question of whom its records are about. Mostly that is the sender, but there are reflectors
// between networks and proxies for hosts that sleep.
type announcement struct {
	records []dns.Record // without those that say goodbye
	sender  netip.Addr
	whole   bool                      // nothing was cut off
	hosts   map[dns.Name][]netip.Addr // by folded name
	targets map[dns.Name]dns.Name     // folded service instance -> folded host
	mine    map[dns.Name]bool         // hosts known to be the sender's, kept by the decoder
	own     bool                      // an address of the sender is among the hosts'
	foreign netip.Addr                // an address beside which the sender's would stand, if it were its own announcement
	said    []statement
}

// statement is facts about one subject, zero for the sender.
type statement struct {
	about discovery.Subject
	facts []discovery.Fact
}

func newAnnouncement(records []dns.Record, sender discovery.Subject, mine map[dns.Name]bool, whole bool) *announcement {
	a := &announcement{
		sender: sender.IP.Unmap(), whole: whole,
		hosts: map[dns.Name][]netip.Addr{}, targets: map[dns.Name]dns.Name{}, mine: mine,
	}
	for _, r := range records {
		if r.TTL == 0 || r.Class&^cacheFlush != dns.IN {
			continue // a record with no time to live says goodbye (RFC 6762 section 10.1)
		}
		a.records = append(a.records, r)
		if ip, ok := r.IP(); ok {
			a.address(r.Name.Fold(), ip)
		}
		if r.Type == dns.SRV {
			if target, err := r.Target(); err == nil {
				a.targets[r.Name.Fold()] = target.Fold()
			}
		}
	}
	return a
}

func (a *announcement) address(host dns.Name, ip netip.Addr) {
	if ip.IsUnspecified() || ip.IsMulticast() {
		return
	}
	a.hosts[host] = append(a.hosts[host], ip)
	switch {
	case a.isOwn(ip):
		a.own = true
		if len(a.mine) < maxOwn {
			a.mine[host] = true
		}
	case !a.foreign.IsValid() && ip.BitLen() == a.sender.BitLen():
		a.foreign = ip
	}
}

// isOwn reports whether an address is the sender's. A loopback address is nobody else's.
func (a *announcement) isOwn(ip netip.Addr) bool {
	return ip.IsLoopback() || ip == a.sender.WithZone("")
}

// isOwnHost reports whether a host has an address of the sender, or had one before: then all of its addresses are the sender's.
func (a *announcement) isOwnHost(host dns.Name) bool {
	return a.mine[host] || slices.ContainsFunc(a.hosts[host], a.isOwn)
}

// placeHost says whom a record of a host is about. In a message that was cut short, what was lost might say otherwise.
func (a *announcement) placeHost(host dns.Name) (about discovery.Subject, ok bool) {
	if a.isOwnHost(host) {
		return discovery.Subject{}, true
	}
	if !a.whole {
		return discovery.Subject{}, false
	}
	addresses := a.hosts[host]
	if len(addresses) == 0 {
		return a.placeRest(), true
	}
	same := slices.IndexFunc(addresses, func(ip netip.Addr) bool { return ip.BitLen() == a.sender.BitLen() })
	return discovery.Subject{IP: addresses[max(same, 0)]}, true
}

// placeInstance says whom a record of a service instance is about.
func (a *announcement) placeInstance(instance dns.Name) (about discovery.Subject, ok bool) {
	if target, known := a.targets[instance.Fold()]; known {
		return a.placeHost(target)
	}
	return a.placeRest(), a.whole
}

// placeRest is for records without a host: the sender, unless all addresses of the announcement are others'.
func (a *announcement) placeRest() discovery.Subject {
	if a.own || !a.foreign.IsValid() {
		return discovery.Subject{}
	}
	return discovery.Subject{IP: a.foreign}
}

// maxFacts bounds what one message tells.
const maxFacts = 1024

// say adds a fact about a subject.
func (a *announcement) say(about discovery.Subject, key discovery.Key, value string) {
	fact := discovery.NewFact(key, value)
	if fact.Value == "" {
		return
	}
	i := slices.IndexFunc(a.said, func(s statement) bool { return s.about == about })
	if i < 0 {
		i = len(a.said)
		a.said = append(a.said, statement{about: about})
	}
	if len(a.said[i].facts) < maxFacts {
		a.said[i].facts = append(a.said[i].facts, fact)
	}
}
