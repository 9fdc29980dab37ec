package inventory

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// atom is the smallest thing that resolving handles: a MAC with the IPs that are bound to it, or an IP without a MAC. Its segment is
// empty where the MAC counts in the whole site. Where one device took over the address of another, each has an atom.
type atom struct {
	site, segment string
	mac           discovery.MAC
	ip            netip.Addr // only without a MAC
	entered       string     // only without either: the path of a device that a person entered

	parts    []Part
	evidence []Evidence
	talks    []Talk
	talked   []string // paths that were talked to
	seen     span
	first    string    // segment where it was seen first
	homes    []homeKey // the IPs ever bound to the MAC, or the atom's own
	held     []homeKey // those that it holds now
	notes    []string
	current  []Evidence // the evidence that is not superseded
	facts    []discovery.Fact
	marks    []Mark   // what it may be recognised by beside its address; at most one of a kind
	own      []Mark   // MarkInterface: the addresses that it tells to be its own
	model    string   // in the spelling of letters
	names    []string // what it calls itself, in the spelling of plainName
	survey   string   // the one that saw it last
	former   bool     // its address went to another device
	took     bool     // its address was another device's before
}

type atomKey struct {
	site, segment string
	mac           discovery.MAC
	ip            netip.Addr
	entered       string
}

func compareAtoms(a, b *atom) int {
	return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.segment, b.segment), a.ip.Compare(b.ip), slices.Compare(a.mac[:], b.mac[:]),
		cmp.Compare(a.entered, b.entered), a.seen.first.Compare(b.seen.first), a.seen.last.Compare(b.seen.last))
}

// address is the mark of the atom's own address.
func (a *atom) address() Mark {
	if a.entered != "" {
		return enteredMark(a.site, a.segment, a.entered)
	}
	if a.mac.IsZero() {
		return ipMark(a.site, a.segment, a.ip)
	}
	mark := macMark(discovery.Subject{Site: a.site, Segment: a.segment}, a.mac)
	mark.Segment = a.segment // also of a maker's MAC that turned out to be copied
	return mark
}

// mark is the atom's mark of a kind.
func (a *atom) mark(kind MarkKind) (Mark, bool) {
	for _, m := range a.marks {
		if m.Kind == kind {
			return m, true
		}
	}
	return Mark{}, false
}

// atomizer deals the sightings out to atoms.
type atomizer struct {
	bindings bindings
	copied   map[siteMAC]bool // MACs that several devices have: they count in their segment only
	atoms    map[atomKey]*atom
}

// siteMAC is a MAC in a site.
type siteMAC struct {
	site string
	mac  discovery.MAC
}

// atomize makes atoms of sightings, in a fixed order. What belongs to the sensor is left out.
func (r Rules) atomize(sightings []Sighting) []*atom {
	sorted := slices.Clone(sightings)
	slices.SortFunc(sorted, func(a, b Sighting) int { return compareSubjects(a.Subject, b.Subject) })
	z := atomizer{bindings: bind(sorted), copied: map[siteMAC]bool{}}
	r.cutOff(z.bindings)
	z.dealAll(sorted)
	if r.unmask(&z) {
		z.dealAll(sorted)
	}
	sensor := map[discovery.MAC]bool{}
	for _, mac := range r.Sensor {
		sensor[mac] = true
	}
	atoms := make([]*atom, 0, len(z.atoms))
	for _, a := range z.atoms {
		if a.seen.first.IsZero() || sensor[a.mac] {
			continue
		}
		if a.mac.IsZero() && isExternal(a) {
			continue
		}
		slices.SortFunc(a.parts, compareParts)
		slices.SortFunc(a.homes, compareHomes)
		a.homes = slices.Compact(a.homes)
		SortEvidence(a.evidence)
		a.held = a.homes
		if !a.mac.IsZero() {
			var notes []string
			a.held, notes = z.bindings.held(a.mac, a.homes)
			a.notes = append(a.notes, notes...)
			if n := z.bindings.fronts(a.mac, a.site, a.segment); n > 0 {
				a.notes = append(a.notes, fmt.Sprintf("answers ARP for %d addresses of other devices: an address translator, a proxy, or a bridge that lends them its MAC", n))
			}
		}
		if mac, ok := z.bindings.behind[homeKey{place{a.site, a.segment}, a.ip}]; ok {
			a.notes = append(a.notes, fmt.Sprintf("is reached through %s, which answers for several devices", mac))
		}
		r.identifyAtom(a)
		atoms = append(atoms, r.formers(a)...)
		atoms = append(atoms, a)
	}
	slices.SortFunc(atoms, compareAtoms)
	return atoms
}

func compareParts(x, y Part) int {
	return cmp.Or(compareSubjects(x.Subject, y.Subject), x.Since.Compare(y.Since))
}

