package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// messageKey is what facts have in common that were told together.
type messageKey struct {
	subject, teller int64
	protocol        string
	mode            discovery.Mode
	first, last     time.Time
	count           int
	sensor          string
}

// message is the facts of a batch that were told together. A device tells the same ones again and again, so what is seen again is
// counted by the message.
type message struct {
	messageKey
	facts               []factSeen // sorted by digest
	digest              digest     // of the facts and their confidence
	firstText, lastText string
}

// messagesOf groups the facts of a batch, by subject; rows are those of its subjects.
func messagesOf(b *batch, rows []int64) map[int64][]*message {
	groups := make(map[messageKey]*message, len(rows))
	bySubject := make(map[int64][]*message, len(rows))
	for k, row := range b.facts {
		key := messageKey{rows[k.subject], rows[k.teller], row.protocol, row.mode, row.first, row.last, row.count, row.sensor}
		m := groups[key]
		if m == nil {
			m = &message{messageKey: key, firstText: timeText(row.first)}
			m.lastText = m.firstText
			if !row.last.Equal(row.first) {
				m.lastText = timeText(row.last)
			}
			groups[key] = m
			bySubject[key.subject] = append(bySubject[key.subject], m)
		}
		f := factSeen{row, k.sum}
		if key.teller != key.subject {
			f.sum = row.digest(otherThan(key.teller, key.subject))
		}
		m.facts = append(m.facts, f)
	}
	for _, list := range bySubject {
		for _, m := range list {
			slices.SortFunc(m.facts, func(a, b factSeen) int { return bytes.Compare(a.sum[:], b.sum[:]) })
			m.sum()
		}
		slices.SortFunc(list, func(a, b *message) int {
			return cmp.Or(a.first.Compare(b.first), bytes.Compare(a.digest[:], b.digest[:]))
		})
	}
	return bySubject
}

func (m *message) sum() {
	text := make([]byte, 0, len(m.facts)*(len(m.digest)+4))
	for _, f := range m.facts {
		text = append(text, f.sum[:]...)
		text = binary.BigEndian.AppendUint32(text, math.Float32bits(f.confidence))
	}
	sum := sha256.Sum256(text)
	m.digest = digest(sum[:len(m.digest)])
}

// tells reports whether a fact of the message has this key.
func (m *message) tells(key discovery.Key) bool {
	return slices.ContainsFunc(m.facts, func(f factSeen) bool { return f.key == key })
}

// storedMessage is a row of messages.
type storedMessage struct {
	number, survey int64
	digest         digest // zero where it is not known
	facts, count   int
	last           string
}

// storedMessages are the messages of some subjects, by their row, sorted by number.
func storedMessages(ctx context.Context, tx *session, subjects []int64) (map[int64][]*storedMessage, error) {
	out := make(map[int64][]*storedMessage, len(subjects))
	return out, each(ctx, tx, `SELECT m.subject, m.number, m.survey, m.digest, m.facts, m.count, m.last
		FROM json_each(?) AS w CROSS JOIN messages AS m ON m.subject = w.value`, func(scan func(...any) error) error {
		var subject int64
		s := new(storedMessage)
		var sum sql.RawBytes
		err := scan(&subject, &s.number, &s.survey, &sum, &s.facts, &s.count, &s.last)
		copy(s.digest[:], sum)
		out[subject] = append(out[subject], s)
		return err
	}, numbersText(subjects))
}

