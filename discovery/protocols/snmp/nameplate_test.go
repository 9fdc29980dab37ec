package snmp

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// lastEnterprise is the greatest number in use, with a factory's test number that Dahua's cameras show.
const lastEnterprise = 1_100_000

func TestNameplates(t *testing.T) {
	forms := regexp.MustCompile(`^(?:[\d*]+(?:\.[\d*]+)*(?:,[\d*]+(?:\.[\d*]+)*)*(?: (?:=?[\d*]+(?:\.[\d*]+)+|ups|printer|part))+|heard \d+(?: [\d*]+(?:\.[\d*]+)+)+|#.*|)$`)
	for i, line := range strings.Split(nameplateText, "\n") {
		if !forms.MatchString(line) || strings.HasSuffix(line, " ") {
			t.Errorf("nameplates.txt:%d: %q", i+1, line)
		}
	}
	p := readPlates()
	var prefixes []string
	for _, row := range p.rows {
		if slices.Contains(prefixes, row.prefix) {
			t.Errorf("%s has two rows", row.prefix)
		}
		prefixes = append(prefixes, row.prefix)
		if most := map[bool]int{false: maxPlate, true: maxKits}[row.isKit()]; len(row.objects) > most || len(row.objects) == 0 && !row.part {
			t.Errorf("%s: %d objects", row.prefix, len(row.objects))
		}
		for _, o := range row.objects {
			arcs, ok := parseArcs(strings.Replace(o, "*", "71", 1))
			if strings.HasPrefix(o, enterprises) && (!ok || len(arcs) < 8 || arcs[6] > lastEnterprise) || strings.Contains(o, "*") && !strings.Contains(row.prefix, "*") {
				t.Errorf("%s asks for %s", row.prefix, o)
			}
			if _, _, ok := lookUp(strings.Replace(o, "*", "71", 1)); !ok {
				t.Errorf("%s is asked for, and never becomes a fact", o)
			}
			if slices.Contains(p.heard, o) {
				t.Errorf("%s is asked for, and is in the list of what is not", o)
			}
		}
	}
	if !slices.IsSortedFunc(prefixes, compareArcs) {
		t.Error("the rows are not in the order of their prefixes")
	}
}

func compareArcs(a, b string) int {
	pad := func(prefix string) string {
		var out strings.Builder
		for arc := range strings.SplitSeq(strings.TrimSuffix(prefix, "."), ".") {
			out.WriteString(strings.Repeat("0", 12-len(arc)) + strings.Replace(arc, "*", "~", 1))
		}
		return out.String()
	}
	return strings.Compare(pad(a), pad(b))
}

func TestPlateOf(t *testing.T) {
	for _, c := range []struct {
		id    string
		class discovery.Class
		first string
		count int
		part  bool
	}{
		{"1.3.6.1.4.1.4329.6.1.2.1.2", discovery.ClassController, "1.3.6.1.4.1.4329.6.3.2.1.1.2.0", 3, false},
		{"1.3.6.1.4.1.4329.6.1.2.1.2", discovery.ClassUnknown, "1.3.6.1.4.1.4329.6.3.2.1.1.2.0", 4, false},
		{"1.3.6.1.4.1.248.14.10.10", discovery.ClassUnknown, "1.3.6.1.4.1.248.14.1.1.2.0", 3, false},
		{"1.3.6.1.4.1.8691.7.71", discovery.ClassInfrastructure, "1.3.6.1.4.1.8691.7.71.1.2.0", 3, false},
		{"1.3.6.1.4.1.8691.7.16500", discovery.ClassUnknown, "1.3.6.1.4.1.8691.7.16500.1.2.0", 3, false},
		{"1.3.6.1.4.1.8691.2.7", discovery.ClassUnknown, "", 0, true},
		{"1.3.6.1.4.1.318.1.3.2", discovery.ClassUnknown, "1.3.6.1.4.1.318.1.1.1.1.1.1.0", 6, false},
		{"1.3.6.1.4.1.318.1.3.4.5", discovery.ClassUnknown, "1.3.6.1.4.1.318.1.1.12.1.5.0", 8, false},
		{"1.3.6.1.4.1.318.1.3.44", discovery.ClassUnknown, "1.3.6.1.4.1.318.1.1.1.1.1.1.0", 6, false},
		{"1.3.6.1.2.1.33.1", discovery.ClassUnknown, "1.3.6.1.2.1.33.1.1.1.0", 4, false},
		{"1.3.6.1.4.1.11.2.3.9.1", discovery.ClassUnknown, "1.3.6.1.2.1.43.5.1.1.16.1", 8, false},
		{"1.3.6.1.4.1.9.1.1", discovery.ClassInfrastructure, "", 0, false},
		{"1.3.6.1.4.1.9.1.1", discovery.ClassUnknown, "", 0, true},
		{"1.3.6.1.4.1.9.1.2178", discovery.ClassUnknown, "1.3.6.1.4.1.9.9.719.1.9.6.1.6.1", 2, false},
		{"1.3.6.1.4.1.12356.101.1.60", discovery.ClassInfrastructure, "1.3.6.1.4.1.12356.100.1.1.1.0", 4, false},
		{"1.3.6.1.4.1.12356.101.1.60", discovery.ClassController, "1.3.6.1.4.1.12356.100.1.1.1.0", 3, false},
		{"1.3.6.1.4.1.8072.3.2.10", discovery.ClassController, "", 0, true},
		{"1.3.6.1.4.1.8072.3.2.10", discovery.ClassInfrastructure, "1.3.6.1.4.1.41112.1.6.3.3.0", 16, false},
		{"1.3.6.1.4.1.55555.1", discovery.ClassController, "", 0, true},
		{"1.3.6.1.4.1.55555.1", discovery.ClassInfrastructure, "", 0, false},
	} {
		got := plateOf(c.id).forClass(c.class)
		first := ""
		if len(got.objects) > 0 {
			first = got.objects[0]
		}
		if first != c.first || len(got.objects) != c.count || got.part != c.part {
			t.Errorf("%s, %s: %v, part %v; want %d, %q first, part %v", c.id, c.class, got.objects, got.part, c.count, c.first, c.part)
		}
	}
}