// dealAll gives all sightings to atoms.
func (z *atomizer) dealAll(sightings []Sighting) {
	z.atoms = map[atomKey]*atom{}
	for _, s := range sightings {
		z.deal(s)
	}
}

// deal gives a sighting to the atom of its address: to its MAC if the MAC holds the IP, else to whoever held the IP when each
// piece of evidence was last seen, else to an atom of the IP alone. The MAC beside an IP that it does not hold is a router's.
func (z *atomizer) deal(s Sighting) {
	subject := s.Subject
	if !isHost(subject.IP) {
		if holdsIPs(subject.MAC) || isEntered(subject.Path) {
			z.give(subject.MAC, s, Part{Subject: subject})
		}
		return
	}
	home := homeKey{place{subject.Site, subject.Segment}, subject.IP}
	if holdsIPs(subject.MAC) && z.bindings.bound(subject) {
		z.give(subject.MAC, s, Part{Subject: subject})
		return
	}
	holders := z.bindings.holders(home)
	if len(holders) == 0 {
		z.give(discovery.MAC{}, s, Part{Subject: subject})
	}
	for _, h := range holders {
		z.give(h.mac, s, Part{Subject: subject, Since: h.since, Until: h.until})
	}
}

// give gives the part of a sighting to the atom of the MAC, or of the subject's IP where there is none.
func (z *atomizer) give(mac discovery.MAC, s Sighting, part Part) {
	key := atomKey{site: s.Subject.Site, segment: s.Subject.Segment, mac: mac}
	if mac.IsZero() && isEntered(s.Subject.Path) {
		key.entered = s.Subject.Path
	} else if mac.IsZero() {
		key.ip = s.Subject.IP
	} else if mac.IsStation() && !z.copied[siteMAC{key.site, mac}] {
		key.segment = ""
	}
	a := z.atoms[key]
	if a == nil {
		a = &atom{site: key.site, segment: key.segment, mac: key.mac, ip: key.ip, entered: key.entered}
		z.atoms[key] = a
	}
	a.parts = append(a.parts, part)
	if isHost(s.Subject.IP) {
		a.homes = append(a.homes, homeKey{place{s.Subject.Site, s.Subject.Segment}, s.Subject.IP})
	}
	for _, e := range s.Evidence {
		if part.Holds(e.Last) {
			a.evidence = append(a.evidence, e)
			a.see(s.Subject.Segment, e.First, e.Last)
		}
	}
	for _, t := range s.Talks {
		if part.Holds(t.Last) {
			a.talks = append(a.talks, t)
			a.talked = append(a.talked, s.Subject.Path)
			a.see(s.Subject.Segment, t.First, t.Last)
		}
	}
}

// isExternal reports whether an IP is somebody's on the internet: a public address that was only talked to, by way of a router.
// A plant that uses public addresses inside shows them in ARP, or by what its devices say of themselves.
func isExternal(a *atom) bool {
	return IsPublic(a.ip) && !slices.ContainsFunc(a.evidence, func(e Evidence) bool { return e.Fact.Key.Protocol() != "address" })
}

// IsPublic reports whether an address is for use in the internet: not private (RFC 1918, RFC 4193), not shared (RFC 6598), and
// not of this host or link.
func IsPublic(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10).Contains(ip)
}

// identify runs the fingerprints over evidence and the MACs it belongs to. Facts come in a fixed order, for each key the newest
// value first.
func (r Rules) identify(evidence []Evidence, macs []discovery.MAC) []discovery.Fact {
	if r.Identify == nil {
		return nil
	}
	type said struct {
		key   discovery.Key
		value string
	}
	newest := map[said]int{}
	var list []Evidence
	for _, e := range observed(evidence) {
		id := said{e.Fact.Key, e.Fact.Value}
		i, ok := newest[id]
		if !ok {
			newest[id] = len(list)
			list = append(list, e)
			continue
		}
		if e.Last.After(list[i].Last) {
			list[i].Last = e.Last
		}
		if e.Fact.Confidence > list[i].Fact.Confidence {
			list[i].Fact.Confidence = e.Fact.Confidence
		}
	}
	slices.SortStableFunc(list, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(a.Fact.Key, b.Fact.Key), b.Last.Compare(a.Last), cmp.Compare(a.Fact.Value, b.Fact.Value))
	})
	var facts []discovery.Fact
	for _, e := range list {
		facts = append(facts, e.Fact)
	}
	for _, mac := range macs {
		if !mac.IsZero() {
			facts = append(facts, discovery.NewFact(discovery.KeyMAC, mac.String()))
		}
	}
	var found []discovery.Fact
	if len(facts) > 0 {
		found = r.Identify(facts)
	}
	return append(found, stated(evidence, found)...)
}
