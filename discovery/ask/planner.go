package ask

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Plan makes the plan for the hosts: infrastructure first, then by address; of each host the protocols with the best evidence
// first. It sends nothing. Two hosts with the same address become one.
func (k *Keeper) Plan(hosts []Host) Plan {
	p := Plan{
		Scope:    []string{},
		Excluded: k.o.Exclude.Strings(),
		Allowed:  slices.Clone(k.o.Allow),
		Windows:  k.o.Windows.Strings(),
		Pace:     k.o.Limits.pace(),
		Devices:  []DevicePlan{},
	}
	for _, prefix := range k.o.Scope {
		p.Scope = append(p.Scope, prefixText(prefix))
	}
	merged := mergeHosts(hosts)
	crowds := k.crowds(merged)
	for mac, n := range crowds {
		p.Proxies = append(p.Proxies, Proxy{MAC: mac, Addresses: n})
	}
	slices.SortFunc(p.Proxies, func(a, b Proxy) int { return bytes.Compare(a.MAC[:], b.MAC[:]) })
	for _, h := range merged {
		if !h.Subject.IP.IsValid() {
			k.planLater(&p, h, hosts)
			continue
		}
		reason := k.refusal(h.Subject, unicast)
		if safety := safetyHost(h); reason == "" && safety != "" && !k.namedAlone(h.Subject.IP) {
			reason = refusedAsSafety(safety)
		}
		if reason == "" && k.isAbsent(h.Subject.IP, h.Heard) {
			reason = notThere
		}
		if reason != "" {
			p.NotAsked = append(p.NotAsked, NotAsked{Address: h.Subject.IP, Reason: reason})
			continue
		}
		device, notAsked := k.planDevice(h, crowds[h.Subject.MAC])
		p.NotAsked = append(p.NotAsked, notAsked...)
		if len(device.Items) > 0 {
			p.Devices = append(p.Devices, device)
		}
	}
	if k.o.Interface != nil {
		sweep := k.PlanSweep(hosts)
		p.Sweep = &sweep
	}
	k.planSegments(&p, hosts)
	p.Totals = k.totals(p)
	return p
}

func (l Limits) pace() Pace {
	gaps := map[string]int64{}
	for _, c := range discovery.Classes() {
		gaps[c.String()] = l.Class(c).Gap.Milliseconds()
	}
	return Pace{
		GapsMS: gaps,
		Name:   l.Name, PerSecond: l.Rate, Packets: l.Packets, Devices: l.Devices, AtOnePort: l.AtOnePort, Jitter: l.Jitter, SetupGapMS: l.SetupGap.Milliseconds(),
		AnswerMS: l.Answer.Milliseconds(), ConnectMS: l.Connect.Milliseconds(), SweepPerSec: l.SweepRate, SweepAtMost: l.SweepMax,
		UDPRetries: l.UDPRetries, AfterStopMS: l.Stop.Milliseconds(), AfterCloseMS: l.Close.Milliseconds(),
	}
}

// mergeHosts makes one host of those with the same address and sorts them.
func mergeHosts(hosts []Host) []Host {
	var out []Host
	at := map[netip.Addr]int{}
	for _, h := range hosts {
		h.Subject = h.Subject.Host()
		h.Subject.IP = h.Subject.IP.Unmap()
		i, seen := at[h.Subject.IP]
		if !seen {
			at[h.Subject.IP] = len(out)
			h.Evidence, h.Ports = maps.Clone(h.Evidence), maps.Clone(h.Ports)
			h.Units, h.Named = slices.Clone(h.Units), slices.Clone(h.Named)
			out = append(out, h)
			continue
		}
		out[i].merge(h)
	}
	slices.SortStableFunc(out, func(a, b Host) int {
		return cmp.Or(cmp.Compare(classOrder(a.Class), classOrder(b.Class)), a.Subject.IP.Compare(b.Subject.IP))
	})
	return out
}

