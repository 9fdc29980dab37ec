package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// TestFilesInAnyOrder reads the shared captures, which are of many plants with the same private networks, in one go in several
// orders, then each by itself, then everything once more, and then in two inventories that are merged: always the same assets.
func TestFilesInAnyOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long, and nothing in it runs side by side")
	}
	folder := sharedFolder()
	files, err := filepath.Glob(filepath.Join(folder, "captures", "*.pcap"))
	if err != nil || len(files) == 0 {
		t.Skipf("there are no captures in %s", folder)
	}
	walkdown := func(args ...string) {
		t.Helper()
		if err := run(t.Context(), append(args, "--quiet"), nil, io.Discard, io.Discard, slog.New(slog.DiscardHandler), new(slog.LevelVar)); err != nil {
			t.Fatalf("walkdown %v: %v", args, err)
		}
	}
	read := func(db string, files ...string) {
		t.Helper()
		walkdown(append([]string{"read", "--db", db}, files...)...)
	}
	db := func(name string) string { return filepath.Join(t.TempDir(), name) }
	first := db("first.db")
	read(first, files...)
	want := facesOf(t, first)
	if len(want) < 50 {
		t.Fatalf("%d assets", len(want))
	}
	check := func(what, db string) {
		t.Helper()
		if diff := cmp.Diff(want, facesOf(t, db)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	read(first, files...)
	check("twice", first)
	other := slices.Clone(files)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
	shuffled := db("shuffled.db")
	read(shuffled, other...)
	check("in another order", shuffled)
	a, b := db("a.db"), db("b.db")
	for i, file := range other {
		if i%2 == 0 {
			read(a, file)
		} else {
			read(b, file)
		}
	}
	walkdown("merge-db", "--db", a, b)
	check("each by itself, in two inventories that were merged", a)
}

// facesOf are the assets of an inventory without their ids, a line each, sorted.
func facesOf(t *testing.T, db string) []string {
	t.Helper()
	store, err := sqlite.Open(t.Context(), db, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // it was only read
	assets, err := inventory.Collect(store.Assets(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, v := range assets {
		names[v.ID] = first(firstAddress(v), v.Name)
	}
	var out []string
	for _, v := range assets {
		v.ID = ""
		for i, n := range v.Neighbours {
			v.Neighbours[i].Asset = names[n.Asset]
		}
		slices.SortFunc(v.Neighbours, func(a, b inventory.Neighbour) int {
			return slices.Compare([]string{a.LocalPort, a.Asset, a.Name}, []string{b.LocalPort, b.Asset, b.Name})
		})
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return out
}
