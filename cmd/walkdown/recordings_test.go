package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/inventory"
)

// recordedFloors are what the survey of the recordings reached: of the values that it gives the share that is right, and of those
// that are stated the share that it gives and that are right. What can be had grows with what the SNMP asker asks.
var recordedFloors = map[string][2]float64{
	"vendor": {0.97, 0.97}, "model": {0.96, 0.95}, "firmware": {0.97, 0.97}, "serial": {0.97, 0.90}, "type": {0.97, 0.97},
}

// TestRecordedDevices lets the recordings of real devices speak SNMP on loopback and surveys them: the asker, the pace-keeper, the
// decoder, the rules and the store, as for a plant. What it finds is held against what is known of the devices.
func TestRecordedDevices(t *testing.T) {
	folder := filepath.Join(sharedFolder(), "identities")
	expected := recordedAnswers(t, filepath.Join(folder, "snmp.jsonl"))
	also := readAliases(t, filepath.Join(folder, "vendors.json"))
	paths, err := filepath.Glob(filepath.Join(folder, "snmprec", "*.snmprec"))
	if err != nil || len(paths) == 0 {
		t.Skipf("no recordings in %s", folder)
	}
	found, report := surveyRecordings(t, paths, netip.MustParsePrefix("127.78.0.0/24"))
	score := newRecordedScore(also)
	for name, asset := range found {
		score.add(name, asset, expected[name])
	}
	t.Logf("%d of %d recorded devices answered; %d questions", len(found), len(paths), report.Asked.Counts.Questions)
	slices.Sort(score.misses)
	t.Log(strings.Join(score.misses, "\n"))
	if len(found) != len(paths) {
		t.Errorf("%d devices found, want %d", len(found), len(paths))
	}
	for _, field := range recordedFields {
		precision, recall := score.of(field)
		t.Logf("%-9s wanted %2d, precision %.3f, recall %.3f", field, score.wanted[field], precision, recall)
		if floor, ok := recordedFloors[field]; ok && (precision < floor[0] || recall < floor[1]) {
			t.Errorf("%s: precision %.3f, recall %.3f; %.2f and %.2f had been reached", field, precision, recall, floor[0], floor[1])
		}
	}
}

