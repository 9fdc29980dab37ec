// Package exporters lists the formats that an inventory can leave in. Each format has a folder of its own; this package hands
// every one of them the part of the options that it uses.
package exporters

import (
	"context"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/aas"
	"github.com/walkdown-ot/walkdown/exporters/csv"
	"github.com/walkdown-ot/walkdown/exporters/cyclonedx"
	"github.com/walkdown-ot/walkdown/exporters/graph"
	"github.com/walkdown-ot/walkdown/exporters/html"
	"github.com/walkdown-ot/walkdown/exporters/json"
	"github.com/walkdown-ot/walkdown/exporters/netbox"
	"github.com/walkdown-ot/walkdown/exporters/nmap"
	"github.com/walkdown-ot/walkdown/exporters/xlsx"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Format is one way to write an inventory.
type Format struct {
	Name        string // what is typed behind "walkdown export"
	Description string // one line for a list
	Extension   string // of a file in this format, with the dot
	// Export reads the inventory once or more and writes it whole. What was written before an error is not a document. Nil for a
	// format of several files.
	Export func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error
	// Files writes the inventory as several files: always where Export is nil, else when Options.Split is set. Nil for a format of
	// one.
	Files func(ctx context.Context, from inventory.Source, into Folder, o Options) error
}

// Folder takes the files of an export one after another.
type Folder func(name string, write func(io.Writer) error) error

// Options are those of all formats together; a format ignores what it has no use for.
type Options struct {
	// Time is when the export was made. A reproducible one does not contain it.
	Time time.Time
	// Version is that of walkdown.
	Version string
	// Site is the name of the site, or of the system under consideration.
	Site string
	// SiteID identifies the site for good, whatever it is called; empty means Site.
	SiteID string
	// Revision counts the contents that were exported of this site, from 1; 0 means 1.
	Revision int
	// Reproducible makes equal inventories give equal bytes.
	Reproducible bool
	// TLP is the mark of the Traffic Light Protocol 2.0 that the document carries; empty means AMBER.
	TLP string
	// What is the table of a format that writes one: see table.All; empty means the assets.
	What string
	// Spec is the version of the format's specification: see cyclonedx.Specs; empty means the one that most can read.
	Spec string
	// Profile is whom the document is for: "dependency-track"; empty means everybody.
	Profile string
	// Split makes a document of each site, zone or segment: see cyclonedx.Splits.
	Split string
	// Excel makes CSV what Excel reads where lists are separated by semicolons.
	Excel bool
}

// All gives the formats, sorted by name, in a slice of its own.
func All() []Format {
	return []Format{
		{
			Name:        "aas",
			Description: "Asset Administration Shells with digital nameplates (IDTA 02006-3-0, JSON)",
			Extension:   ".json",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return aas.Export(ctx, from, to, aas.Options{TLP: o.TLP})
			},
		},
		{
			Name:        "conduits",
			Description: "conversations between zones, added up: the 35 columns of a conduit list (IEC 62443-3-2)",
			Extension:   ".csv",
			Export:      oneTable("conduits"),
		},
		{
			Name:        "coverage",
			Description: "what was not looked at or not seen whole, and what would close it",
			Extension:   ".csv",
			Export:      oneTable("coverage"),
		},
		{
			Name:        "csaf-inventory",
			Description: "by what advisories in CSAF know each device and part: model numbers, serial numbers, SKUs, CPE",
			Extension:   ".csv",
			Export:      oneTable("csaf"),
		},
		{
			Name:        "csv",
			Description: "a table, one row per asset unless --what names another, for a spreadsheet (RFC 4180)",
			Extension:   ".csv",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return csv.Export(ctx, from, to, csv.Options{What: o.What, Excel: o.Excel, TLP: o.TLP})
			},
		},
		{
			Name:        "cyclonedx",
			Description: "bill of materials with evidence, services and conversations (CycloneDX 1.6 JSON; 1.7 by --spec)",
			Extension:   ".cdx.json",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return cyclonedx.Export(ctx, from, to, o.cyclonedx(false))
			},
			Files: func(ctx context.Context, from inventory.Source, into Folder, o Options) error {
				return cyclonedx.ExportSplit(ctx, from, into, o.Split, o.cyclonedx(false))
			},
		},
		{
			Name:        "cyclonedx-xml",
			Description: "the same in XML",
			Extension:   ".cdx.xml",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return cyclonedx.Export(ctx, from, to, o.cyclonedx(true))
			},
			Files: func(ctx context.Context, from inventory.Source, into Folder, o Options) error {
				return cyclonedx.ExportSplit(ctx, from, into, o.Split, o.cyclonedx(true))
			},
		},
		{
			Name:        "dot",
			Description: "network of cables and conversations in the language of Graphviz",
			Extension:   ".dot",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return graph.DOT(ctx, from, to, graph.Options{Site: o.Site, TLP: o.TLP})
			},
		},
		{
			Name:        "evidence",
			Description: "every fact of every asset, and where it came from",
			Extension:   ".csv",
			Export:      oneTable("evidence"),
		},
		{
			Name:        "external",
			Description: "what lies outside of the site and is relied on, or is a way in",
			Extension:   ".csv",
			Export:      oneTable("external"),
		},
		{
			Name:        "graphml",
			Description: "network of cables and conversations, for yEd, Gephi, NetworkX (GraphML)",
			Extension:   ".graphml",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return graph.GraphML(ctx, from, to, graph.Options{Site: o.Site, TLP: o.TLP})
			},
		},
		{
			Name:        "html",
			Description: "report in one file: numbers, map, assets with evidence, conversations, changes",
			Extension:   ".html",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return html.Export(ctx, from, to, html.Options{Time: o.Time, Version: o.Version, Site: o.Site, TLP: o.TLP, Reproducible: o.Reproducible})
			},
		},
		{
			Name:        "json",
			Description: "the whole inventory as one document (docs/inventory.schema.json)",
			Extension:   ".json",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return json.Export(ctx, from, to, o.json(false))
			},
		},
		{
			Name:        "ndjson",
			Description: "the same, one object a line",
			Extension:   ".ndjson",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return json.Export(ctx, from, to, o.json(true))
			},
		},
		{
			Name:        "netbox",
			Description: "files for the import forms of NetBox 4.2 and later, in their order",
			Extension:   ".zip",
			Files: func(ctx context.Context, from inventory.Source, into Folder, o Options) error {
				return netbox.Export(ctx, from, into, netbox.Options{TLP: o.TLP})
			},
		},
		{
			Name:        "nmap-xml",
			Description: "hosts and open ports as nmap prints them with -oX, for the tools that read that",
			Extension:   ".xml",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return nmap.Export(ctx, from, to, nmap.Options{Version: o.Version, TLP: o.TLP})
			},
		},
		{
			Name:        "xlsx",
			Description: "a workbook for people: assets, parts, conversations, changes and more, a sheet each",
			Extension:   ".xlsx",
			Export: func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
				return xlsx.Export(ctx, from, to, xlsx.Options{Time: o.Time, Version: o.Version, Site: o.Site, Reproducible: o.Reproducible, TLP: o.TLP})
			},
		},
		{
			Name:        "zones",
			Description: "zones that people accepted, and proposals, with their assets and ways in",
			Extension:   ".csv",
			Export:      oneTable("zones"),
		},
	}
}

// oneTable is a format of its own for a table that many will ask for.
func oneTable(what string) func(context.Context, inventory.Source, io.Writer, Options) error {
	return func(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
		return csv.Export(ctx, from, to, csv.Options{What: what, Excel: o.Excel, TLP: o.TLP})
	}
}

func (o Options) json(lines bool) json.Options {
	return json.Options{Time: o.Time, Version: o.Version, Site: o.Site, Reproducible: o.Reproducible, TLP: o.TLP, Lines: lines}
}

func (o Options) cyclonedx(inXML bool) cyclonedx.Options {
	return cyclonedx.Options{
		Time: o.Time, Version: o.Version, Site: o.Site, SiteID: o.SiteID, Revision: o.Revision, Reproducible: o.Reproducible, TLP: o.TLP,
		Spec: o.Spec, Profile: o.Profile, XML: inXML,
	}
}
