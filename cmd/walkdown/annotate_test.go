package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRegistersAreSheets fills the sheets of conduits, external dependencies and zones in and takes them back.
func TestRegistersAreSheets(t *testing.T) {
	folder := t.TempDir()
	db := filepath.Join(folder, "demo.db")
	walkdown := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), append(args, "--db", db), strings.NewReader(""), &out, io.Discard, slog.New(slog.DiscardHandler), new(slog.LevelVar)); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out.String()
	}
	walkdown("demo", "-q")
	for _, c := range []struct {
		command string
		fields  map[string]string
		stored  func(row map[string]any) map[string]any
	}{
		{"conduits", map[string]string{"approved_by": "A. Meier", "approved_on": "4.5.2026", "sl_t": "1,1,1,1,1,1,1"}, func(row map[string]any) map[string]any { return row }},
		{"external", map[string]string{"partner": "=Remote; Ltd", "contract": "4711"}, func(row map[string]any) map[string]any { return row["annotations"].(map[string]any) }},
		{"zones", map[string]string{"safety": "none", "accountable_org": "plant 1"}, func(row map[string]any) map[string]any { return row["annotations"].(map[string]any) }},
	} {
		t.Run(c.command, func(t *testing.T) {
			rows, err := csv.NewReader(strings.NewReader(walkdown(c.command, "--format", "csv"))).ReadAll()
			if err != nil || len(rows) < 2 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			rows[0] = append(rows[0], "Change no.") // a column of one's own
			for i := range rows[1:] {
				rows[1+i] = append(rows[1+i], "")
			}
			rows[1][len(rows[1])-1] = "CR; 17"
			for field, value := range c.fields {
				i := slices.Index(rows[0], field)
				if i < 0 {
					t.Fatalf("no column %s in %v", field, rows[0])
				}
				rows[1][i] = value
			}
			path := filepath.Join(folder, c.command+".csv")
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			w := csv.NewWriter(file)
			w.Comma = ';'
			if err := w.WriteAll(rows); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			walkdown("annotate", path, "--yes", "-q")
			var stored []map[string]any
			if err := json.Unmarshal([]byte(walkdown(c.command, "--json", "-q")), &stored); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"approved_on": "2026-05-04", "sl_t": "1 1 1 1 1 1 1"}
			for field, value := range c.fields {
				if spelt := want[field]; spelt != "" {
					value = spelt
				}
				if got := c.stored(stored[0])[field]; got != value {
					t.Errorf("%s is %q, want %q", field, got, value)
				}
			}
			// What is written now has the own column too, and is taken back by the sheet in which it is emptied.
			rows, err = csv.NewReader(strings.NewReader(walkdown(c.command, "--format", "csv"))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			own := slices.Index(rows[0], "custom_change_no")
			if own < 0 || rows[1][own] != "CR; 17" {
				t.Errorf("the own column is lost: %v", rows[:2])
			}
			// Read back unchanged, it says nothing new.
			if got := walkdown("annotate", path, "--dry-run", "--json", "-q"); got != "[]\n" {
				t.Errorf("the same sheet again: %s", got)
			}
		})
	}
}
