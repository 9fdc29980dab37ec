package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type mergeDBCmd struct {
	Files  []string `arg:"" name:"file" type:"path" help:"The inventories to merge in: of another laptop, or of another day."`
	As     []string `placeholder:"SITE/SEGMENT" help:"Under which name the segment of the file comes in; with several, OLDSITE/OLDSEGMENT=SITE/SEGMENT,... Without it segments of one name are one."`
	DryRun bool     `help:"Only tell what would come; the inventory stays as it is."`
}

// Help is shown below the flags.
func (mergeDBCmd) Help() string {
	return `The surveys, the evidence, the ledger, the plans, the changes, what people said and what they decided come along. The files are
only read; those of an older walkdown are brought up to date in a copy. What came before does not come twice, and it does not matter
which inventory is merged into which. Two cells with the same segment name and the same addresses: name one of them otherwise with --as.`
}

// incoming is what came of one file.
type incoming struct {
	File string `json:"file"`
	sqlite.Imported
	Assets int `json:"assets"` // how many more there are than before
}

// Run merges the files into the inventory, which is made if there is none.
func (c mergeDBCmd) Run(a *app) (err error) {
	path := a.common.DB
	if c.DryRun {
		folder, err := os.MkdirTemp("", "walkdown-")
		if err != nil {
			return fmt.Errorf("make room for a copy of the inventory: %w", err)
		}
		defer os.RemoveAll(folder) //nolint:errcheck // a copy that stays behind in the system's folder for such is not worth failing
		path = filepath.Join(folder, "copy.db")
		if err := a.copyInventory(path); err != nil && !errors.Is(err, sqlite.ErrMissing) {
			return err
		}
	}
	for _, file := range c.Files {
		if same(file, a.common.DB) {
			return usage("", "%s is the inventory itself", file)
		}
	}
	var came []incoming
	for _, file := range c.Files {
		n, err := a.mergeDB(path, file, c.As)
		if err != nil {
			return err
		}
		came = append(came, incoming{File: file, Imported: n.Imported, Assets: n.Assets})
	}
	if err := list(a, each(came), incomingColumns(), "nothing came"); err != nil {
		return err
	}
	switch {
	case c.DryRun:
		a.say("nothing was written")
	case anything(came):
		a.say("merged; `walkdown changes` tells what became of the assets")
	default:
		a.say("all of it was here already; nothing was written")
	}
	return nil
}

// mergeDB merges one file into the inventory at path.
func (a *app) mergeDB(path, file string, as []string) (came incoming, err error) {
	engine, err := a.engine()
	if err != nil {
		return came, err
	}
	options := sqlite.Options{Identify: engine.Identify, Now: now, Log: a.log}
	from, err := sqlite.Borrow(a.ctx, file, options)
	if err != nil {
		return came, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	names, err := from.Renames(a.ctx, as)
	if err != nil {
		return came, usage("", "--as: %w", err)
	}
	into, err := sqlite.Open(a.ctx, path, options)
	if err != nil {
		return came, err
	}
	news, err := into.News(a.ctx, from)
	var before sqlite.Counts
	if err == nil {
		before, err = into.Counts(a.ctx)
	}
	if err := errors.Join(err, into.Close()); err != nil || news.Nothing() {
		return came, err
	}
	_, err = a.anew(path, inventory.Survey{Kind: "merge-db", Sensor: file}, func(r *sqlite.Recorder) (err error) {
		came.Imported, err = r.Import(a.ctx, from, names)
		return err
	})
	if err != nil {
		return came, err
	}
	return came, a.readingAt(path, func(store *sqlite.Store) error {
		after, err := store.Counts(a.ctx)
		came.Assets = after.Assets - before.Assets
		return err
	})
}

// same reports whether two names are of one file.
func same(a, b string) bool {
	x, err := os.Stat(a)
	y, other := os.Stat(b)
	return err == nil && other == nil && os.SameFile(x, y)
}

func anything(came []incoming) bool {
	for _, n := range came {
		if !n.Nothing() {
			return true
		}
	}
	return false
}

func incomingColumns() []column[incoming] {
	number := func(head string, of func(incoming) int) column[incoming] {
		return column[incoming]{head, func(v incoming) string { return strconv.Itoa(of(v)) }, 0}
	}
	return []column[incoming]{
		{"File", func(v incoming) string { return v.File }, 0},
		number("Surveys", func(v incoming) int { return v.Surveys }),
		number("More assets", func(v incoming) int { return v.Assets }),
		number("Facts", func(v incoming) int { return v.Facts }),
		number("Conversations", func(v incoming) int { return v.Conversations }),
		number("Ledger", func(v incoming) int { return v.Ledger }),
		number("Changes", func(v incoming) int { return v.Changes }),
		number("Decisions", func(v incoming) int { return v.Decisions }),
		number("Annotations", func(v incoming) int { return v.Annotations }),
	}
}
