package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

type surveysCmd struct{}

// Run prints the runs so far.
func (surveysCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	columns := []column[inventory.Survey]{
		{"ID", func(v inventory.Survey) string { return v.ID }, 0},
		{"Kind", func(v inventory.Survey) string { return v.Kind }, 0},
		{"Started", func(v inventory.Survey) string { return local(v.Started) }, 0},
		{"Took", took, 6},
		{"Site", func(v inventory.Survey) string { return v.Site }, 5},
		{"Segment", func(v inventory.Survey) string { return v.Segment }, 0},
		{"Sensor", func(v inventory.Survey) string { return v.Sensor }, 1},
		{"Plugged into", func(v inventory.Survey) string { return plug(v.Plug) }, 4},
		{"Scope", func(v inventory.Survey) string { return strings.Join(v.Scope, ", ") }, 2},
		{"Operator", func(v inventory.Survey) string { return v.Operator }, 7},
		{"Permission", func(v inventory.Survey) string { return v.Permission }, 8},
		{"Asked", func(v inventory.Survey) string { return count(v.Counts["questions"]) }, 3},
		{"Outcome", func(v inventory.Survey) string { return v.Outcome }, 0},
		{"Why", func(v inventory.Survey) string { return strings.Join(v.Reasons, "; ") }, 0},
	}
	return list(a, store.Surveys(a.ctx), columns, "no survey has been recorded yet")
}

// local is a time as a person at this machine reads it.
func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func took(v inventory.Survey) string {
	if v.Ended.IsZero() {
		return ""
	}
	return v.Ended.Sub(v.Started).Round(time.Second / 10).String()
}

// plug is the plug-in point in a few words: the switch and port, else the gateway.
func plug(p inventory.PlugInPoint) string {
	switch {
	case p.Switch != "" || p.SwitchName != "":
		return strings.TrimSpace(fmt.Sprintf("%s %s", first(p.SwitchName, p.Switch), p.Port))
	case p.GatewayMAC != "":
		return "gateway " + p.GatewayMAC
	}
	return p.Address
}
