package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// TestRefold identifies by one rule, then by another: the assets change, the times do not, and the change is told.
func TestRefold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.db")
	seen := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	says := func(vendor string) inventory.Identify {
		return func(facts []discovery.Fact) []discovery.Fact {
			for _, f := range facts {
				if f.Key == "modbus.vendor-name" {
					return []discovery.Fact{{Key: discovery.KeyVendor, Value: vendor, Confidence: 0.9, From: []discovery.Key{f.Key}, Rule: "r-" + vendor}}
				}
			}
			return nil
		}
	}
	run := func(kind, vendor string, do func(context.Context, *Recorder)) {
		t.Helper()
		store, err := Open(t.Context(), path, Options{Identify: says(vendor), Now: func() time.Time { return seen.Add(24 * time.Hour) }})
		if err != nil {
			t.Fatal(err)
		}
		r, err := store.Begin(t.Context(), inventory.Survey{Kind: kind, Site: "default", Segment: "default"})
		if err != nil {
			t.Fatal(err)
		}
		do(t.Context(), r)
		if err := r.End(t.Context(), inventory.Survey{}); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run("listen", "First", func(_ context.Context, r *Recorder) {
		mac, err := discovery.ParseMAC("00:80:f4:01:02:03")
		if err != nil {
			t.Fatal(err)
		}
		r.Observe(discovery.Observation{
			Time: seen, Protocol: "modbus", Mode: discovery.Heard, Subject: discovery.Subject{MAC: mac},
			Facts: []discovery.Fact{discovery.NewFact("modbus.vendor-name", "anybody")},
		})
	})
	run("refingerprint", "First", func(ctx context.Context, r *Recorder) {
		if err := r.Refold(ctx); err != nil {
			t.Fatal(err)
		}
	})
	run("refingerprint", "Second", func(ctx context.Context, r *Recorder) {
		if err := r.Refold(ctx); err != nil {
			t.Fatal(err)
		}
	})
	store, err := Open(t.Context(), path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // it was only read
	for a, err := range store.Assets(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Vendor != "Second" || !a.LastSeen.Equal(seen) || !a.FirstSeen.Equal(seen) {
			t.Errorf("%s, seen %v to %v", a.Vendor, a.FirstSeen, a.LastSeen)
		}
		rules := map[string]bool{}
		for e, err := range store.Evidence(t.Context(), a.ID) {
			if err != nil {
				t.Fatal(err)
			}
			rules[e.Fact.Rule] = true
		}
		if !rules["r-Second"] || rules["r-First"] {
			t.Errorf("evidence by %v", rules)
		}
	}
	var told []inventory.Change
	for c, err := range store.Changes(t.Context(), time.Time{}, "") {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, c)
	}
	if len(told) != 2 || told[0].Kind != inventory.Appeared || told[1].Kind != inventory.Changed || told[1].Attribute != "vendor" ||
		told[1].Old != "First" || told[1].New != "Second" || told[1].Survey != "s-3" {
		t.Errorf("changes %+v", told)
	}
}
