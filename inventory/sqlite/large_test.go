package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/inventorytest"
)

// recordPlant records a survey of a synthetic plant, a day after the one before.
func recordPlant(t testing.TB, s *Store, p inventorytest.Plant, day, generation int, more ...discovery.Observation) string {
	t.Helper()
	began := noon.AddDate(0, 0, day)
	r, err := s.Begin(t.Context(), inventory.Survey{Kind: "survey", Started: began})
	if err != nil {
		t.Fatal(err)
	}
	for o := range p.Survey(began, generation) {
		r.Observe(o)
	}
	for _, o := range more {
		r.Observe(o)
	}
	if err := r.End(t.Context(), inventory.Survey{Ended: began.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	sound(t, s)
	return r.ID()
}

// aPlant is larger than a page of assets, and its second switch has read its forwarding table.
func aPlant() (inventorytest.Plant, discovery.Observation) {
	p := inventorytest.Plant{Assets: firstPage + inventorytest.CellSize + 3, Seed: 1}
	table := discovery.Observation{
		Time: noon, Protocol: "snmp", Mode: discovery.Asked, Subject: discovery.Subject{IP: p.Address(inventorytest.CellSize)},
		Facts: []discovery.Fact{discovery.NewFact("snmp.sysName", "cell-0001-switch-00")},
	}
	for i := range 3 {
		table.Links = append(table.Links, discovery.Link{
			LocalPort: "2/1", Remote: discovery.Subject{IP: p.Address(i)}, Via: inventory.ViaForwarding,
		})
	}
	table.Links = append(table.Links, discovery.Link{LocalPort: "2/2", Remote: discovery.Subject{IP: p.Address(3)}, Via: inventory.ViaForwarding})
	return p, table
}

func TestAPageIsLikeTheWhole(t *testing.T) {
	s := newStore(t)
	p, table := aPlant()
	recordPlant(t, s, p, 0, 0, table)
	list := all(t, s.Assets(t.Context()))
	if len(list) != p.Assets {
		t.Fatalf("%d assets, want %d", len(list), p.Assets)
	}
	wired := 0
	for i, a := range list {
		if i > 0 && string(placeOf(list[i-1].Addresses[0].IP, "")) >= string(placeOf(a.Addresses[0].IP, "")) {
			t.Errorf("%s stands behind %s", a.Addresses[0].IP, list[i-1].Addresses[0].IP)
		}
		alone, err := s.Asset(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, a.Name, a, alone)
		wired += len(a.Neighbours)
	}
	if wired < p.Assets {
		t.Errorf("%d ends of cables", wired)
	}
	err := s.within(t.Context(), func(tx *sql.Tx) error {
		whole, err := neighbours(t.Context(), tx, nil)
		if err != nil {
			return err
		}
		for _, a := range list {
			expect(t, a.Name, whole[a.ID], a.Neighbours)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhoeverStopsEarlyIsServed(t *testing.T) {
	s := newStore(t)
	p, table := aPlant()
	recordPlant(t, s, p, 0, 0, table)
	seen := 0
	for _, err := range s.Assets(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 7 {
			break
		}
	}
	expect(t, "assets", 7, seen)
}

// What is only seen again is not folded again; it must come to the same as if it were.
func TestSeenAgainIsAsIfFoldedAgain(t *testing.T) {
	p, table := aPlant()
	p.Assets = inventorytest.CellSize + 3
	quick, thorough := newStore(t), newStore(t)
	for day, generation := range []int{0, 0, 600, 601} {
		recordPlant(t, quick, p, day, generation, table)
		// An inventory without calm assets folds all.
		if _, err := thorough.write.ExecContext(t.Context(), "UPDATE asset_states SET calm = 0"); err != nil {
			t.Fatal(err)
		}
		recordPlant(t, thorough, p, day, generation, table)
	}
	foldedAll, foldedSome := all(t, thorough.Assets(t.Context())), all(t, quick.Assets(t.Context()))
	// Which id an asset gets depends on when the second was over; here the address is its name.
	anonymous := func(list []inventory.Asset) []inventory.Asset {
		at := map[string]string{}
		for _, a := range list {
			at[a.ID] = a.Addresses[0].IP
		}
		out := slices.Clone(list)
		for i := range out {
			out[i].ID, out[i].Neighbours = at[out[i].ID], slices.Clone(out[i].Neighbours)
			for j, n := range out[i].Neighbours {
				out[i].Neighbours[j].Asset = at[n.Asset]
			}
			slices.SortFunc(out[i].Neighbours, func(a, b inventory.Neighbour) int {
				return cmp.Or(strings.Compare(a.LocalPort, b.LocalPort), strings.Compare(a.Asset, b.Asset), strings.Compare(a.RemotePort, b.RemotePort))
			})
		}
		return out
	}
	want, got := anonymous(foldedAll), anonymous(foldedSome)
	for i, a := range got {
		expect(t, a.ID, want[i], a)
	}
	expect(t, "changes", len(all(t, thorough.Changes(t.Context(), time.Time{}, ""))), len(all(t, quick.Changes(t.Context(), time.Time{}, ""))))
	for i, a := range foldedAll[:inventorytest.CellSize] {
		newest := func(s *Store, id string) map[discovery.Key]time.Time {
			out := map[discovery.Key]time.Time{}
			for _, e := range all(t, s.Evidence(t.Context(), id)) {
				if e.Last.After(out[e.Fact.Key]) {
					out[e.Fact.Key] = e.Last
				}
			}
			return out
		}
		expect(t, a.Name, newest(thorough, a.ID), newest(quick, foldedSome[i].ID))
	}
}

// The unchanged is not folded again: that is what makes a second survey of a large plant bearable.
func TestTheUnchangedIsNotFoldedAgain(t *testing.T) {
	identified := 0
	o := options()
	o.Identify = func(facts []discovery.Fact) []discovery.Fact {
		identified++
		return identify(facts)
	}
	s := openStore(t, t.TempDir()+"/walkdown.db", o)
	p, _ := aPlant()
	recordPlant(t, s, p, 0, 0)
	if identified < p.Assets {
		t.Fatalf("%d identified of %d", identified, p.Assets)
	}
	identified = 0
	second := recordPlant(t, s, p, 1, 0)
	if identified > p.Assets/10 {
		t.Errorf("%d identified again of %d", identified, p.Assets)
	}
	for _, a := range all(t, s.Assets(t.Context())) {
		if a.LastSeen.Before(noon.AddDate(0, 0, 1)) {
			t.Errorf("%s was last seen %s", a.Name, a.LastSeen)
		}
	}
	if changes := all(t, s.Changes(context.Background(), time.Time{}, second)); len(changes) > 0 {
		t.Errorf("changes: %v", changes)
	}
}
