package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type gapsCmd struct {
	Asset string `placeholder:"ASSET" help:"Only this asset, with all that is not known of it."`
	All   bool   `help:"Every asset, with what a question may close and the next command."`
}

// Help is shown below the flags.
func (gapsCmd) Help() string {
	return `First the fields of the asset inventory guidance of CISA and partners (August 2025) that are not known, and what would close them; then
what was not looked at: networks that were seen and not surveyed, blind spots, devices that did not answer, what was left out or lost.`
}

// gapReport is the JSON form; with --all "of" follows, a list of assetGaps.
type gapReport struct {
	Assets   int                  `json:"assets"`
	Complete int                  `json:"complete"` // without a gap that a question may close
	Fields   []inventory.FieldGap `json:"fields"`
	Coverage []inventory.Hole     `json:"coverage"`
}

// assetGaps are the gaps of one asset.
type assetGaps struct {
	Asset   string          `json:"asset"`
	Name    string          `json:"name,omitempty"`
	Address string          `json:"address,omitempty"`
	Gaps    []inventory.Gap `json:"gaps"`
}

// Run tells what is not known and what was not looked at.
func (c gapsCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	defer debug.SetGCPercent(debug.SetGCPercent(listGC))
	if c.Asset != "" {
		return gapsOfAsset(a, store, c.Asset)
	}
	return store.Snapshot(a.ctx, func(ctx context.Context, from inventory.Source) error {
		asked, err := inventory.AskedBy(ctx, from)
		if err != nil {
			return err
		}
		report, err := countGaps(ctx, from, asked)
		if err != nil {
			return err
		}
		of := each[assetGaps](nil)
		if c.All {
			of = gapsByAsset(ctx, from, asked)
		}
		switch a.common.Format {
		case "json":
			return writeGaps(a.stdout, report, of)
		case "csv":
			if c.All {
				return listCSV(a.stdout, of, assetGapColumns())
			}
			return listCSV(a.stdout, each(report.Fields), fieldGapColumns())
		}
		return c.print(a, report, of)
	})
}

func countGaps(ctx context.Context, from inventory.Source, asked inventory.Asked) (gapReport, error) {
	counter := inventory.NewGapCounter(asked)
	holes, err := inventory.NewHoleFinder(ctx, from)
	if err != nil {
		return gapReport{}, err
	}
	for v, err := range from.Assets(ctx) {
		if err != nil {
			return gapReport{}, err
		}
		holes.Add(v)
		counter.Add(v)
	}
	coverage, err := holes.Holes(ctx)
	return gapReport{counter.Assets, counter.Complete, some(counter.Fields()), some(coverage)}, err
}

// gapsByAsset reads the assets once more: the gaps of all are too many to be kept.
func gapsByAsset(ctx context.Context, from inventory.Source, asked inventory.Asked) iter.Seq2[assetGaps, error] {
	return func(yield func(assetGaps, error) bool) {
		counter := inventory.NewGapCounter(asked)
		for v, err := range from.Assets(ctx) {
			if err != nil {
				yield(assetGaps{}, err)
				return
			}
			if gaps := counter.Add(v); len(gaps) > 0 && !yield(assetGaps{v.ID, v.Name, firstAddress(v), gaps}, nil) {
				return
			}
		}
	}
}

// withOpenGaps leaves out the assets of which only people may know more.
func withOpenGaps(of iter.Seq2[assetGaps, error]) iter.Seq2[assetGaps, error] {
	return func(yield func(assetGaps, error) bool) {
		for g, err := range of {
			if (err != nil || len(g.fields(true)) > 0) && !yield(g, err) {
				return
			}
		}
	}
}

// writeGaps writes the JSON form.
func writeGaps(out io.Writer, report gapReport, of iter.Seq2[assetGaps, error]) error {
	const indent = "  "
	to := bufio.NewWriterSize(out, 64<<10)
	text, err := json.MarshalIndent(report, "", indent)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, _ = to.Write(bytes.TrimSuffix(text, []byte("\n}"))) // Flush tells what went wrong
	before, after := ",\n"+indent+`"of": [`, ""
	for row, err := range of {
		if err != nil {
			return errors.Join(err, to.Flush())
		}
		if text, err = json.MarshalIndent(row, indent+indent, indent); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		if _, err := fmt.Fprintf(to, "%s\n%s%s", before, indent+indent, text); err != nil {
			return err
		}
		before, after = ",", "\n"+indent+"]"
	}
	fmt.Fprintf(to, "%s\n}\n", after)
	return to.Flush()
}

// some is an empty list in place of none, which JSON would print as null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func gapsOfAsset(a *app, store *sqlite.Store, ref string) error {
	asked, err := inventory.AskedBy(a.ctx, store)
	if err != nil {
		return err
	}
	v, err := store.Asset(a.ctx, ref)
	if err != nil {
		return err
	}
	return list(a, each(inventory.GapsOf(v, asked)), []column[inventory.Gap]{
		{"Not known", func(g inventory.Gap) string { return g.Title }, 0},
		{"Priority", func(g inventory.Gap) string { return g.Priority }, 1},
		{"What closes it", func(g inventory.Gap) string { return strings.Join(g.Close, ", or ") }, 0},
	}, "nothing is missing")
}

