package sqlite

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

// bodiesOf are the bodies of assets, as walkdown writes them.
func bodiesOf(assets []inventory.Asset) [][]byte {
	var out [][]byte
	for _, a := range assets {
		a.ID, a.FirstSeen, a.LastSeen, a.Matchability = "", time.Time{}, time.Time{}, nil
		out = append(out, []byte(jsonText(a)))
	}
	return out
}

// bodies are some with every field, and with names that mean harm.
func bodies() [][]byte {
	assets := exporterstest.Full().Things
	for _, bad := range exporterstest.HostileNames() {
		assets = append(assets, inventory.Asset{
			Name: bad, Names: []string{bad, "plc"}, Identity: inventory.Identity{Vendor: bad, Confidences: map[string]float32{bad: 0.5}},
			Addresses: []inventory.Address{}, Components: []inventory.Component{{Path: "slot=2", Name: bad}},
		})
	}
	return bodiesOf(assets)
}

func TestBodiesAreReadAsTheyAreWritten(t *testing.T) {
	for _, body := range bodies() {
		got, err := assetOf("", body)
		if err != nil {
			t.Error(err)
		}
		var want inventory.Asset
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzBody holds what is read of bodies that walkdown may write against encoding/json, and reads others.
func FuzzBody(f *testing.F) {
	for _, body := range bodies() {
		f.Add(body)
	}
	for _, text := range []string{
		`{"names":null}`, `{ "name" : "x" }`, `{"NAME":"x"}`, `{"name":"\ud83d\ude00\ud800"}`, `{"name":"` + "\xff" + `"}`, `{"name":"` + "\x01" + `"}`,
		`{"confidence":01}`, `{"confidence":-0.5e-1}`, `{"confidence":1.}`, `{"services":[{"port":65536}]}`, `{"services":[{"port":1.5}]}`,
		`{"confidences":{"a":1},"confidences":{"b":2}}`, `{"names":["a","b"],"names":["c"]}`, `{"services":[{"port":1}],"services":[{"transport":"tcp"}]}`,
		`{"name":"x",}`, `{"name":"x"}}`, `{"names":[]`, `{"first_seen":"2026-05-04T08:00:00Z","matchability":{"by":["cpe"]}}`, `{"unheard_of":{"a":[1,{}]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = assetOf("", body) // whatever stands there, it ends well
		var a, want inventory.Asset
		if json.Unmarshal(body, &a) != nil {
			return
		}
		written := []byte(jsonText(a))
		if err := json.Unmarshal(written, &want); err != nil {
			t.Fatal(err)
		}
		got, err := assetOf(want.ID, written)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	list := bodiesOf(exporterstest.Full().Things)
	for name, read := range map[string]func([]byte) error{
		"walkdown":      func(body []byte) error { _, err := assetOf("a-1", body); return err },
		"encoding_json": func(body []byte) error { return json.Unmarshal(body, &inventory.Asset{}) },
	} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if err := read(list[i%len(list)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
