package json

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

func export(t *testing.T, from inventory.Source, lines bool) []byte {
	t.Helper()
	var out bytes.Buffer
	o := Options{Time: time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC), Version: "0.1.0", Site: "Press shop", TLP: "GREEN", Lines: lines}
	if err := Export(t.Context(), from, &out, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// schema is the published one. A closed one allows no property that it does not list.
func schema(t *testing.T, at string, closed bool) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "inventory.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if closed {
		closeAll(value)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(Schema, value); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(Schema + at)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func closeAll(value any) {
	switch v := value.(type) {
	case map[string]any:
		if _, lists := v["properties"]; lists && v["type"] == "object" && v["allOf"] == nil {
			v["additionalProperties"] = false
		}
		for _, one := range v {
			closeAll(one)
		}
	case []any:
		for _, one := range v {
			closeAll(one)
		}
	}
}

func validate(t *testing.T, s *jsonschema.Schema, document []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatalf("%v: %.200s", err, document)
	}
	if err := s.Validate(value); err != nil {
		t.Error(err)
	}
}

func sources() map[string]inventory.Source {
	return map[string]inventory.Source{"full": exporterstest.Full(), "hostile": exporterstest.Hostile(), "empty": &exporterstest.Inventory{}}
}

func TestGoldens(t *testing.T) {
	exporterstest.Golden(t, "full.json", export(t, exporterstest.Full(), false))
	exporterstest.Golden(t, "full.ndjson", export(t, exporterstest.Full(), true))
}

// Every field that is written is in the schema.
func TestDocumentsFollowTheSchema(t *testing.T) {
	closed, open := schema(t, "", true), schema(t, "", false)
	for kind, from := range sources() {
		t.Run(kind, func(t *testing.T) {
			document := export(t, from, false)
			validate(t, closed, document)
			validate(t, open, document)
		})
	}
}

func TestLinesFollowTheSchema(t *testing.T) {
	line := schema(t, "#/$defs/line", false)
	for kind, from := range sources() {
		t.Run(kind, func(t *testing.T) {
			for _, text := range bytes.Split(bytes.TrimSpace(export(t, from, true)), []byte("\n")) {
				validate(t, line, text)
			}
		})
	}
}

// Both hold the same things.
func TestLinesHoldWhatTheDocumentHolds(t *testing.T) {
	for kind, from := range map[string]inventory.Source{"full": exporterstest.Full(), "large": exporterstest.Large(50)} {
		var document map[string]json.RawMessage
		if err := json.Unmarshal(export(t, from, false), &document); err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for _, line := range strings.Split(strings.TrimSpace(string(export(t, from, true))), "\n") {
			var of struct {
				Record string `json:"record"`
			}
			if err := json.Unmarshal([]byte(line), &of); err != nil {
				t.Fatal(err)
			}
			counts[of.Record]++
		}
		for _, l := range lists() {
			var things []json.RawMessage
			if err := json.Unmarshal(document[l.name], &things); err != nil {
				t.Fatal(err)
			}
			if len(things) != counts[l.kind] {
				t.Errorf("%s: %d %s, %d lines", kind, len(things), l.name, counts[l.kind])
			}
			if len(things) == 0 && kind == "full" {
				t.Errorf("the full inventory has no %s", l.name)
			}
		}
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
