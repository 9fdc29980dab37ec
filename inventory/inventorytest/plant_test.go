package inventorytest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
)

func gather(p Plant, generation int) []discovery.Observation {
	return slices.Collect(p.Survey(time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC), generation))
}

func TestAPlantIsTheSameForTheSameSeed(t *testing.T) {
	p := Plant{Assets: 3*CellSize + 7, Seed: 1}
	if diff := cmp.Diff(gather(p, 1), gather(p, 1), cmp.Comparer(func(a, b discovery.Subject) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	other := p
	other.Seed = 2
	if slices.EqualFunc(gather(p, 0), gather(other, 0), func(a, b discovery.Observation) bool {
		return slices.EqualFunc(a.Facts, b.Facts, func(x, y discovery.Fact) bool { return x.Value == y.Value })
	}) {
		t.Error("another seed gives the same plant")
	}
}

func TestItIsAsRichAsARealOne(t *testing.T) {
	p := Plant{Assets: 4 * CellSize, Seed: 1}
	known := map[discovery.Key]bool{}
	for _, key := range discovery.SharedKeys() {
		known[key] = true
	}
	for _, protocol := range protocols.All() {
		for _, key := range protocol.Keys {
			known[key] = true
		}
	}
	facts, talks, links := 0, 0, 0
	addresses := map[string]bool{}
	for _, o := range gather(p, 0) {
		facts, talks, links = facts+len(o.Facts), talks+len(o.Talks), links+len(o.Links)
		for _, f := range o.Facts {
			if !known[f.Key] {
				t.Errorf("no protocol tells %s", f.Key)
			}
			if f.Key == discovery.KeyBinding {
				addresses[o.Subject.IP.String()] = true
			}
		}
	}
	if len(addresses) != p.Assets {
		t.Errorf("%d assets have an address, want %d", len(addresses), p.Assets)
	}
	if each := float64(facts) / float64(p.Assets); each < 20 || each > 25 {
		t.Errorf("%.1f facts an asset", each)
	}
	if each := float64(talks) / float64(p.Assets); each < 4.5 || each > 6 {
		t.Errorf("%.1f conversations an asset", each)
	}
	if want := p.Assets / CellSize * (CellSize - 1); links != want {
		t.Errorf("%d links, want %d", links, want)
	}
}

func TestOneInDriftChangesInEachGeneration(t *testing.T) {
	p := Plant{Assets: 4 * Drift, Seed: 1}
	firmware := func(generation int) map[discovery.Subject]string {
		out := map[discovery.Subject]string{}
		for _, o := range gather(p, generation) {
			for _, f := range o.Facts {
				if f.Key == "lldp.system-description" || f.Key == "snmp.sysDescr" {
					out[o.Subject.Host()] = f.Value
				}
			}
		}
		return out
	}
	before, after := firmware(300), firmware(301)
	changed := 0
	for subject, value := range after {
		if before[subject] != value {
			changed++
		}
	}
	if changed < 4 || changed > 8 { // some tell it under two subjects
		t.Errorf("%d descriptions of %d changed", changed, len(after))
	}
}
