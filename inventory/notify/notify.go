// Package notify tells the user's own collectors what changed: one line a change to a syslog server (RFC 5424 over UDP, TCP or the local
// socket; in CEF if wished), or a JSON document to a webhook. It sends to the hosts that the user configured and to nobody else, and
// never to a device: only discovery/ask does.
//
// What is to be told is never copied: the changes stand in the inventory, where they are only ever added, and a small file beside it
// holds how far each collector has been told. What could not be sent is sent later, also by another process; after a failure in
// the middle a collector may be told a change twice, and none is left out.
package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// Source gives the changes behind a number, the oldest first, at most so many; and the number of the last one.
type Source interface {
	Events(ctx context.Context, after int64, atMost int) ([]inventory.Event, error)
	LastEvent(ctx context.Context) (int64, error)
}

// Target is where changes are told.
type Target interface {
	// Key names the target in the file of what was told. It holds no secret.
	Key() string
	// Send tells the events in order, and how many of them went out.
	Send(ctx context.Context, events []inventory.Event) (int, error)
}

// batch is how many changes are sent in one go.
const batch = 500

// Teller tells the changes of an inventory to targets. It is for one goroutine.
type Teller struct {
	From    Source
	Targets []Target
	State   string           // path of the file that holds how far each target has been told
	Now     func() time.Time // nil: time.Now

	waits map[string]wait
}

// wait is how long a target that failed is left alone.
type wait struct {
	until time.Time
	next  time.Duration
}

const (
	firstWait = time.Second
	longest   = 5 * time.Minute
)

func (t *Teller) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// Begin makes targets that were never told anything begin with what comes from now on.
func (t *Teller) Begin(ctx context.Context) error {
	state, err := readState(t.State)
	if err != nil {
		return err
	}
	changed := false
	for _, target := range t.Targets {
		if _, known := state[target.Key()]; known {
			continue
		}
		last, err := t.From.LastEvent(ctx)
		if err != nil {
			return err
		}
		state[target.Key()] = last
		changed = true
	}
	if !changed {
		return nil
	}
	return writeState(t.State, state)
}

// Tell sends each target what it has not been told. A target that failed is left alone for a time that doubles with each failure,
// up to five minutes. The error names each target that failed; the others were told.
func (t *Teller) Tell(ctx context.Context) error {
	if err := t.Begin(ctx); err != nil {
		return err
	}
	var errs []error
	for _, target := range t.Targets {
		w := t.waits[target.Key()]
		if t.now().Before(w.until) {
			continue
		}
		err := t.tell(ctx, target)
		if t.waits == nil {
			t.waits = map[string]wait{}
		}
		if err == nil {
			delete(t.waits, target.Key())
			continue
		}
		w.next = min(max(2*w.next, firstWait), longest)
		w.until = t.now().Add(w.next)
		t.waits[target.Key()] = w
		errs = append(errs, fmt.Errorf("notify %s: %w", target.Key(), err))
	}
	return errors.Join(errs...)
}

// Next is when the first of the targets that failed may be tried again; zero when none did.
func (t *Teller) Next() time.Time {
	var next time.Time
	for _, w := range t.waits {
		if next.IsZero() || w.until.Before(next) {
			next = w.until
		}
	}
	return next
}

func (t *Teller) tell(ctx context.Context, target Target) error {
	for {
		state, err := readState(t.State)
		if err != nil {
			return err
		}
		events, err := t.From.Events(ctx, state[target.Key()], batch)
		if err != nil || len(events) == 0 {
			return err
		}
		sent, sendErr := target.Send(ctx, events)
		if sent > 0 {
			state[target.Key()] = events[sent-1].Number
			if err := writeState(t.State, state); err != nil {
				return errors.Join(sendErr, err)
			}
		}
		if sendErr != nil {
			return sendErr
		}
		if sent < len(events) {
			return fmt.Errorf("%d of %d changes went out", sent, len(events))
		}
	}
}
