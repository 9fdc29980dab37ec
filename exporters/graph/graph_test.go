package graph

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"testing"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

type exporter func(context.Context, inventory.Source, io.Writer, Options) error

func write(t *testing.T, export exporter, from inventory.Source) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := export(t.Context(), from, &out, Options{Site: "Press shop", TLP: "GREEN"}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGoldens(t *testing.T) {
	exporterstest.Golden(t, "full.graphml", write(t, GraphML, exporterstest.Full()))
	exporterstest.Golden(t, "full.dot", write(t, DOT, exporterstest.Full()))
}

// Both ends of each edge are nodes, every key that is used is declared, and nobody is there twice.
func TestGraphMLIsWhole(t *testing.T) {
	for kind, from := range map[string]inventory.Source{"full": exporterstest.Full(), "hostile": exporterstest.Hostile()} {
		t.Run(kind, func(t *testing.T) {
			type data struct {
				Key string `xml:"key,attr"`
			}
			var g struct {
				Keys []struct {
					ID string `xml:"id,attr"`
				} `xml:"key"`
				Nodes []struct {
					ID   string `xml:"id,attr"`
					Data []data `xml:"data"`
				} `xml:"graph>node"`
				Edges []struct {
					Source string `xml:"source,attr"`
					Target string `xml:"target,attr"`
					Data   []data `xml:"data"`
				} `xml:"graph>edge"`
			}
			if err := xml.Unmarshal(write(t, GraphML, from), &g); err != nil {
				t.Fatal(err)
			}
			keys, nodes := map[string]bool{}, map[string]bool{}
			for _, k := range g.Keys {
				keys[k.ID] = true
			}
			check := func(all []data) {
				for _, d := range all {
					if !keys[d.Key] {
						t.Errorf("key %s is not declared", d.Key)
					}
				}
			}
			for _, n := range g.Nodes {
				if nodes[n.ID] {
					t.Errorf("node %.60q twice", n.ID)
				}
				nodes[n.ID] = true
				check(n.Data)
			}
			for _, e := range g.Edges {
				if !nodes[e.Source] || !nodes[e.Target] {
					t.Errorf("an edge from %.60q to %.60q, of which one is no node", e.Source, e.Target)
				}
				check(e.Data)
			}
			if kind == "full" && len(g.Edges) != len(exporterstest.Full().Talks)+3 { // two cables, and the meter behind its gateway
				t.Errorf("%d edges", len(g.Edges))
			}
		})
	}
}

// A name cannot end its string: outside of strings there is only the language itself.
func TestDOTKeepsNamesInStrings(t *testing.T) {
	text := string(write(t, DOT, exporterstest.Hostile()))
	inside := regexp.MustCompile(`"(?:[^"\\]|\\["\\n])*"`)
	rest := inside.ReplaceAllString(text, "S")
	if outside := regexp.MustCompile(`^[\w\s/:;={}\[\],>-]*$`); !outside.MatchString(rest) {
		t.Errorf("outside of strings: %.400s", regexp.MustCompile(`[^\w\s/:;={}\[\],>-]`).FindString(rest))
	}
}

func TestErrors(t *testing.T) {
	for name, export := range map[string]exporter{"graphml": GraphML, "dot": DOT} {
		broken := exporterstest.Full()
		broken.Broken = true
		if err := export(t.Context(), broken, io.Discard, Options{}); !errors.Is(err, exporterstest.ErrBroken) {
			t.Errorf("%s: broken inventory: %v", name, err)
		}
		if err := export(t.Context(), exporterstest.Full(), exporterstest.FullDisk{}, Options{}); !errors.Is(err, exporterstest.ErrFull) {
			t.Errorf("%s: full disk: %v", name, err)
		}
		if err := export(t.Context(), exporterstest.Full(), io.Discard, Options{TLP: "PURPLE"}); err == nil {
			t.Errorf("%s takes an unknown mark", name)
		}
	}
}
