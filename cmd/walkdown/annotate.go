package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/csv"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sheet"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type annotateCmd struct {
	File      string `arg:"" optional:"" placeholder:"FILE.csv" help:"The sheet to take in; - for standard input."`
	Template  bool   `help:"Print the sheet to fill in: every asset, with all that people have said of it."`
	Output    string `short:"o" placeholder:"FILE" type:"path" help:"--template: where to write; standard output without it."`
	Excel     bool   `help:"--template: semicolons and a byte order mark, as Excel wants them in many countries."`
	Add       bool   `help:"Lines that no asset is found for become assets that only people know of: silent devices, devices on a serial line."`
	TakeBack  bool   `help:"The devices of the lines were entered with --add by mistake: they leave the inventory. --add enters them again, with all that was said of them."`
	Reconcile string `placeholder:"OLD-LIST.csv" help:"Compare a list of before with the inventory, and change nothing."`
	DryRun    bool   `help:"Only show what would change."`
	Yes       bool   `help:"Do not ask for a confirmation."`
	Author    string `placeholder:"NAME" help:"Who says so; the name that you are logged in under, without it."`
}

// Help is shown below the flags.
func (annotateCmd) Help() string {
	return `A sheet has a line for each asset. Columns find the asset: id, else serial, mac, or ip with segment. The others are what people
say: docs/people.md lists them; one that is not known is kept as custom_NAME. An emptied cell takes the value back; the history keeps
it. Columns nameplate_* say what is printed on the device; what was observed goes first, and both are shown.
The sheets of "conduits", "external" and "zones" (--format csv) are taken in the same way, by their ids.`
}

// Run prints a sheet, takes one in, or compares one.
func (c annotateCmd) Run(a *app) error {
	modes := 0
	for _, given := range []bool{c.File != "", c.Template, c.Reconcile != ""} {
		if given {
			modes++
		}
	}
	if c.TakeBack && (c.File == "" || c.Add) {
		return usage("`walkdown annotate FILE.csv --take-back`: a line for each device, with its id, serial number, MAC or IP", "--take-back needs a FILE.csv, and goes without --add")
	}
	if modes != 1 {
		return usage("`walkdown annotate --template > people.csv`, edit it, `walkdown annotate people.csv`", "annotate needs a FILE.csv, or --template, or --reconcile OLD-LIST.csv")
	}
	switch {
	case c.Template:
		return c.template(a)
	case c.Reconcile != "":
		return reconcile(a, c.Reconcile)
	}
	return c.takeIn(a)
}

// difference is one thing that a sheet says otherwise than the inventory.
type difference struct {
	Line  int    `json:"line"`
	Of    string `json:"of"` // the id of what it is about; empty for a device that is entered
	Name  string `json:"name,omitempty"`
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
	// Observed is what was observed instead, where a person says otherwise: both are kept.
	Observed string `json:"observed,omitempty"`
}

// takeIn reads a sheet, shows the differences, asks, and stores them.
func (c annotateCmd) takeIn(a *app) error {
	table, err := c.read(a, c.File)
	if err != nil {
		return err
	}
	intake, err := c.prepare(a, table)
	if err != nil {
		return err
	}
	if err := list(a, each(intake.differences), differenceColumns(), "the sheet says nothing new"); err != nil {
		return err
	}
	slices.SortStableFunc(intake.problems, func(x, y problem) int { return x.line - y.line })
	for _, p := range intake.problems {
		fmt.Fprintf(a.stderr, "line %d: %s\n", p.line, p.text)
	}
	if len(intake.differences) > 0 && !c.DryRun {
		ok, err := c.confirmed(a, len(intake.differences))
		switch {
		case err != nil:
			return err
		case !ok:
			a.say("nothing was changed")
			return nil
		}
		if err := c.store(a, intake); err != nil {
			return err
		}
		if c.TakeBack {
			a.say("taken back: %s", plural(len(intake.taken), "device"))
		} else {
			a.say("taken in: %s", counted(len(intake.differences), "value", "values"))
		}
	} else if c.DryRun {
		a.say("nothing was changed: it was a dry run")
	}
	if n := len(intake.problems); n > 0 {
		return incomplete([]string{counted(n, "line or value was", "lines or values were") + " left out"})
	}
	return nil
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// what says what is going to be done.
func (c annotateCmd) what(n int) string {
	if c.TakeBack {
		return "taking back " + plural(n, "device")
	}
	return "taking in " + counted(n, "value", "values")
}

// confirmed asks a person.
func (c annotateCmd) confirmed(a *app, n int) (bool, error) {
	if c.Yes {
		return true, nil
	}
	if !a.terminal() || c.File == "-" {
		return false, usage("look at them with --dry-run, then give --yes", "without a terminal, %s needs --yes", c.what(n))
	}
	answer, err := a.askLine("Go on with " + c.what(n) + "? [y/N] ")
	if err != nil {
		return false, err
	}
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))), nil
}

