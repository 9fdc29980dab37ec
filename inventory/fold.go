package inventory

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// fold makes a thing of its atoms: it identifies again, over all that is known of it.
func (r Rules) fold(atoms []*atom) Thing {
	var t Thing
	var evidence, current []Evidence
	var talks []Talk
	var talked []string
	var macs []discovery.MAC
	var seen span
	segment := ""
	for _, a := range atoms {
		if segment == "" || a.seen.first.Before(seen.first) || a.seen.first.Equal(seen.first) && a.first < segment {
			segment = a.first
		}
		seen.add(a.seen.first, a.seen.last)
		evidence, current = append(evidence, a.evidence...), append(current, a.current...)
		talks, talked = append(talks, a.talks...), append(talked, a.talked...)
		if !a.mac.IsZero() {
			macs = append(macs, a.mac)
		}
		t.Parts = append(t.Parts, a.parts...)
		t.Marks = append(append(t.Marks, a.marks...), a.own...)
		if !a.former {
			t.Marks = append(t.Marks, a.address())
		}
		if a.took {
			t.Took = append(t.Took, a.address())
		}
		for _, home := range a.held {
			t.Marks = append(t.Marks, ipMark(home.site, home.segment, home.ip))
		}
		t.Asset.Notes = append(t.Asset.Notes, a.notes...)
		if a.mac.IsVirtual() {
			t.Asset.Notes = append(t.Asset.Notes, a.mac.String()+" is shared by routers, of which one answers at a time (VRRP, HSRP or the like)")
		}
	}
	t.Steady = len(atoms) == 1 && len(atoms[0].held) == len(atoms[0].homes) && !wavers(current)
	SortEvidence(evidence)
	SortEvidence(current)
	slices.SortFunc(t.Parts, compareParts)
	slices.SortFunc(t.Marks, compareMarks)
	t.Marks = slices.Compact(t.Marks)

	host := hostEvidence(current, talked)
	found := atoms[0].facts
	if len(atoms) > 1 {
		found = r.identify(host, macs)
	}
	a := &t.Asset
	a.Site, a.Segment = atoms[0].site, segment
	a.FirstSeen, a.LastSeen = heardSpan(evidence, talks)
	a.Identity = IdentityOf(found)
	a.Name, a.Names = best(found, discovery.KeyName), values(found, discovery.KeyName)
	a.MACVendor = best(found, discovery.KeyMACVendor)
	a.Addresses = addresses(atoms, segment)
	a.Protocols = protocols(evidence, talks)
	a.Services = services(evidence, talks)
	a.Seen = seenBy(evidence, talks)
	if slices.ContainsFunc(evidence, func(e Evidence) bool { return e.Fact.Key == discovery.KeyRole && e.Fact.Value == "router" }) {
		a.Role = "router"
	}
	for _, e := range evidence {
		if e.First.After(t.Fresh) {
			t.Fresh = e.First
		}
		switch e.Fact.Key {
		case discovery.KeyNotUnderstood:
			a.Notes = append(a.Notes, "answered, not understood: "+e.Fact.Value)
		case discovery.KeyDistress:
			a.Notes = append(a.Notes, "showed distress while it was asked: "+e.Fact.Value)
		}
	}
	a.Notes = append(a.Notes, doubts(found)...)
	slices.Sort(a.Notes)
	a.Notes = slices.Compact(a.Notes)
	about := t.Parts[0].Subject
	if len(host) > 0 {
		about = host[0].Subject
	}
	if !isEntered(about.Path) {
		about = about.Host()
	}
	t.Deduced = deductions(found, about, host)
	parts, deduced := r.components(current, talked)
	if kept, echoes := withoutEchoes(parts); echoes > 0 {
		parts = kept
		a.Notes = append(a.Notes, fmt.Sprintf("answers for %d slots with one nameplate: what sits in them is not known", echoes))
		slices.Sort(a.Notes)
	}
	a.Components = parts
	a.Ports = ports(current)
	t.Deduced = append(t.Deduced, deduced...)
	return t
}

