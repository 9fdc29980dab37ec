package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/inventory"
)

// The JSON form is written asset by asset, and is what it would be in one piece.
func TestGapsAsJSON(t *testing.T) {
	type whole struct {
		gapReport
		Of []assetGaps `json:"of,omitempty"`
	}
	of := []assetGaps{
		{"a-1", "plc <1>", "10.0.0.5", []inventory.Gap{{Field: "firmware", Title: "firmware", Priority: "medium", Close: []string{"walkdown ask --ask 10.0.0.5/32", annotateOnly}}}},
		{"a-2", "", "", []inventory.Gap{{Field: "owner", Title: "owner", Close: []string{annotateOnly}}, {Field: "mac", Title: "MAC address", Close: []string{}}}},
	}
	report := gapReport{Assets: 2, Complete: 1, Fields: []inventory.FieldGap{{Field: "firmware", Unknown: 1, Of: 2}}, Coverage: []inventory.Hole{}}
	for n := range len(of) + 1 {
		var got bytes.Buffer
		if err := writeGaps(&got, report, each(of[:n])); err != nil {
			t.Fatal(err)
		}
		want, err := json.MarshalIndent(whole{report, of[:n]}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want)+"\n", got.String()); diff != "" {
			t.Error(diff)
		}
	}
}
