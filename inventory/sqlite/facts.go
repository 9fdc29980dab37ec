package sqlite

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	// quiet is how long a fact must not have been seen for its coming back to be looked at more closely: then it may no longer be
	// superseded by another value.
	quiet = time.Hour
	// manyFacts is from how many facts of one subject on it is cheaper to read all that are stored than each by itself.
	manyFacts = 4
)

// factSeen is a fact of a batch.
type factSeen struct {
	factKey
	*factRow
	by     int64 // the teller's row
	digest []byte
}

// storedFact is what must be known of a fact that is seen again.
type storedFact struct {
	id, survey  int64
	digest      []byte
	first, last string
	confidence  float32
}

const storedFacts = "SELECT id, survey, digest, first, last, confidence FROM facts WHERE subject = ?"

// facts adds new facts and counts those that were seen again.
func (w *writer) facts(ctx context.Context, tx *session, b *batch) error {
	bySubject := map[int64][]factSeen{}
	for k, row := range b.facts {
		subject, err := w.subject(ctx, tx, k.subject)
		if err != nil {
			return err
		}
		teller := subject
		if k.teller != k.subject {
			if teller, err = w.subject(ctx, tx, k.teller); err != nil {
				return err
			}
		}
		sum := digest(otherThan(teller, subject), k.protocol, k.mode.String(), string(k.key), k.value, k.raw, k.rule, k.from)
		bySubject[subject] = append(bySubject[subject], factSeen{k, row, teller, sum})
	}
	for _, subject := range slices.Sorted(maps.Keys(bySubject)) {
		list := bySubject[subject]
		slices.SortFunc(list, func(a, b factSeen) int { return bytes.Compare(a.digest, b.digest) })
		if err := w.factsOf(ctx, tx, subject, list); err != nil {
			return err
		}
	}
	return nil
}

