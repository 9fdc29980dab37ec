package table

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// made gives the rows of a list that is in memory.
func made[T any](list []T, row func(T) []Cell) iter.Seq2[[]Cell, error] {
	return func(yield func([]Cell, error) bool) {
		for _, one := range list {
			if !yield(row(one), nil) {
				return
			}
		}
	}
}

// ownFields are the names of the fields of people's own, in alphabetical order.
func ownFields[T any](list []T, said func(T) map[string]string) []string {
	var names []string
	for _, one := range list {
		for name := range said(one) {
			if strings.HasPrefix(name, inventory.CustomPrefix) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// people are the columns of what people say: the fields of this kind, and those of their own.
func people[T any](fields []inventory.Field, list []T, said func(T) map[string]string) (columns []Column, cells func(T) []Cell) {
	for _, f := range fields {
		columns = append(columns, Column{f.Name, 20})
	}
	for _, name := range ownFields(list, said) {
		columns = append(columns, Column{name, 20})
	}
	return columns, func(one T) []Cell {
		row := make([]Cell, len(columns))
		for i, c := range columns {
			row[i] = said(one)[c.Name]
		}
		return row
	}
}

// conduits has the 35 columns of the conduit list, and behind them fields of people's own, if there are any; so the mark is not among
// them.
func conduits(ctx context.Context, from inventory.Source) (Table, error) {
	zoning, err := inventory.ProposeZones(ctx, from)
	if err != nil {
		return Table{}, err
	}
	list, err := inventory.Conduits(ctx, from, zoning)
	if err != nil {
		return Table{}, err
	}
	names := inventory.ConduitColumns()
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{name, 18}
	}
	typed := map[string]func(inventory.Conduit) Cell{
		"median_interval_ms": func(c inventory.Conduit) Cell { return number(c.MedianIntervalMS) },
		"bytes":              func(c inventory.Conduit) Cell { return c.Bytes },
		"first_seen":         func(c inventory.Conduit) Cell { return c.FirstSeen },
		"last_seen":          func(c inventory.Conduit) Cell { return c.LastSeen },
	}
	own, said := people(nil, list, func(c inventory.Conduit) map[string]string { return c.Custom })
	return Table{append(columns, own...), made(list, func(c inventory.Conduit) []Cell {
		row := make([]Cell, 0, len(names)+len(own))
		for i, value := range c.Values() {
			if cell := typed[names[i]]; cell != nil {
				row = append(row, cell(c))
			} else {
				row = append(row, value)
			}
		}
		return append(row, said(c)...)
	})}, nil
}

func zones(ctx context.Context, from inventory.Source) (Table, error) {
	zoning, err := inventory.ProposeZones(ctx, from)
	if err != nil {
		return Table{}, err
	}
	columns := []Column{
		{"zone_id", 16},
		{"site", 14},
		{"name", 24},
		{"accepted", 10},
		{"proposed", 10},
		{"outside", 8},
		{"reason", 30},
		{"levels", 8},
		{"segments", 18},
		{"networks", 20},
		{"vlans", 10},
		{"assets", 30},
		{"access_points", 24},
		{"separate", 40},
	}
	own, said := people(inventory.ZoneFields(), zoning.Zones, func(z inventory.Zone) map[string]string { return z.Annotations })
	columns = append(append(columns, own...), Column{"tlp", 9})
	return Table{columns, made(zoning.Zones, func(z inventory.Zone) []Cell {
		row := []Cell{
			z.ID, z.Site, z.Name, z.Accepted, z.Proposed, z.Outside, z.Reason, z.Levels,
			z.Segments, z.Networks, each(z.VLANs, func(v uint16) string { return strconv.Itoa(int(v)) }), z.Assets, z.AccessPoints, each(z.Separate, separation),
		}
		return append(append(row, said(z)...), TLP{})
	})}, nil
}

// separation writes an asset that should stand in a zone of its own.
func separation(s inventory.Separation) string {
	return strings.TrimSpace(s.Asset+" "+s.Name) + " (" + s.Rule + ": " + s.Why + ")"
}

func external(ctx context.Context, from inventory.Source) (Table, error) {
	list, err := inventory.External(ctx, from)
	if err != nil {
		return Table{}, err
	}
	columns := []Column{
		{"external_id", 16},
		{"site", 14},
		{"asset", 20},
		{"name", 24},
		{"address", 17},
		{"kind", 10},
		{"peer", 30},
		{"product", 18},
		{"operator", 18},
		{"names", 30},
		{"addresses", 24},
		{"others", 8},
		{"services", 18},
		{"direction", 10},
		{"operations", 14},
		{"frequency", 10},
		{"median_interval_ms", 12},
		{"packets", 10},
		{"bytes", 12},
		{"first_seen", 20},
		{"last_seen", 20},
		{"evidence", 40},
	}
	own, said := people(inventory.ExternalFields(), list, func(d inventory.Dependency) map[string]string { return d.Annotations })
	columns = append(append(columns, own...), Column{"tlp", 9})
	return Table{columns, made(list, func(d inventory.Dependency) []Cell {
		row := []Cell{
			d.ID, d.Site, d.Asset, d.Name, d.Address, d.Kind, d.Peer, d.Product, d.Operator,
			d.Names, d.Addresses, number(int64(d.Others)), d.Services, d.Direction, d.Operations, d.Frequency,
			number(d.MedianIntervalMS), d.Packets, d.Bytes, d.FirstSeen, d.LastSeen, d.Evidence,
		}
		return append(append(row, said(d)...), TLP{})
	})}, nil
}

func coverage(ctx context.Context, from inventory.Source) (Table, error) {
	list, err := inventory.Coverage(ctx, from)
	if err != nil {
		return Table{}, err
	}
	return Table{
		[]Column{{"kind", 14}, {"site", 14}, {"segment", 14}, {"survey", 8}, {"what", 30}, {"count", 8}, {"why", 50}, {"close", 50}, {"tlp", 9}},
		made(list, func(h inventory.Hole) []Cell {
			return []Cell{h.Kind, h.Site, h.Segment, h.Survey, h.What, number(int64(h.Count)), h.Why, h.Close, TLP{}}
		}),
	}, nil
}

func gaps(ctx context.Context, from inventory.Source) (Table, error) {
	asked, err := inventory.AskedBy(ctx, from)
	if err != nil {
		return Table{}, err
	}
	counter := inventory.NewGapCounter(asked)
	return Table{
		[]Column{
			{"asset", 20}, {"site", 14}, {"segment", 14}, {"name", 24}, {"ips", 17}, {"field", 16}, {"title", 30}, {"priority", 10}, {"close", 60}, {"tlp", 9},
		},
		rows(from.Assets(ctx), "read assets", func(a inventory.Asset) [][]Cell {
			ips := each(a.Addresses, func(x inventory.Address) string { return x.IP })
			var out [][]Cell
			for _, g := range counter.Add(a) {
				out = append(out, []Cell{a.ID, a.Site, a.Segment, a.Name, ips, g.Field, g.Title, g.Priority, g.Close, TLP{}})
			}
			return out
		}),
	}, nil
}
