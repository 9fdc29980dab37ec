package main

import (
	"strconv"

	"github.com/walkdown-ot/walkdown/inventory"
)

type ledgerCmd struct {
	Of    string `name:"survey" placeholder:"ID" help:"Only the requests of this survey."`
	Check bool   `help:"Compare what was sent with the plan that was kept before: of this survey, or of the last one that sent anything."`
}

// Run prints every request that was sent.
func (c ledgerCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	if c.Check {
		return c.check(a, store)
	}
	columns := []column[inventory.LedgerEntry]{
		{"Time", func(v inventory.LedgerEntry) string { return v.Time.Local().Format("2006-01-02 15:04:05.000") }, 0},
		{"Survey", func(v inventory.LedgerEntry) string { return v.Survey }, 2},
		{"Target", func(v inventory.LedgerEntry) string { return v.Target }, 0},
		{"Protocol", func(v inventory.LedgerEntry) string { return v.Protocol }, 0},
		{"Request", func(v inventory.LedgerEntry) string { return v.Request }, 0},
		{"Outcome", func(v inventory.LedgerEntry) string { return v.Outcome }, 0},
		{"ms", func(v inventory.LedgerEntry) string { return milliseconds(v.RTTMS) }, 3},
		{"Note", func(v inventory.LedgerEntry) string { return v.Note }, 1},
	}
	if a.common.Verbose || a.common.Format != "table" {
		columns = append(columns, column[inventory.LedgerEntry]{"Bytes", func(v inventory.LedgerEntry) string { return v.Bytes }, 0})
	}
	return list(a, store.Ledger(a.ctx, c.Of), columns, "nothing has been sent yet")
}

func milliseconds(ms float64) string {
	if ms == 0 {
		return ""
	}
	return strconv.FormatFloat(ms, 'f', 1, 64)
}
