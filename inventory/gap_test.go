package inventory_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

// closes says what closes the gap of a field, or nil where there is none.
func closes(a inventory.Asset, field string, asked inventory.Asked) []string {
	for _, g := range inventory.GapsOf(a, asked) {
		if g.Field == field {
			return g.Close
		}
	}
	return nil
}

func TestGapsOf(t *testing.T) {
	plc := device("a-1 cell-1 10.0.1.5 plc L1 mac=28:63:36:00:00:01")
	plc.Protocols = []string{"s7", "http"}
	asked := func(protocols ...string) inventory.Asked {
		return func(_ inventory.Asset, p string) bool { return slices.Contains(protocols, p) }
	}
	const ask, annotate = "walkdown ask --ask 10.0.1.5/32 --protocols ", "walkdown annotate"
	safety := device("a-2 cell-1 10.0.1.6 safety-controller L1")
	silent := device("a-3 cell-1 mac=28:63:36:00:00:03")
	six := device("a-4 cell-1 fe80::1")
	six.Addresses = append(six.Addresses, inventory.Address{IP: "2001:db8::4", MAC: "28:63:36:00:00:04"})
	paper := inventory.Asset{ID: "a-5", Addresses: []inventory.Address{}}
	for name, c := range map[string]struct {
		a     inventory.Asset
		field string
		asked inventory.Asked
		want  []string
	}{
		"by_its_protocols":          {plc, "firmware", nil, []string{ask + "s7", ask + "http --allow http", annotate}},
		"what_was_asked_is_left":    {plc, "firmware", asked("s7"), []string{ask + "http --allow http", annotate}},
		"then_snmp":                 {plc, "firmware", asked("s7", "http"), []string{ask + "snmp", annotate}},
		"then_people":               {plc, "firmware", asked("s7", "http", "snmp"), []string{annotate}},
		"known_is_no_gap":           {plc, "mac", nil, nil},
		"a_person_knows_the_owner":  {plc, "owner", nil, []string{annotate}},
		"a_plc_has_no_antivirus":    {plc, "antivirus", nil, nil},
		"a_plc_has_no_system_to_os": {plc, "os", nil, nil},
		"safety_is_never_asked":     {safety, "firmware", nil, []string{annotate}},
		"without_an_ip_listen":      {silent, "model", nil, []string{"walkdown listen -i INTERFACE", annotate}},
		"link_local_is_not_asked":   {six, "vendor", nil, []string{"walkdown ask --ask 2001:db8::4/128 --protocols snmp", annotate}},
		"a_mac_by_arp":              {safety, "mac", nil, []string{"walkdown ask -i INTERFACE --ask 10.0.1.6/32", "walkdown listen -i INTERFACE"}},
		"on_paper_has_no_address":   {paper, "ip", nil, nil},
		"on_paper_has_no_vendor":    {paper, "vendor", nil, []string{"walkdown listen -i INTERFACE", annotate}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, closes(c.a, c.field, c.asked)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := inventory.GapsOf(device("a-9 cell-1 198.51.100.7"), nil); got != nil {
		t.Errorf("of somebody on the internet nothing is missing: %v", got)
	}
	plc.Annotations = map[string]string{"owner": "maintenance"}
	if closes(plc, "owner", nil) != nil {
		t.Error("what a person said is known")
	}
}

func TestGapCounter(t *testing.T) {
	g := inventory.NewGapCounter(nil)
	for _, a := range exporterstest.Full().Things {
		g.Add(a)
	}
	if g.Assets != 7 {
		t.Errorf("%d assets", g.Assets)
	}
	got := map[string][2]int{}
	for _, f := range g.Fields() {
		got[f.Field] = [2]int{f.Unknown, f.Of}
		if f.Close == "" || f.Title == "" || f.Unknown > f.Of {
			t.Errorf("%+v", f)
		}
	}
	want := map[string][2]int{"vendor": {2, 7}, "firmware": {3, 7}, "serial": {4, 7}, "owner": {6, 7}, "zone": {6, 7}}
	for field, n := range want {
		if got[field] != n {
			t.Errorf("%s: %v, want %v", field, got[field], n)
		}
	}
}
