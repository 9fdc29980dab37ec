package inventory_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

// TestGoldens compares what is made of the full inventory of the tests with what was read and found right; UPDATE=1 writes it anew.
func TestGoldens(t *testing.T) {
	from := exporterstest.Full()
	zoning, err := inventory.ProposeZones(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	conduits, err := inventory.Conduits(t.Context(), from, zoning)
	if err != nil {
		t.Fatal(err)
	}
	external, err := inventory.External(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	coverage, err := inventory.Coverage(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := inventory.AskedBy(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	counter := inventory.NewGapCounter(asked)
	gaps := map[string][]inventory.Gap{}
	for _, a := range from.Things {
		gaps[a.ID] = counter.Add(a)
	}
	for name, v := range map[string]any{
		"zones": zoning.Zones, "conduits": conduits, "external": external, "coverage": coverage, "gaps": gaps, "fields": counter.Fields(),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(v, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "people", name+".json")
			if os.Getenv("UPDATE") != "" {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Error(diff)
			}
		})
	}
}
