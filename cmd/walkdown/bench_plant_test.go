//go:build unix

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/inventorytest"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// recordPlant tells this test binary, run again, to record a synthetic plant: "FILE ASSETS DAY GENERATION".
const recordPlant = "WALKDOWN_TEST_RECORD_PLANT"

// TestRecordPlant is the process that BenchmarkPlant measures.
func TestRecordPlant(t *testing.T) {
	words := strings.Fields(os.Getenv(recordPlant))
	if len(words) != 4 {
		t.Skip("it is run by BenchmarkPlant")
	}
	assets, _ := strconv.Atoi(words[1])
	day, _ := strconv.Atoi(words[2])
	generation, _ := strconv.Atoi(words[3])
	began := time.Date(2026, 5, 4+day, 6, 0, 0, 0, time.UTC)
	plant := inventorytest.Plant{Assets: assets, Seed: 1}
	a := &app{ctx: t.Context(), stdout: io.Discard, stderr: io.Discard, log: slog.New(slog.DiscardHandler)}
	engine, err := a.engine()
	if err != nil {
		t.Fatal(err)
	}
	clock := began.Add(time.Hour)
	store, err := sqlite.Open(t.Context(), words[0], sqlite.Options{Identify: engine.Identify, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Begin(t.Context(), inventory.Survey{Kind: "survey", Sensor: "synthetic", Started: began})
	if err != nil {
		t.Fatal(err)
	}
	for o := range plant.Survey(began, generation) {
		r.Observe(o)
	}
	if err := r.End(t.Context(), inventory.Survey{}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkPlant builds the inventory of a synthetic plant once, of WALKDOWN_BENCH_ASSETS devices (else 1000), and reports what a
// first survey, a second one of the unchanged plant, and the reading commands take in time and memory. With WALKDOWN_BENCH_DB the
// inventory is kept in that file and used again.
func BenchmarkPlant(b *testing.B) {
	assets := 1000
	if text := os.Getenv("WALKDOWN_BENCH_ASSETS"); text != "" {
		var err error
		if assets, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	folder := b.TempDir()
	binary := filepath.Join(folder, "walkdown")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	db := filepath.Join(folder, "plant.db")
	if kept := os.Getenv("WALKDOWN_BENCH_DB"); kept != "" {
		db = kept
	}
	// measure runs a command, and tells the seconds that it took, those of them on a processor, and the most memory it had resident,
	// in MB.
	measure := func(b *testing.B, cmd *exec.Cmd) (took, busy, peak float64) {
		b.Helper()
		var errors strings.Builder
		cmd.Stderr = &errors
		began := time.Now()
		err := cmd.Run()
		took = time.Since(began).Seconds()
		if err != nil {
			b.Fatalf("%v: %v\n%.2000s", cmd.Args, err, errors.String())
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = float64(usage.Maxrss) / 1024
		}
		return took, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak
	}
	// record records a survey once, whatever -benchtime says: it is another one each time.
	record := func(name string, day, generation int) {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestRecordPlant$", "-test.timeout", "0")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d %d", recordPlant, db, assets, day, generation), "GOGC="+strconv.Itoa(gcPercent))
		took, busy, peak := measure(b, cmd)
		info, err := os.Stat(db)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(took, "s")
			b.ReportMetric(busy, "s-busy")
			b.ReportMetric(peak, "MB-resident")
			b.ReportMetric(float64(info.Size())/1e6, "MB-file")
			b.ReportMetric(0, "ns/op")
		})
	}
	if _, err := os.Stat(db); err != nil {
		record("first-survey", 0, 0)
		record("unchanged", 1, 0)
		record("a-little-changed", 2, 1)
	}
	plant := inventorytest.Plant{Assets: assets, Seed: 1}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"assets-first-page", []string{"assets", "--limit", "100"}},
		{"assets-json", []string{"assets", "--json"}},
		{"show", []string{"show", plant.Address(assets / 2).String()}},
		{"show-switch", []string{"show", plant.Address(0).String()}},
		{"changes", []string{"changes", "--since", "s-2"}},
		{"conversations-json", []string{"conversations", "--json"}},
		{"gaps", []string{"gaps"}},
		{"conduits", []string{"conduits"}},
		{"external", []string{"external"}},
		{"zones", []string{"zones"}},
		{"annotate-template", []string{"annotate", "--template"}},
		{"html", []string{"export", "html"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took, busy, peak float64
			for b.Loop() {
				t, p, m := measure(b, exec.Command(binary, append(c.args, "--db", db)...))
				took, busy, peak = took+t, busy+p, max(peak, m)
			}
			b.ReportMetric(took/float64(b.N)*1000, "ms")
			b.ReportMetric(busy/float64(b.N)*1000, "ms-busy")
			b.ReportMetric(peak, "MB-resident")
			b.ReportMetric(0, "ns/op")
		})
	}
}
