// Package sheet reads the lists that people keep in spreadsheets, as CSV (RFC 4180) in the dialects that spreadsheets write it in:
// commas, semicolons or tabs, with or without a "sep=" line; UTF-8, UTF-16 with a byte order mark, or Windows-1252; CRLF, LF or CR.
package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Sheet is a table with a line of heads.
type Sheet struct {
	Heads []string
	Rows  []Row
}

// Row is a line that is not empty.
type Row struct {
	Line  int      // in the file, from 1
	Cells []string // as many as there are heads
}

// What a sheet may hold at most; a list of a hundred thousand assets with forty columns has a fifth of it.
const (
	maxBytes   = 256 << 20
	maxColumns = 1024
)

// ErrWorkbook says that a file is no text but a workbook.
var ErrWorkbook = errors.New("it is a workbook, not CSV")

// Read reads a sheet. A line with more cells than there are heads is an error, one with fewer is filled up.
func Read(from io.Reader) (*Sheet, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("it is larger than %d MB", maxBytes>>20)
	}
	text, err := decode(data)
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(text, '\n') < 0 {
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	blank := len(text) - len(bytes.TrimLeft(text, "\r\n"))
	above := bytes.Count(text[:blank], []byte("\n"))
	text, separator, skipped := separatorOf(text[blank:])
	skipped += above
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = separator, -1, true
	s := &Sheet{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1] // spreadsheets write empty cells behind the last one
		}
		switch {
		case len(cells) == 0:
		case s.Heads == nil:
			if len(cells) > maxColumns {
				return nil, fmt.Errorf("it has %d columns, which is more than %d", len(cells), maxColumns)
			}
			s.Heads = cells
		case len(cells) > len(s.Heads):
			return nil, fmt.Errorf("line %d has %d cells under %d heads", line+skipped, len(cells), len(s.Heads))
		default:
			s.Rows = append(s.Rows, Row{line + skipped, append(cells, make([]string, len(s.Heads)-len(cells))...)})
		}
	}
	if s.Heads == nil {
		return nil, errors.New("it is empty")
	}
	return s, nil
}

// decode makes UTF-8 of the file.
func decode(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")): // xlsx, ods; xls
		return nil, ErrWorkbook
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		text, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
		if err != nil {
			return nil, fmt.Errorf("it is no UTF-16: %w", err)
		}
		return text, nil
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, errors.New("it is no text")
	}
	if utf8.Valid(data) {
		return data, nil
	}
	return charmap.Windows1252.NewDecoder().Bytes(data) // what Excel calls CSV
}

// separatorOf finds the separator: the one that a first line "sep=;" names, which is then left out, else the one that the line of
// heads has most of.
func separatorOf(text []byte) (rest []byte, separator rune, skipped int) {
	first, after, _ := bytes.Cut(text, []byte("\n"))
	named := bytes.TrimSuffix(first, []byte("\r"))
	if bytes.HasPrefix(named, []byte("sep=")) && len(named) == 5 {
		if c := rune(named[4]); c == ';' || c == ',' || c == '\t' || c == '|' {
			return after, c, 1
		}
	}
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t'} {
		n, quoted := 0, false
		for _, r := range string(first) {
			switch {
			case r == '"':
				quoted = !quoted
			case r == c && !quoted:
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return text, best, 0
}
