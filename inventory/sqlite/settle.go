package sqlite

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// atOnce is how many subjects are settled at a time: it bounds the memory of a settling that a flood has made large.
const atOnce = 512

// settleShare keeps settling to a part of the time: after one that took long, the next waits this many times as long. Until
// then the facts are stored and the assets stay as they were.
const settleShare = 3

// postpone notes the dirty subjects as unsettled.
func (w *writer) postpone(ctx context.Context, tx *session) error {
	for _, subject := range slices.Sorted(maps.Keys(w.dirty)) {
		if _, err := tx.exec(ctx, "INSERT OR IGNORE INTO unsettled (subject) VALUES (?)", subject); err != nil {
			return err
		}
	}
	w.behind = w.behind || len(w.dirty) > 0
	return nil
}

// settle resolves anew who is who around the unsettled subjects, and folds the assets that come of it, in pieces that share
// nothing.
func (w *writer) settle(ctx context.Context, tx *session) error {
	started := time.Now()
	for {
		c := &cluster{tx: tx, incoming: w.incoming}
		n, err := c.start(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		if err := w.settlePiece(ctx, tx, c); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "DELETE FROM unsettled WHERE subject IN (SELECT subject FROM work)"); err != nil {
			return err
		}
	}
	w.settled = time.Now()
	w.took = w.settled.Sub(started)
	return nil
}

// settlePiece settles the subjects that the cluster begins with. It looks at no more than it must: the subjects that share an
// address, an asset or a mark with one of them, and those that share with these.
func (w *writer) settlePiece(ctx context.Context, tx *session, c *cluster) error {
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
		more, err := c.sharing(ctx, things, before, w.partners)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	known := make([]inventory.Known, 0, len(before))
	for id, s := range before {
		known = append(known, inventory.Known{ID: id, Born: s.born, Marks: s.marks, Took: s.took})
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
	if err := c.enteredAgain(ctx, things, &matching); err != nil {
		return err
	}
	matching.Explain(things, func(id string) inventory.Asset {
		a, err := assetOf(id, []byte(before[id].body))
		if err != nil {
			failed = err
		}
		return a
	})
	if failed != nil {
		return failed
	}
	return w.save(ctx, tx, things, before, matching)
}
