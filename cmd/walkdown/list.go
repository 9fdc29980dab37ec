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

// column is one column of a list that people read.
type column[T any] struct {
	head string
	cell func(T) string
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
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.head
	}
	return writeTable(a.stdout, heads, table)
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

// writeTable aligns the cells. Columns that are empty throughout are left out; on a terminal the widest ones are shrunk until
// the table fits, and what is cut ends with an ellipsis.
func writeTable(to io.Writer, heads []string, rows [][]string) error {
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
			shrink(widths, width)
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

// shrink takes width from the widest columns until they fit.
func shrink(widths []int, room int) {
	for {
		total, widest := -columnGap, 0
		for i, w := range widths {
			if w > 0 {
				total += w + columnGap
			}
			if w > widths[widest] {
				widest = i
			}
		}
		if total <= room || widths[widest] <= narrowest {
			return
		}
		widths[widest]--
	}
}

func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:width-1]) + "…"
}