func (h *Host) merge(other Host) {
	if h.Subject.MAC.IsZero() {
		h.Subject.MAC = other.Subject.MAC
	}
	h.Class = gentler(h.Class, other.Class)
	for protocol, grade := range other.Evidence {
		if mine := h.Evidence[protocol]; grade != 0 && (mine == 0 || grade < mine) {
			if h.Evidence == nil {
				h.Evidence = map[string]discovery.Grade{}
			}
			h.Evidence[protocol] = grade
		}
	}
	for protocol, port := range other.Ports {
		if h.Ports == nil {
			h.Ports = map[string]uint16{}
		}
		h.Ports[protocol] = port
	}
	h.Units = append(h.Units, other.Units...)
	h.Named = append(h.Named, other.Named...)
	h.Core = h.Core || other.Core
	h.Behind = cmp.Or(h.Behind, other.Behind)
	h.Type, h.Vendor = cmp.Or(h.Type, other.Type), cmp.Or(h.Vendor, other.Vendor)
	h.Names, h.Listens = slices.Concat(h.Names, other.Names), slices.Concat(h.Listens, other.Listens)
	h.Clients, h.Answered = join(h.Clients, other.Clients), join(h.Answered, other.Answered)
	if other.Heard.After(h.Heard) {
		h.Heard = other.Heard
	}
}

// join adds what is in b and not in a, without touching either.
func join[K comparable, V any](a, b map[K]V) map[K]V {
	if len(b) == 0 {
		return a
	}
	out := maps.Clone(b)
	maps.Copy(out, a)
	return out
}

// gentler is the class that is asked more gently; anything is better than not knowing.
func gentler(a, b Class) Class {
	if a == Unknown {
		return b
	}
	return max(a, b)
}

// classOrder puts infrastructure first: a switch tells about a hundred devices without one of them being touched.
func classOrder(c Class) int {
	if c == Infrastructure {
		return 0
	}
	return 1
}

// crowds gives the stations that answer for more addresses than one has of its own, and for how many: a router that answers ARP for
// others (RFC 1027), a firewall. Nobody knows which of the addresses are there.
func (k *Keeper) crowds(hosts []Host) map[discovery.MAC]int {
	out := map[discovery.MAC]int{}
	for _, h := range hosts {
		if !h.Subject.MAC.IsZero() && h.Subject.IP.IsValid() {
			out[h.Subject.MAC]++
		}
	}
	maps.DeleteFunc(out, func(_ discovery.MAC, n int) bool { return n <= k.o.Limits.Addresses })
	return out
}

// planDevice lists what the host is asked, and what of it is not. crowd is for how many addresses its station answers, if they are
// more than it can have itself.
func (k *Keeper) planDevice(h Host, crowd int) (DevicePlan, []NotAsked) {
	limits := k.o.Limits.Class(h.Class)
	d := DevicePlan{
		Site: h.Subject.Site, Segment: h.Subject.Segment, Address: h.Subject.IP, MAC: h.Subject.MAC, VLAN: h.Subject.VLAN,
		Class: h.Class, Behind: h.Behind, Heard: h.Heard, GapMS: limits.Gap.Milliseconds(), AtMost: k.o.Limits.questions(h.Class, h.Core),
	}
	var notAsked []NotAsked
	blindly := crowd > 0 && !k.namedAlone(h.Subject.IP)
	type candidate struct {
		protocol discovery.Protocol
		grade    discovery.Grade
	}
	var candidates []candidate
	for _, p := range k.o.Protocols {
		grade := h.Evidence[p.Name]
		if p.Asker == nil || grade == 0 || blindly && grade > discovery.GradeAnnounced {
			continue
		}
		if grade >= discovery.GradeBlind && !k.allowed(allowBlind) {
			notAsked = append(notAsked, NotAsked{
				Address: h.Subject.IP, Protocol: p.Name, Grade: grade.String(),
				Reason: "nothing speaks for it: needs --allow " + allowBlind,
			})
			continue
		}
		candidates = append(candidates, candidate{p, grade})
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		if a.grade == b.grade && a.grade >= discovery.GradeBlind {
			return cmp.Compare(blindOrder(a.protocol.Name), blindOrder(b.protocol.Name))
		}
		return cmp.Compare(a.grade, b.grade)
	})
	for _, c := range candidates {
		item, refused := k.planItem(h, c.protocol, c.grade)
		notAsked = append(notAsked, refused...)
		if len(item.Requests) > 0 {
			d.Items = append(d.Items, item)
		}
	}
	if blindly && len(d.Items) == 0 {
		notAsked = []NotAsked{{
			Address: h.Subject.IP,
			Reason:  fmt.Sprintf("%s answers ARP for %d addresses: name this one alone in the scope if it is there", h.Subject.MAC, crowd),
		}}
	}
	if len(d.Items) == 0 && len(notAsked) == 0 {
		notAsked = append(notAsked, NotAsked{Address: h.Subject.IP, Reason: "nothing is known that it could be asked"})
	}
	d.Cost = k.cost(d)
	return d, notAsked
}

