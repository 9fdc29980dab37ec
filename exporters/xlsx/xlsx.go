// Package xlsx writes an inventory as one workbook for people (Office Open XML, ECMA-376 part 1): a sheet for each table that they
// work with, with a filter on each column and a header that stays in sight.
//
// A sheet is written straight into the archive as it is read, so the size of the inventory does not matter. Texts are marked as text
// cell by cell, so that none of them is ever taken for a formula or a number.
package xlsx

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/table"
	"github.com/walkdown-ot/walkdown/exporters/tlp"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Options are what an export can be given.
type Options struct {
	Time         time.Time // when the export was made
	Version      string    // of walkdown
	Site         string    // its name
	Reproducible bool      // equal inventories give equal bytes: no time
	TLP          string    // the mark of the Traffic Light Protocol; empty means AMBER
}

// Sheets are the tables of the workbook, in their order, in a slice of its own.
func Sheets() []string {
	return []string{
		"assets", "components", "services", "neighbours", "conversations", "conduits", "zones", "external", "gaps", "coverage", "changes", "surveys",
	}
}

// Export writes the workbook.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	mark, err := tlp.Mark(o.TLP)
	if err != nil {
		return err
	}
	b := book{archive: zip.NewWriter(to), mark: mark, rows: maxRows}
	for _, made := range table.All() {
		if !slices.Contains(Sheets(), made.Name) {
			continue
		}
		t, err := made.Make(ctx, from)
		if err != nil {
			return err
		}
		if err := b.table(made.Title, t); err != nil {
			return err
		}
	}
	if err := b.close(o); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

// maxRows is how many rows a sheet holds, with its header.
const maxRows = 1 << 20

// book is a workbook as far as it is written.
type book struct {
	archive *zip.Writer
	mark    string
	rows    int // that a sheet holds
	sheets  []written
}

// written is a sheet that stands in the archive.
type written struct {
	title         string
	rows, columns int // with the header
}

// table writes a table as a sheet, and what does not fit as further ones.
func (b *book) table(title string, t table.Table) error {
	var s *sheet
	next := func() error {
		if err := b.finish(s); err != nil {
			return err
		}
		name, part := title, 1
		if s != nil {
			part = s.part + 1
			name = fmt.Sprintf("%s %d", title, part)
		}
		var err error
		s, err = b.sheet(len(b.sheets)+2, name, part, t.Columns)
		return err
	}
	if err := next(); err != nil {
		return err
	}
	for cells, err := range t.Rows {
		if err != nil {
			return err
		}
		if s.rows == b.rows {
			if err := next(); err != nil {
				return err
			}
		}
		s.row(cells)
		if s.err != nil {
			return fmt.Errorf("write workbook: %w", s.err)
		}
	}
	return b.finish(s)
}
