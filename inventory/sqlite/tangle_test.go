package sqlite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/inventorytest"
)

// tangleDays is on how many days a tangled plant is observed.
const tangleDays = 4

// part is one survey of a tangle: its observations, and the day that it is of.
type part struct {
	day  int
	list []discovery.Observation
}

// recordParts records surveys one after another, with a commit now and then.
func recordParts(t *testing.T, s *Store, random *rand.Rand, parts []part) {
	t.Helper()
	for _, p := range parts {
		r, err := s.Begin(t.Context(), inventory.Survey{Kind: "read", Site: "works", Started: noon.Add(time.Duration(p.day) * 24 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.list {
			r.Observe(o)
			if random != nil && random.IntN(20) == 0 {
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.End(t.Context(), inventory.Survey{Ended: noon.Add(time.Duration(p.day)*24*time.Hour + time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	sound(t, s)
}

func partsOf(days [][]discovery.Observation) []part {
	var out []part
	for day, list := range days {
		out = append(out, part{day, list})
	}
	return out
}

// anonymous are the assets without their ids, a line each, sorted.
func anonymous(t *testing.T, s *Store) []string {
	t.Helper()
	var out []string
	for _, a := range all(t, s.Assets(t.Context())) {
		a.ID = ""
		out = append(out, jsonText(a))
	}
	slices.Sort(out)
	return out
}

// shuffled has the observations of each survey in another order, and the surveys too.
func shuffled(random *rand.Rand, parts []part) []part {
	out := slices.Clone(parts)
	for i := range out {
		out[i].list = slices.Clone(out[i].list)
		random.Shuffle(len(out[i].list), func(a, b int) { out[i].list[a], out[i].list[b] = out[i].list[b], out[i].list[a] })
	}
	random.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	return out
}

// cutInFiles deals the observations of each survey out to surveys of their own.
func cutInFiles(random *rand.Rand, parts []part) []part {
	var out []part
	for _, p := range parts {
		files := make([]part, 1+random.IntN(4))
		for _, o := range p.list {
			i := random.IntN(len(files))
			files[i].day, files[i].list = p.day, append(files[i].list, o)
		}
		out = append(out, files...)
	}
	return out
}

// TestTangles records tangled plants in any order, in any pieces, twice, from scratch, and in two inventories that are merged then:
// it must always come to the same assets. WALKDOWN_TANGLES is how many plants, instead of a few.
func TestTangles(t *testing.T) {
	seeds := 2
	if text := os.Getenv("WALKDOWN_TANGLES"); text != "" {
		var err error
		if seeds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprintf("seed_%d", seed), func(t *testing.T) {
			days := inventorytest.Tangle(seed, tangleDays)
			random := rand.New(rand.NewPCG(seed, 1))
			fresh := func(name string, parts []part) *laptop {
				l := newLaptop(t, name, 200)
				recordParts(t, l.Store, random, parts)
				return l
			}
			plain := newStore(t)
			recordParts(t, plain, nil, partsOf(days))
			want := anonymous(t, plain)
			if len(want) < 5 {
				t.Fatalf("%d assets", len(want))
			}
			check := func(what string, s *Store) {
				t.Helper()
				expect(t, what, want, anonymous(t, s))
			}
			check("in another order", fresh("1", shuffled(random, partsOf(days))).Store)
			check("in pieces", fresh("2", cutInFiles(random, shuffled(random, partsOf(days)))).Store)

			before := len(all(t, plain.Changes(t.Context(), time.Time{}, "")))
			recordParts(t, plain, random, partsOf(days))
			check("twice", plain)
			run(t, plain, func(r *Recorder) error { return r.Refold(t.Context()) })
			check("from scratch", plain)
			var told []string
			for _, c := range all(t, plain.Changes(t.Context(), time.Time{}, ""))[before:] {
				told = append(told, strings.TrimSpace(fmt.Sprintf("%s %s %s: %s > %s", c.Asset, c.Kind, c.Attribute, c.Old, c.New)))
			}
			expect(t, "changes of the second time", nil, told)

			parts := shuffled(random, cutInFiles(random, partsOf(days)))
			half := len(parts) / 2
			a, b := fresh("a", parts[:half]), fresh("b", parts[half:])
			known := append(idsOf(t, a.Store, nil), idsOf(t, b.Store, nil)...)
			untouched := filepath.Join(t.TempDir(), "a.db")
			if err := a.Backup(t.Context(), untouched); err != nil {
				t.Fatal(err)
			}
			a.merge(t, nil, backupOf(t, b))
			check("merged", a.Store)
			b.merge(t, nil, untouched)
			check("merged the other way round", b.Store)
			expect(t, "ids either way", idsOf(t, a.Store, known), idsOf(t, b.Store, known))
		})
	}
}

// idsOf are the ids of the assets, of those that are known already if any are: the others were given just now.
func idsOf(t *testing.T, s *Store, known []string) []string {
	t.Helper()
	var out []string
	for _, a := range all(t, s.Assets(t.Context())) {
		if known == nil {
			out = append(out, a.ID)
		} else if slices.Contains(known, a.ID) {
			out = append(out, brief(a)+" "+a.ID)
		}
	}
	slices.Sort(out)
	return out
}
