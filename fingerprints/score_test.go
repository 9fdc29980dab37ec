package fingerprints

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The comparing rules are those of the corpus's own README: fields are what it states, and a list means that any of its values
// is right.

// scored are the fields of the corpus and the keys that answer them.
var scored = []struct {
	field string
	key   discovery.Key
}{
	{"vendor", discovery.KeyVendor},
	{"model", discovery.KeyModel},
	{"family", discovery.KeyFamily},
	{"part", discovery.KeyOrderNumber},
	{"hardware", discovery.KeyHardware},
	{"firmware", discovery.KeyFirmware},
	{"serial", discovery.KeySerial},
	{"type", discovery.KeyType},
}

// labelled is a line of the corpus with its right answers.
type labelled struct {
	ID, Via, Segment string
	Expect           map[string]any
	FoundIn          map[string][]string `json:"found_in"`
}

// wanted gives the right answers for a field, none where the corpus states none.
func (l labelled) wanted(field string) []string {
	var out []string
	switch v := l.Expect[field].(type) {
	case string:
		out = []string{v}
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				out = append(out, text)
			}
		}
	}
	return slices.DeleteFunc(out, func(text string) bool { return text == "" })
}

// readable reports whether the answer stands in the line in so many words; for vendor and type that is not asked.
func (l labelled) readable(field string) bool {
	return field == "vendor" || field == "type" || len(l.FoundIn[field]) > 0
}

// houses are the vendors of the corpus: their spellings, and the brands that count as right.
type houses struct {
	canonical map[string]string
	also      map[string][]string
}

func readHouses(t *testing.T, path string) houses {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vendors []struct {
			Name          string
			Aliases, Also []string
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	h := houses{map[string]string{}, map[string][]string{}}
	for _, v := range file.Vendors {
		for _, name := range append([]string{v.Name}, v.Aliases...) {
			h.canonical[squash(name)] = v.Name
		}
		h.also[v.Name] = append(h.also[v.Name], v.Also...)
	}
	return h
}

func (h houses) name(text string) string {
	if name, ok := h.canonical[squash(text)]; ok {
		return name
	}
	return text
}

var notPlain = regexp.MustCompile(`[^0-9a-z]+`)

// squash leaves the letters and digits of ASCII, in lower case.
func squash(text string) string { return notPlain.ReplaceAllString(strings.ToLower(text), "") }

func oneHoldsTheOther(want, got string) bool {
	w, g := squash(want), squash(got)
	if w == "" || g == "" {
		return false
	}
	return w == g || min(len(w), len(g)) >= 4 && (strings.Contains(w, g) || strings.Contains(g, w))
}

var versionDivider = regexp.MustCompile(`[\s,;()/\[\]]+`)

func sameVersion(want, got string) bool {
	bare := func(text string) string { return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(text), "vV")) }
	w, g := bare(want), bare(got)
	words := func(text string) []string {
		out := versionDivider.Split(text, -1)
		for i := range out {
			out[i] = strings.TrimLeft(out[i], "vV")
		}
		return out
	}
	return strings.EqualFold(w, g) || slices.Contains(words(w), g) || slices.Contains(words(g), w)
}

// right reports whether an answer is one of those wanted. A part number counts as a model.
func (h houses) right(field, want string, found map[discovery.Key]discovery.Fact, got string) bool {
	switch field {
	case "vendor":
		w, g := h.name(want), h.name(got)
		return squash(w) == squash(g) || slices.Contains(h.also[w], g)
	case "firmware", "hardware":
		return sameVersion(want, got)
	case "type":
		return want == got
	}
	brand := h.name(found[discovery.KeyVendor].Value)
	bare := func(text string) string {
		if len(text) >= len(brand) && strings.EqualFold(text[:len(brand)], brand) {
			return strings.TrimSpace(text[len(brand):])
		}
		return text
	}
	return oneHoldsTheOther(want, got) || oneHoldsTheOther(bare(want), bare(got)) ||
		field == "model" && oneHoldsTheOther(want, found[discovery.KeyOrderNumber].Value)
}

// score counts the answers for one field of one group.
type score struct {
	wanted, given, right    int
	readable, rightReadable int
	sure, sureRight         int // with a confidence of 0.9 and more
}

