package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

type conduitsCmd struct {
	Open bool `help:"Only those that no person has approved."`
}

// Help is shown below the flags.
func (conduitsCmd) Help() string {
	return `Conversations between zones, added up by zones, protocol and port. A conduit is approved when people have said by whom and when:
"walkdown conduits --format csv" is the list of 35 columns; fill in approved_by, approved_on and the others, and take it in with
"walkdown annotate".`
}

// Run lists the conduits.
func (c conduitsCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	if a.common.Format == "csv" && !c.Open {
		return tableSheet(a, store, "conduits")
	}
	zoning, err := inventory.ProposeZones(a.ctx, store)
	if err != nil {
		return err
	}
	conduits, err := inventory.Conduits(a.ctx, store, zoning)
	if err != nil {
		return err
	}
	open := 0
	for _, conduit := range conduits {
		if !conduit.Accepted() {
			open++
		}
	}
	all := len(conduits)
	if c.Open {
		conduits = slices.DeleteFunc(conduits, inventory.Conduit.Accepted)
	}
	if err := list(a, each(conduits), conduitColumns(), "no conversation crosses from one zone into another"); err != nil {
		return err
	}
	if all > 0 {
		a.say("%d of %s not approved yet", open, counted(all, "conduit is", "conduits are"))
	}
	return nil
}

func conduitColumns() []column[inventory.Conduit] {
	return []column[inventory.Conduit]{
		{"From zone", func(c inventory.Conduit) string { return c.ZoneA }, 0},
		{"To zone", func(c inventory.Conduit) string { return c.ZoneB }, 0},
		{"Protocol", func(c inventory.Conduit) string { return strings.TrimSpace(c.Protocol + " " + c.L4Port) }, 0},
		{"Data goes", direction, 0},
		{"Clients", func(c inventory.Conduit) string { return fmt.Sprint(len(c.AssetsA)) }, 0},
		{"Servers", func(c inventory.Conduit) string { return fmt.Sprint(len(c.AssetsB)) }, 0},
		{"Frequency", conduitFrequency, 1},
		{"Encrypted", func(c inventory.Conduit) string { return c.Encrypted }, 3},
		{"Through", func(c inventory.Conduit) string { return c.LogicalAccessPoint }, 4},
		{"Boundary", func(c inventory.Conduit) string { return c.ExternalParty }, 2},
		{"Approved", approval, 0},
		{"ID", func(c inventory.Conduit) string { return c.ID }, 5},
	}
}

// direction is where the data goes, seen from the client.
func direction(c inventory.Conduit) string {
	switch c.Direction {
	case "a to b":
		return "in"
	case "b to a":
		return "out"
	case "both":
		return "both"
	}
	return ""
}

func conduitFrequency(c inventory.Conduit) string {
	if c.MedianIntervalMS == 0 {
		return c.FrequencyClass
	}
	return c.FrequencyClass + " " + (time.Duration(c.MedianIntervalMS) * time.Millisecond).String()
}

func approval(c inventory.Conduit) string {
	if !c.Accepted() {
		return ""
	}
	return c.ApprovedOn + " " + c.ApprovedBy
}
