package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type zonesCmd struct {
	Accept []string `placeholder:"ZONE,..." help:"Put the assets of these proposals into the zones that are proposed, as a person would; all for every proposal."`
	Assets bool     `help:"List the assets, each with its zone and why."`
	Yes    bool     `help:"--accept: do not ask for a confirmation."`
	Author string   `placeholder:"NAME" help:"--accept: who says so."`
}

// Help is shown below the flags.
func (zonesCmd) Help() string {
	return `Zones are proposed from networks, VLANs, levels and who exchanges data with whom, until people put assets into them: by --accept, or
by the column zone of a sheet (walkdown annotate). With --format csv, a sheet of the zones that "walkdown annotate" takes back.`
}

// Run lists the zones, or accepts proposals.
func (c zonesCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	if a.common.Format == "csv" && !c.Assets && len(c.Accept) == 0 {
		return errors.Join(tableSheet(a, store, "zones"), store.Close())
	}
	zoning, err := inventory.ProposeZones(a.ctx, store)
	if err == nil && c.Assets {
		err = c.listAssets(a, store, zoning)
	}
	if err = errors.Join(err, store.Close()); err != nil || c.Assets {
		return err
	}
	if len(c.Accept) > 0 {
		return c.accept(a, zoning)
	}
	return list(a, each(zoning.Zones), zoneColumns(), "no asset is known yet")
}

func zoneColumns() []column[inventory.Zone] {
	return []column[inventory.Zone]{
		{"Zone", func(z inventory.Zone) string { return z.Name }, 0},
		{"Site", func(z inventory.Zone) string { return unlessDefault(z.Site) }, 4},
		{"Accepted", func(z inventory.Zone) string { return count(z.Accepted) }, 0},
		{"Proposed", func(z inventory.Zone) string { return count(z.Proposed) }, 0},
		{"Levels", func(z inventory.Zone) string { return strings.Join(z.Levels, " ") }, 1},
		{"VLANs", vlans, 2},
		{"Ways in", func(z inventory.Zone) string { return strings.Join(z.AccessPoints, ", ") }, 3},
		{"Stand apart", separations, 2},
		{"Why", func(z inventory.Zone) string { return z.Reason }, 0},
	}
}

func vlans(z inventory.Zone) string { return strings.Trim(fmt.Sprint(z.VLANs), "[]") }

// separations are the assets that should stand in a zone of their own.
func separations(z inventory.Zone) string {
	words := make([]string, len(z.Separate))
	for i, s := range z.Separate {
		words[i] = s.Name + " (" + s.Rule + ")"
	}
	return strings.Join(words, ", ")
}

// zonedAsset is an asset with where it belongs.
type zonedAsset struct {
	Asset string `json:"asset"`
	Name  string `json:"name,omitempty"`
	IP    string `json:"ip,omitempty"`
	inventory.Placement
}

func (zonesCmd) listAssets(a *app, store *sqlite.Store, zoning *inventory.Zoning) error {
	rows := func(yield func(zonedAsset, error) bool) {
		for v, err := range store.Assets(a.ctx) {
			p, ok := zoning.Of(v.ID)
			if err == nil && !ok {
				continue // the sensor
			}
			if !yield(zonedAsset{v.ID, v.Name, firstAddress(v), p}, err) {
				return
			}
		}
	}
	return list(a, rows, []column[zonedAsset]{
		{"Address", func(z zonedAsset) string { return first(z.IP, z.Asset) }, 0},
		{"Name", func(z zonedAsset) string { return z.Name }, 0},
		{"Zone", func(z zonedAsset) string { return z.Zone }, 0},
		{"Accepted", func(z zonedAsset) string { return yes(z.Accepted) }, 0},
		{"Why", func(z zonedAsset) string { return z.Reason }, 0},
		{"ID", func(z zonedAsset) string { return z.Asset }, 1},
	}, "no asset is known yet")
}

// accept writes the proposals down at their assets.
func (c zonesCmd) accept(a *app, zoning *inventory.Zoning) error {
	all := slices.Contains(c.Accept, "all")
	var names []string
	in := &intake{}
	for _, z := range zoning.Zones {
		if z.Outside || !all && !slices.Contains(c.Accept, z.Name) && !slices.Contains(c.Accept, z.ID) {
			continue
		}
		names = append(names, z.Name, z.ID)
		for _, id := range z.Assets {
			if p, _ := zoning.Of(id); !p.Accepted {
				in.annotations = append(in.annotations, inventory.Annotation{Of: id, Attribute: inventory.FieldZone, Value: z.Name})
			}
		}
	}
	for _, wanted := range c.Accept {
		if wanted != "all" && !slices.Contains(names, wanted) {
			return usage("`walkdown zones` lists them", "there is no zone %q to accept", wanted)
		}
	}
	if len(in.annotations) == 0 {
		a.say("nothing is left to accept there")
		return nil
	}
	take := annotateCmd{Yes: c.Yes, Author: c.Author}
	ok, err := take.confirmed(a, len(in.annotations))
	if err != nil || !ok {
		return err
	}
	if err := take.store(a, in); err != nil {
		return err
	}
	a.say("%s accepted", counted(len(in.annotations), "asset's zone was", "assets' zones were"))
	return nil
}
