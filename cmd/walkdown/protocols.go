package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
)

//go:generate go run . protocols --markdown -o ../../docs/protocols.md

type protocolsCmd struct {
	Name     string `arg:"" optional:"" help:"Only this protocol."`
	Markdown bool   `help:"As a page for the documents."`
	Output   string `short:"o" placeholder:"FILE" type:"path" help:"Where to write the page."`
}

// protocolRow is the JSON form of a protocol.
type protocolRow struct {
	Name     string       `json:"name"`
	Title    string       `json:"title"`
	Standard string       `json:"standard"`
	Ports    []string     `json:"ports"`
	Hears    string       `json:"hears"`
	Keys     []string     `json:"keys"`
	Retells  []string     `json:"retells,omitempty"` // keys of other protocols that it passes on
	Requests []requestRow `json:"requests,omitempty"`
}

// requestRow is the JSON form of a request that may be sent.
type requestRow struct {
	Name    string `json:"name"`
	Segment bool   `json:"segment,omitempty"` // asked of whoever is on the link
	Safety  string `json:"safety"`
	// SafetyFor is the safety class for the classes of device for which it is another one.
	SafetyFor map[string]string `json:"safety_for,omitempty"`
	Transport string            `json:"transport"`
	Setup     bool              `json:"setup,omitempty"`
	Max       int               `json:"max"`
	Template  string            `json:"template"`
	Effect    string            `json:"effect"`
	Yields    []string          `json:"yields,omitempty"`
}

// Run prints what each protocol can hear and send.
func (c protocolsCmd) Run(a *app) error {
	var rows []protocolRow
	for _, p := range protocols.All() {
		if c.Name == "" || c.Name == p.Name {
			rows = append(rows, newProtocolRow(p))
		}
	}
	if len(rows) == 0 {
		return usage("`walkdown protocols` lists them", "there is no protocol %q", c.Name)
	}
	if c.Markdown {
		if c.Output != "" {
			return writeFile(c.Output, func(w io.Writer) error { return protocolPage(w, rows) })
		}
		return protocolPage(a.stdout, rows)
	}
	if a.common.Format == "table" {
		for i, row := range rows {
			if i > 0 {
				fmt.Fprintln(a.stdout)
			}
			if err := printProtocol(a.stdout, row); err != nil {
				return err
			}
		}
		return nil
	}
	return list(a, each(rows), []column[protocolRow]{
		{"Name", func(v protocolRow) string { return v.Name }, 0},
		{"Title", func(v protocolRow) string { return v.Title }, 0},
		{"Ports", func(v protocolRow) string { return strings.Join(v.Ports, " ") }, 0},
		{"Hears", func(v protocolRow) string { return v.Hears }, 0},
		{"Asks", func(v protocolRow) string { return count(len(v.Requests)) }, 0},
	}, "")
}

func newProtocolRow(p discovery.Protocol) protocolRow {
	row := protocolRow{Name: p.Name, Title: p.Title, Standard: p.Standard, Hears: p.Hears, Keys: words(p.Keys), Retells: words(p.Retells)}
	for _, port := range p.Ports {
		text := fmt.Sprintf("%s/%d", port.Transport, port.Number)
		if port.Transport == discovery.EtherType {
			text = fmt.Sprintf("ethertype/%04x", port.Number)
		}
		row.Ports = append(row.Ports, text)
	}
	for _, asker := range []*discovery.Asker{p.Segment, p.Asker} {
		if asker == nil {
			continue
		}
		for _, r := range asker.Requests {
			safetyFor := map[string]string{}
			for class, safety := range r.ByClass {
				safetyFor[class.String()] = safety.String()
			}
			row.Requests = append(row.Requests, requestRow{
				Name: r.Name, Segment: asker == p.Segment, Safety: r.Safety.String(), SafetyFor: safetyFor, Transport: asker.TransportOf(r).String(),
				Setup: r.Setup, Max: r.Max, Template: r.Template.String(), Effect: r.Effect, Yields: words(r.Yields),
			})
		}
	}
	return row
}

// safety is the safety class in words: "B; C for field, gateway".
func (r requestRow) safety() string {
	text := r.Safety
	for _, safety := range slices.Compact(slices.Sorted(maps.Values(r.SafetyFor))) {
		var classes []string
		for class, s := range r.SafetyFor {
			if s == safety {
				classes = append(classes, class)
			}
		}
		slices.Sort(classes)
		text += fmt.Sprintf("; %s for %s", safety, strings.Join(classes, ", "))
	}
	return text
}

func words(keys []discovery.Key) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = string(key)
	}
	return out
}

func printProtocol(to io.Writer, row protocolRow) error {
	fmt.Fprintf(to, "%s  %s  %s\n  %s\n  hears: %s\n", row.Name, row.Title, strings.Join(row.Ports, " "), row.Standard, row.Hears)
	if len(row.Requests) == 0 {
		_, err := fmt.Fprintln(to, "  asks:  nothing")
		return err
	}
	fmt.Fprintln(to, "  asks:")
	for _, r := range row.Requests {
		kind := "question"
		if r.Setup {
			kind = "set-up"
		}
		if r.Segment {
			kind = "question to a segment"
		}
		fmt.Fprintf(to, "    %s  class %s, %s by %s, at most %d\n      %s\n      effect: %s\n", r.Name, r.safety(), kind, r.Transport, r.Max, r.Template, r.Effect)
	}
	return nil
}

const protocolPageHead = `# Protocols

Made from the code by ` + "`go generate ./cmd/walkdown`" + `; a test fails when it is out of date.

A request that matches none of the forms below never leaves: the pace-keeper compares every message with this list before it
is sent. Safety classes: A1 one broadcast a segment, B one short exchange with one device, C only by opt-in, D never; "for" names
the classes of device for which it is another one, and a device of which nothing is known is treated like a controller. In the
forms, hex is sent as it stands, ` + "`?4`" + ` is four bytes that vary, ` + "`*64`" + ` up to 64 of them, ` + "`secret*64`" + ` the same but
overwritten in what is kept, ` + "`u16( … )`" + ` or ` + "`ber( … )`" + ` a length followed by exactly that many bytes, and ` + "`each( … )`" + ` the same form again
and again.
`

// protocolPage writes docs/protocols.md.
func protocolPage(to io.Writer, rows []protocolRow) error {
	var b strings.Builder
	b.WriteString(protocolPageHead)
	for _, row := range rows {
		fmt.Fprintf(&b, "\n## %s\n\n%s. Ports: %s.\n\nHeard: %s\n", row.Title, row.Standard, strings.Join(row.Ports, ", "), row.Hears)
		fmt.Fprintf(&b, "\nKeys: `%s`.\n", strings.Join(slices.Sorted(slices.Values(row.Keys)), "`, `"))
		if len(row.Retells) > 0 {
			fmt.Fprintf(&b, "\nPassed on from other protocols: `%s`.\n", strings.Join(slices.Sorted(slices.Values(row.Retells)), "`, `"))
		}
		if len(row.Requests) == 0 {
			b.WriteString("\nNever asked.\n")
			continue
		}
		b.WriteString("\n| request | by | class | at most | form | effect |\n| --- | --- | --- | ---: | --- | --- |\n")
		for _, r := range row.Requests {
			name := "`" + r.Name + "`"
			if r.Setup {
				name += " (set-up)"
			}
			if r.Segment {
				name += " (to a segment)"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %d | `%s` | %s |\n", name, r.Transport, r.safety(), r.Max, strings.ReplaceAll(r.Template, "|", "\\|"), r.Effect)
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}
