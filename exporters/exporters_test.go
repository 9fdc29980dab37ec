package exporters_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

func options() exporters.Options {
	return exporters.Options{
		Time: time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC), Version: "0.1.0",
		Site: "Press shop", SiteID: "site-1", Revision: 3, Reproducible: true, TLP: "GREEN",
	}
}

// file is a part of an export.
type file struct {
	name string
	text []byte
}

// export gives the files of an export, what is in an archive one by one.
func export(t *testing.T, f exporters.Format, from inventory.Source, o exporters.Options) []file {
	t.Helper()
	var files []file
	if f.Export == nil {
		err := f.Files(t.Context(), from, func(name string, write func(io.Writer) error) error {
			var out bytes.Buffer
			err := write(&out)
			files = append(files, file{name, out.Bytes()})
			return err
		}, o)
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	var out bytes.Buffer
	if err := f.Export(t.Context(), from, &out, o); err != nil {
		t.Fatal(err)
	}
	if f.Extension != ".xlsx" {
		return []file{{"inventory" + f.Extension, out.Bytes()}}
	}
	archive, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range archive.File {
		opened, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{part.Name, text})
	}
	return files
}

func TestAllFormatsWrite(t *testing.T) {
	names := map[string]bool{}
	last := ""
	for _, f := range exporters.All() {
		t.Run(f.Name, func(t *testing.T) {
			if names[f.Name] || f.Name < last || f.Description == "" || !strings.HasPrefix(f.Extension, ".") {
				t.Errorf("%q: %q, %q", f.Name, f.Description, f.Extension)
			}
			names[f.Name], last = true, f.Name
			o := options()
			one := export(t, f, exporterstest.Full(), o)
			o.Time = o.Time.AddDate(1, 0, 0)
			two := export(t, f, exporterstest.Full(), o)
			if fmt.Sprint(one) != fmt.Sprint(two) {
				t.Error("is not reproducible")
			}
			all := ""
			for _, part := range one {
				all += string(part.text)
			}
			for _, want := range wanted(f.Name) {
				if !strings.Contains(all, want) {
					t.Errorf("has no %q", want)
				}
			}
		})
	}
}

// wanted is what a format must hold of the full inventory.
func wanted(format string) []string {
	switch format {
	case "conduits": // its columns are fixed, and none is the mark
		return []string{"conduit_id,name,zone_a,", "tcp/502"}
	case "csaf-inventory":
		return []string{"GREEN", "6ES7 511-1AK02-0AB0", "S C-X4UX12345678"}
	case "coverage":
		return []string{"GREEN", "distress"}
	case "external":
		return []string{"GREEN", "press-3-cpu", "198.51.100.7"}
	case "zones":
		return []string{"GREEN", "presses", "a-0000000000000001"}
	case "evidence":
		return []string{"GREEN", "a-0000000000000001", "s7.firmware"}
	default:
		return []string{"GREEN", "press-3-cpu", "S C-X4UX12345678"}
	}
}

// What a device calls itself comes out harmless in every format: the document is whole, and the name in it is only text.
func TestHostileNamesComeOutHarmless(t *testing.T) {
	for _, f := range exporters.All() {
		t.Run(f.Name, func(t *testing.T) {
			for _, part := range export(t, f, exporterstest.Hostile(), options()) {
				clean(t, part)
				isWhole(t, part)
			}
		})
	}
}

// clean holds for the bytes of a document, whatever its format.
func clean(t *testing.T, part file) {
	t.Helper()
	if !utf8.Valid(part.text) {
		t.Errorf("%s is not UTF-8", part.name)
	}
	if bytes.Contains(part.text, []byte("<script>alert")) && !strings.HasSuffix(part.name, ".csv") {
		t.Errorf("%s holds markup", part.name)
	}
	for _, r := range string(part.text) {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' {
			t.Fatalf("%s holds %U", part.name, r)
		}
	}
}

// isWhole reads a document by its extension.
func isWhole(t *testing.T, part file) {
	t.Helper()
	switch extension := part.name[strings.LastIndex(part.name, "."):]; extension {
	case ".csv":
		rows, err := csv.NewReader(bytes.NewReader(part.text)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", part.name, err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if strings.IndexAny(cell, "=+-@＝＋－＠\t\r") == 0 {
					t.Errorf("%s: %.60q is a formula", part.name, cell)
				}
			}
		}
	case ".json":
		var v any
		if err := json.Unmarshal(part.text, &v); err != nil {
			t.Errorf("%s: %v", part.name, err)
		}
	case ".ndjson":
		for _, line := range bytes.Split(bytes.TrimSpace(part.text), []byte("\n")) {
			var v map[string]any
			if err := json.Unmarshal(line, &v); err != nil {
				t.Errorf("%s: %v in %.60q", part.name, err, line)
			}
		}
	case ".xml", ".graphml", ".rels":
		decoder := xml.NewDecoder(bytes.NewReader(part.text))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", part.name, err)
			}
		}
	case ".html", ".dot": // their own tests read them
	default:
		t.Errorf("nobody reads %s", extension)
	}
}

func TestBrokenInventoriesAreTold(t *testing.T) {
	for _, f := range exporters.All() {
		t.Run(f.Name, func(t *testing.T) {
			broken := exporterstest.Full()
			broken.Broken = true
			var err error
			if f.Export != nil {
				err = f.Export(t.Context(), broken, io.Discard, options())
			} else {
				err = f.Files(t.Context(), broken, func(_ string, write func(io.Writer) error) error { return write(io.Discard) }, options())
			}
			if !errors.Is(err, exporterstest.ErrBroken) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAllIsAFreshSlice(t *testing.T) {
	exporters.All()[0].Name = "mine"
	if exporters.All()[0].Name == "mine" {
		t.Error("callers share the slice")
	}
}
