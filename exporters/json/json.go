// Package json writes a whole inventory as JSON: one document, or one object a line. docs/json.md and docs/inventory.schema.json
// describe both; the fields are a contract.
package json

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/clean"
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
	Lines        bool      // one object a line, each saying what it is, in place of one document
}

// Schema is what the documents follow.
const Schema = "https://github.com/walkdown-ot/walkdown/blob/main/docs/inventory.schema.json"

// head is what stands in front of the lists.
type head struct {
	Schema  string `json:"$schema"`
	Format  string `json:"format"`
	Version int    `json:"format_version"`
	By      string `json:"by"`
	Made    string `json:"made,omitempty"`
	Site    string `json:"site,omitempty"`
	TLP     string `json:"tlp"`
}

// Export writes the inventory. It keeps the zones, conduits, external dependencies and holes of the coverage in memory, and one of
// everything else.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	mark, err := tlp.Mark(o.TLP)
	if err != nil {
		return err
	}
	h := head{Schema: Schema, Format: "walkdown-inventory", Version: 1, By: "walkdown " + o.Version, Site: o.Site, TLP: mark}
	if !o.Reproducible {
		h.Made = o.Time.UTC().Format(time.RFC3339)
	}
	w := writer{to: bufio.NewWriterSize(to, 1<<16), lines: o.Lines}
	w.head(h)
	for _, l := range lists() {
		w.begin(l)
		if err := l.each(ctx, from, func(value any) error {
			w.add(l, value)
			return w.err
		}); err != nil {
			return err
		}
		w.end()
	}
	if !o.Lines {
		w.print("\n}\n")
	}
	if w.err == nil {
		w.err = w.to.Flush()
	}
	if w.err != nil {
		return fmt.Errorf("write JSON: %w", w.err)
	}
	return nil
}

type writer struct {
	to    *bufio.Writer
	lines bool
	empty bool // the list has no element yet
	err   error
}

func (w *writer) print(text string) {
	if w.err == nil {
		_, w.err = w.to.WriteString(text)
	}
}

func (w *writer) encode(value any) []byte {
	encoded, err := json.Marshal(clean.Value(value))
	if err != nil && w.err == nil {
		w.err = err
	}
	return encoded
}

func (w *writer) head(h head) {
	encoded := w.encode(h)
	if w.lines {
		w.line("inventory", encoded)
		return
	}
	w.print(string(encoded[:len(encoded)-1]))
}

// line writes an object with what it is in front.
func (w *writer) line(record string, object []byte) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.to, "{\"record\":%q,%s\n", record, object[1:])
	}
}

func (w *writer) begin(l list) {
	w.empty = true
	if !w.lines {
		w.print(",\n\"" + l.name + "\":[")
	}
}

func (w *writer) add(l list, value any) {
	encoded := w.encode(value)
	if w.err != nil {
		return
	}
	if w.lines {
		w.line(l.kind, encoded)
		return
	}
	if !w.empty {
		w.print(",")
	}
	w.empty = false
	w.print("\n")
	w.print(string(encoded))
}

func (w *writer) end() {
	if w.lines {
		return
	}
	if !w.empty {
		w.print("\n")
	}
	w.print("]")
}