const annotateOnly = "walkdown annotate"

func fieldGapColumns() []column[inventory.FieldGap] {
	return []column[inventory.FieldGap]{
		{"Not known", func(g inventory.FieldGap) string { return g.Title }, 0},
		{"Priority", func(g inventory.FieldGap) string { return g.Priority }, 1},
		{"Of assets", func(g inventory.FieldGap) string { return fmt.Sprintf("%d of %d", g.Unknown, g.Of) }, 0},
		{"What closes most", func(g inventory.FieldGap) string { return g.Close }, 0},
		{"Where", func(g inventory.FieldGap) string { return strings.Join(g.Assets, ", ") }, 2},
	}
}

func assetGapColumns() []column[assetGaps] {
	return []column[assetGaps]{
		{"Asset", func(g assetGaps) string { return first(g.Address, g.Asset) }, 0},
		{"Name", func(g assetGaps) string { return g.Name }, 1},
		{"Not known", func(g assetGaps) string { return strings.Join(g.fields(true), ", ") }, 0},
		{"Next", assetGaps.next, 0},
		{"Of people", func(g assetGaps) string { return count(len(g.fields(false))) }, 2},
	}
}

// fields are those that the wire may tell, or the others.
func (g assetGaps) fields(wire bool) []string {
	var out []string
	for _, gap := range g.Gaps {
		if (gap.Close[0] != annotateOnly) == wire {
			out = append(out, gap.Field)
		}
	}
	return out
}

// next is the command that closes most gaps of the asset.
func (g assetGaps) next() string {
	counts := map[string]int{}
	best := annotateOnly
	for _, gap := range g.Gaps {
		command := gap.Close[0]
		if command == annotateOnly {
			continue
		}
		if counts[command]++; best == annotateOnly || counts[command] > counts[best] {
			best = command
		}
	}
	return best
}

// print writes the report for people.
func (c gapsCmd) print(a *app, r gapReport, of iter.Seq2[assetGaps, error]) error {
	if r.Assets == 0 && len(r.Coverage) == 0 {
		a.say("the inventory is empty")
		return nil
	}
	var wire []inventory.FieldGap
	var people []string
	for _, f := range r.Fields {
		if f.Close == annotateOnly {
			name := f.Field
			if slices.Contains(inventory.NameplateFields(), name) {
				name = inventory.NameplatePrefix + name
			}
			people = append(people, fmt.Sprintf("%s %d", name, f.Unknown))
		} else {
			wire = append(wire, f)
		}
	}
	fmt.Fprintf(a.stdout, "%s, %d of them with gaps that a question or more listening may close\n", counted(r.Assets, "asset", "assets"), r.Assets-r.Complete)
	section := func(title string, write func() error) error {
		fmt.Fprintf(a.stdout, "\n%s\n", title)
		return write()
	}
	var errs []error
	if len(wire) > 0 {
		errs = append(errs, section("What the wire may still tell (PLACE stands for the addresses)", func() error { return list(a, each(wire), fieldGapColumns(), "") }))
	}
	if len(people) > 0 {
		errs = append(errs, section("What only people know: `walkdown annotate --template > people.csv` (field, assets without it)", func() error {
			_, err := fmt.Fprintln(a.stdout, wrapped(people, 118))
			return err
		}))
	}
	if c.All && r.Complete < r.Assets {
		errs = append(errs, section("By asset", func() error { return list(a, withOpenGaps(of), assetGapColumns(), "") }))
	}
	if len(r.Coverage) > 0 {
		errs = append(errs, section("What was not looked at, or not seen whole", func() error { return list(a, each(r.Coverage), holeColumns(), "") }))
	}
	return errors.Join(errs...)
}

// wrapped joins words with commas into lines of a width.
func wrapped(words []string, width int) string {
	var out strings.Builder
	line := 0
	for i, word := range words {
		if i > 0 {
			out.WriteByte(',')
			if line+len(word) > width {
				out.WriteByte('\n')
				line = 0
			} else {
				out.WriteByte(' ')
			}
		}
		out.WriteString(word)
		line += len(word) + 2
	}
	return out.String()
}

func holeColumns() []column[inventory.Hole] {
	return []column[inventory.Hole]{
		{"Kind", func(h inventory.Hole) string { return h.Kind }, 0},
		{"What", func(h inventory.Hole) string { return h.What }, 0},
		{"Segment", func(h inventory.Hole) string { return unlessDefault(h.Segment) }, 1},
		{"Count", func(h inventory.Hole) string { return count(h.Count) }, 0},
		{"Why", func(h inventory.Hole) string { return h.Why }, 0},
		{"What closes it", func(h inventory.Hole) string { return h.Close }, 0},
		{"Survey", func(h inventory.Hole) string { return h.Survey }, 2},
	}
}
