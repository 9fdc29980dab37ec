package main

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"

	guard "github.com/walkdown-ot/walkdown/exporters/csv"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// sheetWriter writes lines for a spreadsheet, each text guarded against being taken for a formula.
type sheetWriter struct{ out *csv.Writer }

func newSheetWriter(to io.Writer, excel bool) (sheetWriter, error) {
	w := sheetWriter{csv.NewWriter(to)}
	w.out.UseCRLF = true
	if !excel {
		return w, nil
	}
	w.out.Comma = ';'
	_, err := io.WriteString(to, "\ufeff")
	return w, err
}

func (w sheetWriter) line(cells []string) error {
	guarded := make([]string, len(cells))
	for i, cell := range cells {
		guarded[i] = guard.Cell(cell)
	}
	return w.out.Write(guarded)
}

func (w sheetWriter) end() error {
	w.out.Flush()
	return w.out.Error()
}

// writeTemplate writes a line for each asset: what it is known by, then all that people said or may say.
func (c annotateCmd) writeTemplate(a *app, store *sqlite.Store, to io.Writer) error {
	said, err := store.Said(a.ctx, "a-")
	if err != nil {
		return err
	}
	stated, err := statedFacts(a, store)
	if err != nil {
		return err
	}
	assets, zoning, err := knownOfAssets(a, store)
	if err != nil {
		return err
	}
	heads := append(knownHeads(), "zone_proposed")
	known := len(heads)
	for _, f := range inventory.Fields() {
		heads = append(heads, f.Name)
	}
	heads = append(heads, customFields(said)...)
	people := len(heads)
	plate := inventory.NameplateFields()
	for _, field := range plate {
		heads = append(heads, inventory.NameplatePrefix+field)
	}
	w, err := newSheetWriter(to, c.Excel)
	if err != nil {
		return err
	}
	if err := w.line(heads); err != nil {
		return err
	}
	for _, cells := range assets {
		id := cells[0]
		zone, _ := zoning.Of(id)
		cells = append(cells, zone.Zone)
		for _, head := range heads[known:people] {
			cells = append(cells, said[id][head])
		}
		for _, field := range plate {
			cells = append(cells, stated[id][field])
		}
		if err := w.line(cells); err != nil {
			return err
		}
	}
	return w.end()
}

// knownHeads are the heads of what an asset is known by.
func knownHeads() []string {
	return []string{"id", "site", "segment", "name", "vendor", "model", "order_number", "serial", "mac", "ip"}
}

// knownOfAssets are the cells under knownHeads of each asset, and the zones that are proposed, for which all must have been read.
func knownOfAssets(a *app, store *sqlite.Store) (cells [][]string, zoning *inventory.Zoning, err error) {
	zoner, err := inventory.NewZoner(a.ctx, store)
	if err != nil {
		return nil, nil, err
	}
	for v, err := range store.Assets(a.ctx) {
		if err != nil {
			return nil, nil, err
		}
		zoner.Add(v)
		if v.Role != "sensor" {
			cells = append(cells, []string{v.ID, v.Site, v.Segment, v.Name, v.Vendor, v.Model, v.OrderNumber, v.Serial, joined(v, mac), joined(v, ip)})
		}
	}
	zoning, err = zoner.Zoning(a.ctx)
	return cells, zoning, err
}

// customFields are the fields of people's own, in alphabetical order.
func customFields(said map[string]map[string]string) []string {
	var out []string
	for _, fields := range said {
		for name := range fields {
			if strings.HasPrefix(name, inventory.CustomPrefix) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

func mac(v inventory.Address) string { return v.MAC }
func ip(v inventory.Address) string  { return v.IP }

// joined are the addresses of an asset, each once.
func joined(v inventory.Asset, of func(inventory.Address) string) string {
	var out []string
	for _, address := range v.Addresses {
		if text := of(address); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, "; ")
}
