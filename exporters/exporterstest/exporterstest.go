// Package exporterstest holds inventories for the tests of exporters: one with every feature, one whose names mean harm, and one
// as large as wanted.
package exporterstest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// ErrBroken is what a broken inventory fails with.
var ErrBroken = errors.New("the inventory broke")

// ErrFull is what writing to a FullDisk fails with.
var ErrFull = errors.New("no space left on device")

// FullDisk is a file on a disk that is full.
type FullDisk struct{}

// Write writes nothing.
func (FullDisk) Write([]byte) (int, error) { return 0, ErrFull }

// Inventory is an inventory.Source in memory.
type Inventory struct {
	Things []inventory.Asset
	Proofs map[string][]inventory.Evidence // by asset
	Talks  []inventory.Conversation
	// Changed, Runs and Sent are the history.
	Changed []inventory.Change
	Runs    []inventory.Survey
	Sent    []inventory.LedgerEntry
	// Broken makes every list end with ErrBroken.
	Broken bool
}

// Assets gives the things, in their order.
func (i *Inventory) Assets(ctx context.Context) iter.Seq2[inventory.Asset, error] {
	return sequence(ctx, i, slices.Values(i.Things))
}

// Evidence gives the proofs of one asset.
func (i *Inventory) Evidence(ctx context.Context, asset string) iter.Seq2[inventory.Evidence, error] {
	return sequence(ctx, i, slices.Values(i.Proofs[asset]))
}

// Conversations gives the talks.
func (i *Inventory) Conversations(ctx context.Context) iter.Seq2[inventory.Conversation, error] {
	return sequence(ctx, i, slices.Values(i.Talks))
}

// Changes gives those of a time and a survey, or later.
func (i *Inventory) Changes(ctx context.Context, since time.Time, survey string) iter.Seq2[inventory.Change, error] {
	older := func(id string) bool { return len(id) < len(survey) || len(id) == len(survey) && id < survey }
	return sequence(ctx, i, func(yield func(inventory.Change) bool) {
		for _, c := range i.Changed {
			if !c.Time.Before(since) && !older(c.Survey) && !yield(c) {
				return
			}
		}
	})
}

// Surveys gives the runs.
func (i *Inventory) Surveys(ctx context.Context) iter.Seq2[inventory.Survey, error] {
	return sequence(ctx, i, slices.Values(i.Runs))
}

// Ledger gives what was sent.
func (i *Inventory) Ledger(ctx context.Context, survey string) iter.Seq2[inventory.LedgerEntry, error] {
	return sequence(ctx, i, func(yield func(inventory.LedgerEntry) bool) {
		for _, e := range i.Sent {
			if (survey == "" || e.Survey == survey) && !yield(e) {
				return
			}
		}
	})
}

// sequence ends with the error of the context as soon as it has one.
func sequence[T any](ctx context.Context, i *Inventory, all iter.Seq[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for one := range all {
			if err := ctx.Err(); err != nil {
				yield(none, err)
				return
			}
			if !yield(one, nil) {
				return
			}
		}
		if i.Broken {
			yield(none, ErrBroken)
		}
	}
}
