// Package handover makes the pack that a survey is handed over with: the lists, the bill of materials, the report, a README that
// explains each to the receiver, and checksums (the format of sha256sum).
package handover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/inventory"
)

// File is one file of the pack.
type File struct {
	Name  string
	About string // one sentence for the receiver
	Write func(ctx context.Context, to io.Writer) error
}

// piece is a file that a format writes.
type piece struct{ name, format, what, about string }

func pieces() []piece {
	return []piece{
		{"report.html", "html", "", "The report for people: open it in a browser, no network is needed. Numbers, map, every asset with its evidence."},
		{"inventory.xlsx", "xlsx", "", "The same as a workbook: assets, components, conversations, conduits, external dependencies, gaps, changes."},
		{"assets.csv", "csv", "assets", "The asset list, one row for each asset."},
		{"components.csv", "csv", "components", "The parts inside the assets: modules, firmware, units behind gateways."},
		{"assets.cdx.json", "cyclonedx", "", "The bill of materials (CycloneDX 1.6) for tools that match advisories."},
		{"zones.csv", "csv", "zones", "The zones: accepted ones and proposals, with a reason for each."},
		{"conduits.csv", "csv", "conduits", "What runs between zones, for the conduit list of IEC 62443-3-2; the columns that people fill in are empty."},
		{"conversations.csv", "csv", "conversations", "Who talks to whom, over what, how often: what the conduits were made of."},
		{"external.csv", "csv", "external", "What the plant relies on outside, and the ways in."},
		{"gaps.csv", "csv", "gaps", "What is not known, and the command that would close each gap."},
		{"coverage.csv", "csv", "coverage", "What was not looked at, and why. An asset that is not in the list may be there."},
		{"changes.csv", "csv", "changes", "What changed from survey to survey."},
		{"surveys.csv", "csv", "surveys", "The runs: who, when, from where, with which permission, with what outcome."},
		{"ledger.csv", "csv", "ledger", "Every message that was sent, and what came of it."},
	}
}

// Write makes the pack of an inventory, with the further files that are named.
func Write(ctx context.Context, from inventory.Source, into exporters.Folder, o exporters.Options, redacted string, more ...File) error {
	formats := map[string]exporters.Format{}
	for _, f := range exporters.All() {
		formats[f.Name] = f
	}
	var files []File
	for _, p := range pieces() {
		format, ok := formats[p.format]
		if !ok {
			return fmt.Errorf("there is no format %s", p.format)
		}
		options := o
		options.What = p.what
		files = append(files, File{p.name, p.about, func(ctx context.Context, to io.Writer) error { return format.Export(ctx, from, to, options) }})
	}
	files = append(files, more...)
	files = slices.Insert(files, 0, File{"README.txt", "", func(ctx context.Context, to io.Writer) error {
		return explain(ctx, from, to, o, redacted, files)
	}})
	var sums strings.Builder
	for _, f := range files {
		sum := sha256.New()
		if err := into(f.Name, func(w io.Writer) error { return f.Write(ctx, io.MultiWriter(w, sum)) }); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum.Sum(nil)), f.Name)
	}
	return into("SHA256SUMS", func(w io.Writer) error {
		_, err := io.WriteString(w, sums.String())
		return err
	})
}

// explain writes the README: what was surveyed, what the files are, and how far they can be trusted.
func explain(ctx context.Context, from inventory.Source, to io.Writer, o exporters.Options, redacted string, files []File) error {
	assets, identified := 0, 0
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return err
		}
		if assets++; a.Vendor != "" && a.Model != "" {
			identified++
		}
	}
	surveys, err := inventory.Collect(from.Surveys(ctx))
	if err != nil {
		return err
	}
	title := o.Site
	if title == "" || title == "default" {
		title = "the plant"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Hand-over of the asset inventory of %s\n\nMade by walkdown %s", title, o.Version)
	if !o.Reproducible {
		fmt.Fprintf(&b, " on %s", o.Time.UTC().Format("2006-01-02 15:04 UTC"))
	}
	fmt.Fprintf(&b, ". TLP:%s. %d assets, %d of them with vendor and model.\n", o.TLP, assets, identified)
	if redacted != "" {
		fmt.Fprintf(&b, "\nThe addresses of the plant are replaced by stand-ins (%s), the same ones in every file. Names of devices stand as\nthey are. The inventory file and captures are left out, because they hold addresses.\n", redacted)
	}
	b.WriteString("\nSurveys\n\n")
	for _, v := range surveys {
		fmt.Fprintf(&b, "%s  %s  %s to %s  by %s  %s\n", v.ID, v.Kind, moment(v.Started), moment(v.Ended), orUnknown(v.Operator), v.Outcome)
		for _, line := range v.Record() {
			if line.Name != "operator" {
				fmt.Fprintf(&b, "    %s: %s\n", line.Name, line.Value)
			}
		}
		for _, reason := range v.Reasons {
			fmt.Fprintf(&b, "    %s\n", reason)
		}
	}
	b.WriteString("\nFiles\n\n")
	width := 0
	for _, f := range files {
		width = max(width, len(f.Name))
	}
	for _, f := range files[1:] { // without this one
		fmt.Fprintf(&b, "%-*s  %s\n", width, f.Name, f.About)
	}
	fmt.Fprintf(&b, "%-*s  Checksums of all files: sha256sum -c SHA256SUMS\n", width, "SHA256SUMS")
	b.WriteString(`
How to read it

Each value was heard on the network or answered by the device; what was deduced names its rule and what it rests on. The confidence
is between 0 and 1. What is not known is empty, and never a guess. Zones and levels are proposals until people accept them. What
was not looked at stands in coverage.csv: an asset that is in no list may be there all the same.
`)
	_, err = io.WriteString(to, b.String())
	return err
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "?"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func orUnknown(text string) string {
	if text == "" {
		return "?"
	}
	return text
}
