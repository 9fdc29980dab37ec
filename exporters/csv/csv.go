// Package csv writes a table of an inventory as comma-separated values after RFC 4180: a header, CRLF at the end of each row,
// quotes where they are needed, UTF-8. docs/csv.md lists the tables and their columns; a script may rely on them.
package csv

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/exporters/table"
	"github.com/walkdown-ot/walkdown/exporters/tlp"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Options are what an export can be given.
type Options struct {
	What string // the table; empty means assets
	// Excel writes what Excel reads where the list separator is a semicolon: semicolons, and a byte order mark in front.
	Excel bool
	TLP   string // the mark of the Traffic Light Protocol; empty means AMBER
}

// Export writes one table. It keeps one row in memory.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	if o.What == "" {
		o.What = "assets"
	}
	mark, err := tlp.Mark(o.TLP)
	if err != nil {
		return err
	}
	maker, err := table.Find(o.What)
	if err != nil {
		return err
	}
	t, err := maker.Make(ctx, from)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(to, 1<<16)
	out := csv.NewWriter(buffered)
	out.UseCRLF = true
	if o.Excel {
		out.Comma = ';'
		if _, err := buffered.WriteString("\ufeff"); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	record := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		record[i] = Cell(c.Name)
	}
	if err := out.Write(record); err != nil {
		return fmt.Errorf("write CSV header: %w", err)
	}
	for cells, err := range t.Rows {
		if err != nil {
			return err
		}
		for i, c := range cells {
			record[i] = text(c, mark)
		}
		if err := out.Write(record); err != nil {
			return fmt.Errorf("write CSV row: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// text writes a cell. Only texts can be formulas; numbers stay what they are.
func text(c table.Cell, mark string) string {
	switch v := c.(type) {
	case table.TLP:
		return mark
	case string:
		return Cell(v)
	case []string:
		return table.Join(v, Cell)
	}
	return table.Text(c)
}