// best is the first value of a key, which is the best one.
func best(facts []discovery.Fact, key discovery.Key) string {
	if i := slices.IndexFunc(facts, func(f discovery.Fact) bool { return f.Key == key }); i >= 0 {
		return facts[i].Value
	}
	return ""
}

// values are all values of a key, each once, the best first.
func values(facts []discovery.Fact, key discovery.Key) []string {
	var out []string
	for _, f := range facts {
		if f.Key == key && !slices.Contains(out, f.Value) {
			out = append(out, f.Value)
		}
	}
	return out
}

// doubts are the reasons why what a device says may not be true, as far as they are more than a hint.
func doubts(found []discovery.Fact) []string {
	var out []string
	for _, f := range found {
		if f.Key == discovery.KeyDoubt && f.Confidence > 0.5 {
			out = append(out, f.Value)
		}
	}
	return out
}

// IdentityOf takes the best value of each key from deduced facts, in which the best comes first.
func IdentityOf(facts []discovery.Fact) Identity {
	var id Identity
	for _, field := range []struct {
		key  discovery.Key
		name string
		to   *string
	}{
		{discovery.KeyVendor, "vendor", &id.Vendor},
		{discovery.KeyFamily, "family", &id.Family},
		{discovery.KeyModel, "model", &id.Model},
		{discovery.KeyOrderNumber, "order_number", &id.OrderNumber},
		{discovery.KeySerial, "serial", &id.Serial},
		{discovery.KeyHardware, "hardware", &id.Hardware},
		{discovery.KeyFirmware, "firmware", &id.Firmware},
		{discovery.KeyFirmwareRaw, "firmware_raw", &id.FirmwareRaw},
		{discovery.KeySoftware, "software", &id.Software},
		{discovery.KeyOS, "os", &id.OS},
		{discovery.KeyType, "type", &id.Type},
		{discovery.KeyCPE, "cpe", &id.CPE},
		{discovery.KeyCPECandidate, "cpe_candidate", &id.CPECandidate},
	} {
		i := slices.IndexFunc(facts, func(f discovery.Fact) bool { return f.Key == field.key && f.Value != "" })
		if i < 0 {
			continue
		}
		*field.to = facts[i].Value
		if id.Confidences == nil {
			id.Confidences = map[string]float32{}
		}
		id.Confidences[field.name] = facts[i].Confidence
	}
	for _, name := range []string{"vendor", "model", "firmware"} {
		if c, ok := id.Confidences[name]; ok && (id.Confidence == 0 || c < id.Confidence) {
			id.Confidence = c
		}
	}
	return id
}

// deductions are the deduced facts as evidence: about a subject, as old as what they were made of.
func deductions(found []discovery.Fact, about discovery.Subject, made []Evidence) []Evidence {
	var seen span
	survey := ""
	for _, e := range made {
		if e.Last.After(seen.last) {
			survey = ""
		}
		seen.add(e.First, e.Last)
		if e.Last.Equal(seen.last) {
			survey = max(survey, e.Survey)
		}
	}
	out := make([]Evidence, 0, len(found))
	for _, f := range found {
		out = append(out, Evidence{
			Subject: about, Mode: discovery.Deduced, Fact: f, First: seen.first, Last: seen.last, Count: 1, Survey: survey,
		})
	}
	return out
}

// addresses are the MACs with the IPs that they hold, and the IPs without a MAC, sorted by IP and then MAC.
func addresses(atoms []*atom, segment string) []Address {
	out := []Address{}
	for _, a := range atoms {
		if a.entered != "" || a.former {
			continue
		}
		vlans := map[homeKey]uint16{} // by IP; a VLAN that is known goes before one that is not
		for _, p := range a.parts {
			home := homeKey{place{p.Subject.Site, p.Subject.Segment}, p.Subject.IP}
			vlans[home] = max(vlans[home], p.Subject.VLAN)
		}
		elsewhere := func(s string) string {
			if s == segment {
				return ""
			}
			return s
		}
		for _, home := range a.held {
			out = append(out, Address{MAC: a.mac.String(), IP: home.ip.String(), VLAN: vlans[home], Segment: elsewhere(home.segment)})
		}
		if len(a.held) == 0 {
			var vlan uint16
			for _, v := range vlans {
				vlan = max(vlan, v)
			}
			out = append(out, Address{MAC: a.mac.String(), VLAN: vlan, Segment: elsewhere(a.first)})
		}
	}
	slices.SortFunc(out, compareAddresses)
	return slices.Compact(out)
}