func differenceColumns() []column[difference] {
	return []column[difference]{
		{"Line", func(d difference) string { return fmt.Sprint(d.Line) }, 0},
		{"About", func(d difference) string { return first(d.Name, d.Of) }, 0},
		{"Field", func(d difference) string { return d.Field }, 0},
		{"Old", func(d difference) string { return d.Old }, 0},
		{"New", func(d difference) string { return d.New }, 0},
		{"Observed", func(d difference) string { return d.Observed }, 1},
		{"ID", func(d difference) string { return d.Of }, 2},
	}
}

// read reads a sheet, and takes the guards against formulas off its cells.
func (annotateCmd) read(a *app, path string) (*sheet.Sheet, error) {
	from, name := a.stdin, "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, failed(fmt.Errorf("read the sheet: %w", err), "")
		}
		defer file.Close() //nolint:errcheck // it was only read
		from, name = file, path
	}
	table, err := sheet.Read(from)
	if errors.Is(err, sheet.ErrWorkbook) {
		return nil, failed(fmt.Errorf("read %s: %w", name, err), "save it as CSV (in Excel: \"CSV UTF-8\" or \"Unicode text\")")
	}
	if err != nil {
		return nil, failed(fmt.Errorf("read %s: %w", name, err), "a sheet is a CSV file with a line of heads: `walkdown annotate --template` makes one")
	}
	for _, row := range table.Rows {
		for i, cell := range row.Cells {
			row.Cells[i] = csv.Plain(cell)
		}
	}
	for i, head := range table.Heads {
		table.Heads[i] = csv.Plain(head)
	}
	return table, nil
}

// addressesOf takes a cell with several addresses apart, however people part them.
func addressesOf(cell string) []string {
	return strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";, \t\n|/", r) })
}

// statedFacts are the newest words of people for nameplates: by asset and field.
func statedFacts(a *app, store *sqlite.Store) (map[string]map[string]string, error) {
	fields := map[string]string{}
	var keys []discovery.Key
	for _, field := range inventory.NameplateFields() {
		key := inventory.StatedKey(field)
		fields[string(key)] = field
		keys = append(keys, key)
	}
	newest := map[[2]string]inventory.Evidence{}
	out := map[string]map[string]string{}
	for f, err := range store.Facts(a.ctx, keys...) {
		if err != nil {
			return nil, err
		}
		at := [2]string{f.Asset, fields[string(f.Fact.Key)]}
		if before, ok := newest[at]; ok && f.Last.Before(before.Last) {
			continue
		}
		newest[at] = f.Evidence
		if out[f.Asset] == nil {
			out[f.Asset] = map[string]string{}
		}
		out[f.Asset][at[1]] = f.Fact.Value
	}
	return out, nil
}

// template writes the sheet to fill in.
func (c annotateCmd) template(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	write := func(w io.Writer) error { return c.writeTemplate(a, store, w) }
	if c.Output == "" || c.Output == "-" {
		return write(a.stdout)
	}
	if err := writeFile(c.Output, write); err != nil {
		return err
	}
	a.say("wrote %s; fill it in and take it in with `walkdown annotate %s`", c.Output, c.Output)
	return nil
}
