package ask

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// SegmentPlan is a question to whoever is on the link of the interface: one protocol's broadcasts or multicasts.
type SegmentPlan struct {
	Interface string       `json:"interface"`
	Protocol  string       `json:"protocol"`
	Transport string       `json:"transport"`
	Network   netip.Prefix `json:"network"`
	From      netip.Addr   `json:"from"`     // our own address there
	Stations  int          `json:"stations"` // about how many may answer, by which the time for their answers is chosen
	Requests  []Planned    `json:"requests"`
	Packets   int          `json:"packets"`
}

// fewStations is how many are expected to answer at the least: more may be there than are known.
const fewStations = 32

// planSegments plans the questions to the links of the interface. A broadcast cannot leave anybody out, so it is planned only
// where the scope holds the whole network and nothing on it is excluded or a safety system.
func (k *Keeper) planSegments(p *Plan, hosts []Host) {
	if k.o.Interface == nil {
		return
	}
	for _, protocol := range k.o.Protocols {
		if protocol.Segment == nil || protocol.Name == sweepProtocol {
			continue
		}
		for _, l := range k.linksFor(protocol.Segment.Transport) {
			plan, reasons := k.planSegment(protocol, l, hosts)
			for _, request := range slices.Sorted(maps.Keys(reasons)) {
				p.NotAsked = append(p.NotAsked, NotAsked{Protocol: protocol.Name, Request: request, Reason: "on " + l.net.String() + ": " + reasons[request]})
			}
			if len(plan.Requests) > 0 {
				p.Segments = append(p.Segments, plan)
			}
		}
	}
}

// linksFor are the networks that a question has to be put to one by one: on layer 2 one stands for all of the interface.
func (k *Keeper) linksFor(transport discovery.Transport) []link {
	if transport == discovery.EtherType && len(k.links) > 1 {
		return k.links[:1]
	}
	return k.links
}

// planSegment plans one protocol on one link, and says why what is left out of it is.
func (k *Keeper) planSegment(protocol discovery.Protocol, l link, hosts []Host) (SegmentPlan, map[string]string) {
	plan := SegmentPlan{
		Interface: k.o.Interface.Name, Protocol: protocol.Name, Transport: protocol.Segment.Transport.String(), Network: l.net, From: l.own,
		Stations: fewStations,
	}
	reached := []netip.Prefix{l.net}
	if protocol.Segment.Transport == discovery.EtherType {
		if err := framesSupported(protocol.Segment.Port); err != nil {
			return plan, map[string]string{"": err.Error()}
		}
		reached = nil
		for _, other := range k.links {
			reached = append(reached, other.net)
		}
	}
	known := 0
	for _, h := range hosts {
		addr := h.Subject.IP.Unmap()
		if !slices.ContainsFunc(reached, func(n netip.Prefix) bool { return n.Contains(addr) }) {
			continue
		}
		known++
		reason := k.safetySystem(h.Subject)
		if reason == "" {
			reason = safetyHost(h)
		}
		if reason != "" {
			return plan, map[string]string{"": fmt.Sprintf("it would reach the safety system %s (%s)", addr, reason)}
		}
	}
	plan.Stations = max(plan.Stations, known)
	if reason := k.wouldReach(reached); reason != "" {
		return plan, map[string]string{"": reason}
	}
	reasons := map[string]string{}
	for _, r := range protocol.Segment.Requests {
		if !k.mayBeSent(protocol.Name, r, Unknown) {
			reasons[r.Name] = fmt.Sprintf("safety class %s: needs --allow %s", r.Safety, r.Name)
			continue
		}
		planned := k.planned(protocol.Segment, r, Unknown)
		planned.AtMost = r.Max // nothing is repeated for want of an answer
		plan.Requests = append(plan.Requests, planned)
		plan.Packets += r.Max
	}
	return plan, reasons
}

// wouldReach says why a broadcast on these networks would reach somebody who may not be asked, or gives "".
func (k *Keeper) wouldReach(networks []netip.Prefix) string {
	if len(k.o.Exclude.MACs) > 0 {
		return "it would reach everybody on the link, and MACs are excluded"
	}
	for _, n := range networks {
		whole := slices.ContainsFunc(k.o.Scope, func(p netip.Prefix) bool { return p.Bits() <= n.Bits() && p.Contains(n.Addr()) })
		if !whole {
			return fmt.Sprintf("it would reach all of %s, and the scope does not hold all of it", n)
		}
		for _, excluded := range k.o.Exclude.Prefixes {
			if excluded.Overlaps(n) {
				return fmt.Sprintf("it would reach %s, which is excluded", prefixText(excluded))
			}
		}
	}
	return ""
}

// checkSegment refuses a plan that this keeper cannot keep: it may come from a file.
func (k *Keeper) checkSegment(p SegmentPlan, hosts []Host) (discovery.Protocol, []allowance, error) {
	protocol, ok := k.segmentProtocol(p.Protocol)
	switch {
	case k.o.Interface == nil:
		return protocol, nil, fmt.Errorf("ask the segment over %s: no interface was given", p.Protocol)
	case k.o.Interface.Name != p.Interface:
		return protocol, nil, fmt.Errorf("ask the segment over %s: planned for %s, not for %s", p.Protocol, p.Interface, k.o.Interface.Name)
	case !ok || p.Protocol == sweepProtocol:
		return protocol, nil, fmt.Errorf("the protocol %q is not asked of a segment", p.Protocol)
	case !slices.Contains(k.linksFor(protocol.Segment.Transport), link{net: p.Network, own: p.From}):
		return protocol, nil, fmt.Errorf("ask the segment over %s: %s with our address %s is not on %s", p.Protocol, p.Network, p.From, p.Interface)
	}
	today, reasons := k.planSegment(protocol, link{net: p.Network, own: p.From}, hosts)
	if reason := reasons[""]; reason != "" {
		return protocol, nil, fmt.Errorf("ask the segment over %s %w: %s", p.Protocol, discovery.ErrOutOfScope, reason)
	}
	var out []allowance
	for _, planned := range p.Requests {
		r, listed := requestByName(protocol.Segment, planned.Name)
		i := slices.IndexFunc(today.Requests, func(t Planned) bool { return t.Name == planned.Name })
		switch {
		case !listed || planned.Template != r.Template.String():
			return protocol, nil, fmt.Errorf("%s: the request %q has another form than this version sends, or none", p.Protocol, planned.Name)
		case i < 0:
			return protocol, nil, fmt.Errorf("%s: the request %q was not allowed", p.Protocol, planned.Name)
		}
		out = append(out, allowance{Request: r, atMost: min(planned.AtMost, r.Max)})
	}
	return protocol, out, nil
}
