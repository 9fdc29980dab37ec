package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	pathEnt       = "ent"
	pathSlot      = "slot"
	pathCIPPort   = "cip-port"
	pathChassis   = "ent=1" // the root of the tree of the ENTITY-MIB (RFC 6933), where no row, or several, is a chassis
	pathInterface = "if"    // a port: no component
	prefixUnit    = discovery.PathModbusUnit + "="
	// Either makes a row of the ENTITY-MIB a component.
	keyEntSerial discovery.Key = "snmp.entPhysicalSerialNum"
	keyEntModel  discovery.Key = "snmp.entPhysicalModelName"
	keyEntClass  discovery.Key = "snmp.entPhysicalClass"
)

// byPath groups evidence by path. What is said of the device itself stands under "". Paths that were only talked to have
// an entry without evidence.
func byPath(evidence []Evidence, talked []string) map[string][]Evidence {
	paths := map[string][]Evidence{}
	for _, path := range talked {
		paths[path] = nil
	}
	for _, e := range evidence {
		paths[e.Subject.Path] = append(paths[e.Subject.Path], e)
	}
	return paths
}

// folded reports which paths are another way of naming the device itself, so that their facts are the device's own: the chassis
// row of the ENTITY-MIB, and the Modbus units of a native server, which answers whatever unit it is asked for. A gateway's units
// have nameplates of their own, and keep their paths.
func folded(paths map[string][]Evidence) func(path string) bool {
	var units []string
	for path := range paths {
		if strings.HasPrefix(path, prefixUnit) && !strings.Contains(path, "/") {
			units = append(units, path)
		}
	}
	slices.Sort(units)
	unitsFold := alike(paths, units)
	whole := chassis(paths)
	return func(path string) bool {
		return path == "" || isEntered(path) || path == whole || unitsFold && slices.Contains(units, path)
	}
}

// chassis is the row of the ENTITY-MIB that is the device itself. A stack has several chassis; its root is the first row.
func chassis(paths map[string][]Evidence) string {
	var found []string
	for path, evidence := range paths {
		if slices.ContainsFunc(evidence, func(e Evidence) bool { return e.Fact.Key == keyEntClass && e.Fact.Value == "chassis" }) {
			found = append(found, path)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return pathChassis
}

// alike reports whether the units are the device itself: there is one, and the device says nothing without a unit; or all of
// them, and the device where it does, say the same.
func alike(paths map[string][]Evidence, units []string) bool {
	if len(units) == 0 {
		return false
	}
	first := plate(paths[units[0]])
	others := slices.Clone(units[1:])
	if len(plate(paths[""])) > 0 {
		others = append(others, "")
	}
	for _, path := range others {
		if !first.agrees(plate(paths[path])) {
			return false
		}
	}
	return true
}

// nameplate is what a unit says of itself, by key.
type nameplate map[discovery.Key][]string

func plate(evidence []Evidence) nameplate {
	out := nameplate{}
	for _, e := range evidence {
		if key := e.Fact.Key; key.Protocol() == "modbus" && !slices.Contains(out[key], e.Fact.Value) {
			out[key] = append(out[key], e.Fact.Value)
			slices.Sort(out[key])
		}
	}
	return out
}

// agrees reports whether two nameplates have something in common and nothing that differs. They need not say equally much: one
// unit may have been asked for more than another.
func (p nameplate) agrees(other nameplate) bool {
	common := false
	for key, values := range p {
		if also := other[key]; len(also) > 0 {
			if !slices.Equal(values, also) {
				return false
			}
			common = true
		}
	}
	return common
}

// hostEvidence is the evidence about the device itself.
func hostEvidence(evidence []Evidence, talked []string) []Evidence {
	paths := byPath(evidence, talked)
	isHost := folded(paths)
	var out []Evidence
	for _, e := range evidence {
		if isHost(e.Subject.Path) {
			out = append(out, e)
		}
	}
	return out
}

// components are the parts with their own nameplate, sorted by path, and all that was deduced of them.
func (r Rules) components(evidence []Evidence, talked []string) ([]Component, []Evidence) {
	paths := byPath(evidence, talked)
	isHost := folded(paths)
	var list []Component
	var deduced []Evidence
	for _, path := range slices.SortedFunc(maps.Keys(paths), comparePaths) {
		facts := paths[path]
		if _, isPort := discovery.PathValue(path, pathInterface); isPort || isHost(path) {
			continue
		}
		found := r.identify(facts, nil)
		c := Component{Path: path, Identity: IdentityOf(found), Name: best(found, discovery.KeyName)}
		if _, ent := discovery.PathValue(path, pathEnt); ent && c.Serial == "" && c.Model == "" && !slices.ContainsFunc(facts, func(e Evidence) bool {
			return (e.Fact.Key == keyEntSerial || e.Fact.Key == keyEntModel) && e.Fact.Value != ""
		}) {
			continue // a port, a sensor, a container: evidence, but no nameplate
		}
		list = append(list, c)
		if len(facts) > 0 {
			deduced = append(deduced, deductions(found, facts[0].Subject, facts)...)
		}
	}
	return list, deduced
}

// withoutEchoes drops the slots of a chassis that all show one nameplate with one serial number: some adapters answer for every
// slot that they are asked for with their own. It tells how many were dropped.
func withoutEchoes(list []Component) (kept []Component, echoes int) {
	type plate struct{ parent, vendor, model, serial string }
	of := func(c Component) (plate, bool) {
		pieces := discovery.SplitPath(c.Path)
		if c.Serial == "" || len(pieces) == 0 || pieces[len(pieces)-1][0] != pathSlot {
			return plate{}, false
		}
		parent, _, _ := strings.Cut(c.Path, pathSlot+"=")
		return plate{parent, c.Vendor, c.Model, c.Serial}, true
	}
	times := map[plate]int{}
	for _, c := range list {
		if p, ok := of(c); ok {
			times[p]++
		}
	}
	for _, c := range list {
		if p, ok := of(c); ok && times[p] > 1 {
			echoes++
			continue
		}
		kept = append(kept, c)
	}
	return kept, echoes
}

// comparePaths orders paths with their numbers as numbers: modbus-unit=3 before modbus-unit=20.
func comparePaths(a, b string) int {
	x, y := discovery.SplitPath(a), discovery.SplitPath(b)
	c := slices.CompareFunc(x, y, func(p, q [2]string) int {
		if c := strings.Compare(p[0], q[0]); c != 0 {
			return c
		}
		if len(p[1]) != len(q[1]) && isNumber(p[1]) && isNumber(q[1]) {
			return len(p[1]) - len(q[1])
		}
		return strings.Compare(p[1], q[1])
	})
	return cmp.Or(c, strings.Compare(a, b))
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
