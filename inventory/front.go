package inventory

import (
	"maps"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// plateOf is what a device says of itself under one address, as far as it tells devices apart.
type plateOf struct {
	home                          homeKey
	serial, engine, vendor, model string
	seen                          span
}

// contradicts reports whether two plates cannot be those of one device.
func (p plateOf) contradicts(q plateOf) bool {
	if p.serial != "" && q.serial != "" {
		return !sameSerial(p.serial, q.serial)
	}
	return p.engine != "" && q.engine != "" && p.engine != q.engine ||
		p.vendor != "" && q.vendor != "" && p.vendor != q.vendor && p.model != "" && q.model != "" && contradict([]string{p.model, q.model})
}

// after reports whether one of two plates was told only long after the other one was told last: then a device took the other's place.
func (p plateOf) after(q plateOf) bool { return !p.seen.near(q.seen, supersededAfter) }

// unmask finds MACs behind which there are several devices, by what these say of themselves, and reports whether there are any:
//   - at one place and time under several IPs: an address translator, a proxy for ARP, a wireless bridge that lends its clients its
//     MAC. These IPs stand for themselves then;
//   - in several segments: a MAC that was copied with a disk image, or never set. It counts in its segment only then.
func (r Rules) unmask(z *atomizer) bool {
	found := false
	for _, a := range z.atoms {
		if a.mac.IsZero() {
			continue
		}
		byPlace := map[place][]plateOf{}
		for _, p := range r.plates(a) {
			at := p.home.place
			byPlace[at] = append(byPlace[at], p)
		}
		var first []plateOf // of the places before
		for _, at := range slices.SortedFunc(maps.Keys(byPlace), func(x, y place) int {
			return compareSubjects(discovery.Subject{Site: x.site, Segment: x.segment}, discovery.Subject{Site: y.site, Segment: y.segment})
		}) {
			plates := byPlace[at]
			if masks(plates) {
				for _, p := range plates {
					z.bindings.release(p.home, a.mac)
				}
				found = true
				continue
			}
			for _, p := range plates {
				if slices.ContainsFunc(first, p.contradicts) && a.mac.IsStation() {
					z.copied[siteMAC{a.site, a.mac}] = true
					found = true
				}
			}
			first = append(first, plates...)
		}
	}
	return found
}

// masks reports whether two of the plates are those of two devices that were there together.
func masks(plates []plateOf) bool {
	for i, p := range plates {
		if slices.ContainsFunc(plates[i+1:], func(q plateOf) bool { return p.contradicts(q) && !p.after(q) }) {
			return true
		}
	}
	return false
}

// plates are what is said under each IPv4 address of a MAC. One that speaks under a single address has none: there is nothing to
// compare.
func (r Rules) plates(a *atom) []plateOf {
	byHome := map[homeKey][]Evidence{}
	for _, e := range a.evidence {
		if e.Subject.IP.Is4() && e.Subject.Path == "" && e.Fact.Key.Protocol() != "address" {
			home := homeKey{place{e.Subject.Site, e.Subject.Segment}, e.Subject.IP}
			byHome[home] = append(byHome[home], e)
		}
	}
	if len(byHome) < 2 {
		return nil
	}
	var out []plateOf
	for _, home := range slices.SortedFunc(maps.Keys(byHome), compareHomes) {
		evidence := byHome[home]
		SortEvidence(evidence)
		now, _ := current(evidence)
		facts := r.identify(now, nil)
		p := plateOf{home: home, vendor: letters(best(facts, discovery.KeyVendor)), model: modelOf(facts)}
		if m, ok := plateMark(a.site, facts); ok {
			p.serial = m.Value
		}
		for _, e := range now {
			if m, ok := engineMark(e.Subject, e.Fact.Value); ok && e.Fact.Key == keyEngineID {
				p.engine = m.Value
			}
			p.seen.add(e.First, e.Last)
		}
		if p.serial != "" || p.engine != "" || p.model != "" {
			out = append(out, p)
		}
	}
	return out
}
