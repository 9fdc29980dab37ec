package inventory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/inventory"
)

func list(t *testing.T, heads string) *inventory.List {
	t.Helper()
	l, err := inventory.NewList(strings.Split(heads, "|"), inventory.Fields(), nil, strings.Fields)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestList(t *testing.T) {
	l := list(t, "Asset-ID|IP address|MAC|Hersteller|Serial Number|annotation_zone|owner|Cost centre|nameplate_firmware|tlp|")
	got := l.Line(7, []string{"a-1", "10.0.0.5 10.0.0.6", "28:63:36:00:00:01", "Siemens", " 4711 ", "presses", "", "K 7", "V2.9", "AMBER", "x"})
	want := inventory.Line{
		Number: 7, Who: inventory.Who{ID: "a-1", IPs: []string{"10.0.0.5", "10.0.0.6"}, MACs: []string{"28:63:36:00:00:01"}, Vendor: "Siemens", Serial: "4711"},
		Plate: map[string]string{"vendor": "Siemens", "serial": "4711"}, Stated: map[string]string{"firmware": "V2.9"},
		Said: map[string]string{"zone": "presses", "owner": "", "custom_cost_centre": "K 7"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"zone", "owner", "custom_cost_centre", "nameplate_firmware"}, l.Names()); diff != "" {
		t.Error(diff)
	}
	if !l.Identifies() || list(t, "owner|zone").Identifies() {
		t.Error("which column tells whom a line is about")
	}
	if _, err := inventory.NewList([]string{"IP", "IP address"}, inventory.Fields(), nil, nil); err == nil {
		t.Error("two columns that mean the same are refused")
	}
}

func TestMismatches(t *testing.T) {
	a := device("a-1 cell-1 10.0.0.5 plc mac=28:63:36:00:00:01 name=press-3")
	a.Names = []string{"press-3", "PLC_1"}
	a.Identity = inventory.Identity{Vendor: "Siemens", Model: "CPU 1511-1 PN", Serial: "S C-X4U1", Firmware: "2.8.1", FirmwareRaw: "V2.8.1", Type: "plc"}
	for name, c := range map[string]struct{ heads, cells, want string }{
		"all_alike":           {"vendor|model|serial|firmware|ip|mac|segment", "Siemens AG|1511-1PN|sc-x4u1|v2.8.1|10.0.0.5|28-63-36-00-00-01|cell-1", ""},
		"one_of_its_names":    {"name", "plc_1", ""},
		"not_said":            {"vendor|serial|hardware|ip", "|||", ""},
		"another_serial":      {"serial", "S C-X4U12", "serial S C-X4U12 S C-X4U1"},
		"an_older_firmware":   {"firmware", "2.8", "firmware 2.8 2.8.1"},
		"another_address":     {"ip", "10.0.0.9", "ip 10.0.0.9 10.0.0.5"},
		"another_segment":     {"segment", "cell-2", "segment cell-2 cell-1"},
		"what_a_person_says":  {"nameplate_model", "ET 200SP", "model ET 200SP CPU 1511-1 PN"},
		"no_address_at_all":   {"ip", "dhcp", ""},
		"known_to_paper_only": {"os|order_number", "Windows 7|6ES7 511", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, m := range inventory.Mismatches(list(t, c.heads).Line(2, strings.Split(c.cells, "|")), a) {
				got = append(got, m.Field+" "+m.Listed+" "+m.Observed)
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
