package inventory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

func conduits(t *testing.T, from inventory.Source) []inventory.Conduit {
	t.Helper()
	zoning, err := inventory.ProposeZones(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	list, err := inventory.Conduits(t.Context(), from, zoning)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestConduits(t *testing.T) {
	from := &exporterstest.Inventory{
		Things: devices("a-1 default 10.0.1.5 plc L1 mac=28:63:36:00:00:01", "a-2 default 10.0.1.6 plc L1 mac=28:63:36:00:00:02",
			"a-3 default 10.0.2.7 scada-server L2 mac=28:63:36:00:00:03", "a-4 default 10.0.1.1 router mac=28:63:36:00:00:04 name=edge"),
		Talks: talks(
			"a-1 10.0.1.5 > a-2 10.0.1.6 tcp 502 modbus cyclic read", // inside
			"a-3 10.0.2.7 > a-1 10.0.1.5 tcp 502 modbus periodic read",
			"a-3 10.0.2.7 > a-2 10.0.1.6 tcp 502 modbus cyclic read write",
			"a-3 10.0.2.7 > - 10.0.1.255 udp 502 modbus cyclic read", // a broadcast
			"a-3 10.0.2.7 > - 239.0.0.1 udp 5000 - cyclic",           // a group
			"a-1 10.0.1.5 > - 198.51.100.7 tcp 443 tls sporadic",
			"- 10.9.9.9 > a-1 10.0.1.5 tcp 22 ssh one-off",
		),
	}
	var got []string
	for _, c := range conduits(t, from) {
		values := c.Values()
		if len(values) != 35 || len(inventory.ConduitColumns()) != 35 {
			t.Fatalf("%d columns, %d values", len(inventory.ConduitColumns()), len(values))
		}
		got = append(got, fmt.Sprintf("%s > %s | %s %s | %s | %s > %s | %s %d | %d B | %s %s | %s | %s | %s | %d", c.ZoneA, c.ZoneB, c.L4Port, c.Protocol, c.Direction,
			strings.Join(c.AssetsA, " "), strings.Join(c.AssetsB, " "), c.FrequencyClass, c.MedianIntervalMS, c.Bytes, c.Encrypted, c.Authenticated,
			c.LogicalAccessPoint, c.CrossesBoundary, c.ExternalParty, c.Conversations))
	}
	want := []string{
		"outside 10.9.9.0/24 > 10.0.1.0/24 | tcp/22 ssh | unknown | 10.9.9.9 > a-1 | one-off 0 | 1000 B | yes yes | 10.0.1.1 edge | yes | 10.9.9.9 | 1",
		"10.0.1.0/24 > internet | tcp/443 tls | unknown | a-1 > 198.51.100.7 | sporadic 0 | 1000 B | yes unknown | 10.0.1.1 edge | yes | 198.51.100.7 | 1",
		"10.0.2.0/24 > 10.0.1.0/24 | tcp/502 modbus | both | a-3 > a-1 a-2 | cyclic 0 | 2000 B | no no | 10.0.1.1 edge | no |  | 2",
	}
	less := func(list []string) map[string]bool {
		out := map[string]bool{}
		for _, line := range list {
			out[line] = true
		}
		return out
	}
	if diff := cmp.Diff(less(want), less(got)); diff != "" {
		t.Error(diff)
	}
}

// registered is a source with what people said of conduits and dependencies.
type registered struct {
	*exporterstest.Inventory
	notes map[string]map[string]string
}

func (r registered) Said(_ context.Context, prefix string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for id, fields := range r.notes {
		if strings.HasPrefix(id, prefix) {
			out[id] = fields
		}
	}
	return out, nil
}

func TestConduitsAreAccepted(t *testing.T) {
	from := &exporterstest.Inventory{
		Things: devices("a-1 default 10.0.1.5 plc L1", "a-3 default 10.0.2.7 scada-server L2"),
		Talks:  talks("a-3 10.0.2.7 > a-1 10.0.1.5 tcp 502 modbus periodic read"),
	}
	before := conduits(t, from)
	if len(before) != 1 || before[0].Accepted() {
		t.Fatalf("%+v", before)
	}
	after := conduits(t, registered{from, map[string]map[string]string{before[0].ID: {
		"approved_by": "A. Meier", "approved_on": "2026-05-04", "purpose": "supervision", "sl_t": "1 1 1 1 1 1 1", "custom_ticket": "4711",
	}}})
	c := after[0]
	if !c.Accepted() || c.Purpose != "supervision" || c.SLT != "1 1 1 1 1 1 1" || c.Custom["custom_ticket"] != "4711" {
		t.Errorf("%+v", c)
	}
	cells := map[string]string{}
	for i, name := range inventory.ConduitColumns() {
		cells[name] = c.Values()[i]
	}
	if cells["approved_by"] != "A. Meier" || cells["evidence_ids"] != "10.0.2.7>10.0.1.5 tcp/502" || cells["frequency_class"] != "periodic" ||
		cells["observed_window"] != "2026-03-02T06:00:00Z/2026-03-02T07:00:00Z" || cells["initiator"] != "a" || cells["direction"] != "b to a" {
		t.Errorf("%v", cells)
	}
}
