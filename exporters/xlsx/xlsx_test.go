package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/exporters/table"
	"github.com/walkdown-ot/walkdown/inventory"
)

func options() Options {
	return Options{Time: time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC), Version: "0.1.0", Site: "Press shop", TLP: "GREEN"}
}

func export(t *testing.T, from inventory.Source) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Export(t.Context(), from, &out, options()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// open reads a workbook with a library that is not ours.
func open(t *testing.T, workbook []byte) *excelize.File {
	t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(workbook))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	})
	return book
}

// The golden is the cells as another library reads them.
func TestGolden(t *testing.T) {
	workbook := export(t, exporterstest.Full())
	wellFormed(t, workbook)
	book := open(t, workbook)
	var out bytes.Buffer
	for _, name := range book.GetSheetList() {
		rows, err := book.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "== %s\n", name)
		for _, row := range rows {
			fmt.Fprintln(&out, strings.Join(row, " | "))
		}
	}
	exporterstest.Golden(t, "full.txt", out.Bytes())
}

// wellFormed reads every part as XML.
func wellFormed(t *testing.T, workbook []byte) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range archive.File {
		file, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		decoder := xml.NewDecoder(file)
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", part.Name, err)
			}
			if start, ok := token.(xml.StartElement); ok && start.Name.Local == "f" {
				t.Fatalf("%s holds a formula", part.Name)
			}
		}
	}
}

func TestCellsHaveTheirTypes(t *testing.T) {
	book := open(t, export(t, exporterstest.Full()))
	rows, err := book.GetRows("Assets")
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]string{}
	for i, name := range rows[0] {
		column[name] = letters(i)
	}
	for name, want := range map[string]excelize.CellType{
		"serial": excelize.CellTypeInlineString, "confidence": excelize.CellTypeUnset, "first_seen": excelize.CellTypeUnset, "components": excelize.CellTypeUnset,
	} {
		if got, err := book.GetCellType("Assets", column[name]+"2"); err != nil || got != want {
			t.Errorf("%s: type %v, %v", name, got, err)
		}
	}
	if got, err := book.GetCellValue("Assets", column["first_seen"]+"2"); err != nil || got != "2026-03-02 06:00:00" {
		t.Errorf("first_seen: %q, %v", got, err)
	}
	panes, err := book.GetPanes("Assets")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("panes %+v, %v", panes, err)
	}
	if width, err := book.GetColWidth("Assets", column["model"]); err != nil || width < 20 {
		t.Errorf("width %v, %v", width, err)
	}
	filters := 0
	for _, name := range book.GetDefinedName() {
		if strings.HasPrefix(name.RefersTo, "'Assets'!$A$1:") || strings.HasPrefix(name.RefersTo, "Assets!$A$1:") {
			filters++
		}
	}
	if filters != 1 {
		t.Errorf("%d filters", filters)
	}
}

func TestHostileNamesComeOutHarmless(t *testing.T) {
	workbook := export(t, exporterstest.Hostile())
	wellFormed(t, workbook)
	book := open(t, workbook)
	for _, name := range book.GetSheetList() {
		rows, err := book.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		for y, row := range rows {
			for x, cell := range row {
				if formula, err := book.GetCellFormula(name, fmt.Sprintf("%s%d", letters(x), y+1)); err != nil || formula != "" {
					t.Fatalf("%s: formula %q, %v", name, formula, err)
				}
				if n := len(utf16.Encode([]rune(cell))); n > maxText {
					t.Errorf("%s: a cell of %d units", name, n)
				}
				if strings.ContainsFunc(cell, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
					t.Errorf("%s: %.60q holds a control character", name, cell)
				}
			}
		}
	}
}

func TestTextsComeBackAsTheyWere(t *testing.T) {
	from := &exporterstest.Inventory{}
	names := []string{"=1+1", "_x0041_", "0012", "1E5", "a & b < c", "ü\"'"}
	for _, name := range names {
		from.Things = append(from.Things, inventory.Asset{ID: "a", Identity: inventory.Identity{Serial: name}})
	}
	book := open(t, export(t, from))
	rows, err := book.GetRows("Assets")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range names {
		// excelize leaves escaped characters as they are written.
		got := strings.ReplaceAll(rows[i+1][9], "_x005F_", "_")
		if got != want {
			t.Errorf("%q became %q", want, got)
		}
	}
}

// What does not fit on a sheet stands on the next.
func TestALongTableGoesOn(t *testing.T) {
	var out bytes.Buffer
	b := book{archive: zip.NewWriter(&out), mark: "RED", rows: 3}
	err := b.table("Rows", table.Table{Columns: []table.Column{{Name: "n", Width: 5}}, Rows: func(yield func([]table.Cell, error) bool) {
		for n := range 5 {
			if !yield([]table.Cell{n}, nil) {
				return
			}
		}
	}})
	if err := errors.Join(err, b.close(options())); err != nil {
		t.Fatal(err)
	}
	file := open(t, out.Bytes())
	var got []string
	for _, name := range file.GetSheetList() {
		rows, err := file.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(name, len(rows)))
	}
	if want := "[Overview8 Rows3 Rows 23 Rows 32]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestLetters(t *testing.T) {
	for n, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := letters(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	broken := exporterstest.Full()
	broken.Broken = true
	if err := Export(t.Context(), broken, io.Discard, options()); !errors.Is(err, exporterstest.ErrBroken) {
		t.Errorf("broken inventory: %v", err)
	}
	if err := Export(t.Context(), exporterstest.Large(5_000), exporterstest.FullDisk{}, options()); !errors.Is(err, exporterstest.ErrFull) {
		t.Errorf("full disk: %v", err)
	}
	o := options()
	o.TLP = "PURPLE"
	if err := Export(t.Context(), exporterstest.Full(), io.Discard, o); err == nil {
		t.Error("takes an unknown mark")
	}
}
