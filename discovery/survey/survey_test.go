package survey

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
)

// asked are three protocols that hosts can be asked, and one that they cannot.
func asked() []discovery.Protocol {
	stream := &discovery.Asker{Transport: discovery.TCP}
	return []discovery.Protocol{
		{Name: "arp", Segment: &discovery.Asker{Transport: discovery.EtherType}},
		{Name: "lldp"},
		{Name: "modbus", Asker: stream},
		{Name: "opcua", Asker: stream},
		{Name: "snmp", Asker: &discovery.Asker{Transport: discovery.UDP}},
	}
}

func TestGrades(t *testing.T) {
	here := netip.MustParseAddr("10.0.0.7")
	likely := func(vendor string) []string {
		return map[string][]string{"Moxa": {"snmp", "modbus"}, "Beckhoff": {"opcua"}}[vendor]
	}
	for _, c := range []struct {
		name      string
		candidate Candidate
		named     []Named
		class     ask.Class
		modbus    discovery.Grade
		snmp      discovery.Grade
		ports     map[string]uint16
		units     []uint8
		named9    bool
		core      bool
	}{
		{name: "nothing_known", class: ask.Unknown, modbus: discovery.GradeBlind, snmp: discovery.GradeBlind},
		{
			name: "overheard", candidate: Candidate{Type: "plc", Serves: map[string]uint16{"modbus": 1502}, Units: []uint8{3, 1, 3}},
			class: ask.Controller, modbus: discovery.GradeOverheard, snmp: discovery.GradeBlind, ports: map[string]uint16{"modbus": 1502}, units: []uint8{1, 3},
		},
		{name: "bridge", candidate: Candidate{Bridge: true}, class: ask.Infrastructure, modbus: discovery.GradeBlind, snmp: discovery.GradeAnnounced},
		{
			name: "core", candidate: Candidate{Type: "switch", Bridge: true, Router: true}, class: ask.Infrastructure, core: true,
			modbus: discovery.GradeBlind, snmp: discovery.GradeAnnounced,
		},
		{name: "drive", candidate: Candidate{Type: "drive", Router: true}, class: ask.Field, modbus: discovery.GradeBlind, snmp: discovery.GradeBlind},
		{
			name: "suspected_gateway", candidate: Candidate{Units: []uint8{3, 4}}, class: ask.Gateway,
			modbus: discovery.GradeBlind, snmp: discovery.GradeBlind, units: []uint8{3, 4},
		},
		{name: "likely", candidate: Candidate{MACVendor: "Moxa"}, class: ask.Unknown, modbus: discovery.GradeLikely, snmp: discovery.GradeLikely},
		{name: "vendor_beats_its_chip", candidate: Candidate{Vendor: "Beckhoff", MACVendor: "Moxa"}, class: ask.Unknown, modbus: discovery.GradeBlind, snmp: discovery.GradeBlind},
		{name: "named_for_all", named: []Named{{Protocol: "snmp"}}, class: ask.Unknown, modbus: discovery.GradeBlind, snmp: discovery.GradeNamed},
		{
			name: "named_here", named: []Named{{Protocol: "modbus", Host: here, Port: 5020, Units: []uint8{9}}}, class: ask.Unknown,
			modbus: discovery.GradeNamed, snmp: discovery.GradeBlind, ports: map[string]uint16{"modbus": 5020}, named9: true,
		},
		{
			name: "named_elsewhere", named: []Named{{Protocol: "modbus", Host: netip.MustParseAddr("10.0.0.8")}}, class: ask.Unknown,
			modbus: discovery.GradeBlind, snmp: discovery.GradeBlind,
		},
		{
			name: "overheard_beats_named_and_its_port_stays", candidate: Candidate{Type: "gateway", Serves: map[string]uint16{"modbus": 502}},
			named: []Named{{Protocol: "modbus", Host: here, Port: 5020}}, class: ask.Gateway,
			modbus: discovery.GradeOverheard, snmp: discovery.GradeBlind, ports: map[string]uint16{"modbus": 5020},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.candidate.Subject.IP = here
			got := c.candidate.Host(asked(), c.named, likely)
			if got.Class != c.class {
				t.Errorf("class %s, want %s", got.Class, c.class)
			}
			if got.Evidence["modbus"] != c.modbus || got.Evidence["snmp"] != c.snmp {
				t.Errorf("modbus %s, snmp %s; want %s, %s", got.Evidence["modbus"], got.Evidence["snmp"], c.modbus, c.snmp)
			}
			if _, ok := got.Evidence["arp"]; ok || len(got.Evidence) != 3 {
				t.Errorf("graded %v, want only what a host can be asked", got.Evidence)
			}
			if len(c.ports) > 0 {
				if diff := cmp.Diff(c.ports, got.Ports); diff != "" {
					t.Errorf("ports: %s", diff)
				}
			}
			if c.named9 != slices.Equal(got.Named, []uint8{9}) || c.core != got.Core {
				t.Errorf("named units %d, core %v", got.Named, got.Core)
			}
			if diff := cmp.Diff(c.units, got.Units); len(c.units)+len(got.Units) > 0 && diff != "" {
				t.Errorf("units: %s", diff)
			}
		})
	}
}

func announcement(chassis, port string, mac byte) discovery.Observation {
	return discovery.Observation{
		Protocol: "lldp", Mode: discovery.Heard, Subject: discovery.Subject{MAC: discovery.MAC{0, 0x80, 0x63, 0, 0, mac}},
		Facts: []discovery.Fact{
			discovery.NewFact("lldp.chassis-id", chassis), discovery.NewFact("lldp.port-id", port), discovery.NewFact("lldp.system-name", "sw-1"),
		},
	}
}

func TestPlug(t *testing.T) {
	passed := 0
	plug := &Plug{Next: discovery.SinkFunc(func(discovery.Observation) { passed++ }), Sensor: "eth0", Own: discovery.MAC{2, 0, 0, 0, 0, 9}}
	if _, ok := plug.Link(); ok {
		t.Error("a link before anything was heard")
	}
	plug.Observe(discovery.Observation{Protocol: "arp"})
	plug.Observe(announcement("00:80:63:00:00:01", "1/3", 3))
	plug.Observe(announcement("00:80:63:00:00:01", "1/3", 3))
	port, ok := plug.Neighbour()
	if want := (Port{Chassis: "00:80:63:00:00:01", Name: "sw-1", Port: "1/3"}); !ok || port != want {
		t.Errorf("plugged into %v, want %v", port, want)
	}
	link, ok := plug.Link()
	if !ok || len(link.Links) != 1 || link.Subject.MAC != (discovery.MAC{0, 0x80, 0x63, 0, 0, 3}) {
		t.Fatalf("link %+v", link)
	}
	if l := link.Links[0]; l.LocalPort != "1/3" || l.Remote.MAC != plug.Own || l.Via != "lldp" {
		t.Errorf("link %+v", l)
	}
	plug.Observe(announcement("00:80:63:00:00:01", "1/4", 4))
	if _, ok := plug.Neighbour(); ok {
		t.Error("two ports announced themselves, as on a mirror port, and one was taken")
	}
	if passed != 4 {
		t.Errorf("%d of 4 observations were passed on", passed)
	}
}
