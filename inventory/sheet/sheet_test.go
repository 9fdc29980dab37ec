package sheet

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// wide is a text in UTF-16 with a byte order mark.
func wide(text string, big bool) string {
	var out bytes.Buffer
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		if big {
			out.Write([]byte{byte(unit >> 8), byte(unit)})
		} else {
			out.Write([]byte{byte(unit), byte(unit >> 8)})
		}
	}
	return out.String()
}

func TestRead(t *testing.T) {
	want := &Sheet{Heads: []string{"id", "zone", "notes"}, Rows: []Row{{2, []string{"a-1", "Straße 7", "two\nlines; and a \"quote\""}}, {4, []string{"a-2", "", ""}}}}
	const quoted = "\"two\nlines; and a \"\"quote\"\"\""
	for name, text := range map[string]string{
		"commas":        "id,zone,notes\na-1,Straße 7," + quoted + "\na-2,,\n",
		"semicolons":    "id;zone;notes\na-1;Straße 7;" + quoted + "\na-2\n",
		"crlf_and_bom":  "\ufeffid;zone;notes\r\na-1;Straße 7;" + strings.ReplaceAll(quoted, "\n", "\r\n") + "\r\na-2;;\r\n;;;;;\r\n",
		"utf_16":        wide("id\tzone\tnotes\r\na-1\tStraße 7\t"+quoted+"\r\na-2\t\t\r\n", false),
		"utf_16_big":    wide("id\tzone\tnotes\r\na-1\tStraße 7\t"+quoted+"\r\na-2\t\t", true),
		"windows_1252":  "id;zone;notes\r\na-1;Stra\xdfe 7;" + quoted + "\r\na-2;;\r\n",
		"quoted_heads":  "\"id\",\"zone\",\"notes\"\na-1,Straße 7," + quoted + "\na-2,,\n",
		"trailing_void": "id;zone;notes;;;\na-1;Straße 7;" + quoted + ";;;\na-2;;;;;\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("sep_line", func(t *testing.T) {
		got, err := Read(strings.NewReader("sep=|\r\nid|zone, or not\r\n\r\na-1|b, c\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&Sheet{Heads: []string{"id", "zone, or not"}, Rows: []Row{{4, []string{"a-1", "b, c"}}}}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("old_mac", func(t *testing.T) {
		got, err := Read(strings.NewReader("id,zone\ra-1,b\r"))
		if err != nil || len(got.Rows) != 1 || got.Rows[0].Cells[1] != "b" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":        {"", "it is empty"},
		"blank_lines":    {"\n\n;;\n", "it is empty"},
		"a_workbook":     {"PK\x03\x04\x14\x00", "it is a workbook"},
		"an_old_one":     {"\xd0\xcf\x11\xe0\xa1\xb1", "it is a workbook"},
		"binary":         {"id,\x00\x01\n", "it is no text"},
		"too_many_cells": {"id,zone\na-1,b\na-2,b,c\n", "line 3 has 3 cells under 2 heads"},
		"too_wide":       {strings.Repeat("a,", 1025) + "a", "columns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Read(strings.NewReader("PK\x03\x04")); !errors.Is(err, ErrWorkbook) {
		t.Error("a workbook is told as one")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("id,zone\na-1,\"b\"\"c\"\n"))
	f.Add([]byte("sep=;\r\nid;zone\r\n\"a;b\";c\r\n"))
	f.Add([]byte(wide("id\tzone\r\na\tb", false)))
	f.Add([]byte("\xff\xfe\x00"))
	f.Add([]byte("a;b\xdf\r\xe9;1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		cells := 0
		for _, row := range s.Rows {
			if len(row.Cells) != len(s.Heads) || row.Line < 1 {
				t.Fatalf("row %+v under %d heads", row, len(s.Heads))
			}
			for _, cell := range row.Cells {
				cells += len(cell)
			}
		}
		if cells > 3*len(data) { // a byte of Windows-1252 is at most three of UTF-8
			t.Fatalf("%d bytes of cells from %d", cells, len(data))
		}
	})
}
