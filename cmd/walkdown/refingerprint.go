package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type refingerprintCmd struct {
	DryRun bool `help:"Only show what would change; the inventory stays as it is."`
}

// Help is shown below the flags.
func (refingerprintCmd) Help() string {
	return `All facts that were ever stored go through the rules and tables of this version (and of --rules and --tables) once more.
No packet is sent. What changes is printed, and stays in the history as a run of its own.`
}

// Run identifies the whole inventory anew.
func (c refingerprintCmd) Run(a *app) (err error) {
	path := a.common.DB
	if c.DryRun {
		folder, err := os.MkdirTemp("", "walkdown-")
		if err != nil {
			return fmt.Errorf("make room for a copy of the inventory: %w", err)
		}
		defer os.RemoveAll(folder) //nolint:errcheck // a copy that stays behind in the system's folder for such is not worth failing
		path = filepath.Join(folder, "copy.db")
		if err := a.copyInventory(path); err != nil {
			return err
		}
	}
	changes, err := a.refingerprint(path)
	if err != nil {
		return err
	}
	if err := list(a, each(changes), changeColumns(), "nothing changes"); err != nil {
		return err
	}
	switch {
	case len(changes) == 0:
	case c.DryRun:
		a.say("changes: %d; nothing was written", len(changes))
	default:
		a.say("changes: %d; they are in the history", len(changes))
	}
	return nil
}

func (a *app) copyInventory(path string) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	return errors.Join(store.Backup(a.ctx, path), store.Close())
}

// refingerprint identifies the inventory of a file anew and gives the changes.
func (a *app) refingerprint(path string) ([]inventory.Change, error) {
	return a.anew(path, inventory.Survey{Kind: "refingerprint"}, func(recorder *sqlite.Recorder) error { return recorder.Refold(a.ctx) })
}

// anew opens the inventory of a file and does something to it that sends nothing, in a run of its own, and gives the changes.
func (a *app) anew(path string, describe inventory.Survey, do func(*sqlite.Recorder) error) (changes []inventory.Change, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: %s", sqlite.ErrMissing, path)
	}
	engine, err := a.engine()
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(a.ctx, path, sqlite.Options{Identify: engine.Identify, Now: now})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	describe.Site, describe.Segment, describe.Operator, describe.Version, describe.Started = a.common.Site, a.common.Segment, operator(), version(), now()
	if surveys, err := inventory.Collect(store.Surveys(a.ctx)); err != nil {
		return nil, err
	} else if len(surveys) > 0 && describe.Segment == "" { // no segment of its own: it is about all
		describe.Site, describe.Segment = surveys[len(surveys)-1].Site, surveys[len(surveys)-1].Segment
	}
	recorder, err := store.Begin(a.ctx, describe)
	if err != nil {
		return nil, err
	}
	failure := do(recorder)
	outcome := inventory.Survey{}
	if failure != nil {
		outcome = inventory.Survey{Outcome: "failed", Reasons: []string{failure.Error()}}
	}
	if err := errors.Join(failure, recorder.End(a.ctx, outcome)); err != nil {
		return nil, err
	}
	for change, err := range store.Changes(a.ctx, time.Time{}, "") {
		if err != nil {
			return nil, err
		}
		if change.Survey == recorder.ID() {
			changes = append(changes, change)
		}
	}
	return changes, nil
}
