// Package csv writes an inventory as comma-separated values, one row per asset, after RFC 4180: a header, CRLF at the end of
// each row, quotes where they are needed.
//
// The columns, in this order; a script may rely on them, and new ones come behind them:
//
//	id site segment name names vendor family model order_number serial hardware firmware firmware_raw software os type cpe confidence
//	macs ips vlans protocols services components via mac_vendor role neighbours seen first_seen last_seen notes tlp
//
// They hold the fields of the JSON contract with the same names. Lists are joined with "; ". services are written "tcp/502
// modbus", components is how many parts the asset has, neighbours are written "local port > name or asset, remote port (via)",
// and times are RFC 3339 in UTC. tlp repeats the mark of the whole file on every row, because rows are copied out of their
// file. Then follows a column annotation_KEY for each key that any asset is annotated with, in alphabetical order.
//
// Names come from the network and end in a spreadsheet, so a cell that would be taken for a formula gets an apostrophe in
// front (OWASP, "CSV injection"), and control and bidirectional marks are removed. Numbers stay what they are.
package csv

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Options are what an export can be given.
type Options struct {
	TLP string // the mark of the Traffic Light Protocol; empty means AMBER
}

// Export writes the inventory. It reads the assets twice, first for the names of the annotations, and keeps one in memory.
func Export(ctx context.Context, from inventory.Source, to io.Writer, o Options) error {
	if o.TLP == "" {
		o.TLP = "AMBER"
	}
	if !slices.Contains([]string{"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"}, o.TLP) {
		return fmt.Errorf("unknown mark of the Traffic Light Protocol %q: want CLEAR, GREEN, AMBER, AMBER+STRICT or RED", o.TLP)
	}
	keys, err := annotationKeys(ctx, from)
	if err != nil {
		return err
	}
	out := csv.NewWriter(to)
	out.UseCRLF = true
	header := columns()
	for _, key := range keys {
		header = append(header, Cell("annotation_"+key))
	}
	if err := out.Write(header); err != nil {
		return fmt.Errorf("write CSV header: %w", err)
	}
	for asset, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		record := row(asset, o.TLP)
		for _, key := range keys {
			record = append(record, Cell(asset.Annotations[key]))
		}
		if err := out.Write(record); err != nil {
			return fmt.Errorf("write CSV row of asset %s: %w", asset.ID, err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func annotationKeys(ctx context.Context, from inventory.Source) ([]string, error) {
	keys := map[string]bool{}
	for asset, err := range from.Assets(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read assets: %w", err)
		}
		for key := range asset.Annotations {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys)), nil
}

func columns() []string {
	return []string{
		"id", "site", "segment", "name", "names",
		"vendor", "family", "model", "order_number", "serial", "hardware", "firmware", "firmware_raw", "software", "os", "type", "cpe", "confidence",
		"macs", "ips", "vlans", "protocols", "services", "components", "via", "mac_vendor", "role", "neighbours",
		"seen", "first_seen", "last_seen", "notes", "tlp",
	}
}

// row gives the cells under columns.
func row(a inventory.Asset, tlp string) []string {
	return []string{
		Cell(a.ID), Cell(a.Site), Cell(a.Segment), Cell(a.Name), list(a.Names),
		Cell(a.Vendor), Cell(a.Family), Cell(a.Model), Cell(a.OrderNumber), Cell(a.Serial), Cell(a.Hardware),
		Cell(a.Firmware), Cell(a.FirmwareRaw), Cell(a.Software), Cell(a.OS), Cell(a.Type), Cell(a.CPE), confidence(a.Confidence),
		list(each(a.Addresses, func(x inventory.Address) string { return x.MAC })),
		list(each(a.Addresses, func(x inventory.Address) string { return x.IP })),
		list(each(a.Addresses, vlan)),
		list(a.Protocols), list(each(a.Services, service)), strconv.Itoa(len(a.Components)), Cell(a.Via),
		Cell(a.MACVendor), Cell(a.Role), list(each(a.Neighbours, neighbour)),
		Cell(string(a.Seen)), when(a.FirstSeen), when(a.LastSeen), list(a.Notes), Cell(tlp),
	}
}

func confidence(c float32) string {
	if !(c > 0) {
		return "" // not known
	}
	return strconv.FormatFloat(float64(c), 'f', -1, 32)
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func vlan(a inventory.Address) string {
	if a.VLAN == 0 {
		return ""
	}
	return strconv.Itoa(int(a.VLAN))
}

func service(s inventory.Service) string {
	return strings.TrimSpace(fmt.Sprintf("%s/%d %s", s.Transport, s.Port, s.Protocol))
}

func neighbour(n inventory.Neighbour) string {
	other := n.Name
	if other == "" {
		other = n.Asset
	}
	if n.RemotePort != "" {
		other += ", " + n.RemotePort
	}
	text := other + " (" + n.Via + ")"
	if n.LocalPort != "" {
		text = n.LocalPort + " > " + text
	}
	return text
}

func each[T any](items []T, text func(T) string) []string {
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, text(item))
	}
	return out
}

// list joins what is not empty, each value once, in the order given.
func list(values []string) string {
	var kept []string
	for _, v := range values {
		if v = Cell(v); v != "" && !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return strings.Join(kept, "; ")
}

// Cell makes a value harmless in a spreadsheet. Where the list separator is a semicolon, a spreadsheet that opens the file
// without asking splits cells there too, so what follows one is looked at as well.
func Cell(value string) string {
	value = discovery.Text(value)
	parts := strings.Split(value, ";")
	for i, part := range parts {
		if startsFormula(part) && !isNumber(part) {
			parts[i] = "'" + part
		}
	}
	return strings.Join(parts, ";")
}

// startsFormula reports whether a spreadsheet may take the text for a formula; the last four are the full-width forms that
// some of them accept. Text has removed the tabs and line ends that would count too.
func startsFormula(text string) bool {
	return strings.IndexAny(text, "=+-@＝＋－＠") == 0
}

// isNumber is stricter than strconv, which takes "-inf" and hexadecimal.
func isNumber(text string) bool {
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return false
	}
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