// factsOf stores the facts of one subject.
func (w *writer) factsOf(ctx context.Context, tx *session, subject int64, list []factSeen) error {
	known := map[string]storedFact{}
	load := func(query string, args ...any) error {
		return each(ctx, tx, query, func(scan func(...any) error) error {
			var f storedFact
			err := scan(&f.id, &f.survey, &f.digest, &f.first, &f.last, &f.confidence)
			known[string(f.digest)] = f
			return err
		}, args...)
	}
	if len(list) >= manyFacts {
		if err := load(storedFacts, subject); err != nil {
			return err
		}
	} else {
		for _, f := range list {
			if err := load(storedFacts+" AND digest = ?", subject, f.digest); err != nil {
				return err
			}
		}
	}
	same := map[sighting][]int64{}
	bound := false
	for _, f := range list {
		was, again := known[string(f.digest)]
		if !again {
			if err := w.addFact(ctx, tx, subject, f); err != nil {
				return err
			}
			bound = bound || f.key == discovery.KeyBinding
			continue
		}
		if err := w.seeAgain(ctx, tx, subject, f, was, same); err != nil {
			return err
		}
	}
	if bound {
		if _, err := tx.exec(ctx, "UPDATE subjects SET bound = 1 WHERE id = ?", subject); err != nil {
			return err
		}
	}
	for s, ids := range same {
		var err error
		if len(ids) == 1 {
			_, err = tx.exec(ctx, "UPDATE facts SET last = ?2, count = count + ?3, sensor = ?4, survey = ?5 WHERE id = ?1", ids[0], s.last, s.count, s.sensor, w.survey)
		} else {
			_, err = tx.exec(ctx, "UPDATE facts SET last = ?2, count = count + ?3, sensor = ?4, survey = ?5 WHERE id IN (SELECT value FROM json_each(?1))",
				jsonText(ids), s.last, s.count, s.sensor, w.survey)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sighting is what facts that one message told have in common.
type sighting struct {
	last   string
	count  int
	sensor string
}

// addFact stores a fact that is new, and drops the oldest of too many values.
func (w *writer) addFact(ctx context.Context, tx *session, subject int64, f factSeen) error {
	if _, err := tx.exec(ctx, `INSERT INTO facts
		(subject, teller, protocol, mode, key, value, raw, confidence, rule, made_from, digest, first, last, count, survey, sensor)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		subject, f.by, f.protocol, f.mode.String(), string(f.key), f.value, []byte(f.raw), f.confidence, f.rule,
		keysText(splitKeys(f.from)), f.digest, timeText(f.first), timeText(f.last), f.count, w.survey, f.sensor); err != nil {
		return err
	}
	w.dirty[subject] = true
	return dropOldest(ctx, tx, subject, string(f.key))
}

// dropOldest drops the oldest of too many values.
func dropOldest(ctx context.Context, tx *session, subject int64, key string) error {
	var count int
	if _, err := tx.row(ctx, "SELECT count(*) FROM facts WHERE subject = ? AND key = ?", []any{subject, key}, &count); err != nil || count <= maxValues {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM facts WHERE id IN
		(SELECT id FROM facts WHERE subject = ? AND key = ? ORDER BY last DESC, value LIMIT -1 OFFSET ?)`, subject, key, maxValues)
	return err
}

// seeAgain counts a fact that is known. Most are seen as they were, and wait in same to be counted together.
func (w *writer) seeAgain(ctx context.Context, tx *session, subject int64, f factSeen, was storedFact, same map[sighting][]int64) error {
	first, last := timeText(f.first), timeText(f.last)
	if first >= was.first && last >= was.last && f.confidence <= was.confidence {
		s := sighting{last, f.count, f.sensor}
		same[s] = append(same[s], was.id)
	} else if _, err := tx.exec(ctx, `UPDATE facts SET first = min(first, ?2), count = count + ?4, confidence = max(confidence, ?5),
		survey = CASE WHEN ?3 >= last THEN ?6 ELSE survey END, sensor = CASE WHEN ?3 >= last THEN ?7 ELSE sensor END, last = max(last, ?3)
		WHERE id = ?1`, was.id, first, last, f.count, f.confidence, w.survey, f.sensor); err != nil {
		return err
	}
	before, err := parseTime(was.last)
	if err != nil {
		return err
	}
	news := first < was.first || f.confidence > was.confidence
	if !news && (was.survey != w.survey || f.last.Sub(before) > quiet) {
		if news, err = w.matters(ctx, tx, subject, f, was); err != nil {
			return err
		}
	}
	if !news && f.key == discovery.KeyBinding {
		if news, err = contested(ctx, tx, subject); err != nil {
			return err
		}
	}
	if news {
		w.dirty[subject] = true
	} else {
		w.see(subject, f.last)
	}
	return nil
}

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
	assets := 0
	c := calm{ok: true}
	err := each(ctx, tx, "SELECT a.calm, a.fresh FROM asset_subjects AS p JOIN assets AS a ON a.id = p.asset WHERE p.subject = ?",
		func(scan func(...any) error) error {
			assets++
			return scan(&c.ok, &c.fresh)
		}, subject)
	c.ok = c.ok && assets <= 1
	w.calms[subject] = c
	return c, err
}

// matters reports whether a fact that comes back may change its asset: where another value of the key came up after it had been
// seen for the last time, it is superseded no more. Where an asset is made of several stations, or is in doubt, when they are seen may
// decide who is who.
func (w *writer) matters(ctx context.Context, tx *session, subject int64, f factSeen, was storedFact) (yes bool, err error) {
	c, err := w.calmOf(ctx, tx, subject)
	if err != nil || !c.ok {
		return true, err
	}
	if c.fresh <= was.last {
		return false, nil
	}
	_, err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM asset_subjects AS p JOIN asset_subjects AS q ON q.asset = p.asset
		JOIN facts AS o ON o.subject = q.subject AND o.key = ? WHERE p.subject = ? AND o.value <> ? AND o.first > ?)`,
		[]any{string(f.key), subject, f.value, was.last}, &yes)
	return yes, err
}

// contested reports whether another MAC claims the IP of a subject: who was seen last then matters.
func contested(ctx context.Context, tx *session, subject int64) (yes bool, err error) {
	_, err = tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM subjects AS s JOIN subjects AS o ON o.segment = s.segment AND o.ip = s.ip
		WHERE s.id = ? AND o.mac <> s.mac AND o.bound = 1)`, []any{subject}, &yes)
	return yes, err
}
