package csv_test

import (
	"bytes"
	"context"
	stdcsv "encoding/csv"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/csv"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/exporters/table"
	"github.com/walkdown-ot/walkdown/inventory"
)

func export(t *testing.T, from inventory.Source) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := csv.Export(t.Context(), from, &out, csv.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read gives the rows as maps by column.
func read(t *testing.T, document []byte) []map[string]string {
	t.Helper()
	all, err := stdcsv.NewReader(bytes.NewReader(document)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func TestGoldens(t *testing.T) {
	for _, made := range table.All() {
		t.Run(made.Name, func(t *testing.T) {
			var out bytes.Buffer
			if err := csv.Export(t.Context(), exporterstest.Full(), &out, csv.Options{What: made.Name, TLP: "GREEN"}); err != nil {
				t.Fatal(err)
			}
			exporterstest.Golden(t, made.Name+".csv", out.Bytes())
			if bytes.Count(out.Bytes(), []byte("\n")) != bytes.Count(out.Bytes(), []byte("\r\n")) {
				t.Error("a row does not end with CRLF")
			}
			if bytes.Count(out.Bytes(), []byte("\n")) < 2 {
				t.Error("the full inventory has none")
			}
		})
	}
}

// Each column is described in docs/csv.md, in the order in which it is written.
func TestColumnsAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "csv.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, made := range table.All() {
		var out bytes.Buffer
		if err := csv.Export(t.Context(), &exporterstest.Inventory{}, &out, csv.Options{What: made.Name}); err != nil {
			t.Fatal(err)
		}
		_, section, found := strings.Cut(string(page), "\n## "+made.Name+"\n")
		if !found {
			t.Errorf("docs/csv.md has no section %s", made.Name)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		var documented []string
		for _, line := range strings.Split(section, "\n") {
			cells := strings.Split(line, "|")
			if len(cells) < 3 {
				continue
			}
			for i, name := range strings.Split(cells[1], "`") {
				if i%2 == 1 && name != "annotation_KEY" {
					documented = append(documented, name)
				}
			}
		}
		if diff := cmp.Diff(strings.Split(strings.TrimSpace(out.String()), ","), documented); diff != "" {
			t.Errorf("section %s of docs/csv.md (-written +documented):\n%s", made.Name, diff)
		}
	}
}

func TestExcelGetsSemicolonsAndAMark(t *testing.T) {
	var out bytes.Buffer
	if err := csv.Export(t.Context(), exporterstest.Full(), &out, csv.Options{Excel: true}); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(out.String(), "\ufeff")
	if !marked {
		t.Error("no byte order mark")
	}
	in := stdcsv.NewReader(strings.NewReader(text))
	in.Comma = ';'
	all, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1+len(exporterstest.Full().Things) || all[0][1] != "site" {
		t.Errorf("%d rows, %q", len(all), all[0])
	}
}

func TestPlainGivesBackWhatCellMadeHarmless(t *testing.T) {
	for _, bad := range append(slices.Collect(maps.Values(exporterstest.HostileNames())), "'", "''", "'=1", "'-5", "-5", "a;'=1;'", `x\`, `\;`, "; ;") {
		clean := discovery.Text(bad)
		if got := csv.Plain(csv.Cell(bad)); got != clean {
			t.Errorf("%.40q: written %.40q, read %.40q", clean, csv.Cell(bad), got)
		}
		rows := read(t, export(t, &exporterstest.Inventory{Things: []inventory.Asset{{ID: "a", Names: []string{"first", bad, `last\`}}}}))
		want := slices.DeleteFunc([]string{"first", clean, `last\`}, func(s string) bool { return s == "" })
		if diff := cmp.Diff(want, csv.List(rows[0]["names"])); diff != "" {
			t.Errorf("list of %.40q (-want +read):\n%.300s", clean, diff)
		}
	}
	if got := csv.List(""); got != nil {
		t.Errorf("nothing is read as %q", got)
	}
	if got := csv.Plain("'tis"); got != "'tis" {
		t.Errorf("what a person wrote became %q", got)
	}
}

func TestAnEmptyInventoryHasAHeader(t *testing.T) {
	if got := string(export(t, &exporterstest.Inventory{})); !strings.HasPrefix(got, "id,site,segment,") || !strings.HasSuffix(got, ",missing\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestRowHoldsTheFields(t *testing.T) {
	rows := read(t, export(t, exporterstest.Full()))
	if len(rows) != len(exporterstest.Full().Things) {
		t.Fatalf("%d rows", len(rows))
	}
	for column, want := range map[string]string{
		"id": "a-0000000000000001", "site": "press-shop", "names": "press-3-cpu; PLC_1", "order_number": "6ES7 511-1AK02-0AB0",
		"confidence": "0.97", "macs": "28:63:36:aa:bb:cc; 28:63:36:aa:bb:cd", "ips": "10.20.30.11", "vlans": "20",
		"services": "tcp/102 s7; tcp/502 modbus; tcp/8080", "components": "1", "neighbours": "X1 P1 > cell-1-switch, 1/4 (lldp); a-0000000000000006 (lldp)",
		"seen": "both", "first_seen": "2026-03-02T06:00:00Z", "tlp": "AMBER", "annotation_zone": "presses",
	} {
		if got := rows[0][column]; got != want {
			t.Errorf("%s: got %q, want %q", column, got, want)
		}
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"=1+1", "'=1+1"},
		{"+A1", "'+A1"},
		{"-K1", "'-K1"},
		{"@x", "'@x"},
		{"\t=1", "'=1"},
		{"\r=1", "'=1"},
		{"＝1", "'＝1"},
		{"-5.2", "-5.2"},
		{"+3", "+3"},
		{"-1e3", "-1e3"},
		{"-1+1", "'-1+1"},
		{"-inf", "'-inf"},
		{"-0x1p4", "'-0x1p4"},
		{"-", "'-"},
		{"a;=1+1", "a;'=1+1"},
		{"a=1", "a=1"},
		{"", ""},
	} {
		t.Run(c.in, func(t *testing.T) {
			rows := read(t, export(t, &exporterstest.Inventory{Things: []inventory.Asset{{ID: "a", Name: c.in, Names: []string{"x", c.in}}}}))
			if got := rows[0]["name"]; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if want := strings.TrimSuffix("x; "+strings.ReplaceAll(c.want, ";", `\;`), "; "); rows[0]["names"] != want {
				t.Errorf("in a list: got %q, want %q", rows[0]["names"], want)
			}
		})
	}
}

func TestHostileNamesComeOutHarmless(t *testing.T) {
	for _, made := range table.All() {
		t.Run(made.Name, func(t *testing.T) { harmless(t, made.Name) })
	}
}

func harmless(t *testing.T, what string) {
	var out bytes.Buffer
	if err := csv.Export(t.Context(), exporterstest.Hostile(), &out, csv.Options{What: what}); err != nil {
		t.Fatal(err)
	}
	all, err := stdcsv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	// An empty name is no zone's, and some are one when they are clean.
	if len(all) < len(exporterstest.HostileNames())-2 {
		t.Errorf("%d rows", len(all))
	}
	for _, row := range all {
		for i, cell := range row {
			if strings.IndexAny(cell, "=+-@＝＋－＠") == 0 {
				t.Errorf("%s: %q is a formula", all[0][i], cell)
			}
			if i := strings.IndexFunc(cell, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }); i >= 0 {
				t.Errorf("%q holds a control character at %d", cell, i)
			}
			if limit := 32_767; len(cell) > limit {
				t.Errorf("%s: %d bytes, more than a spreadsheet's cell holds", all[0][i], len(cell))
			}
		}
	}
}

func TestErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	broken := exporterstest.Full()
	broken.Broken = true
	for _, c := range []struct {
		name string
		ctx  context.Context
		from inventory.Source
		to   io.Writer
		tlp  string
		want error
	}{
		{"broken_inventory", t.Context(), broken, io.Discard, "", exporterstest.ErrBroken},
		{"cancelled", cancelled, exporterstest.Full(), io.Discard, "", context.Canceled},
		{"full_disk", t.Context(), exporterstest.Full(), exporterstest.FullDisk{}, "", exporterstest.ErrFull},
		{"unknown_mark", t.Context(), exporterstest.Full(), io.Discard, "PURPLE", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := csv.Export(c.ctx, c.from, c.to, csv.Options{TLP: c.tlp})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func FuzzCell(f *testing.F) {
	for _, bad := range exporterstest.HostileNames() {
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var out bytes.Buffer
		from := &exporterstest.Inventory{Things: []inventory.Asset{{ID: "a", Name: name, Notes: []string{name, name}, Annotations: map[string]string{name: name}}}}
		if err := csv.Export(t.Context(), from, &out, csv.Options{}); err != nil {
			t.Fatal(err)
		}
		all, err := stdcsv.NewReader(&out).ReadAll()
		if err != nil || len(all) != 2 {
			t.Fatalf("%d rows, %v", len(all), err)
		}
		cell := all[1][slices.Index(all[0], "name")]
		if strings.IndexAny(cell, "=@\t\r\n") == 0 {
			t.Errorf("%q became %q", name, cell)
		}
		if csv.Plain(cell) != discovery.Text(name) {
			t.Errorf("%q became %q and then %q", name, cell, csv.Plain(cell))
		}
	})
}
