package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

type externalCmd struct{}

// Help is shown below the flags.
func (externalCmd) Help() string {
	return `Who outside of the site's networks an asset talks to or looks up, and the ways in that stand in the plant: remote-access products by
name, port and maker, cellular routers. With --format csv, a sheet that "walkdown annotate" takes back: partner, purpose, contract.`
}

// Run lists the external dependencies.
func (externalCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	if a.common.Format == "csv" {
		return tableSheet(a, store, "external")
	}
	dependencies, err := inventory.External(a.ctx, store)
	if err != nil {
		return err
	}
	return list(a, each(dependencies), externalColumns(), "nothing outside of the site's networks is known")
}

func externalColumns() []column[inventory.Dependency] {
	return []column[inventory.Dependency]{
		{"Asset", func(d inventory.Dependency) string { return first(d.Address, d.Name, d.Asset) }, 0},
		{"Name", func(d inventory.Dependency) string { return d.Name }, 1},
		{"Kind", func(d inventory.Dependency) string { return d.Kind }, 0},
		{"Peer", peer, 0},
		{"Direction", func(d inventory.Dependency) string { return d.Direction }, 0},
		{"Over", func(d inventory.Dependency) string { return strings.Join(d.Services, ", ") }, 0},
		{"Frequency", dependencyFrequency, 0},
		{"Partner", func(d inventory.Dependency) string { return d.Annotations["partner"] }, 0},
		{"Last seen", func(d inventory.Dependency) string { return local(d.LastSeen) }, 3},
		{"Why", func(d inventory.Dependency) string { return strings.Join(d.Evidence, ", ") }, 2},
		{"ID", func(d inventory.Dependency) string { return d.ID }, 4},
	}
}

// peer is who it is, with the cloud that it belongs to.
func peer(d inventory.Dependency) string {
	text := d.Peer
	if d.Operator != "" {
		text += " (" + d.Operator + ")"
	}
	if d.Others > 0 {
		text += fmt.Sprintf(" and %d more", d.Others)
	}
	return text
}

func dependencyFrequency(d inventory.Dependency) string {
	if d.MedianIntervalMS == 0 {
		return d.Frequency
	}
	return d.Frequency + " " + (time.Duration(d.MedianIntervalMS) * time.Millisecond).String()
}
