package main

import (
	"context"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// identified tells the pace-keeper what the inventory makes of a device.
func (a *app) identified(ctx context.Context, store *sqlite.Store) func(discovery.Subject) ask.Identity {
	return func(about discovery.Subject) ask.Identity {
		asset, ok, err := store.At(ctx, about)
		if err != nil && ctx.Err() == nil {
			a.log.Warn("look up what is identified", "err", err)
		}
		if !ok {
			return ask.Identity{}
		}
		return ask.Identity{
			Type: asset.Type, Vendor: asset.Vendor, Model: asset.Model, Firmware: asset.Firmware, Serial: asset.Serial, Names: asset.Names,
		}
	}
}
