package sqlite

import (
	"context"
	"slices"
)

// retold is a message whose facts are not, or not as they stand here, those of a stored one: some are new, some are missing, or
// they were told at times that overlap.
type retold struct {
	w       *writer
	message *message
	known   map[factID]storedFact
	stored  []*storedMessage // of the subject, sorted by number
	added   []factSeen
}

func (r *retold) find(number int64) *storedMessage {
	at, ok := slices.BinarySearchFunc(r.stored, number, func(s *storedMessage, n int64) int { return int(s.number - n) })
	if !ok {
		return &storedMessage{number: number} // dropped since: nothing is known of when it was told
	}
	return r.stored[at]
}

func (r *retold) write(ctx context.Context, tx *session) error {
	if err := r.renew(ctx, tx); err != nil {
		return err
	}
	if whole := r.whole(); whole != nil {
		return r.stay(ctx, tx, whole)
	}
	return r.move(ctx, tx)
}

// renew tells what the message means for the facts that are known, and notes where it was heard earlier, or more surely.
func (r *retold) renew(ctx context.Context, tx *session) error {
	news := false
	for i, f := range r.message.facts {
		known, ok := r.known[factID{r.message.subject, f.sum}]
		if !ok {
			news = true
			continue
		}
		if r.message.firstText < known.first || f.confidence > known.confidence {
			if _, err := tx.exec(ctx, "UPDATE facts SET first = min(first, ?2), confidence = max(confidence, ?3) WHERE id = ?1",
				known.id, r.message.firstText, f.confidence); err != nil {
				return err
			}
			news = true
		}
		if !news {
			var err error
			if news, err = r.w.matters(ctx, tx, r.message, r.message.facts[i:i+1], r.find(known.message)); err != nil {
				return err
			}
		}
	}
	r.w.mark(r.message, news)
	return nil
}

// whole is the stored message that tells just these facts, nil if there is none.
func (r *retold) whole() *storedMessage {
	first, ok := r.known[factID{r.message.subject, r.message.facts[0].sum}]
	if !ok {
		return nil
	}
	s := r.find(first.message)
	if s.facts != len(r.message.facts) {
		return nil
	}
	for _, f := range r.message.facts[1:] {
		if known, ok := r.known[factID{r.message.subject, f.sum}]; !ok || known.message != s.number {
			return nil
		}
	}
	return s
}

// stay counts the message as the stored one.
func (r *retold) stay(ctx context.Context, tx *session, s *storedMessage) error {
	m := r.message
	s.digest = m.digest
	s.count += m.count
	if m.lastText >= s.last {
		s.last, s.survey = m.lastText, r.w.survey
	}
	_, err := tx.exec(ctx, `UPDATE messages SET digest = ?3, count = ?4, sensor = CASE WHEN ?5 >= last THEN ?6 ELSE sensor END, last = max(last, ?5), survey = ?7
		WHERE subject = ?1 AND number = ?2`, m.subject, s.number, m.digest[:], s.count, m.lastText, m.sensor, s.survey)
	return err
}

// move makes a message of its own: of the facts that are new, and of those that other messages told before it.
func (r *retold) move(ctx context.Context, tx *session) error {
	m := r.message
	own := &storedMessage{number: 1, survey: r.w.survey, count: m.count, last: m.lastText}
	if n := len(r.stored); n > 0 {
		own.number = r.stored[n-1].number + 1
	}
	moved, newer := map[*storedMessage][]int64{}, []int64(nil)
	for _, f := range m.facts {
		known, ok := r.known[factID{m.subject, f.sum}]
		switch s := r.find(known.message); {
		case !ok:
			if err := r.w.addFact(ctx, tx, m, f, own.number); err != nil {
				return err
			}
			r.added = append(r.added, f)
			own.facts++
		case s.last > m.lastText:
			newer = append(newer, known.id)
		default:
			moved[s] = append(moved[s], known.id)
			own.facts++
		}
	}
	if len(newer) > 0 {
		if _, err := tx.exec(ctx, "UPDATE facts SET earlier = earlier + ?2 WHERE id IN (SELECT value FROM json_each(?1))", numbersText(newer), m.count); err != nil {
			return err
		}
	}
	for s, ids := range moved {
		if _, err := tx.exec(ctx, "UPDATE facts SET message = ?2, earlier = earlier + ?3 WHERE id IN (SELECT value FROM json_each(?1))",
			numbersText(ids), own.number, s.count); err != nil {
			return err
		}
		s.facts -= len(ids)
		s.digest = digest{}
		if err := leave(ctx, tx, m.subject, s.number, len(ids)); err != nil {
			return err
		}
	}
	if own.facts == 0 {
		return nil
	}
	if own.facts == len(m.facts) {
		own.digest = m.digest
	}
	r.stored = append(r.stored, own)
	_, err := tx.exec(ctx, "INSERT INTO messages (subject, number, digest, facts, last, count, survey, sensor) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		m.subject, own.number, own.sum(), own.facts, own.last, own.count, own.survey, m.sensor)
	return err
}

// sum is the digest as a column.
func (s *storedMessage) sum() []byte {
	if s.digest == (digest{}) {
		return []byte{}
	}
	return s.digest[:]
}

// leave tells a stored message that n of its facts are not told by it any more.
func leave(ctx context.Context, tx *session, subject, number int64, n int) error {
	left, err := tx.exec(ctx, "UPDATE messages SET facts = facts - ?3, digest = x'' WHERE subject = ?1 AND number = ?2 AND facts > ?3", subject, number, n)
	if err != nil || left > 0 {
		return err
	}
	_, err = tx.exec(ctx, "DELETE FROM messages WHERE subject = ? AND number = ?", subject, number)
	return err
}
