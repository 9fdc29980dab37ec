package aas

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

func export(t *testing.T, from inventory.Source) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Export(t.Context(), from, &out, Options{TLP: "GREEN"}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The golden is verified by a library that is not ours in .ci/run.
func TestGolden(t *testing.T) { exporterstest.Golden(t, "full.json", export(t, exporterstest.Full())) }

type environment struct {
	Shells    []shell    `json:"assetAdministrationShells"`
	Submodels []submodel `json:"submodels"`
}

func read(t *testing.T, from inventory.Source) environment {
	t.Helper()
	var e environment
	if err := json.Unmarshal(export(t, from), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// Each shell has its nameplate, no identifier is there twice, and what the template demands is there.
func TestShellsAreWhole(t *testing.T) {
	for kind, from := range map[string]*exporterstest.Inventory{"full": exporterstest.Full(), "hostile": exporterstest.Hostile(), "empty": {}} {
		t.Run(kind, func(t *testing.T) {
			e := read(t, from)
			things := 0
			for _, a := range from.Things {
				things += 1 + len(a.Components)
			}
			if len(e.Shells) != things || len(e.Submodels) != things {
				t.Errorf("%d shells and %d submodels for %d things", len(e.Shells), len(e.Submodels), things)
			}
			ids := map[string]bool{}
			for _, s := range e.Submodels {
				if ids[s.ID] {
					t.Errorf("%.80s twice", s.ID)
				}
				ids[s.ID] = true
				there := map[string]bool{}
				for _, one := range s.Elements {
					there[one.IDShort] = true
				}
				for _, must := range []string{"URIOfTheProduct", "ManufacturerName", "ManufacturerProductDesignation", "AddressInformation", "OrderCodeOfManufacturer"} {
					if !there[must] {
						t.Errorf("%.80s has no %s", s.ID, must)
					}
				}
			}
			for _, s := range e.Shells {
				if !ids[s.Submodels[0].Keys[0].Value] || ids[s.ID] {
					t.Errorf("%.80s has no nameplate, or its identifier is taken", s.ID)
				}
				ids[s.ID] = true
			}
		})
	}
}

func TestTheURIOfTheProductIsTheDevicesOwn(t *testing.T) {
	from := &exporterstest.Inventory{
		Things: []inventory.Asset{{ID: "a-1", Protocols: []string{"opcua"}}},
		Proofs: map[string][]inventory.Evidence{"a-1": {{Mode: discovery.Asked, Fact: discovery.NewFact("opcua.di-product-instance-uri", "https://example.com/4711")}}},
	}
	e := read(t, from)
	if got := e.Shells[0].Information.Global; got != "https://example.com/4711" {
		t.Errorf("global asset id %q", got)
	}
	if got := e.Submodels[0].Elements[0]; got.IDShort != "URIOfTheProduct" || got.Value != "https://example.com/4711" {
		t.Errorf("%+v", got)
	}
}

func TestErrors(t *testing.T) {
	broken := exporterstest.Full()
	broken.Broken = true
	if err := Export(t.Context(), broken, io.Discard, Options{}); !errors.Is(err, exporterstest.ErrBroken) {
		t.Errorf("broken inventory: %v", err)
	}
	if err := Export(t.Context(), exporterstest.Full(), exporterstest.FullDisk{}, Options{}); !errors.Is(err, exporterstest.ErrFull) {
		t.Errorf("full disk: %v", err)
	}
	if err := Export(t.Context(), exporterstest.Full(), io.Discard, Options{TLP: "PURPLE"}); err == nil {
		t.Error("takes an unknown mark")
	}
}
