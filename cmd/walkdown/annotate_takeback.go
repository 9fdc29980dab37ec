package main

import (
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// takenBack is a device that a person entered by mistake.
type takenBack struct {
	line     int
	subjects []discovery.Subject // all that it was entered under
}

// takeBack finds the devices to take back among those that only people know of. What was met on the wire is there, whatever people say.
func takeBack(a *app, store *sqlite.Store, about map[string]inventory.Line, in *intake) error {
	for v, err := range store.Assets(a.ctx) {
		if err != nil {
			return err
		}
		line, ok := about[v.ID]
		if !ok {
			continue
		}
		name := first(v.Name, firstAddress(v), v.ID)
		if v.Seen != "" {
			in.problem(line.Number, "%s (%s) was met on the wire, so it cannot be taken back; --reconcile shows what people say otherwise", name, v.ID)
			continue
		}
		subjects, err := store.Subjects(a.ctx, v.ID)
		if err != nil {
			return err
		}
		in.taken = append(in.taken, takenBack{line.Number, subjects})
		in.differences = append(in.differences, difference{Line: line.Number, Of: v.ID, Name: name, Field: "entered", Old: inventory.EnteredYes, New: inventory.EnteredNo})
	}
	slices.SortFunc(in.taken, func(x, y takenBack) int { return x.line - y.line })
	slices.SortFunc(in.differences, func(x, y difference) int { return x.Line - y.Line })
	return nil
}
