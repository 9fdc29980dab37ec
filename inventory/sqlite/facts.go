package sqlite

import (
	"context"
	"maps"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// factsAtOnce is about how many facts are stored by one query.
const factsAtOnce = 1000

// factSeen is a fact of a batch.
type factSeen struct {
	*factRow
	sum digest
}

// storedFact is what must be known of a fact that is seen again.
type storedFact struct {
	id         int64
	message    int64
	first      string
	confidence float32
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
	messages := messagesOf(b, rows)
	subjects := slices.Sorted(maps.Keys(messages))
	for len(subjects) > 0 {
		n, count := 0, 0
		for n < len(subjects) && count < factsAtOnce {
			for _, m := range messages[subjects[n]] {
				count += len(m.facts)
			}
			n++
		}
		if err := w.messages(ctx, tx, subjects[:n], messages); err != nil {
			return err
		}
		subjects = subjects[n:]
	}
	return nil
}

// addFact stores a fact that is new.
func (w *writer) addFact(ctx context.Context, tx *session, m *message, f factSeen, number int64) error {
	_, err := tx.exec(ctx, `INSERT INTO facts
		(subject, teller, protocol, mode, key, value, raw, confidence, rule, made_from, digest, first, message, earlier)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
		m.subject, m.teller, m.protocol, m.mode.String(), string(f.key), f.value, []byte(f.raw), f.confidence, f.rule,
		keysText(splitKeys(f.from)), f.sum[:], m.firstText, number)
	w.dirty[m.subject] = true
	return err
}

// dropOldest drops the oldest of too many values.
func dropOldest(ctx context.Context, tx *session, subject int64, key discovery.Key) error {
	var count int
	if _, err := tx.row(ctx, "SELECT count(*) FROM facts WHERE subject = ? AND key = ?", []any{subject, string(key)}, &count); err != nil || count <= maxValues {
		return err
	}
	left := map[int64]int{}
	var old []int64
	err := each(ctx, tx, `SELECT f.id, f.message FROM facts AS f JOIN messages AS m ON m.subject = f.subject AND m.number = f.message
		WHERE f.subject = ? AND f.key = ? ORDER BY m.last DESC, f.value LIMIT -1 OFFSET ?`, func(scan func(...any) error) error {
		var id, number int64
		err := scan(&id, &number)
		old = append(old, id)
		left[number]++
		return err
	}, subject, string(key), maxValues)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "DELETE FROM facts WHERE id IN (SELECT value FROM json_each(?))", numbersText(old)); err != nil {
		return err
	}
	// What their messages tell is not the same any more.
	for number, n := range left {
		if err := leave(ctx, tx, subject, number, n); err != nil {
			return err
		}
	}
	return nil
}
