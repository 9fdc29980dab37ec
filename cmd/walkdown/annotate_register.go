package main

import (
	"strings"

	"github.com/walkdown-ot/walkdown/exporters/csv"
	"github.com/walkdown-ot/walkdown/exporters/table"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// registerTables are the tables of the things with ids of their own, by the beginning of these.
func registerTables() map[string]string {
	return map[string]string{"c-": "conduits", "x-": "external", "z-": "zones"}
}

// registerColumns are the columns of a sheet of conduits, external dependencies or zones, without people's own; those that are no fields
// are for reading only.
func registerColumns(a *app, store *sqlite.Store, kind string) ([]string, error) {
	name, ok := registerTables()[kind]
	if !ok {
		return nil, nil
	}
	maker, err := table.Find(name)
	if err != nil {
		return nil, err
	}
	made, err := maker.Make(a.ctx, store)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range made.Columns {
		if !strings.HasPrefix(c.Name, inventory.CustomPrefix) {
			names = append(names, c.Name)
		}
	}
	return names, nil
}

// tableSheet writes a table as a sheet that people fill in.
func tableSheet(a *app, store *sqlite.Store, what string) error {
	return csv.Export(a.ctx, store, a.stdout, csv.Options{What: what})
}

// register compares lines about conduits, external dependencies or zones, which their ids find.
func register(a *app, store *sqlite.Store, kind string, lines []inventory.Line, in *intake) error {
	names, word, err := registered(a, store, kind)
	if err != nil {
		return err
	}
	said, err := store.Said(a.ctx, kind)
	if err != nil {
		return err
	}
	seen := map[string]int{}
	for _, line := range lines {
		id := line.Who.ID
		name, known := names[id]
		switch {
		case id == "":
			in.problem(line.Number, "it has no id")
		case !known:
			in.problem(line.Number, "there is no %s %s now", word, id)
		case seen[id] > 0:
			in.problem(line.Number, "it is about %s, like line %d", id, seen[id])
		default:
			seen[id] = line.Number
			in.annotations = append(in.annotations, annotations(id, name, line, inventory.FieldsOf(id), said[id], in)...)
		}
	}
	return nil
}

// registered are the names of what there is of a kind now, by id, and what one of it is called.
func registered(a *app, store *sqlite.Store, kind string) (names map[string]string, word string, err error) {
	names = map[string]string{}
	if kind == "x-" {
		list, err := inventory.External(a.ctx, store)
		for _, d := range list {
			names[d.ID] = first(d.Name, d.Address) + " " + d.Peer
		}
		return names, "external dependency", err
	}
	zoning, err := inventory.ProposeZones(a.ctx, store)
	if err != nil {
		return nil, "", err
	}
	if kind == "z-" {
		for _, zone := range zoning.Zones {
			names[zone.ID] = zone.Name
		}
		return names, "zone", nil
	}
	list, err := inventory.Conduits(a.ctx, store, zoning)
	for _, conduit := range list {
		names[conduit.ID] = conduit.Name
	}
	return names, "conduit", err
}
