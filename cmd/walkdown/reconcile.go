package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// reconciled is a line of a list beside the inventory, or an asset that the list does not have.
type reconciled struct {
	Line   int    `json:"line,omitempty"`  // of the list; absent for what is only on the wire
	Asset  string `json:"asset,omitempty"` // id; absent for what is only on paper
	Status string `json:"status"`          // matched, contradicting, paper, wire, unclear
	By     string `json:"by,omitempty"`    // what it was found by: id, serial, mac, ip
	Name   string `json:"name,omitempty"`
	// Contradicts are the fields in which both differ.
	Contradicts []inventory.Mismatch `json:"contradicts,omitempty"`
	Why         string               `json:"why,omitempty"` // of what is unclear
}

// The statuses, in the order in which they are told.
const (
	isContradicting = "contradicting"
	isPaper         = "paper"
	isWire          = "wire"
	isUnclear       = "unclear"
	isMatched       = "matched"
)

// reconcile compares a list of before with the inventory: matched, only on paper, only on the wire, contradicting. It changes nothing.
func reconcile(a *app, path string) error {
	table, err := annotateCmd{}.read(a, path)
	if err != nil {
		return err
	}
	l, err := inventory.NewList(table.Heads, inventory.Fields(), nil, addressesOf)
	if err != nil {
		return failed(fmt.Errorf("read the heads of the list: %w", err), "")
	}
	if !l.Identifies() {
		return failed(errors.New("no column of the list tells whom a line is about"), "columns that do: serial, mac, ip with segment, name")
	}
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	finder, err := newFinder(a.ctx, store)
	if err != nil {
		return err
	}
	var rows []reconciled
	about := map[string][]int{} // places in rows, by asset
	lines := map[int]inventory.Line{}
	for _, row := range table.Rows {
		line := l.Line(row.Line, row.Cells)
		r := reconciled{Line: line.Number, Name: first(line.Who.Name, whoText(line.Who))}
		var err error
		r.Asset, r.By, err = finder.Find(line.Who)
		switch {
		case errors.Is(err, inventory.ErrAmbiguous):
			r.Status, r.Why = isUnclear, err.Error()
		case err != nil:
			r.Status = isPaper
		default:
			r.Status = isMatched
			about[r.Asset] = append(about[r.Asset], len(rows))
			lines[line.Number] = line
		}
		rows = append(rows, r)
	}
	for v, err := range store.Assets(a.ctx) {
		if err != nil {
			return err
		}
		listed := about[v.ID]
		if len(listed) == 0 && v.Role != "sensor" && v.Seen != "" {
			rows = append(rows, reconciled{Asset: v.ID, Status: isWire, Name: strings.TrimSpace(firstAddress(v) + " " + first(v.Name, v.Model, v.Vendor, v.MACVendor))})
		}
		for _, i := range listed {
			r := &rows[i]
			if r.Contradicts = inventory.Mismatches(lines[r.Line], v); len(r.Contradicts) > 0 {
				r.Status = isContradicting
			}
			if len(listed) > 1 {
				r.Status, r.Why = isUnclear, fmt.Sprintf("%s of the list are about one asset", counted(len(listed), "line", "lines"))
			}
			if v.Seen == "" && r.Status == isMatched {
				r.Status = isPaper // it was entered from a list and never heard
			}
		}
	}
	slices.SortStableFunc(rows, func(x, y reconciled) int { return rank(x.Status) - rank(y.Status) })
	if err := list(a, each(rows), reconciledColumns(), "the list and the inventory are empty"); err != nil {
		return err
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Status]++
	}
	a.say("matched %d, contradicting %d, only on paper %d, only on the wire %d, unclear %d",
		counts[isMatched], counts[isContradicting], counts[isPaper], counts[isWire], counts[isUnclear])
	return nil
}

func rank(status string) int {
	return slices.Index([]string{isContradicting, isUnclear, isPaper, isWire, isMatched}, status)
}

func reconciledColumns() []column[reconciled] {
	return []column[reconciled]{
		{"Status", func(r reconciled) string { return r.Status }, 0},
		{"Line", func(r reconciled) string { return count(r.Line) }, 0},
		{"Who", func(r reconciled) string { return r.Name }, 0},
		{"Found by", func(r reconciled) string { return r.By }, 1},
		{"List, inventory", mismatches, 0},
		{"ID", func(r reconciled) string { return r.Asset }, 2},
	}
}

// mismatches are both values of each field in which they differ, or why a line is unclear.
func mismatches(r reconciled) string {
	words := make([]string, len(r.Contradicts))
	for i, m := range r.Contradicts {
		words[i] = fmt.Sprintf("%s %s, %s", m.Field, m.Listed, m.Observed)
	}
	if r.Why != "" {
		words = append(words, r.Why)
	}
	return strings.Join(words, "; ")
}
