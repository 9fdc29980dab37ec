package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	// quiet is how long a fact must not have been seen for its coming back to be looked at more closely: then it may no longer be
	// superseded by another value.
	quiet = time.Hour
	// factsAtOnce is about how many facts are looked up by one query.
	factsAtOnce = 1000
)

// factSeen is a fact of a batch.
type factSeen struct {
	*factRow
	by  int64 // the teller's row
	sum digest
}

// storedFact is what must be known of a fact that is seen again.
type storedFact struct {
	id, survey  int64
	first, last string
	confidence  float32
}

// factID is what is unique of a fact.
type factID struct {
	subject int64
	digest  digest
}

// facts adds new facts and counts those that were seen again.
func (w *writer) facts(ctx context.Context, tx *session, b *batch) error {
	rows := make([]int64, len(b.subjects))
	for i, subject := range b.subjects {
		var err error
		if rows[i], err = w.subject(ctx, tx, subject); err != nil {
			return err
		}
	}
	bySubject := make(map[int64][]factSeen, len(rows))
	for k, row := range b.facts {
		f := factSeen{row, rows[k.teller], k.sum}
		subject := rows[k.subject]
		if f.by != subject {
			f.sum = row.digest(otherThan(f.by, subject))
		}
		bySubject[subject] = append(bySubject[subject], f)
	}
	subjects := slices.Sorted(maps.Keys(bySubject))
	for len(subjects) > 0 {
		n, count := 0, 0
		for n < len(subjects) && count < factsAtOnce {
			list := bySubject[subjects[n]]
			slices.SortFunc(list, func(a, b factSeen) int { return bytes.Compare(a.sum[:], b.sum[:]) })
			n, count = n+1, count+len(list)
		}
		if err := w.factsOf(ctx, tx, subjects[:n], bySubject); err != nil {
			return err
		}
		subjects = subjects[n:]
	}
	return nil
}

// factsOf stores the facts of some subjects.
func (w *writer) factsOf(ctx context.Context, tx *session, subjects []int64, bySubject map[int64][]factSeen) error {
	known, err := w.knownFacts(ctx, tx, subjects, bySubject)
	if err != nil {
		return err
	}
	same := map[sighting][]int64{}
	for _, subject := range subjects {
		bound := false
		for _, f := range bySubject[subject] {
			was, again := known[factID{subject, f.sum}]
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
	}
	for s, ids := range same {
		if _, err := tx.exec(ctx, "UPDATE facts SET last = ?2, count = count + ?3, sensor = ?4, survey = ?5 WHERE id IN (SELECT value FROM json_each(?1))",
			numbersText(ids), s.last, s.count, s.sensor, w.survey); err != nil {
			return err
		}
	}
	return nil
}

// knownFacts looks up which facts of some subjects are stored, and, for those that come back, whether their assets are calm.
func (w *writer) knownFacts(ctx context.Context, tx *session, subjects []int64, bySubject map[int64][]factSeen) (map[factID]storedFact, error) {
	var wanted []byte // a JSON list of digests and subjects
	count := 0
	for _, subject := range subjects {
		for _, f := range bySubject[subject] {
			wanted = append(wanted, ",\""...)
			wanted = hex.AppendEncode(wanted, f.sum[:])
			wanted = strconv.AppendInt(wanted, subject, 10)
			wanted = append(wanted, '"')
			count++
		}
	}
	wanted[0] = '['
	known := make(map[factID]storedFact, count)
	var back []int64
	err := each(ctx, tx, `SELECT f.subject, f.digest, f.id, f.survey, f.first, f.last, f.confidence FROM json_each(?) AS w CROSS JOIN facts AS f
		ON f.subject = CAST(substr(w.value, 33) AS INTEGER) AND f.digest = unhex(substr(w.value, 1, 32))`, func(scan func(...any) error) error {
		var id factID
		var f storedFact
		var sum sql.RawBytes
		err := scan(&id.subject, &sum, &f.id, &f.survey, &f.first, &f.last, &f.confidence)
		copy(id.digest[:], sum)
		known[id] = f
		if f.survey != w.survey && (len(back) == 0 || back[len(back)-1] != id.subject) {
			back = append(back, id.subject)
		}
		return err
	}, string(append(wanted, ']')))
	if err != nil {
		return nil, err
	}
	return known, w.lookUpCalm(ctx, tx, back)
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
		keysText(splitKeys(f.from)), f.sum[:], timeText(f.first), timeText(f.last), f.count, w.survey, f.sensor); err != nil {
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
	first := timeText(f.first)
	last := first
	if !f.last.Equal(f.first) {
		last = timeText(f.last)
	}
	if first >= was.first && last >= was.last && f.confidence <= was.confidence {
		s := sighting{last, f.count, f.sensor}
		same[s] = append(same[s], was.id)
	} else if _, err := tx.exec(ctx, `UPDATE facts SET first = min(first, ?2), count = count + ?4, confidence = max(confidence, ?5),
		survey = CASE WHEN ?3 >= last THEN ?6 ELSE survey END, sensor = CASE WHEN ?3 >= last THEN ?7 ELSE sensor END, last = max(last, ?3)
		WHERE id = ?1`, was.id, first, last, f.count, f.confidence, w.survey, f.sensor); err != nil {
		return err
	}
	news := first < was.first || f.confidence > was.confidence
	before, err := parseTime(was.last)
	if err != nil {
		return err
	}
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
	return each(ctx, tx, `SELECT p.subject, a.calm, a.fresh FROM json_each(?) AS w CROSS JOIN asset_subjects AS p ON p.subject = w.value
		CROSS JOIN assets AS a ON a.id = p.asset`, func(scan func(...any) error) error {
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
