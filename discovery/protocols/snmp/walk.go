package snmp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	// maxRepetitions is how many rows are asked for at once (GETBULK).
	maxRepetitions = 10
	// maxReply is what an answer should stay below, in bytes: no fragments on the way.
	maxReply = 1400
	// aimedReply leaves room for rows that are longer than those before.
	aimedReply = 1000
	// replyHead is what an answer takes beside its rows.
	replyHead = 120
)

// What ends a walk before the table does. What was read until then is kept.
var (
	errSlow = errors.New("the device answers too slowly for its tables to be read")
	errMore = errors.New("the table does not end")
)

// statusError is the error status of an answer (RFC 3416 section 3).
type statusError int64

func (e statusError) Error() string {
	return "the agent answers with the error status " + strconv.Itoa(int(e))
}

// walker walks the tables of one device.
type walker struct {
	client *client
	take   func(reply) // what each answer is given to
	uptime uint64      // hundredths of a second, as last told; 0 = not known
	values int         // that the last walk has found
}

// walk reads a table to its end: all its columns in each request, each from where it has come to. It stops at an agent that
// repeats itself, does not come forward, or never ends; whatever an agent does, there are at most t.most requests. The error says
// why the table was not read to its end.
func (w *walker) walk(ctx context.Context, t *table) error {
	cursors := make([]string, len(t.columns))
	copy(cursors, t.columns)
	ended := make([]bool, len(t.columns))
	seen := map[string]bool{}
	rows := max(1, min(maxRepetitions, (maxReply-replyHead)/t.row))
	defer func() { w.values = len(seen) }()
	for range t.most {
		r, err := w.ask(ctx, t, rows, cursors)
		if err != nil {
			return fmt.Errorf("%s: %w", t.request, err)
		}
		if r.status == statusTooBig && rows > 1 {
			rows = max(1, rows/2)
			continue
		}
		if r.status == statusNoSuchName {
			return nil // in SNMPv1 the end of all objects
		}
		if r.status != 0 {
			return fmt.Errorf("%s: %w", t.request, statusError(r.status))
		}
		w.take(r)
		fresh, circle := advance(t, r.bindings, cursors, ended, seen)
		switch {
		case r.took > slowAnswer:
			return fmt.Errorf("%s: %w (%s)", t.request, errSlow, r.took.Round(time.Millisecond))
		case all(ended) && !circle:
			return nil
		case !fresh || circle:
			return fmt.Errorf("%s: %w", t.request, errMore)
		}
		rows = fitting(r, len(t.columns), rows)
	}
	return fmt.Errorf("%s: %w", t.request, errMore)
}

// Error statuses of answers (RFC 3416 section 3).
const (
	statusTooBig     = 1
	statusNoSuchName = 2
)

// ask sends one request of a walk: the uptime, and what follows each cursor.
func (w *walker) ask(ctx context.Context, t *table, rows int, cursors []string) (reply, error) {
	if t.alone {
		return w.client.bulk(ctx, 0, rows, cursors)
	}
	oids := append([]string{sysUpTime}, cursors...)
	var r reply
	var err error
	if w.client.isV1() {
		r, err = w.client.next(ctx, oids)
	} else {
		r, err = w.client.bulk(ctx, 1, rows, oids)
	}
	if err == nil && r.status == 0 {
		err = w.watch(r)
	}
	return r, err
}

// watch looks at the uptime of an answer: an agent that was restarted while it was asked is left alone. After 497 days the uptime
// begins anew by itself.
func (w *walker) watch(r reply) error {
	for _, b := range r.bindings {
		if b.OID != sysUpTime+".0" {
			continue
		}
		now, ok := number(b.Value)
		if !ok {
			return nil
		}
		const lastHour = 1<<32 - 360000
		if now < w.uptime && w.uptime < lastHour {
			return fmt.Errorf("%w: the agent was restarted while it was asked", discovery.ErrDistress)
		}
		w.uptime = now
		return nil
	}
	return nil
}

// advance moves the cursors of the columns on, and reports whether anything new came, and whether a column came back to where it
// was before. The variables of an answer stand in the
// order of the question, row after row; an answer may break off inside a row.
func advance(t *table, bindings []Binding, cursors []string, ended []bool, seen map[string]bool) (fresh, circle bool) {
	if !t.alone && len(bindings) > 0 {
		bindings = bindings[1:] // the uptime
	}
	for n, b := range bindings {
		i := n % len(cursors)
		index, inside := strings.CutPrefix(b.OID, t.columns[i]+".")
		if ended[i] {
			continue
		}
		if !inside || b.Value.Tag.IsException() {
			ended[i] = true
			continue
		}
		if t.once != nil {
			index = t.once(index)
		}
		// An agent need not keep the order; what was never seen is a step forward.
		key := t.columns[i] + " " + index
		if seen[key] {
			// Behind a time mark the same rows come again and again: that is the end of the table.
			ended[i], circle = true, circle || t.once == nil
			continue
		}
		seen[key] = true
		cursors[i], fresh = b.OID, true
	}
	return fresh, circle
}

func all(list []bool) bool {
	for _, b := range list {
		if !b {
			return false
		}
	}
	return true
}

// fitting is how many rows the next request should ask for, by the size of the last answer. What stands beside the rows counts as
// rows here: later rows may be longer than the first.
func fitting(r reply, columns, rows int) int {
	got := (len(r.bindings) + columns - 1) / columns
	if got < 1 || r.size <= replyHead {
		return rows
	}
	per := max(1, r.size/got)
	return max(1, min(maxRepetitions, aimedReply/per))
}
