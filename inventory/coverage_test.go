package inventory_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

// planned is a source with plans.
type planned struct {
	*exporterstest.Inventory
	intents []inventory.Intent
}

func (p planned) Intents(context.Context) ([]inventory.Intent, error) { return p.intents, nil }

func TestCoverage(t *testing.T) {
	things := devices(
		"a-1 default 10.0.1.5 plc L1 mac=28:63:36:00:00:01",
		"a-2 default 10.0.2.6 plc L1 mac=28:63:36:00:00:02",
		"a-3 default 10.0.1.2 switch mac=28:63:36:00:00:03 name=core",
		"a-4 default 198.51.100.30",
	)
	for _, id := range []string{"a-7", "a-8"} { // of one it is said that it is expected
		paper := device(id + " default 10.0.9.9 name=" + id)
		paper.Seen = ""
		things = append(things, paper)
	}
	things[4].Annotations = map[string]string{"expected": "yes"}
	things[0].Seen = inventory.SeenBoth
	things[2].Neighbours = []inventory.Neighbour{{LocalPort: "1/1", Asset: "a-1", Via: "lldp"}, {LocalPort: "1/4", Name: "lost-switch", RemotePort: "p7", Via: "lldp"}}
	runs := []inventory.Survey{
		{
			ID: "s-1", Site: "works", Segment: "default", Sensor: "eth0", Scope: []string{"10.0.1.0/24"}, Outcome: "done",
			Counts: map[string]int{"frames-dropped": 12, "shed-flows": 3}, Troubles: []inventory.Trouble{{Protocol: "s7", Reason: "unknown function", Count: 4}},
		},
		{ID: "s-2", Site: "works", Segment: "default", Scope: []string{"10.0.1.0/24"}, Outcome: "incomplete", Reasons: []string{"the window ended"}},
	}
	sent := []inventory.LedgerEntry{
		{Survey: "s-1", Target: "10.0.1.5", Protocol: "snmp", Outcome: "silent"},
		{Survey: "s-1", Target: "10.0.1.5", Protocol: "modbus", Outcome: "answered"},
		{Survey: "s-2", Target: "10.0.1.5", Protocol: "snmp", Outcome: "answered"}, // the last one counts
		{Survey: "s-2", Target: "10.0.1.5", Protocol: "modbus", Outcome: "silent"},
		{Survey: "s-2", Target: "10.0.1.9", Protocol: "modbus", Outcome: "refused"},
		{Survey: "s-2", Target: "10.0.1.10", Protocol: "opcua", Outcome: "garbage"},
		{Survey: "s-2", Target: "10.0.1.11", Protocol: "s7", Outcome: "reset"},
		{Survey: "s-2", Target: "10.0.1.12", Protocol: "s7", Outcome: "error"},
		{Survey: "s-2", Target: "10.0.1.13", Protocol: "s7", Outcome: "skipped"},
		{Survey: "s-2", Target: "10.0.1.14", Protocol: "arp", Outcome: "silent"}, // an address that nobody has
		{Survey: "s-2", Target: "10.0.1.5 modbus-unit=3", Protocol: "modbus", Outcome: "silent"},
		{Survey: "s-2", Target: "10.0.1.9", Protocol: "opcua", Outcome: "answered", Setup: true},
	}
	intents := []inventory.Intent{
		{Survey: "s-1", Excluded: []string{"10.0.1.99"}, NotSwept: []inventory.Omission{{What: "10.0.0.0/16", Reason: "larger than /22"}}},
		{Survey: "s-2", Excluded: []string{"10.0.1.99"}, NotAsked: []inventory.Omission{{What: "10.0.1.7", Reason: "a safety system"}}},
	}
	from := planned{&exporterstest.Inventory{Things: things, Runs: runs, Sent: sent, Talks: talks(
		"- 10.77.9.20 > a-1 10.0.1.5 tcp 502 modbus periodic read",
		"- 10.77.9.21 > a-1 10.0.1.5 tcp 502 modbus periodic read",
		"a-1 10.0.1.5 > - 198.51.100.7 tcp 443 tls sporadic",
		"a-1 10.0.1.5 > - 10.0.1.255 udp 47808 bacnet sporadic",
	)}, intents}
	list, err := inventory.Coverage(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range list {
		got = append(got, h.Kind+" "+h.What+": "+h.Why)
		if h.Close == "" || h.Site != "works" || h.Segment != "default" {
			t.Errorf("%+v", h)
		}
	}
	want := []string{
		"not-surveyed 10.0.2.0/24: one asset was heard there, in no scope so far",
		"not-surveyed 10.77.9.0/24: 2 addresses there talk to the plant, from behind a router",
		"blind-spot 10.0.1.2 core: a switch whose ports and tables were not read: who hangs on it is not known",
		"blind-spot 10.0.1.2 core port 1/4: lldp tells of the neighbour lost-switch p7 there, which was never seen itself",
		"not-seen 10.0.9.9 a-7: a person expects it here, and it was neither heard nor did it answer",
		"not-swept 10.0.0.0/16: larger than /22",
		"unreachable 10.0.1.12: s7 could not be sent",
		"silent 10.0.1.5: did not answer modbus in s-2, though it did before",
		"refused 10.0.1.9: refuses modbus",
		"unsupported 10.0.1.10: answered opcua, and was not understood",
		"unsupported s7: not understood: unknown function",
		"distress 10.0.1.11: broke s7 off inside an exchange and was left alone",
		"not-asked 10.0.1.7: a safety system",
		"not-asked 10.0.1.13: s7 was planned and not sent",
		"excluded 10.0.1.99: excluded by a person",
		"dropped eth0: frames were lost by the capture: what they said is not known",
		"dropped eth0: not followed to the end, for want of room: 3 flows",
		"unfinished s-2: incomplete: the window ended",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