// described is a device with the system group and nothing else yet.
func described(objectID string) mib {
	var m mib
	m.add("1.3.6.1.2.1.1.1.0", "a device")
	m = append(m, gosnmp.SnmpPDU{Name: ".1.3.6.1.2.1.1.2.0", Type: gosnmp.ObjectIdentifier, Value: "." + objectID})
	m.add("1.3.6.1.2.1.1.3.0", uint32(5000))
	return m
}

// An agent built from a kit tells by its answers whose it is, and is then asked for the rest. The table is everybody's, and stays as
// it was.
func TestAskKit(t *testing.T) {
	before := fmt.Sprint(readPlates())
	router := described("1.3.6.1.4.1.8072.3.2.10")
	router.add("1.3.6.1.4.1.48690.1.1.0", "1126284688")
	router.add("1.3.6.1.4.1.48690.1.2.0", "RUT955")
	router.add("1.3.6.1.4.1.48690.1.6.0", "RUT9_R_00.07.06.18")
	for range 2 {
		got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: target("public"), Serve: router.serve(nil)})
		for _, want := range []string{
			"127.0.0.1: snmp.1.3.6.1.4.1.48690.1.2.0 = RUT955", "127.0.0.1: snmp.1.3.6.1.4.1.48690.1.1.0 = 1126284688",
			"127.0.0.1: snmp.1.3.6.1.4.1.48690.1.6.0 = RUT9_R_00.07.06.18",
		} {
			if !slices.Contains(got.Lines, want) {
				t.Errorf("%q is missing in %q", want, got.Lines)
			}
		}
		if want := []string{systemRequest, nameplateRequest, nameplateRequest}; !slices.Equal(got.Requests(), want) || len(got.Problems) > 0 {
			t.Errorf("sent %v, problems %v", got.Requests(), got.Problems)
		}
	}
	if after := fmt.Sprint(readPlates()); after != before {
		t.Error("asking changed the table")
	}
}

// A stack stands before its first switch, which has the nameplate.
func TestAskFirstPart(t *testing.T) {
	stack := described("1.3.6.1.4.1.55555.1")
	for column, values := range map[string][2]any{"2": {"Stack", "Switch"}, "5": {11, 3}, "11": {"", "FOC1234X0AB"}, "13": {"", "WS-C3850-24P"}} {
		stack.add(entPhysical+column+".1", values[0])
		stack.add(entPhysical+column+".1001", values[1])
	}
	slices.SortFunc(stack, func(a, b gosnmp.SnmpPDU) int { return strings.Compare(a.Name, b.Name) })
	for class, want := range map[discovery.Class]struct {
		requests int
		line     string
	}{
		discovery.ClassUnknown:    {3, "127.0.0.1 ent=1001: snmp.entPhysicalSerialNum = FOC1234X0AB"},
		discovery.ClassController: {2, ""}, // one small message, whatever it tells
	} {
		peer := discoverytest.Peer{Target: target("public"), Serve: stack.serve(nil)}
		peer.Target.Class = class
		got := discoverytest.Asked(t, Protocol(), peer)
		if len(got.Sent) != want.requests || want.line != "" && !slices.Contains(got.Lines, want.line) || len(got.Problems) > 0 {
			t.Errorf("%s: sent %v, told %q, problems %v", class, got.Requests(), got.Lines, got.Problems)
		}
	}
}
