// Package netbox writes an inventory as the CSV files that the import forms of NetBox 4.2 and later take (Bulk import, one file for each
// kind of object). Their names begin with the order in which they are imported, since each refers to those before it.
//
// NetBox wants more than a network tells: a device has a role and a type of a manufacturer, so what is not known is "Unknown"; a prefix
// length is not known and written as that of a single host. A segment becomes a VRF, because an address counts only inside its segment.
package netbox

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"

	guard "github.com/walkdown-ot/walkdown/exporters/csv"
	"github.com/walkdown-ot/walkdown/exporters/tlp"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Options are what an export can be given.
type Options struct {
	TLP string // the mark of the Traffic Light Protocol, in the comments of each device; empty means AMBER
}

// Export writes the files into a folder, one after another. The assets are read once for each file and once beforehand.
func Export(ctx context.Context, from inventory.Source, into func(name string, write func(io.Writer) error) error, o Options) error {
	mark, err := tlp.Mark(o.TLP)
	if err != nil {
		return err
	}
	c, err := readCatalogue(ctx, from)
	if err != nil {
		return err
	}
	c.mark = mark
	for _, f := range c.files() {
		err := into(f.name, func(to io.Writer) error {
			out := csv.NewWriter(to)
			if err := out.Write(f.columns); err != nil {
				return err
			}
			write := func(cells ...string) error {
				if len(cells) != len(f.columns) {
					panic(fmt.Sprintf("%s: %d cells under %d columns", f.name, len(cells), len(f.columns)))
				}
				for i := range cells {
					cells[i] = guard.Cell(cells[i])
				}
				return out.Write(cells)
			}
			for _, row := range f.rows {
				if err := write(row...); err != nil {
					return err
				}
			}
			if f.asset != nil {
				for a, err := range from.Assets(ctx) {
					if err != nil {
						return fmt.Errorf("read assets: %w", err)
					}
					for _, row := range f.asset(a) {
						if err := write(row...); err != nil {
							return err
						}
					}
				}
			}
			out.Flush()
			return out.Error()
		})
		if err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return nil
}

// file is one that is imported: rows that are known beforehand, or those of each asset.
type file struct {
	name    string
	columns []string
	rows    [][]string
	asset   func(inventory.Asset) [][]string
}

// catalogue is what devices refer to.
type catalogue struct {
	mark     string
	names    map[string]string // of devices, by asset: no two alike, whatever their case
	sites    map[string]bool
	makers   map[string]bool
	roles    map[string]bool
	types    map[deviceType]string // part number
	segments map[segment]bool
}

type deviceType struct{ maker, model string }

type segment struct{ site, name string }

func (c *catalogue) files() []file {
	var sites, makers, roles, types, vrfs [][]string
	slugs := newSlugs()
	for _, name := range slices.Sorted(maps.Keys(c.sites)) {
		sites = append(sites, []string{name, slugs.of("site", name), "active"})
	}
	for _, name := range slices.Sorted(maps.Keys(c.makers)) {
		makers = append(makers, []string{name, slugs.of("maker", name)})
	}
	for _, name := range slices.Sorted(maps.Keys(c.roles)) {
		roles = append(roles, []string{name, slugs.of("role", name), "9e9e9e"})
	}
	for _, t := range slices.SortedFunc(maps.Keys(c.types), compareTypes) {
		types = append(types, []string{t.maker, t.model, slugs.of("type "+t.maker, t.model), c.types[t], "0", "false"})
	}
	for _, s := range slices.SortedFunc(maps.Keys(c.segments), compareSegments) {
		vrfs = append(vrfs, []string{s.vrf(), s.distinguisher(), "false"}) // redundant pairs share an address
	}
	return []file{
		{name: "01-sites.csv", columns: []string{"name", "slug", "status"}, rows: sites},
		{name: "02-manufacturers.csv", columns: []string{"name", "slug"}, rows: makers},
		{name: "03-device-roles.csv", columns: []string{"name", "slug", "color"}, rows: roles},
		{name: "04-device-types.csv", columns: []string{"manufacturer", "model", "slug", "part_number", "u_height", "is_full_depth"}, rows: types},
		{name: "05-vrfs.csv", columns: []string{"name", "rd", "enforce_unique"}, rows: vrfs},
		{name: "06-devices.csv", columns: []string{"name", "role", "manufacturer", "device_type", "serial", "status", "site", "description", "comments"}, asset: c.device},
		{name: "07-interfaces.csv", columns: []string{"device", "name", "type", "enabled", "description"}, asset: c.interfaces},
		{name: "08-mac-addresses.csv", columns: []string{"mac_address", "device", "interface", "is_primary"}, asset: c.macs},
		{name: "09-ip-addresses.csv", columns: []string{"address", "vrf", "status", "device", "interface", "is_primary"}, asset: c.ips},
		{name: "10-inventory-items.csv", columns: []string{"device", "name", "manufacturer", "part_id", "serial", "discovered", "description"}, asset: c.items},
	}
}
