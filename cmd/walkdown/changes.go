package main

import (
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type changesCmd struct {
	Since    string `placeholder:"SURVEY|TIME" help:"Only what changed after this survey (s-3), or since this time: 2026-05-04, 2026-05-04T12:00:00Z, or 24h for the last day."`
	Until    string `placeholder:"SURVEY|TIME" help:"Only what changed up to the end of this survey, or before this time."`
	ExitCode bool   `help:"End with status 4 when there are changes."`
}

// Run prints what appeared, vanished, moved, was updated.
func (c changesCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	since, err := moment(a, store, "--since", c.Since)
	if err != nil {
		return err
	}
	until, err := moment(a, store, "--until", c.Until)
	if err != nil {
		return err
	}
	found := false
	rows := between(store.Changes(a.ctx, since, ""), since, until, &found)
	if err := list(a, rows, changeColumns(), "nothing has changed"); err != nil {
		return err
	}
	if found && c.ExitCode {
		return &statusError{status: statusChanges, err: errors.New("there are changes")}
	}
	return nil
}

// moment is a point in time that a person names: the end of a survey, a day, a time, or how long ago.
func moment(a *app, store *sqlite.Store, flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if strings.HasPrefix(text, "s-") {
		v, err := store.Survey(a.ctx, text)
		if err != nil {
			return time.Time{}, err
		}
		if v.Ended.IsZero() {
			return time.Time{}, usage("", "%s: the survey %s has not ended", flag, text)
		}
		return v.Ended, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now().Add(-ago), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usage("for example s-3, 2026-05-04, 2026-05-04T12:00:00Z or 24h", "%s %q is neither a survey nor a time", flag, text)
}

// between gives the changes after one time and up to another, and notes whether there were any. Zero times are open.
func between(changes iter.Seq2[inventory.Change, error], since, until time.Time, found *bool) iter.Seq2[inventory.Change, error] {
	return func(yield func(inventory.Change, error) bool) {
		for c, err := range changes {
			if err == nil && (!c.Time.After(since) || !until.IsZero() && c.Time.After(until)) {
				continue
			}
			*found = *found || err == nil
			if !yield(c, err) {
				return
			}
		}
	}
}

func changeColumns() []column[inventory.Change] {
	return []column[inventory.Change]{
		{"When", func(v inventory.Change) string { return local(v.Time) }, 0},
		{"Survey", func(v inventory.Change) string { return v.Survey }, 2},
		{"Asset", func(v inventory.Change) string { return v.Asset }, 0},
		{"What", func(v inventory.Change) string { return v.Kind }, 0},
		{"Attribute", func(v inventory.Change) string { return v.Attribute }, 0},
		{"Old", func(v inventory.Change) string { return v.Old }, 0},
		{"New", func(v inventory.Change) string { return v.New }, 0},
		{"Via", func(v inventory.Change) string { return v.Via }, 1},
	}
}
