package ask

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// sweepProtocol finds hosts on the link.
const sweepProtocol = "arp"

// stillThereRequest asks one station that had been there, and nobody else.
const stillThereRequest = "still-there"

// PlanSweep lists the addresses of the scope to look for on the interface's own networks. Those of hosts with a MAC that were heard
// within Limits.Recent are not looked for. Of a network that is larger than Limits.SweepBits allows, only the /24s that hold a known host are.
func (k *Keeper) PlanSweep(known []Host) SweepPlan {
	var s SweepPlan
	if k.o.Interface == nil {
		for _, p := range k.o.Scope {
			s.NotSwept = append(s.NotSwept, NotSwept{prefixText(p), "no interface was given"})
		}
		return s
	}
	s.Interface, s.Protocol = k.o.Interface.Name, sweepProtocol
	protocol, ok := k.segmentProtocol(sweepProtocol)
	if !ok || protocol.Segment.Transport != discovery.EtherType {
		for _, p := range k.o.Scope {
			s.NotSwept = append(s.NotSwept, NotSwept{prefixText(p), "the protocol " + sweepProtocol + " is left out"})
		}
		return s
	}
	for _, r := range protocol.Segment.Requests {
		if r.Name == stillThereRequest {
			continue
		}
		s.Requests = append(s.Requests, k.planned(protocol.Segment, r, Unknown))
	}
	sweep := sweepPlanner{keeper: k, resolved: map[netip.Addr]bool{}, taken: map[netip.Addr]bool{}}
	for _, h := range known {
		addr := h.Subject.IP.Unmap()
		sweep.hosts = append(sweep.hosts, addr)
		// Who was there some time ago may be gone, or another device may have the address.
		if !h.Subject.MAC.IsZero() && k.now().Sub(h.Heard) < k.o.Limits.Recent {
			sweep.resolved[addr] = true
		}
	}
	for _, p := range k.o.Scope {
		sweep.scope(p)
	}
	s.Links, s.NotSwept = sweep.links, sweep.notSwept
	for i := range s.Links {
		slices.SortFunc(s.Links[i].Addresses, netip.Addr.Compare)
		s.Packets += len(s.Links[i].Addresses)
	}
	s.Seconds = float64(s.Packets) / k.o.Limits.SweepRate
	return s
}

type sweepPlanner struct {
	keeper   *Keeper
	hosts    []netip.Addr
	resolved map[netip.Addr]bool
	taken    map[netip.Addr]bool
	links    []LinkPlan
	notSwept []NotSwept
	full     bool
}

// scope plans one network of the scope.
func (s *sweepPlanner) scope(p netip.Prefix) {
	if !p.Addr().Is4() {
		s.skip(p, "IPv6 networks are too large to be searched")
		return
	}
	onLink := false
	for _, l := range s.keeper.links {
		if !l.net.Overlaps(p) {
			continue
		}
		onLink = true
		part := p
		if l.net.Bits() > p.Bits() {
			part = l.net
			s.skip(p, fmt.Sprintf("only %s of it is on the link", part))
		}
		if part.Bits() >= s.keeper.o.Limits.SweepBits {
			s.network(l, part)
			continue
		}
		for _, near := range s.withEvidence(part) {
			s.network(l, near)
		}
		s.skip(part, fmt.Sprintf("larger than /%d: only the /24s in which a host is known are searched", s.keeper.o.Limits.SweepBits))
	}
	if !onLink {
		s.skip(p, "not on the link of "+s.keeper.o.Interface.Name)
	}
}

// withEvidence is the /24s of the network that hold a known host, ascending.
func (s *sweepPlanner) withEvidence(p netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, host := range s.hosts {
		if near := netip.PrefixFrom(host, 24).Masked(); host.Is4() && p.Contains(host) && !slices.Contains(out, near) {
			out = append(out, near)
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	return out
}

// network takes the addresses of one network that may be asked, while there is room.
func (s *sweepPlanner) network(l link, p netip.Prefix) {
	i := slices.IndexFunc(s.links, func(have LinkPlan) bool { return have.Network == l.net && have.From == l.own })
	if i < 0 {
		i = len(s.links)
		s.links = append(s.links, LinkPlan{Network: l.net, From: l.own, Addresses: []netip.Addr{}})
	}
	for addr := p.Addr(); p.Contains(addr); addr = addr.Next() {
		if s.taken[addr] || s.resolved[addr] || s.keeper.refusal(discovery.Subject{IP: addr}, resolve) != "" {
			continue
		}
		if len(s.taken) >= s.keeper.o.Limits.SweepMax {
			if !s.full {
				s.notSwept = append(s.notSwept, NotSwept{"from " + addr.String(), fmt.Sprintf("at most %d addresses are searched in one run", s.keeper.o.Limits.SweepMax)})
			}
			s.full = true
			return
		}
		s.taken[addr] = true
		s.links[i].Addresses = append(s.links[i].Addresses, addr)
	}
}

func (s *sweepPlanner) skip(p netip.Prefix, reason string) {
	s.notSwept = append(s.notSwept, NotSwept{prefixText(p), reason})
}
