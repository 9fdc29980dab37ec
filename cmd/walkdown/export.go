package main

import (
	"io"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
)

type exportCmd struct {
	To           string `arg:"" name:"format" optional:"" help:"The format: see --list."`
	Output       string `short:"o" placeholder:"FILE" type:"path" help:"Where to write; standard output without it."`
	List         bool   `help:"Print the formats and end."`
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
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	options := exporters.Options{Time: time.Now().UTC(), Version: version(), Site: a.common.Site, Reproducible: c.Reproducible, TLP: c.TLP}
	if c.Output == "" || c.Output == "-" {
		return format.Export(a.ctx, store, a.stdout, options)
	}
	if err := writeFile(c.Output, func(w io.Writer) error { return format.Export(a.ctx, store, w, options) }); err != nil {
		return err
	}
	a.say("wrote %s", c.Output)
	return nil
}
