package sqlite

import (
	"context"

	"github.com/walkdown-ot/walkdown/inventory"
)

// settle resolves anew who is who around the dirty subjects, and folds the assets that come of it. It looks at no more than it
// must: the subjects that share an address, an asset or a mark with a dirty one, and those that share with these.
func (w *writer) settle(ctx context.Context, tx *session) error {
	if len(w.dirty) == 0 {
		return nil
	}
	c := &cluster{tx: tx}
	if err := c.start(ctx, w.dirty); err != nil {
		return err
	}
	var things []inventory.Thing
	var before map[string]*stored
	for {
		if err := c.grow(ctx); err != nil {
			return err
		}
		sightings, err := c.sightings(ctx)
		if err != nil {
			return err
		}
		if before, err = c.assets(ctx); err != nil {
			return err
		}
		things = w.rules.Resolve(sightings)
		more, err := c.sharing(ctx, things, before)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	known := make([]inventory.Known, 0, len(before))
	for id, s := range before {
		known = append(known, inventory.Known{ID: id, Age: s.age, Marks: s.marks})
	}
	// What the id was given to before is not to be taken for the new asset, not even by chance.
	var failed error
	fresh := func() string {
		for {
			id := w.store.options.NewID()
			var taken bool
			if _, err := tx.row(ctx, "SELECT EXISTS (SELECT 1 FROM assets WHERE id = ?1 UNION SELECT 1 FROM merges WHERE asset = ?1)", []any{id}, &taken); err != nil {
				failed = err
			}
			if !taken {
				return id
			}
		}
	}
	matching := inventory.Match(known, things, fresh)
	if failed != nil {
		return failed
	}
	return w.save(ctx, tx, things, before, matching)
}
