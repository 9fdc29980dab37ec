package inventory

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// atom is the smallest thing that resolving handles and never cuts: a MAC with the IPs that are bound to it, or an IP without
// a MAC. Its segment is empty where the MAC counts in the whole site.
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
	marks    []Mark // what it may be recognised by beside its address; at most one of a kind
	own      []Mark // MarkInterface: the addresses that it tells to be its own
	model    string // in the spelling of letters
}

type atomKey struct {
	site, segment string
	mac           discovery.MAC
	ip            netip.Addr
	entered       string
}

func compareAtoms(a, b *atom) int {
	return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.segment, b.segment), a.ip.Compare(b.ip), slices.Compare(a.mac[:], b.mac[:]),
		cmp.Compare(a.entered, b.entered))
}

// address is the mark of the atom's own address.
func (a *atom) address() Mark {
	if a.entered != "" {
		return enteredMark(a.site, a.segment, a.entered)
	}
	if a.mac.IsZero() {
		return ipMark(a.site, a.segment, a.ip)
	}
	return macMark(discovery.Subject{Site: a.site, Segment: a.segment}, a.mac)
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
	sensor   map[discovery.MAC]bool
	atoms    map[atomKey]*atom
}

// atomize makes atoms of sightings, in a fixed order. What belongs to the sensor is left out.
func (r Rules) atomize(sightings []Sighting) []*atom {
	sorted := slices.Clone(sightings)
	slices.SortFunc(sorted, func(a, b Sighting) int { return compareSubjects(a.Subject, b.Subject) })
	z := atomizer{bindings: bind(sorted), sensor: map[discovery.MAC]bool{}, atoms: map[atomKey]*atom{}}
	for _, mac := range r.Sensor {
		z.sensor[mac] = true
	}
	for _, s := range sorted {
		z.deal(s)
	}
	atoms := make([]*atom, 0, len(z.atoms))
	for _, a := range z.atoms {
		if a.seen.first.IsZero() || z.sensor[a.mac] {
			continue
		}
		if a.mac.IsZero() && isExternal(a) {
			continue
		}
		slices.SortFunc(a.parts, func(x, y Part) int { return cmp.Or(compareSubjects(x.Subject, y.Subject), x.Since.Compare(y.Since)) })
		slices.SortFunc(a.homes, func(x, y homeKey) int { return cmp.Or(cmp.Compare(x.segment, y.segment), x.ip.Compare(y.ip)) })
		a.homes = slices.Compact(a.homes)
		SortEvidence(a.evidence)
		a.held = a.homes
		if !a.mac.IsZero() {
			a.held, a.notes = z.bindings.held(a.mac, a.homes)
		}
		r.identifyAtom(a)
		atoms = append(atoms, a)
	}
	slices.SortFunc(atoms, compareAtoms)
	return atoms
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
	} else if mac.IsStation() {
		key.segment = ""
	}
	a := z.atoms[key]
	if a == nil {
		a = &atom{site: key.site, segment: key.segment, mac: key.mac, ip: key.ip, entered: key.entered}
		z.atoms[key] = a
	}
	see := func(first, last time.Time) {
		if a.first == "" || first.Before(a.seen.first) || first.Equal(a.seen.first) && s.Subject.Segment < a.first {
			a.first = s.Subject.Segment
		}
		a.seen.add(first, last)
	}
	a.parts = append(a.parts, part)
	if isHost(s.Subject.IP) {
		a.homes = append(a.homes, homeKey{place{s.Subject.Site, s.Subject.Segment}, s.Subject.IP})
	}
	for _, e := range s.Evidence {
		if part.Holds(e.Last) {
			a.evidence = append(a.evidence, e)
			see(e.First, e.Last)
		}
	}
	for _, t := range s.Talks {
		if part.Holds(t.Last) {
			a.talks = append(a.talks, t)
			a.talked = append(a.talked, s.Subject.Path)
			see(t.First, t.Last)
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

// supersededAfter is how much later, inside one survey, a new value must come up to replace one that was not seen since.
const supersededAfter = time.Hour

// identifyAtom finds what the atom may be recognised by. An atom that tells two values of a kind (a virtual address answered by
// both of its routers, an address translator) is not recognised by that kind.
func (r Rules) identifyAtom(a *atom) {
	a.current = current(a.evidence)
	host := hostEvidence(a.current, a.talked)
	a.facts = r.identify(host, []discovery.MAC{a.mac})
	best := map[discovery.Key]string{}
	for _, f := range a.facts {
		if _, ok := best[f.Key]; !ok {
			best[f.Key] = f.Value
		}
	}
	if m, ok := serialMark(a.site, best[discovery.KeyVendor], best[discovery.KeySerial]); ok {
		a.marks = append(a.marks, m)
	}
	for _, e := range a.current {
		if m, ok := interfaceMark(e); ok && !slices.Contains(a.own, m) {
			a.own = append(a.own, m)
		}
	}
	a.model = letters(cmp.Or(best[discovery.KeyModel], best[discovery.KeyOrderNumber]))
	made := map[MarkKind][]Mark{}
	for _, e := range host {
		var mark Mark
		var ok bool
		kind := MarkKind("")
		switch e.Fact.Key {
		case keyChassisID:
			mark, ok = chassisMark(e.Subject, e.Fact.Value)
			kind = MarkChassis
		case keyManagement:
			mark, ok = managementMark(e.Subject, e.Fact.Value)
			kind = MarkManagement
		case keyEngineID:
			mark, ok = engineMark(e.Subject, e.Fact.Value)
			kind = MarkEngine
		case keyApplicationURI:
			mark, ok = applicationMark(e.Subject, e.Fact.Value)
			kind = MarkApplication
		}
		if ok && !slices.Contains(made[kind], mark) {
			made[kind] = append(made[kind], mark)
		}
	}
	for _, kind := range []MarkKind{MarkChassis, MarkEngine, MarkApplication, MarkManagement} {
		if len(made[kind]) == 1 {
			a.marks = append(a.marks, made[kind][0])
		}
	}
}

// current leaves out what is superseded: a value that was last seen before another value of the same key came up, in another
// survey or long enough before. A firmware that was updated has one version, the new one.
func current(evidence []Evidence) []Evidence {
	type slot struct {
		path string
		key  discovery.Key
		told bool
	}
	of := func(e Evidence) slot { return slot{e.Subject.Path, e.Fact.Key, !e.Teller.IsZero()} }
	values := map[slot]map[string]*Evidence{} // by value: its earliest First with the survey of its latest Last
	for _, e := range evidence {
		byValue := values[of(e)]
		if byValue == nil {
			byValue = map[string]*Evidence{}
			values[of(e)] = byValue
		}
		v := byValue[e.Fact.Value]
		if v == nil {
			v = &Evidence{First: e.First, Last: e.Last, Survey: e.Survey}
			byValue[e.Fact.Value] = v
			continue
		}
		if e.First.Before(v.First) {
			v.First = e.First
		}
		if e.Last.After(v.Last) || e.Last.Equal(v.Last) && e.Survey > v.Survey {
			v.Last, v.Survey = e.Last, e.Survey
		}
	}
	superseded := func(e Evidence) bool {
		byValue := values[of(e)]
		if len(byValue) < 2 {
			return false
		}
		own := byValue[e.Fact.Value]
		for value, other := range byValue {
			if value != e.Fact.Value && own.Last.Before(other.First) &&
				(own.Survey != other.Survey || other.First.Sub(own.Last) > supersededAfter) {
				return true
			}
		}
		return false
	}
	var out []Evidence
	for _, e := range evidence {
		if !superseded(e) {
			out = append(out, e)
		}
	}
	return out
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
