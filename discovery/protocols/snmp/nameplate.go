package snmp

import (
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// nameplate is which three objects at most, beside the system group, tell the most of a device of a maker.
type nameplate struct {
	makers  []string // how its sysObjectID begins, behind enterprises
	objects []string
}

const (
	enterprises = "1.3.6.1.4.1."
	// moxaModel stands for the arc of the model in Moxa's object ids, which is that of its sysObjectID.
	moxaModel = "MODEL"
	moxa      = "8691.7."
)

// nameplates is the table. The last one is for every other maker.
func nameplates() []nameplate {
	return []nameplate{
		{[]string{"4329."}, below(enterprises+"4329.6.3.2.1.1.", "2.0", "3.0", "5.0")},
		{[]string{"248.11."}, below(enterprises+"248.11.10.1.", "1.2.0", "1.3.0", "3.1.10.1.5.1.1.1")},
		{[]string{"248."}, below(enterprises+"248.14.1.1.", "2.0", "9.1.3.1", "9.1.10.1")},
		{[]string{moxa}, below(enterprises+moxa+moxaModel+".1.", "2.0", "4.0", "78.0")},
		{[]string{"4346."}, []string{enterprises + "4346.11.11.11.1.1.0"}},
		{[]string{"13576."}, []string{enterprises + "13576.10.1.10.4.0"}},
		{[]string{"15004."}, below(enterprises+"15004.4.2.3.", "1.0", "3.0")},
		{[]string{"30140."}, below(enterprises+"30140.6.", "1.0", "2.0", "3.0")},
		{[]string{"48690."}, below(enterprises+"48690.1.", "1.0", "2.0", "6.0")},
		{[]string{"33555."}, below(enterprises+"33555.1.1.", "1.1.0", "2.2.0")},
		{[]string{"23695."}, below(enterprises+"23695.200.1.1.1.1.", "1.0", "2.0", "3.0")},
		{[]string{"7342."}, below(enterprises+"7342.1.1.1.", "6.0", "7.0")},
		{[]string{"2606."}, below(enterprises+"2606.7.", "2.4.0", "2.6.0", "4.1.2.1.2.1")},
		{[]string{"5597."}, below(enterprises+"5597.30.0.0.", "2.0", "3.0")},
		{[]string{"12356."}, []string{enterprises + "12356.100.1.1.1.0"}},
		{[]string{"2636."}, below(enterprises+"2636.3.1.", "2.0", "3.0")},
		{[]string{"14988."}, below(enterprises+"14988.1.1.", "4.4.0", "7.3.0")},
		{[]string{"11863."}, below(enterprises+"11863.6.1.1.", "5.0", "6.0", "8.0")},
		{[]string{"890."}, below(enterprises+"890.1.15.3.1.", "6.0", "11.0", "12.0")},
		// UPS-MIB: manufacturer, model, software; of the makers of UPSs
		{
			[]string{"318.", "476.", "534.", "705.", "850.", "935.", "2254.", "3808.", "4555."},
			below("1.3.6.1.2.1.33.1.1.", "1.0", "2.0", "3.0"),
		},
		// Printer-MIB: name, serial number; HOST-RESOURCES-MIB: the device; of the makers of printers
		{
			[]string{"11.2.3.9.", "236.", "253.", "367.", "641.", "1129.", "1248.", "1347.", "1602.", "2001.", "2385.", "2435.", "10642.", "18334."},
			below("1.3.6.1.2.1.", "43.5.1.1.16.1", "43.5.1.1.17.1", "25.3.2.1.3.1"),
		},
		// ENTITY-MIB: software, serial number and model of the first part
		{nil, below(entPhysical, "10.1", "11.1", "13.1")},
	}
}

func below(prefix string, rest ...string) []string {
	var out []string
	for _, r := range rest {
		out = append(out, prefix+r)
	}
	return out
}

// upsObjects is where the sysObjectID of UPSs stands whose makers have none of their own.
const upsObjects = "1.3.6.1.2.1.33."

// nameplateOf are the objects to ask of a device with this sysObjectID. Of infrastructure, whose parts are read anyway, only those
// of its maker.
func nameplateOf(sysObjectID string, class discovery.Class) []string {
	id, _ := strings.CutPrefix(sysObjectID+".", enterprises)
	if strings.HasPrefix(sysObjectID, upsObjects) {
		id = "318."
	}
	all := nameplates()
	for _, n := range all {
		if !slices.ContainsFunc(n.makers, func(maker string) bool { return strings.HasPrefix(id, maker) }) {
			continue
		}
		if n.makers[0] != moxa {
			return n.objects
		}
		model, _, _ := strings.Cut(strings.TrimPrefix(id, moxa), ".")
		if !isModelArc(model) {
			break
		}
		var out []string
		for _, o := range n.objects {
			out = append(out, strings.Replace(o, moxaModel, model, 1))
		}
		return out
	}
	if class == discovery.ClassInfrastructure {
		return nil
	}
	return all[len(all)-1].objects
}

// isModelArc reports whether an arc is one that the template lets through: of at most two bytes.
func isModelArc(text string) bool {
	arcs, ok := parseArcs(text)
	return ok && len(arcs) == 1 && arcs[0] < 1<<14
}

// nameplateTemplate are the variables of the requests for nameplates.
func nameplateTemplate() string {
	var lists []string
	for _, n := range nameplates() {
		var list []string
		for _, o := range n.objects {
			before, after, varies := strings.Cut(o, "."+moxaModel+".")
			if !varies {
				list = append(list, exactly([]string{o}))
				continue
			}
			arcs, _ := parseArcs(after)
			rest := []byte{}
			for _, arc := range arcs {
				rest = appendArc(rest, arc)
			}
			list = append(list, "30 ber( 06 ber( "+oidHex(before)+" one( 00-7f | 81-ff 00-7f ) "+hexOf(rest)+" ) 0500 )")
		}
		lists = append(lists, strings.Join(list, " "))
	}
	return "one( " + strings.Join(lists, " | ") + " )"
}

// nameplateKeys are the facts that the nameplates yield.
func nameplateKeys() []discovery.Key {
	var keys []discovery.Key
	for _, n := range nameplates() {
		for _, o := range n.objects {
			for _, kept := range objects {
				_, ok := kept.match(strings.Replace(o, moxaModel, "1", 1))
				if key := kept.listedKey(); ok && !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}
