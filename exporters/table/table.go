// Package table lays the inventory out as tables, for the formats that people open in a spreadsheet: exporters/csv writes one of
// them, exporters/xlsx a workbook of several. docs/csv.md lists their columns, which are a contract.
package table

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Table is rows under columns.
type Table struct {
	Columns []Column
	// Rows gives the cells of one row after another, each under its column.
	Rows iter.Seq2[[]Cell, error]
}

// Column is the head of a column.
type Column struct {
	Name  string // in snake_case
	Width int    // how many characters a person wants to see at once
}

// Cell is a text, a number, a time, a yes or no, or a list of texts. The empty text, the zero time, a confidence of nought, the
// empty list and nil are not known.
type Cell any

// Confidence is between 0 and 1; 0 is not known.
type Confidence float32

// Maker makes a table of an inventory.
type Maker struct {
	Name        string // what is typed behind --what
	Title       string // for people
	Description string // one line for a list
	Make        func(ctx context.Context, from inventory.Source) (Table, error)
}

// All gives the tables, in the order in which they are listed, in a slice of its own.
func All() []Maker {
	return []Maker{
		{"assets", "Assets", "one row per asset", assets},
		{"addresses", "Addresses", "one row per address of an asset", addresses},
		{"components", "Components", "one row per part with a nameplate of its own", components},
		{"services", "Services", "one row per service that an asset offers", services},
		{"ports", "Ports", "one row per interface of a switch or router", ports},
		{"neighbours", "Neighbours", "one row per cable, told at both of its ends", neighbours},
		{"conversations", "Conversations", "who talks to whom, over what, how often", conversations},
		{"conduits", "Conduits", "conversations between zones, added up, in the 35 columns of a conduit list (IEC 62443-3-2)", conduits},
		{"zones", "Zones", "zones that people accepted, and proposals", zones},
		{"external", "External", "what lies outside of the site and is relied on, or is a way in", external},
		{"gaps", "Gaps", "what is not known of each asset, and what would close it", gaps},
		{"coverage", "Coverage", "what was not looked at, and what would close it", coverage},
		{"changes", "Changes", "what appeared, vanished, moved, was updated", changes},
		{"surveys", "Surveys", "the runs so far", surveys},
		{"ledger", "Ledger", "every message that was sent, and what came of it", ledger},
		{"csaf", "CSAF", "by what advisories in CSAF know each device and part", csaf},
		{"evidence", "Evidence", "every fact, and where it came from", evidence},
	}
}

// Find gives the table of a name.
func Find(name string) (Maker, error) {
	var names []string
	for _, m := range All() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Maker{}, fmt.Errorf("there is no table %q: want %s", name, strings.Join(names, ", "))
}

// Text writes a cell as clean text: times as RFC 3339 in UTC, lists as Join does.
func Text(c Cell) string {
	switch v := c.(type) {
	case nil:
		return ""
	case string:
		return discovery.Text(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case Confidence:
		if !(v > 0 && v <= 1) {
			return ""
		}
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	case []string:
		return Join(v, discovery.Text)
	}
	panic(fmt.Sprintf("a cell of type %T", c))
}

// Join writes a list: each text that clean leaves something of, once, in the order given, joined with "; ". A semicolon or a
// backslash of an element gets a backslash in front.
func Join(list []string, clean func(string) string) string {
	var kept []string
	for _, one := range list {
		if one = escape.Replace(clean(one)); one != "" && !slices.Contains(kept, one) {
			kept = append(kept, one)
		}
	}
	return strings.Join(kept, "; ")
}

var escape = strings.NewReplacer(`\`, `\\`, `;`, `\;`)

// rows makes the rows of a list, those that f makes of each of its things.
func rows[T any](list iter.Seq2[T, error], act string, f func(T) [][]Cell) iter.Seq2[[]Cell, error] {
	return func(yield func([]Cell, error) bool) {
		for one, err := range list {
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", act, err))
				return
			}
			for _, row := range f(one) {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

func one(cells ...Cell) [][]Cell { return [][]Cell{cells} }

func each[T any](items []T, text func(T) string) []string {
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, text(item))
	}
	return out
}

// number is nil for 0, where that means that it is not known.
func number[T ~uint16 | ~int64](n T) Cell {
	if n == 0 {
		return nil
	}
	return int(n)
}
