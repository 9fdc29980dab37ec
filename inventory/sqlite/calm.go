package sqlite

import (
	"context"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// quiet is how long a fact must not have been seen for its coming back to be looked at more closely: then it may no longer be
// superseded by another value.
const quiet = time.Hour

// calm is an asset of which it is known that to see again what was seen of it changes nothing: it is one station, nothing is in
// doubt, and no value of it came up after a time.
type calm struct {
	ok    bool
	fresh string // when the newest of its facts came up
}

// calmOf looks a subject's asset up. A subject that belongs to none is calm, too.
func (w *writer) calmOf(ctx context.Context, tx *session, subject int64) (calm, error) {
	if c, ok := w.calms[subject]; ok {
		return c, nil
	}
	err := w.lookUpCalm(ctx, tx, []int64{subject})
	return w.calms[subject], err
}

// lookUpCalm looks the assets of several subjects up, as far as they are not known.
func (w *writer) lookUpCalm(ctx context.Context, tx *session, subjects []int64) error {
	var missing []int64
	for _, subject := range subjects {
		if _, ok := w.calms[subject]; !ok {
			w.calms[subject] = calm{ok: true}
			missing = append(missing, subject)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	assets := map[int64]int{}
	return each(ctx, tx, `SELECT p.subject, t.calm, t.fresh FROM json_each(?) AS w CROSS JOIN asset_subjects AS p ON p.subject = w.value
		CROSS JOIN assets AS a ON a.id = p.asset CROSS JOIN asset_states AS t ON t.asset = a.age`, func(scan func(...any) error) error {
		var subject int64
		var c calm
		if err := scan(&subject, &c.ok, &c.fresh); err != nil {
			return err
		}
		assets[subject]++
		c.ok = c.ok && assets[subject] == 1
		w.calms[subject] = c
		return nil
	}, numbersText(missing))
}

// matters reports whether facts that come back may change their asset: where another value of the key came up after they had been
// told for the last time, they are superseded no more. Where an asset is made of several stations, or is in doubt, when they are seen
// may decide who is who.
func (w *writer) matters(ctx context.Context, tx *session, m *message, facts []factSeen, was *storedMessage) (bool, error) {
	if was.survey == w.survey {
		before, err := parseTime(was.last)
		if err != nil || m.last.Sub(before) <= quiet {
			return false, err
		}
	}
	if m.mode == discovery.Person {
		return true, nil // the newest word of a person counts, also one that was said before
	}
	c, err := w.calmOf(ctx, tx, m.subject)
	if err != nil || !c.ok {
		return true, err
	}
	if c.fresh <= was.last {
		return false, nil
	}
	for _, f := range facts {
		var yes bool
		_, err := tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM asset_subjects AS p JOIN asset_subjects AS q ON q.asset = p.asset
			JOIN facts AS o ON o.subject = q.subject AND o.key = ? WHERE p.subject = ? AND o.value <> ? AND o.first > ?)`,
			[]any{string(f.key), m.subject, f.value, was.last}, &yes)
		if err != nil || yes {
			return true, err
		}
	}
	return false, nil
}

// contested are those of the subjects whose binding is told while another MAC claims their IP: who was seen last then matters.
func contested(ctx context.Context, tx *session, subjects []int64, messages map[int64][]*message) (map[int64]bool, error) {
	var bound []int64
	for _, subject := range subjects {
		for _, m := range messages[subject] {
			if m.tells(discovery.KeyBinding) {
				bound = append(bound, subject)
				break
			}
		}
	}
	if len(bound) == 0 {
		return nil, nil
	}
	out := map[int64]bool{}
	return out, each(ctx, tx, `SELECT DISTINCT s.id FROM json_each(?) AS w CROSS JOIN subjects AS s ON s.id = w.value
		CROSS JOIN subjects AS o ON o.segment = s.segment AND o.ip = s.ip WHERE o.mac <> s.mac AND o.bound = 1`, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		out[id] = true
		return err
	}, numbersText(bound))
}
