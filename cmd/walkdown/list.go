package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
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
	var table [][]string
	for row, err := range rows {
		if err != nil {
			return err
		}
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = c.cell(row)
		}
		table = append(table, cells)
	}
	if len(table) == 0 {
		a.say("%s", empty)
		return nil
	}
	heads, minor := make([]string, len(columns)), make([]int, len(columns))
	for i, c := range columns {
		heads[i], minor[i] = c.head, c.minor
	}
	return writeTable(a.stdout, heads, minor, table)
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

func listJSON[T any](to io.Writer, rows iter.Seq2[T, error]) error {
	before := "["
	for row, err := range rows {
		if err != nil {
			return err
		}
		text, err := json.Marshal(row)
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
	_, err := fmt.Fprintln(to, "\n]")
	return err
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

// writeTable aligns the cells. Columns that are empty throughout are left out. On a terminal minor columns are left out, and then
// the widest ones shrunk, until the table fits; what is cut ends with an ellipsis. Without minor, no column is.
func writeTable(to io.Writer, heads []string, minor []int, rows [][]string) error {
	widths := make([]int, len(heads))
	for i, head := range heads {
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		if widths[i] > 0 {
			widths[i] = min(max(widths[i], utf8.RuneCountInString(head)), pipedColumn)
		}
	}
	if file, ok := to.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			fit(widths, minor, width)
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
	write(heads)
	for _, row := range rows {
		write(row)
	}
	_, err := io.WriteString(to, out.String())
	return err
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
