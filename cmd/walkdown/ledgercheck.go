package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// checkReport is the JSON form of a ledger that was compared with its plan.
type checkReport struct {
	Survey     string         `json:"survey"`
	Agrees     bool           `json:"agrees"`
	Sent       int            `json:"sent"`
	Skipped    int            `json:"skipped"`
	Devices    int            `json:"devices"`
	Untouched  int            `json:"untouched"`
	Deviations []deviationRow `json:"deviations"`
}

type deviationRow struct {
	inventory.LedgerEntry
	Reason string `json:"reason"`
}

// check compares the ledger of a survey, or of the last one that sent anything, with the plan that was kept before it.
func (c ledgerCmd) check(a *app, store *sqlite.Store) error {
	id := c.Of
	var lines []ask.Line
	entries := map[string][]inventory.LedgerEntry{}
	for entry, err := range store.Ledger(a.ctx, c.Of) {
		if err != nil {
			return err
		}
		entries[entry.Survey] = append(entries[entry.Survey], entry)
		if c.Of == "" {
			id = entry.Survey
		}
	}
	if id == "" {
		a.say("nothing has been sent yet")
		return nil
	}
	for _, entry := range entries[id] {
		line, err := ledgerLine(entry)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	plans, err := plansOf(a, store, id)
	if err != nil {
		return err
	}
	found, err := ask.Reconcile(plans, lines)
	if err != nil {
		return failed(fmt.Errorf("compare the ledger of %s with its plan: %w", id, err), "")
	}
	report := checkReport{
		Survey: id, Agrees: len(found.Deviations) == 0, Sent: found.Sent, Skipped: found.Skipped, Devices: found.Devices, Untouched: found.Untouched,
		Deviations: []deviationRow{},
	}
	for _, d := range found.Deviations {
		report.Deviations = append(report.Deviations, deviationRow{rowOf(id, d.Line), d.Reason})
	}
	if err := report.print(a, len(plans) > 0); err != nil {
		return err
	}
	if !report.Agrees {
		return failed(fmt.Errorf("the ledger of %s does not agree with its plan: %d of %d messages", id, len(report.Deviations), report.Sent), "")
	}
	return nil
}

func (r checkReport) print(a *app, planned bool) error {
	if a.common.Format == "json" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		_, err = fmt.Fprintln(a.stdout, string(text))
		return err
	}
	if len(r.Deviations) > 0 {
		columns := []column[deviationRow]{
			{"Time", func(v deviationRow) string { return v.Time.Local().Format("2006-01-02 15:04:05.000") }, 0},
			{"Target", func(v deviationRow) string { return v.Target }, 0},
			{"Protocol", func(v deviationRow) string { return v.Protocol }, 0},
			{"Request", func(v deviationRow) string { return v.Request }, 0},
			{"Reason", func(v deviationRow) string { return v.Reason }, 0},
		}
		return list(a, each(r.Deviations), columns, "")
	}
	text := fmt.Sprintf("the ledger of %s agrees with its plan: %s to %s", r.Survey, plural(r.Sent, "message"), plural(r.Devices, "address"))
	if !planned {
		text = fmt.Sprintf("survey %s had no plan and sent nothing", r.Survey)
	}
	if r.Skipped > 0 {
		text += fmt.Sprintf("; %d held back", r.Skipped)
	}
	if r.Untouched > 0 {
		text += fmt.Sprintf("; nothing was sent to %s of the plan", plural(r.Untouched, "device"))
	}
	_, err := fmt.Fprintln(a.stdout, text)
	return err
}

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func plansOf(a *app, store *sqlite.Store, id string) ([]ask.Plan, error) {
	texts, err := store.Plans(a.ctx, id)
	if err != nil {
		return nil, err
	}
	plans := make([]ask.Plan, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal(text, &plans[i]); err != nil {
			return nil, fmt.Errorf("read the plan of %s: %w", id, err)
		}
	}
	return plans, nil
}

func ledgerLine(e inventory.LedgerEntry) (ask.Line, error) {
	sent, err := hex.DecodeString(e.Bytes)
	if err != nil {
		return ask.Line{}, fmt.Errorf("read the ledger: %w", err)
	}
	host, _, _ := strings.Cut(e.Target, " ")
	addr, _ := netip.ParseAddr(host) // a MAC, or nothing: no device
	return ask.Line{
		Time: e.Time, Address: addr, Protocol: e.Protocol, Request: e.Request, Setup: e.Setup, Bytes: sent, Outcome: discovery.Outcome(e.Outcome),
	}, nil
}

func rowOf(survey string, l ask.Line) inventory.LedgerEntry {
	target := ""
	if l.Address.IsValid() {
		target = l.Address.String()
	}
	return inventory.LedgerEntry{
		Time: l.Time, Survey: survey, Target: target, Protocol: l.Protocol, Request: l.Request, Setup: l.Setup, Bytes: hex.EncodeToString(l.Bytes),
		Outcome: string(l.Outcome),
	}
}
