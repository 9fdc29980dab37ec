package discoverytest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// brittle fails on what a storm must come upon: a length that points behind the end, a message cut inside of its header, and a
// number out of range.
func brittle(b []byte, n uint8) string {
	switch {
	case len(b) == 3:
		return "cut"
	case len(b) > 4 && int(b[3])+4 > len(b) && b[0] == 'M':
		return "long"
	case n == 0x80:
		return "number"
	}
	return ""
}

func TestStormFinds(t *testing.T) {
	found := map[string]int{}
	s := newStorm(reflect.ValueOf(func(_ *testing.T, b []byte, n uint8) { found[brittle(b, n)]++ }), "FuzzBrittle", 1)
	s.add([]any{[]byte("MSG\x05hello"), uint8(1)})
	s.add([]any{[]byte("wrong kinds"), 1})
	if len(s.pool) != 1 {
		t.Fatalf("%d inputs", len(s.pool))
	}
	s.run(t, 20_000)
	for _, what := range []string{"cut", "long", "number"} {
		if found[what] == 0 {
			t.Errorf("%s was not met in %d executions: %v", what, s.executed, found)
		}
	}
}

func TestStormIsTheSameAgain(t *testing.T) {
	gather := func(seed uint64) []string {
		var inputs []string
		s := newStorm(reflect.ValueOf(func(_ *testing.T, a, b []byte, gap int) {
			inputs = append(inputs, fmt.Sprintf("%x %x %d", a, b, gap))
			if max(len(a), len(b)) > maxInput {
				t.Errorf("inputs of %d and %d bytes", len(a), len(b))
			}
		}), "FuzzSame", seed)
		s.add([]any{[]byte("one"), []byte("another"), 0})
		s.add([]any{[]byte("three"), []byte{}, -7})
		s.run(t, 3000)
		return inputs
	}
	if !slices.Equal(gather(1), gather(1)) {
		t.Error("one seed gave two storms")
	}
	if slices.Equal(gather(1), gather(2)) {
		t.Error("two seeds gave one storm")
	}
}

func TestInputsAreKeptAsTheGoToolDoes(t *testing.T) {
	args := []any{[]byte("\x00\xff\"x\n"), "te\\xt", uint8(200), -5, true, uint16(65535)}
	body := reflect.ValueOf(func(*testing.T, []byte, string, uint8, int, bool, uint16) {})
	s := newStorm(body, "FuzzKept", 1)
	s.add(args)
	text := s.pool[0].text(s.args[1:])
	got, err := parseInput(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, args) {
		t.Errorf("%#v came back from %s as %#v", args, text, got)
	}
	for _, line := range []string{`byte('\xff')`, `byte('a')`, `rune(66)`, `float64(1)`, `x`, `int(a, b)`, `int(99999999999999999999)`} {
		v, err := parseValue(line)
		if want := strings.HasPrefix(line, "byte") || strings.HasPrefix(line, "rune"); want != (err == nil) {
			t.Errorf("%s: %v, %v", line, v, err)
		}
	}
}

// TestStormStops runs a storm as a user does, over a body that panics at some inputs.
func TestStormStops(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	run := exec.CommandContext(t.Context(), binary, "-test.run", "^FuzzStormed$", "-test.v")
	run.Dir, run.Env = folder, append(os.Environ(), stormCount+"=100000", "WALKDOWN_STORM_BREAKS=1")
	out, err := run.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("failed; written to testdata")) {
		t.Fatalf("%v\n%s", err, out)
	}
	kept, _ := filepath.Glob(filepath.Join(folder, "testdata", "fuzz", "FuzzStormed", "storm-*"))
	if len(kept) != 1 {
		t.Fatalf("kept %q\n%s", kept, out)
	}
	text, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	args, err := parseInput(text)
	if err != nil || brittle(args[0].([]byte), 0) == "" {
		t.Errorf("kept %q (%v)", text, err)
	}
	// Go's engine may have collected inputs of this target too.
	fromKept := regexp.MustCompile(`storm: 1000 executions of 1 seeds and [1-9]\d* collected inputs`)
	run = exec.CommandContext(t.Context(), binary, "-test.run", "^FuzzStormed$", "-test.v")
	run.Dir, run.Env = folder, append(os.Environ(), stormCount+"=1000")
	if out, err = run.CombinedOutput(); err != nil || !fromKept.Match(out) {
		t.Errorf("%v\n%s", err, out)
	}
}

// FuzzStormed is the target that TestStormStops storms.
func FuzzStormed(engine *testing.F) {
	f := NewFuzz(engine)
	f.Add([]byte("MSG\x05hello"))
	breaks := os.Getenv("WALKDOWN_STORM_BREAKS") != ""
	f.Fuzz(func(_ *testing.T, b []byte) {
		if what := brittle(b, 0); breaks && what != "" {
			panic(what)
		}
	})
}