func (s score) precision() float64 { return share(s.right, s.given) }
func (s score) recall() float64    { return share(s.rightReadable, s.readable) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func (s score) String() string {
	return fmt.Sprintf("%6d   %.3f   %.3f   %6d   %.3f", s.wanted, s.precision(), s.recall(), s.sure, share(s.sureRight, s.sure))
}

// floors are what was reached, by group and field: precision, recall (of vendor and type over all that the corpus states, of the
// others over what can be read). What falls below has become worse.
var floors = map[string]map[string][2]float64{
	"plant": {
		"vendor": {0.99, 0.955}, "model": {0.985, 0.965}, "firmware": {0.99, 0.985}, "serial": {0.99, 0.97}, "type": {0.97, 0.95},
	},
	"office": {
		"vendor": {0.98, 0.84}, "model": {0.90, 0.75}, "firmware": {0.96, 0.79}, "serial": {0.96, 0.86}, "type": {0.98, 0.75},
	},
}

// sureFloor is how many of the values printed with a confidence of 0.9 and more must be right, for each field.
const sureFloor = 0.98

// TestCorpus scores the engine on the corpus of real devices and prints precision, recall and how far its confidence can be
// trusted: by group (plant: industrial and facility devices), for the lines held out, by protocol and by type of device; then
// what was missed. WALKDOWN_ANSWERS names a folder to keep lines and answers in.
func TestCorpus(t *testing.T) {
	dir := sharedDir(t, "identities")
	vendors := readHouses(t, filepath.Join(dir, "vendors.json"))
	engine := mustDefault(t)
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	scores := map[string]map[string]*score{}
	count := func(group, field string) *score {
		if scores[group] == nil {
			scores[group] = map[string]*score{}
		}
		if scores[group][field] == nil {
			scores[group][field] = &score{}
		}
		return scores[group][field]
	}
	var misses []string
	sure := map[string]*score{} // by field
	kept := map[string]*bytes.Buffer{}
	for _, path := range paths {
		eachLine(t, path, func(line []byte, id, _ string) {
			var l labelled
			if err := json.Unmarshal(line, &l); err != nil {
				t.Fatal(err)
			}
			facts, err := ParseCorpusLine(line)
			if err != nil {
				t.Fatal(err)
			}
			found := map[discovery.Key]discovery.Fact{}
			for _, f := range engine.Identify(facts) {
				if _, ok := found[f.Key]; !ok {
					found[f.Key] = f
				}
			}
			keep(t, kept, line, id, found)
			group := "plant"
			if l.Segment == "i" {
				group = "office"
			}
			groups := []string{group, "via " + l.Via}
			if heldOut(id) {
				groups = append(groups, group+" held out")
			}
			if kinds := l.wanted("type"); len(kinds) > 0 {
				groups = append(groups, "type "+kinds[0])
			}
			for _, field := range scored {
				want := l.wanted(field.field)
				if len(want) == 0 {
					continue
				}
				got := found[field.key]
				ok := got.Value != "" && slices.ContainsFunc(want, func(w string) bool { return vendors.right(field.field, w, found, got.Value) })
				for _, group := range groups {
					count(group, field.field).add(got, ok, l.readable(field.field))
				}
				if sure[field.field] == nil {
					sure[field.field] = &score{}
				}
				sure[field.field].add(got, ok, true)
				if !ok && (got.Value != "" || l.readable(field.field)) {
					misses = append(misses, fmt.Sprintf("%s %s %s: want %q, got %q (%.2f by %s)", l.Segment, id, field.field, want, got.Value, got.Confidence, got.Rule))
				}
			}
		})
	}
	var out strings.Builder
	for _, group := range slices.Sorted(maps.Keys(scores)) {
		fmt.Fprintf(&out, "\n%-28s wanted  precis.  recall     sure   right\n", group)
		for _, field := range scored {
			if s := scores[group][field.field]; s != nil {
				fmt.Fprintf(&out, "  %-26s %s\n", field.field, s)
			}
		}
	}
	t.Log(out.String())
	slices.Sort(misses)
	t.Logf("%d misses\n%s", len(misses), strings.Join(misses, "\n"))
	for group, fields := range floors {
		for field, floor := range fields {
			if s := count(group, field); s.precision() < floor[0] || s.recall() < floor[1] {
				t.Errorf("%s %s: precision %.3f, recall %.3f; %.3f and %.3f had been reached", group, field, s.precision(), s.recall(), floor[0], floor[1])
			}
		}
	}
	for field, s := range sure {
		t.Logf("%s: %d values with a confidence of 0.9 and more, %.4f of them right", field, s.sure, share(s.sureRight, s.sure))
		if share(s.sureRight, s.sure) < sureFloor {
			t.Errorf("of the values for %s with a confidence of 0.9 and more %.4f are right, want %.2f", field, share(s.sureRight, s.sure), sureFloor)
		}
	}
	writeKept(t, kept)
}

func (s *score) add(got discovery.Fact, ok, readable bool) {
	one := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	s.wanted++
	one(&s.given, got.Value != "")
	one(&s.right, ok)
	one(&s.readable, readable)
	one(&s.rightReadable, ok && readable)
	one(&s.sure, got.Confidence >= 0.9)
	one(&s.sureRight, ok && got.Confidence >= 0.9)
}

// keep collects lines and answers as `fingerprint --json` prints them, where somebody wants to look at them.
func keep(t *testing.T, kept map[string]*bytes.Buffer, line []byte, id string, found map[discovery.Key]discovery.Fact) {
	t.Helper()
	if os.Getenv("WALKDOWN_ANSWERS") == "" {
		return
	}
	half := "seen"
	if heldOut(id) {
		half = "held_out"
	}
	out, sure := map[string]any{}, map[string]float32{}
	for _, field := range scored {
		name := strings.ReplaceAll(fieldName(field.key), "-", "_")
		if f, ok := found[field.key]; ok {
			out[name], sure[name] = f.Value, f.Confidence
		}
	}
	out["confidences"] = sure
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string][]byte{"all-" + half + ".lines": line, "all-" + half + ".answers": text} {
		if kept[name] == nil {
			kept[name] = &bytes.Buffer{}
		}
		kept[name].Write(append(bytes.Clone(row), '\n'))
	}
}

func writeKept(t *testing.T, kept map[string]*bytes.Buffer) {
	t.Helper()
	for name, text := range kept {
		if err := os.WriteFile(filepath.Join(os.Getenv("WALKDOWN_ANSWERS"), name), text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
