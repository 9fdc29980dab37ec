package main

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// Addresses for which one station answers are assets of their own without a MAC, and are asked, or not, as what stands behind it.
func TestCandidatesKnowWhoAnswersForThem(t *testing.T) {
	db := filepath.Join(t.TempDir(), "a.db")
	store, err := sqlite.Open(t.Context(), db, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	recorder, err := store.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	proxy := discovery.MAC{2, 0x79, 0, 0, 0, 1}
	for last := range byte(20) {
		recorder.Observe(discovery.Observation{
			Time: time.Now(), Protocol: "arp", Mode: discovery.Asked, Subject: discovery.Subject{MAC: proxy, IP: netip.AddrFrom4([4]byte{10, 79, 0, 1 + last})},
			Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "arp")},
		})
	}
	if err := recorder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := candidates(t.Context(), store, "default", "default", wishes{scope: []netip.Prefix{netip.MustParsePrefix("10.79.0.0/24")}})
	if err != nil || len(list) != 20 {
		t.Fatalf("%d candidates, %v", len(list), err)
	}
	for _, c := range list {
		if c.Subject.MAC != proxy {
			t.Errorf("%s stands behind %s", c.Subject.IP, c.Subject.MAC)
		}
	}
}
