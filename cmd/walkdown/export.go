package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/cyclonedx"
	"github.com/walkdown-ot/walkdown/exporters/table"
	"github.com/walkdown-ot/walkdown/inventory"
)

type exportCmd struct {
	To           string `arg:"" name:"format" optional:"" help:"The format: see --list."`
	Output       string `short:"o" placeholder:"FILE" type:"path" help:"Where to write; standard output without it. A format of several files takes a folder, or a file that ends in .zip."`
	List         bool   `help:"Print the formats and end."`
	What         string `placeholder:"TABLE" help:"csv: which table." default:"assets"`
	Spec         string `placeholder:"VERSION" enum:",1.6,1.7" default:"" help:"cyclonedx: version of the specification, 1.6 or 1.7; 1.6 without it."`
	Profile      string `placeholder:"NAME" enum:",dependency-track" default:"" help:"cyclonedx: for whom: dependency-track."`
	Split        string `placeholder:"BY" enum:",site,zone,segment" default:"" help:"cyclonedx: a document for each site, zone or segment, into a folder or a .zip file."`
	Excel        bool   `help:"csv: semicolons and a byte order mark, as Excel wants them in many countries."`
	Reproducible bool   `help:"Equal inventories give equal bytes: no times, no random numbers."`
	TLP          string `name:"tlp" placeholder:"MARK" enum:"CLEAR,GREEN,AMBER,AMBER+STRICT,RED" default:"AMBER" help:"The mark of the Traffic Light Protocol: ${enum}."`
}

// Run writes the inventory. A file appears under its name only when it is whole.
func (c exportCmd) Run(a *app) error {
	formats := exporters.All()
	if c.List {
		return listFormats(a, formats)
	}
	var names []string
	for _, format := range formats {
		if format.Name == c.To {
			return c.write(a, format)
		}
		names = append(names, format.Name)
	}
	hint := "formats: " + strings.Join(names, ", ")
	if c.To == "" {
		return usage(hint, "a format is needed")
	}
	return usage(hint, "there is no format %q", c.To)
}

// formatRow is a format as the list shows it.
type formatRow struct {
	Format      string `json:"format"`
	Extension   string `json:"extension"`
	Description string `json:"description"`
}

func listFormats(a *app, formats []exporters.Format) error {
	rows := make([]formatRow, len(formats))
	for i, f := range formats {
		rows[i] = formatRow{f.Name, f.Extension, f.Description}
	}
	return list(a, each(rows), []column[formatRow]{
		{"Format", func(f formatRow) string { return f.Format }, 0},
		{"Extension", func(f formatRow) string { return f.Extension }, 0},
		{"Description", func(f formatRow) string { return f.Description }, 0},
	}, "")
}

func (c exportCmd) write(a *app, format exporters.Format) error {
	if err := c.check(format); err != nil {
		return err
	}
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	options := exporters.Options{
		Time: time.Now().UTC(), Version: version(), Site: a.common.Site, Reproducible: c.Reproducible, TLP: c.TLP, What: c.What, Excel: c.Excel,
		Spec: c.Spec, Profile: c.Profile, Split: c.Split,
	}
	if options.Revision, err = store.Revision(a.ctx); err != nil {
		return err
	}
	made := options.Time
	if c.Reproducible {
		made = time.Time{}
	}
	// One state of the inventory, also while a survey writes.
	err = store.Snapshot(a.ctx, func(ctx context.Context, from inventory.Source) error {
		if c.several(format) {
			return writeFolder(c.Output, made, func(into exporters.Folder) error { return format.Files(ctx, from, into, options) })
		}
		if c.toStdout() {
			return format.Export(ctx, from, a.stdout, options)
		}
		return writeFile(c.Output, func(w io.Writer) error { return format.Export(ctx, from, w, options) })
	})
	if err != nil {
		return err
	}
	if !c.toStdout() {
		a.say("wrote %s", c.Output)
	}
	return nil
}

// several reports whether the export is more than one file.
func (c exportCmd) several(format exporters.Format) bool {
	return format.Export == nil || c.Split != ""
}

func (c exportCmd) toStdout() bool { return c.Output == "" || c.Output == "-" }

// check refuses flags that do not go together.
func (c exportCmd) check(format exporters.Format) error {
	if _, err := table.Find(c.What); err != nil {
		return usage("", "--what: %v", err)
	}
	inCycloneDX := strings.HasPrefix(format.Name, "cyclonedx")
	switch {
	case c.What != "assets" && format.Name != "csv":
		return usage("walkdown export csv --what "+c.What, "--what: only csv has tables to choose from")
	case c.Excel && format.Extension != ".csv":
		return usage("", "--excel: %s is no CSV", format.Name)
	case c.Spec != "" && !inCycloneDX, c.Profile != "" && !inCycloneDX:
		return usage("", "--spec and --profile: %s is no CycloneDX", format.Name)
	}
	if c.Split != "" && !inCycloneDX {
		return usage("", "--split: %s is one document", format.Name)
	}
	if c.Profile == cyclonedx.DependencyTrack && c.Spec == "1.7" {
		return usage("leave --spec out", "the profile %s is CycloneDX 1.6: older versions of it refuse 1.7", c.Profile)
	}
	if c.several(format) && c.toStdout() {
		return usage("for example -o "+format.Name+".zip, or a folder that is not there yet", "%s is several files and cannot be written to standard output", format.Name)
	}
	return nil
}
