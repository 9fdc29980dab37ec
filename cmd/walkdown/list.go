package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	sheet "github.com/walkdown-ot/walkdown/exporters/csv"
)

// column is one column of a list that people read. A minor one is left out where the terminal is too narrow, the highest number
// first.
type column[T any] struct {
	head  string
	cell  func(T) string
	minor int
}

// list prints rows as a table, as one JSON array, or as CSV with the table's columns.
func list[T any](a *app, rows iter.Seq2[T, error], columns []column[T], empty string) error {
	switch a.common.Format {
	case "json":
		return listJSON(a.stdout, rows)
	case "csv":
		return listCSV(a.stdout, rows, columns)
	}
	t := tableWriter{to: a.stdout}
	for _, c := range columns {
		t.heads, t.minor = append(t.heads, c.head), append(t.minor, c.minor)
	}
	for row, err := range rows {
		if err != nil {
			return errors.Join(t.flush(), err)
		}
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = c.cell(row)
		}
		if err := t.add(cells); err != nil {
			return err
		}
	}
	if t.empty() {
		a.say("%s", empty)
	}
	return t.flush()
}

// each gives the values of a slice as rows.
func each[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// listGC lets the collector run less often than gcPercent: a list is over in seconds, and throws away what it has printed.
const listGC = 200

func listJSON[T any](out io.Writer, rows iter.Seq2[T, error]) (err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(listGC))
	to := bufio.NewWriterSize(out, 64<<10)
	defer func() { err = errors.Join(err, to.Flush()) }()
	before := "["
	for row, err := range rows {
		if err != nil {
			return err
		}
		text, err := rowJSON(row)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		if _, err := fmt.Fprintf(to, "%s\n%s", before, text); err != nil {
			return err
		}
		before = ","
	}
	if before == "[" {
		_, err := fmt.Fprintln(to, "[]")
		return err
	}
	_, err = fmt.Fprintln(to, "\n]")
	return err
}

// rowJSON spares what puts itself into JSON to be looked through once more: it does so as json.Marshal would.
func rowJSON(row any) ([]byte, error) {
	if m, ok := row.(json.Marshaler); ok {
		return m.MarshalJSON()
	}
	return json.Marshal(row)
}

func listCSV[T any](to io.Writer, rows iter.Seq2[T, error], columns []column[T]) error {
	out := csv.NewWriter(to)
	out.UseCRLF = true
	record := make([]string, len(columns))
	for i, c := range columns {
		record[i] = strings.ReplaceAll(strings.ToLower(c.head), " ", "_")
	}
	if err := out.Write(record); err != nil {
		return err
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		for i, c := range columns {
			record[i] = sheet.Cell(c.cell(row))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// The widths of a table on a terminal.
const (
	columnGap   = 2
	narrowest   = 8   // a column is not shrunk below this
	pipedColumn = 120 // the widest column where there is no terminal to fit
)

// How many rows of a table are aligned together: few at first, so that they are there at once, however many follow.
const (
	firstRows = 100
	nextRows  = 1000
)

// tableWriter aligns the cells of its rows. Columns that are empty throughout are left out. On a terminal minor columns are left out, and
// then the widest ones shrunk, until the table fits; what is cut ends with an ellipsis. Without minor, no column is. It is written
// in blocks: a later one may widen a column, and shows the heads again if it needs one that was left out.
type tableWriter struct {
	to     io.Writer
	heads  []string
	minor  []int
	rows   [][]string
	widest []int // until now, before fitting
	shown  []bool
}

// empty reports whether there was no row yet.
func (t *tableWriter) empty() bool { return len(t.rows) == 0 && t.widest == nil }

func (t *tableWriter) add(cells []string) error {
	t.rows = append(t.rows, cells)
	if len(t.rows) < nextRows && (t.widest != nil || len(t.rows) < firstRows) {
		return nil
	}
	return t.flush()
}

// flush writes the rows that wait.
func (t *tableWriter) flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	if t.widest == nil {
		t.widest = make([]int, len(t.heads))
	}
	for i, head := range t.heads {
		for _, row := range t.rows {
			t.widest[i] = max(t.widest[i], utf8.RuneCountInString(row[i]))
		}
		if t.widest[i] > 0 {
			t.widest[i] = min(max(t.widest[i], utf8.RuneCountInString(head)), pipedColumn)
		}
	}
	widths := slices.Clone(t.widest)
	if file, ok := t.to.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			fit(widths, t.minor, width)
		}
	}
	var out strings.Builder
	write := func(cells []string) {
		var line strings.Builder
		for i, cell := range cells {
			if widths[i] == 0 {
				continue
			}
			cell = cut(cell, widths[i])
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+columnGap))
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
	shown := make([]bool, len(widths))
	for i, width := range widths {
		shown[i] = width > 0
	}
	if !slices.Equal(shown, t.shown) {
		write(t.heads)
		t.shown = shown
	}
	for _, row := range t.rows {
		write(row)
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(t.to, out.String())
	return err
}

// writeTable writes a table whole.
func writeTable(to io.Writer, heads []string, minor []int, rows [][]string) error {
	t := tableWriter{to: to, heads: heads, minor: minor, rows: rows}
	return t.flush()
}

// fit leaves out minor columns, and then takes width from the widest of the others, until all fit into the room. The first column
// says which row it is, and stays whole.
func fit(widths, minor []int, room int) {
	for {
		total, widest, least := -columnGap, 0, -1
		for i, w := range widths {
			if w == 0 {
				continue
			}
			total += w + columnGap
			if i > 0 && (widest == 0 || w > widths[widest]) {
				widest = i
			}
			if i < len(minor) && minor[i] > 0 && (least < 0 || minor[i] > minor[least]) {
				least = i
			}
		}
		switch {
		case total <= room:
			return
		case least >= 0:
			widths[least] = 0
		case widest == 0 || widths[widest] <= narrowest:
			return
		default:
			widths[widest]--
		}
	}
}

func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:width-1]) + "…"
}
