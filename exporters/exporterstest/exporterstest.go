// Package exporterstest holds inventories for the tests of exporters: one with every feature, one whose names mean harm, and one
// as large as wanted.
package exporterstest

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/walkdown-ot/walkdown/inventory"
)

// ErrBroken is what a broken inventory fails with.
var ErrBroken = errors.New("the inventory broke")

// Inventory is an inventory.Source in memory.
type Inventory struct {
	Things []inventory.Asset
	Proofs map[string][]inventory.Evidence // by asset
	Talks  []inventory.Conversation
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