// messages stores what was told of some subjects.
func (w *writer) messages(ctx context.Context, tx *session, subjects []int64, messages map[int64][]*message) error {
	stored, err := storedMessages(ctx, tx, subjects)
	if err != nil {
		return err
	}
	var back []int64
	for _, subject := range subjects {
		if slices.ContainsFunc(stored[subject], func(s *storedMessage) bool { return s.survey != w.survey }) {
			back = append(back, subject)
		}
	}
	if err := w.lookUpCalm(ctx, tx, back); err != nil {
		return err
	}
	claimed, err := contested(ctx, tx, subjects, messages)
	if err != nil {
		return err
	}
	var others []*message
	for _, subject := range subjects {
		for _, m := range messages[subject] {
			if claimed[subject] && m.tells(discovery.KeyBinding) {
				w.dirty[subject] = true
			}
			at := slices.IndexFunc(stored[subject], func(s *storedMessage) bool { return s.digest == m.digest })
			if at < 0 || m.firstText < stored[subject][at].last {
				others = append(others, m)
				continue
			}
			s := stored[subject][at]
			news, err := w.matters(ctx, tx, m, m.facts, s)
			if err != nil {
				return err
			}
			w.mark(m, news)
			if err := w.seeAgain(ctx, tx, m, s.number); err != nil {
				return err
			}
		}
	}
	return w.tell(ctx, tx, others, stored)
}

// mark notes that a message was told: whether its asset must be folded again, or is only seen again.
func (w *writer) mark(m *message, news bool) {
	if news {
		w.dirty[m.subject] = true
	} else {
		w.see(m.subject, m.last)
	}
}

// seeAgain counts a message that is told again as it was, later than before.
func (w *writer) seeAgain(ctx context.Context, tx *session, m *message, number int64) error {
	_, err := tx.exec(ctx, "UPDATE messages SET last = ?3, count = count + ?4, sensor = ?5, survey = ?6 WHERE subject = ?1 AND number = ?2",
		m.subject, number, m.lastText, m.count, m.sensor, w.survey)
	return err
}

// tell stores messages that tell something else than those that are stored, or something older.
func (w *writer) tell(ctx context.Context, tx *session, messages []*message, stored map[int64][]*storedMessage) error {
	known, err := knownFacts(ctx, tx, messages)
	if err != nil {
		return err
	}
	type valueOf struct {
		subject int64
		key     discovery.Key
	}
	grown := map[valueOf]bool{}
	for _, m := range messages {
		r := retold{w: w, message: m, known: known, stored: stored[m.subject]}
		if err := r.write(ctx, tx); err != nil {
			return err
		}
		stored[m.subject] = r.stored
		for _, f := range r.added {
			grown[valueOf{m.subject, f.key}] = true
		}
	}
	for v := range grown {
		if err := dropOldest(ctx, tx, v.subject, v.key); err != nil {
			return err
		}
		if v.key == discovery.KeyBinding {
			if _, err := tx.exec(ctx, "UPDATE subjects SET bound = 1 WHERE id = ?", v.subject); err != nil {
				return err
			}
		}
	}
	return nil
}

// factID is what is unique of a fact.
type factID struct {
	subject int64
	digest  digest
}

// knownFacts looks up which of the facts are stored.
func knownFacts(ctx context.Context, tx *session, messages []*message) (map[factID]storedFact, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	var wanted []byte // a JSON list of digests and subjects
	for _, m := range messages {
		for _, f := range m.facts {
			wanted = append(wanted, ",\""...)
			wanted = hex.AppendEncode(wanted, f.sum[:])
			wanted = strconv.AppendInt(wanted, m.subject, 10)
			wanted = append(wanted, '"')
		}
	}
	wanted[0] = '['
	known := map[factID]storedFact{}
	return known, each(ctx, tx, `SELECT f.subject, f.digest, f.id, f.message, f.first, f.confidence FROM json_each(?) AS w CROSS JOIN facts AS f
		ON f.subject = CAST(substr(w.value, 33) AS INTEGER) AND f.digest = unhex(substr(w.value, 1, 32))`, func(scan func(...any) error) error {
		var id factID
		var f storedFact
		var sum sql.RawBytes
		err := scan(&id.subject, &sum, &f.id, &f.message, &f.first, &f.confidence)
		copy(id.digest[:], sum)
		known[id] = f
		return err
	}, string(append(wanted, ']')))
}
