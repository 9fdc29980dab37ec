package sqlite

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/inventory"
)

// The far ends of links are found the same by looking each of them up and by reading all addresses.
func TestFewAndManyEnds(t *testing.T) {
	s := newStore(t)
	survey(t, s, inventory.Survey{Kind: "read"}, arp("28:63:36:aa:bb:01", "10.0.0.5", noon), arp("28:63:36:aa:bb:02", "10.0.0.6", noon))
	survey(t, s, inventory.Survey{Kind: "read", Segment: "cell-2"}, arp("28:63:36:aa:bb:03", "10.0.0.5", noon))
	survey(t, s, inventory.Survey{Kind: "read", Site: "north"}, arp("28:63:36:aa:bb:01", "10.0.0.5", noon))
	wanted := []end{
		{site: "default", segment: "default", mac: "28:63:36:aa:bb:01"},
		{site: "north", segment: "default", mac: "28:63:36:aa:bb:01"},
		{site: "south", segment: "default", mac: "28:63:36:aa:bb:01"},
		{site: "default", segment: "elsewhere", mac: "28:63:36:aa:bb:03"},
		{site: "default", segment: "default", ip: "10.0.0.5"},
		{site: "default", segment: "cell-2", ip: "10.0.0.5"},
		{site: "default", segment: "cell-2", ip: "10.0.0.6"},
		{site: "default", segment: "default", name: "28-63-36-AA-BB-02"},
		{site: "default", segment: "default", mac: "28:63:36:aa:bb:99", ip: "10.0.0.6"},
		{site: "default", segment: "default"},
	}
	found := map[int][]string{}
	for _, many := range []int{1, 1000} {
		ends := slices.Clone(wanted)
		if err := s.within(t.Context(), func(tx *sql.Tx) error { return findEnds(t.Context(), tx, ends, many) }); err != nil {
			t.Fatal(err)
		}
		for _, e := range ends {
			found[many] = append(found[many], e.asset)
		}
	}
	one := func(segment, ip string) string {
		for a, err := range s.Assets(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if a.Site+" "+a.Segment == segment && a.Addresses[0].IP == ip {
				return a.ID
			}
		}
		t.Fatalf("no asset %s %s", segment, ip)
		return ""
	}
	here, other, cell, north := one("default default", "10.0.0.5"), one("default default", "10.0.0.6"), one("default cell-2", "10.0.0.5"), one("north default", "10.0.0.5")
	want := []string{here, north, "", cell, here, cell, "", other, other, ""}
	for many, got := range found {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("many are %d: %s", many, diff)
		}
	}
}