// compareAddresses orders by IP as a number, addresses without an IP last, then by MAC.
func compareAddresses(a, b Address) int {
	x, _ := netip.ParseAddr(a.IP)
	y, _ := netip.ParseAddr(b.IP)
	none := func(ip netip.Addr) int {
		if ip.IsValid() {
			return 0
		}
		return 1
	}
	return cmp.Or(none(x)-none(y), x.Compare(y), cmp.Compare(a.MAC, b.MAC), cmp.Compare(a.VLAN, b.VLAN), cmp.Compare(a.Segment, b.Segment))
}

// compareAssets orders by site, segment and first address.
func compareAssets(a, b Asset) int {
	if c := cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Segment, b.Segment)); c != 0 {
		return c
	}
	return slices.CompareFunc(a.Addresses, b.Addresses, compareAddresses)
}

// protocols are those that the device spoke itself, sorted. What only resolves addresses (ARP, ND) is left out: every host
// speaks it.
func protocols(evidence []Evidence, talks []Talk) []string {
	var out []string
	for _, e := range evidence {
		if e.Teller.IsZero() && e.Mode != discovery.Person && e.Fact.Key.Protocol() != "address" {
			out = append(out, e.Protocol)
		}
	}
	for _, t := range talks {
		out = append(out, t.Protocol)
	}
	out = slices.DeleteFunc(out, func(p string) bool { return p == "" || p == "arp" || p == "nd" })
	slices.Sort(out)
	return slices.Compact(out)
}

// services are what listens on the device: what answered, and what was announced. Sorted by transport and port.
func services(evidence []Evidence, talks []Talk) []Service {
	named := map[Service]string{} // without the protocol
	add := func(s Service) {
		protocol := s.Protocol
		s.Protocol = ""
		if before, ok := named[s]; !ok || before == "" || protocol != "" && protocol < before {
			named[s] = protocol
		}
	}
	for _, e := range evidence {
		if e.Fact.Key == discovery.KeyService {
			if s, ok := ParseService(e.Fact.Value); ok {
				add(s)
			}
		}
	}
	for _, t := range talks {
		if t.Server && t.Transport != discovery.EtherType.String() {
			add(t.Service)
		}
	}
	out := make([]Service, 0, len(named))
	for s, protocol := range named {
		s.Protocol = protocol
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Service) int {
		return cmp.Or(cmp.Compare(a.Transport, b.Transport), cmp.Compare(a.Port, b.Port))
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// ParseService reads the value of a discovery.KeyService fact: "tcp/502 modbus", the protocol may be absent.
func ParseService(text string) (Service, bool) {
	where, protocol, _ := strings.Cut(text, " ")
	transport, number, ok := strings.Cut(where, "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if !ok || err != nil || transport != discovery.TCP.String() && transport != discovery.UDP.String() {
		return Service{}, false
	}
	return Service{Transport: transport, Port: uint16(port), Protocol: protocol}, true
}

// seenBy says whether a device was overheard, asked, or both.
func seenBy(evidence []Evidence, talks []Talk) Seen {
	heard, asked := false, false
	mode := func(m discovery.Mode) {
		heard = heard || m == discovery.Heard
		asked = asked || m == discovery.Asked
	}
	for _, e := range evidence {
		mode(e.Mode)
	}
	for _, t := range talks {
		mode(t.Mode)
	}
	switch {
	case heard && asked:
		return SeenBoth
	case asked:
		return SeenActive
	case heard:
		return SeenPassive
	}
	return "" // only people know of it
}
