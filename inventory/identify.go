package inventory

import (
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// supersededAfter is how much later, inside one survey, a new value must come up to replace one that was not seen since.
const supersededAfter = time.Hour

// identifyAtom finds what the atom may be recognised by. An atom that tells two values of a kind (a virtual address answered by
// both of its routers, an address translator) is not recognised by that kind.
func (r Rules) identifyAtom(a *atom) {
	a.current, _ = current(a.evidence)
	host := hostEvidence(a.current, a.talked)
	a.facts = r.identify(host, []discovery.MAC{a.mac})
	a.marks, a.own, a.names, a.survey = nil, nil, nil, ""
	for _, e := range a.current {
		if m, ok := interfaceMark(e); ok && !slices.Contains(a.own, m) {
			a.own = append(a.own, m)
		}
	}
	var last time.Time
	for _, e := range a.evidence {
		if e.Last.After(last) || e.Last.Equal(last) && e.Survey > a.survey {
			last, a.survey = e.Last, e.Survey
		}
	}
	for _, name := range values(a.facts, discovery.KeyName) {
		if plain := plainName(name); plain != "" && !slices.Contains(a.names, plain) {
			a.names = append(a.names, plain)
		}
	}
	a.model = modelOf(a.facts)
	if m, ok := plateMark(a.site, a.facts); ok {
		a.marks = append(a.marks, m)
	}
	if m, ok := toldCIP(a.site, host); ok {
		a.marks = append(a.marks, m)
	}
	made := map[MarkKind][]Mark{} // by what was told: an LLDP chassis id may be a MAC
	for _, e := range host {
		var mark Mark
		var ok bool
		kind := MarkKind("")
		switch e.Fact.Key {
		case keyChassisID:
			mark, ok = chassisMark(e.Subject, e.Fact.Value)
			kind = MarkChassis
		case keyProfinetMAC, keySwitchMAC:
			if mac, err := discovery.ParseMAC(e.Fact.Value); err == nil && mac.IsStation() {
				mark, ok = macMark(e.Subject, mac), true
			}
			kind = MarkMAC
		case keyManagement:
			mark, ok = managementMark(e.Subject, e.Fact.Value)
			kind = MarkManagement
		case keyEngineID:
			mark, ok = engineMark(e.Subject, e.Fact.Value)
			kind = MarkEngine
		case keyApplicationURI:
			mark, ok = applicationMark(e.Subject, e.Fact.Value)
			kind = MarkApplication
		case keyInstance:
			mark, ok = instanceMark(e.Subject, e.Fact.Value)
			kind = MarkBACnet
		case keyStationName:
			mark, ok = stationMark(e.Subject, e.Fact.Value)
			kind = MarkStation
		}
		if ok && !slices.Contains(made[kind], mark) {
			made[kind] = append(made[kind], mark)
		}
	}
	// The ports of a PROFINET device tell its name as their chassis id.
	if chassis := made[MarkChassis]; len(made[MarkStation]) == 0 && len(chassis) == 1 && chassis[0].Kind == MarkChassis && !a.mac.IsZero() {
		made[MarkStation] = []Mark{{Kind: MarkStation, Site: chassis[0].Site, Segment: chassis[0].Segment, Value: chassis[0].Value}}
	}
	for _, kind := range []MarkKind{MarkChassis, MarkMAC, MarkEngine, MarkApplication, MarkBACnet, MarkStation, MarkManagement} {
		if len(made[kind]) != 1 {
			continue
		}
		if _, twice := a.mark(made[kind][0].Kind); !twice {
			a.marks = append(a.marks, made[kind][0])
		}
	}
}

// plateMark is the mark of the vendor and the serial number that deduced facts tell. Where one source tells two serial numbers at
// once, two devices answer, and neither is this one's.
func plateMark(site string, facts []discovery.Fact) (Mark, bool) {
	mark, ok := serialMark(site, best(facts, discovery.KeyVendor), best(facts, discovery.KeySerial))
	if !ok {
		return mark, false
	}
	var first *discovery.Fact
	for i, f := range facts {
		switch {
		case f.Key != discovery.KeySerial:
		case first == nil:
			first = &facts[i]
		case slices.Equal(f.From, first.From) && f.Rule == first.Rule && !sameSerial(f.Value, first.Value):
			return mark, false
		}
	}
	return mark, true
}

// sameSerial reports whether two texts can be spellings of one serial number: one holds the other.
func sameSerial(a, b string) bool {
	a, b = letters(a), letters(b)
	return strings.Contains(a, b) || strings.Contains(b, a)
}

// modelOf is the model, else the order number, in the spelling of letters.
func modelOf(facts []discovery.Fact) string {
	if model := best(facts, discovery.KeyModel); model != "" {
		return letters(model)
	}
	return letters(best(facts, discovery.KeyOrderNumber))
}

// toldCIP is the mark of the one vendor id and the one serial number that evidence tells.
func toldCIP(site string, host []Evidence) (Mark, bool) {
	vendor, serial := "", ""
	for _, e := range host {
		into := &vendor
		switch e.Fact.Key {
		case keyCIPVendor:
		case keyCIPSerial:
			into = &serial
		default:
			continue
		}
		if *into != "" && *into != e.Fact.Value {
			return Mark{}, false
		}
		*into = e.Fact.Value
	}
	return cipMark(site, vendor, serial)
}

// plainName is a host name so that spellings of it can be compared: in lower case, without its domain.
func plainName(name string) string {
	name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), ".")
	return name
}

// slot is what has one value at a time, or several that are told together.
type slot struct {
	path string
	key  discovery.Key
	told bool // by somebody else
}

// slots are the values of evidence: of each its earliest First, and its latest Last with the survey of that.
func slots(evidence []Evidence) map[slot]map[string]*Evidence {
	out := map[slot]map[string]*Evidence{}
	for _, e := range evidence {
		of := slotOf(e)
		if out[of] == nil {
			out[of] = map[string]*Evidence{}
		}
		v := out[of][e.Fact.Value]
		if v == nil {
			out[of][e.Fact.Value] = &Evidence{First: e.First, Last: e.Last, Survey: e.Survey}
			continue
		}
		if e.First.Before(v.First) {
			v.First = e.First
		}
		if e.Last.After(v.Last) || e.Last.Equal(v.Last) && e.Survey > v.Survey {
			v.Last, v.Survey = e.Last, e.Survey
		}
	}
	return out
}

func slotOf(e Evidence) slot { return slot{e.Subject.Path, e.Fact.Key, !e.Teller.IsZero()} }

// current parts what is true from what is superseded: a value that was last seen before another value of the same key came up, in
// another survey or long enough before. A firmware that was updated has one version, the new one.
func current(evidence []Evidence) (out, superseded []Evidence) {
	values := slots(evidence)
	isSuperseded := func(e Evidence) bool {
		byValue := values[slotOf(e)]
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
	for _, e := range evidence {
		if isSuperseded(e) {
			superseded = append(superseded, e)
		} else {
			out = append(out, e)
		}
	}
	return out, superseded
}

// wavers reports whether a value came back after another one had replaced it: which of them holds is told by who was seen last.
func wavers(current []Evidence) bool {
	for _, byValue := range slots(current) {
		var last span
		survey := ""
		for _, v := range byValue {
			if survey != "" && v.Survey != survey {
				return true
			}
			survey = v.Survey
			last.add(v.Last, v.Last)
		}
		if last.last.Sub(last.first) > supersededAfter {
			return true
		}
	}
	return false
}
