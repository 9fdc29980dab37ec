package main

import (
	"maps"
	"slices"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// takeBack finds the devices to take back among those that only people know of. What was met on the wire is there, whatever people say.
func takeBack(a *app, store *sqlite.Store, about map[string]inventory.Line, in *intake) error {
	for _, id := range slices.SortedFunc(maps.Keys(about), func(x, y string) int { return about[x].Number - about[y].Number }) {
		v, err := store.Asset(a.ctx, id)
		if err != nil {
			return err
		}
		line := about[id].Number
		name := first(v.Name, firstAddress(v), id)
		if v.Seen != "" {
			in.problem(line, "%s (%s) was met on the wire, so it cannot be taken back; --reconcile shows what people say otherwise", name, id)
			continue
		}
		subjects, err := store.Subjects(a.ctx, id)
		if err != nil {
			return err
		}
		in.taken = append(in.taken, subjects)
		in.differences = append(in.differences, difference{Line: line, Of: id, Name: name, Field: "entered", Old: inventory.EnteredYes, New: inventory.EnteredNo})
	}
	return nil
}