// surveyRecordings lets each recording speak SNMP under an address of the scope, asks them all as a survey does, and gives what the
// inventory then has, by the name of the file.
func surveyRecordings(t *testing.T, paths []string, scope netip.Prefix) (map[string]inventory.Asset, survey.Report) {
	t.Helper()
	a := &app{
		ctx: t.Context(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, log: slog.New(slog.DiscardHandler),
		common: commonFlags{DB: filepath.Join(t.TempDir(), "walkdown.db"), Site: "default", Quiet: true},
	}
	a.secrets.list = []discovery.Credential{{Protocol: "snmp", Kind: "community", Secret: "public"}}
	w := wishes{scope: []netip.Prefix{scope}, limits: ask.DemoLimits()}
	recordings := map[string]string{} // by address
	addr := scope.Addr()
	for _, path := range paths {
		addr = addr.Next()
		w.named = append(w.named, survey.Named{Protocol: "snmp", Host: addr, Port: serveRecording(t, path, addr)})
		recordings[addr.String()] = filepath.Base(path)
	}
	r, err := a.record(inventory.Survey{Kind: "ask", Sensor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	run := survey.Survey{Protocols: r.protocols, Ear: &replay{}, Listener: r.listen("test", r.recorder, nil), Settle: r.settle}
	if err := r.ask(&run, w, asking{}, newProgress(a, r.counts)); err != nil {
		t.Fatal(err)
	}
	run.Candidates = func(context.Context) ([]survey.Candidate, error) { // a person named them: nobody heard them before
		var out []survey.Candidate
		for _, n := range w.named {
			out = append(out, survey.Candidate{Subject: discovery.Subject{Site: r.survey.Site, Segment: r.survey.Segment, IP: n.Host}})
		}
		return out, nil
	}
	report, err := run.Run(t.Context())
	if err := r.end(report, err); err != nil {
		t.Logf("the survey ended: %v", err)
	}
	store, err := a.openToRead()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // it was only read
	found := map[string]inventory.Asset{}
	for asset, err := range store.Assets(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range asset.Addresses {
			if name := recordings[address.IP]; name != "" {
				found[name] = asset
			}
		}
	}
	return found, report
}

// recordedFields are the fields that are compared.
var recordedFields = []string{"vendor", "model", "firmware", "serial", "type"}

// recordedScore counts, by field, how often an answer was wanted, given, and right.
type recordedScore struct {
	also                 map[string][]string
	wanted, given, right map[string]int
	misses               []string
}

func newRecordedScore(also map[string][]string) *recordedScore {
	return &recordedScore{also: also, wanted: map[string]int{}, given: map[string]int{}, right: map[string]int{}}
}

func (s *recordedScore) add(name string, asset inventory.Asset, expected map[string][]string) {
	for field, value := range map[string]string{"vendor": asset.Vendor, "model": asset.Model, "firmware": asset.Firmware, "serial": asset.Serial, "type": asset.Type} {
		want := expected[field]
		if len(want) == 0 {
			continue
		}
		s.wanted[field]++
		if value != "" {
			s.given[field]++
		}
		if value != "" && slices.ContainsFunc(want, func(text string) bool { return sameAnswer(field, text, value, s.also) }) {
			s.right[field]++
		} else {
			s.misses = append(s.misses, fmt.Sprintf("%s: %s is %q, want %q", name, field, value, want))
		}
	}
}

// of gives the share of right answers among those that were given, and among those that were wanted.
func (s *recordedScore) of(field string) (precision, recall float64) {
	return float64(s.right[field]) / float64(max(s.given[field], 1)), float64(s.right[field]) / float64(max(s.wanted[field], 1))
}

// recordedAnswers are what is known of each recording, by field.
func recordedAnswers(t *testing.T, path string) map[string]map[string][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Skipf("no answers: %v", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	out := map[string]map[string][]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Recording string
			Expect    map[string]any
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		out[line.Recording] = answersOf(line.Expect)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// answersOf gives the right answers by field, of which there may be several.
func answersOf(expect map[string]any) map[string][]string {
	fields := map[string][]string{}
	for field, value := range expect {
		switch v := value.(type) {
		case string:
			fields[field] = []string{v}
		case []any:
			for _, one := range v {
				fields[field] = append(fields[field], fmt.Sprint(one))
			}
		}
	}
	return fields
}

// readAliases gives for each spelling of a vendor the canonical name, and the sister brands behind it.
func readAliases(t *testing.T, path string) map[string][]string {
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
	out := map[string][]string{}
	for _, v := range file.Vendors {
		for _, name := range append([]string{v.Name}, v.Aliases...) {
			out[fold(name)] = append([]string{v.Name}, v.Also...)
		}
	}
	return out
}

// sameAnswer compares as the corpus asks to: vendors by their canonical names, types exactly, the rest by letters and digits.
func sameAnswer(field, want, got string, also map[string][]string) bool {
	switch field {
	case "type":
		return want == got
	case "vendor":
		x, y := also[fold(want)], also[fold(got)]
		return fold(want) == fold(got) || len(x) > 0 && len(y) > 0 && slices.Contains(x, y[0])
	case "firmware": // also one that is a whole word of the other
		bare := func(text string) string { return strings.TrimLeft(text, "vV") }
		if slices.Contains(strings.Fields(bare(want)), bare(got)) || slices.Contains(strings.Fields(bare(got)), bare(want)) {
			return true
		}
	}
	w, g := fold(want), fold(got)
	return w == g || min(len(w), len(g)) >= 4 && (strings.Contains(w, g) || strings.Contains(g, w))
}