// blindOrder puts what tells most, on most devices, first: who is asked blindly is asked until its nameplate is whole.
func blindOrder(protocol string) int {
	first := []string{"snmp", "modbus", "opcua", "s7", "enip"}
	if i := slices.Index(first, protocol); i >= 0 {
		return i
	}
	return len(first)
}

// planItem lists the requests of one protocol; without a question that may be asked there are none.
func (k *Keeper) planItem(h Host, p discovery.Protocol, grade discovery.Grade) (Item, []NotAsked) {
	item := Item{Protocol: p.Name, Transport: p.Asker.Transport.String(), Port: p.Asker.Port, Grade: grade.String(), Connections: p.Asker.Connections}
	if port := h.Ports[p.Name]; port != 0 {
		item.Port = port
	}
	k.planUnits(&item, h, p)
	var notAsked []NotAsked
	questions := 0
	for _, r := range p.Asker.Requests {
		if r.PerUnit && len(h.Units)+len(h.Named) == 0 {
			continue
		}
		if !k.optedIn(p.Name, r, h.Class, item.UnitsNamed) {
			if !r.Setup {
				notAsked = append(notAsked, NotAsked{
					Address: h.Subject.IP, Protocol: p.Name, Request: r.Name, Grade: grade.String(), Reason: whyNot(p, r, h.Class),
				})
			}
			continue
		}
		if !r.Setup {
			questions++
		}
		item.Requests = append(item.Requests, k.planned(p.Asker, r, h.Class))
	}
	if questions == 0 {
		item.Requests = nil
		return item, notAsked
	}
	refuse := func(reason string) {
		notAsked = append(notAsked, NotAsked{Address: h.Subject.IP, Protocol: p.Name, Grade: grade.String(), Reason: reason})
		item.Requests = nil
	}
	if reason, alone := k.needless(h, p, item); alone {
		units := slices.DeleteFunc(slices.Clone(item.Requests), func(planned Planned) bool {
			r, _ := requestByName(p.Asker, planned.Name)
			return !r.PerUnit && !r.Setup
		})
		refuse(reason)
		item.Requests = units
	} else if reason != "" {
		refuse(reason)
		return item, notAsked
	}
	if reason := k.tooManyClients(p.Name, p.Asker.Scarce, h.Class, h.Clients[p.Name]); reason != "" {
		refuse(reason)
	}
	return item, notAsked
}

// planUnits settles which units behind the address are asked: the overheard ones by opt-in, else those that a person named.
func (k *Keeper) planUnits(item *Item, h Host, p discovery.Protocol) {
	units := h.Named
	for _, r := range p.Asker.Requests {
		if r.PerUnit && k.mayBeSent(p.Name, r, h.Class) {
			units = slices.Concat(h.Named, h.Units)
		}
	}
	if !slices.ContainsFunc(p.Asker.Requests, func(r discovery.Request) bool { return r.PerUnit }) {
		return
	}
	for _, u := range slices.Compact(slices.Sorted(slices.Values(units))) {
		item.Units = append(item.Units, int(u))
	}
	item.UnitsNamed = len(h.Named) > 0
}

// optedIn is mayBeSent, where naming the units is an opt-in for the questions to them.
func (k *Keeper) optedIn(protocol string, r discovery.Request, class Class, unitsNamed bool) bool {
	return k.mayBeSent(protocol, r, class) || unitsNamed && r.PerUnit && r.SafetyFor(class) == discovery.SafetyC
}

// whyNot says why a request is not sent to a device of this class, and what would change that.
func whyNot(p discovery.Protocol, r discovery.Request, class Class) string {
	if r.SafetyFor(class) == discovery.SafetyD {
		return fmt.Sprintf("never sent to a device of the class %s", class)
	}
	name := r.Name
	for _, other := range p.Asker.Requests {
		if other.Setup && other.SafetyFor(class) == discovery.SafetyC {
			name = p.Name // what sets it up needs the opt-in too
		}
	}
	reason := "safety class C"
	if len(r.ByClass) > 0 {
		reason += fmt.Sprintf(" for a device of the class %s", class)
	}
	if r.PerUnit {
		return reason + ": needs --units or --allow " + name
	}
	return reason + ": needs --allow " + name
}

func (k *Keeper) planned(a *discovery.Asker, r discovery.Request, class Class) Planned {
	most := r.Max
	if a.TransportOf(r) == discovery.UDP && !r.MayBeSilent {
		most *= 1 + k.o.Limits.UDPRetries
	}
	own := ""
	if r.Transport != 0 && r.Transport != a.Transport {
		own = r.Transport.String()
	}
	return Planned{Transport: own, GapMS: r.Gap.Milliseconds(), Name: r.Name, Template: r.Template.String(), Safety: r.SafetyFor(class).String(), Setup: r.Setup, AtMost: most, Effect: r.Effect}
}

