package discoverytest

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The environment variables of a storm: how many executions each target gets, and the seed (1 when it is not set).
const (
	stormCount = "WALKDOWN_STORM"
	stormSeed  = "WALKDOWN_STORM_SEED"
)

// Fuzz is a fuzz target of the Go tool that can be stormed as well. A storm runs the body in this process, without the engine
// and its coverage, a hundred times as fast: over the seeds and over what the engine has collected (in GOCACHE/fuzz), mutated
// at random, always the same for the same seed and inputs. It runs when WALKDOWN_STORM says how many executions it is to have,
// and otherwise `go test` and `go test -fuzz` do what they always do.
type Fuzz struct {
	*testing.F
	seeds [][]any
}

// NewFuzz makes a target of one of the Go tool.
func NewFuzz(f *testing.F) *Fuzz { return &Fuzz{F: f} }

// Add adds a seed, as testing.F does.
func (f *Fuzz) Add(args ...any) {
	f.Helper()
	f.F.Add(args...)
	f.seeds = append(f.seeds, args)
}

// Fuzz runs the body, as testing.F does. The bytes that it is given are its own during the call only.
func (f *Fuzz) Fuzz(body any) {
	f.Helper()
	count, err := strconv.ParseUint(cmp.Or(os.Getenv(stormCount), "0"), 10, 64)
	if err != nil {
		f.Fatalf("%s: %v", stormCount, err)
	}
	if count == 0 {
		f.F.Fuzz(body)
		return
	}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv(stormSeed), "1"), 10, 64)
	if err != nil {
		f.Fatalf("%s: %v", stormSeed, err)
	}
	call := reflect.ValueOf(body)
	s := newStorm(call, f.Name(), seed)
	for _, args := range f.seeds {
		s.add(args)
	}
	given := len(s.pool)
	if err := s.collect(filepath.Join("testdata", "fuzz", f.Name())); err != nil {
		f.Fatal(err)
	}
	if err := s.collect(filepath.Join(cacheDir(), "fuzz", packageOf(call), f.Name())); err != nil {
		f.Fatal(err)
	}
	ran := false
	f.F.Fuzz(reflect.MakeFunc(call.Type(), func(args []reflect.Value) []reflect.Value {
		t := args[0].Interface().(*testing.T)
		if ran {
			t.Skip("the storm has run")
		}
		ran = true
		began := time.Now()
		s.run(t, count)
		took := time.Since(began)
		t.Logf("storm: %d executions of %d seeds and %d collected inputs in %.1f s, %.0f a second",
			s.executed, given, len(s.pool)-given, took.Seconds(), float64(s.executed)/took.Seconds())
		return nil
	}).Interface())
}

// cacheDir is where the Go tool keeps what it has built, and the inputs that its fuzz engine found worth keeping.
func cacheDir() string {
	if dir := os.Getenv("GOCACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "go-build")
}

// packageOf is the import path of the package that a test's function stands in, or beside.
func packageOf(function reflect.Value) string {
	name := runtime.FuncForPC(function.Pointer()).Name()
	slash := strings.LastIndexByte(name, '/') + 1
	last, _, _ := strings.Cut(name[slash:], ".")
	return name[:slash] + strings.TrimSuffix(last, "_test")
}

// storm is the inputs of a target and the one at hand.
type storm struct {
	body     reflect.Value
	name     string
	seed     uint64
	random   *rand.Rand
	pool     []input
	now      input
	args     []reflect.Value // of the body; the first is its *testing.T
	executed uint64
}

func newStorm(body reflect.Value, name string, seed uint64) *storm {
	hash := fnv.New64a()
	hash.Write([]byte(packageOf(body) + "." + name)) //nolint:errcheck // a hash takes everything
	s := &storm{body: body, name: name, seed: seed, random: rand.New(rand.NewPCG(seed, hash.Sum64()))}
	for i := range body.Type().NumIn() {
		s.args = append(s.args, reflect.New(body.Type().In(i)).Elem())
	}
	s.now = make(input, len(s.args)-1)
	return s
}

// add takes an input whose values are those of the body, and passes over others.
func (s *storm) add(args []any) {
	if len(args) != len(s.now) {
		return
	}
	in := make(input, len(args))
	for i, arg := range args {
		v := reflect.ValueOf(arg)
		if v.Type() != s.args[i+1].Type() || !in[i].set(v) {
			return
		}
	}
	s.pool = append(s.pool, in)
}

// collect adds the inputs that the engine has written into a folder, in the order of their names.
func (s *storm) collect(folder string) error {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		args, err := parseInput(text)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(folder, e.Name()), err)
		}
		s.add(args)
	}
	return nil
}

// run executes the body so often, and stops at the first input that fails.
func (s *storm) run(t *testing.T, count uint64) {
	t.Helper()
	if len(s.pool) == 0 {
		t.Fatal("a storm needs a seed")
	}
	s.args[0].Set(reflect.ValueOf(t))
	passed := false
	defer func() {
		if !passed { // the body has failed, or panics
			s.keep(t)
		}
	}()
	for ; s.executed < count; s.executed++ {
		s.next()
		s.now.give(s.args[1:])
		s.body.Call(s.args)
		if t.Failed() {
			return
		}
	}
	passed = true
}

// keep writes the input at hand where the Go tool looks for those that once failed.
func (s *storm) keep(t *testing.T) {
	text := s.now.text(s.args[1:])
	hash := fnv.New64a()
	hash.Write(text) //nolint:errcheck // a hash takes everything
	path := filepath.Join("testdata", "fuzz", s.name, fmt.Sprintf("storm-%016x", hash.Sum64()))
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	t.Logf("storm: execution %d of seed %d failed; written to %s (%v):\n%s", s.executed, s.seed, path, err, bytes.TrimSpace(text))
}