// maxLater bounds the number of hosts that a plan speaks of before they are found.
const maxLater = 1 << 16

// planLater says what each host of the scope is asked that is not among the known ones, and what those of them, or of the known ones
// of an unknown class, are asked that turn out to be infrastructure.
func (k *Keeper) planLater(p *Plan, each Host, hosts []Host) {
	n := 0
	for _, prefix := range k.o.Scope {
		if free := prefix.Addr().BitLen() - prefix.Bits(); free < 16 {
			n += 1 << free
		} else {
			n = maxLater
		}
		n = min(n, maxLater)
	}
	unknown := false
	for _, h := range hosts {
		if h.Subject.IP.IsValid() && n > 0 {
			n--
		}
		unknown = unknown || h.Subject.IP.IsValid() && h.Class == Unknown
	}
	later := LaterPlan{AtMost: n}
	device, notAsked := k.planDevice(each, 0)
	if n > 0 {
		p.NotAsked = append(p.NotAsked, notAsked...)
		later.Each = device
	}
	if each.Class == Unknown && (n > 0 || unknown) {
		each.Class = Infrastructure
		if more, _ := k.planDevice(each, 0); asksMore(more, device) {
			later.Infrastructure = &more
		}
	}
	if len(later.Each.Items) > 0 || later.Infrastructure != nil {
		p.Later = &later
	}
}

// asksMore reports whether a plan holds a request that another one does not.
func asksMore(d, than DevicePlan) bool {
	known := map[[2]string]bool{}
	for _, item := range than.Items {
		for _, r := range item.Requests {
			known[[2]string{item.Protocol, r.Name}] = true
		}
	}
	return slices.ContainsFunc(d.Items, func(item Item) bool {
		return slices.ContainsFunc(item.Requests, func(r Planned) bool { return !known[[2]string{item.Protocol, r.Name}] })
	})
}

// Packets that a TCP connection costs us beside its messages: SYN, ACK, FIN and the last ACK; each message is a segment and
// the acknowledgement of its answer.
const (
	packetsPerConnection = 4
	packetsPerMessage    = 2
)

// cost counts one device within its budgets.
func (k *Keeper) cost(d DevicePlan) Cost {
	limits := k.o.Limits.Class(d.Class)
	var t Cost
	left := d.AtMost
	connections := 0
	var slow time.Duration // above the gap of the class
	for _, item := range d.Items {
		for _, r := range item.Requests {
			n := r.AtMost
			if r.Setup {
				t.Setup += n
			} else {
				n = min(n, left)
				left -= n
				t.Questions += n
				slow += time.Duration(n) * max(time.Duration(r.GapMS)*time.Millisecond-limits.Gap, 0)
			}
			if item.transportOf(r) == discovery.TCP.String() {
				n *= packetsPerMessage
			}
			t.Packets += n
		}
		connections += item.connections()
	}
	connections = min(connections, limits.Connections)
	t.Packets += connections * packetsPerConnection
	gap := time.Duration(float64(limits.Gap) * (1 + k.o.Limits.Jitter/2))
	total := time.Duration(t.Questions)*gap + time.Duration(t.Setup)*k.o.Limits.SetupGap + time.Duration(max(connections-1, 0))*limits.Pause + slow
	t.Seconds = total.Seconds()
	return t
}

// totals adds the devices up; the time is that of the busiest of the places at which devices are asked at once, and not less
// than the overall rate needs.
func (k *Keeper) totals(p Plan) Totals {
	var t Totals
	places := make([]float64, k.o.Limits.Devices)
	paced := 0
	for _, d := range p.Devices {
		t.Devices++
		t.Questions += d.Questions
		t.Setup += d.Setup
		t.Packets += d.Packets
		paced += d.Questions
		for _, item := range d.Items {
			paced += item.connections()
		}
		free := slices.Index(places, slices.Min(places))
		places[free] += d.Seconds
	}
	perSecond, _ := k.o.Limits.packetRate()
	t.Seconds = max(slices.Max(places), float64(paced)/k.o.Limits.Rate, float64(t.Packets)/float64(perSecond))
	for _, segment := range p.Segments {
		t.Questions += segment.Packets
		t.Packets += segment.Packets
	}
	if p.Sweep != nil {
		t.Packets += p.Sweep.Packets
		t.Seconds += p.Sweep.Seconds
	}
	return t
}
