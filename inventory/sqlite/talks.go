package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	// talksAtOnce is how many conversations are looked up by one query.
	talksAtOnce = 1000
	// tellingsAtOnce is how many rows of talk_surveys one statement writes.
	tellingsAtOnce = 50

	tellingColumns = "survey, talk, packets, bytes, operations, answered, frequency, median_ns, first_ns, last_ns"
	tellingWidth   = 10
	// cyclic is the most regular of the frequencies.
	cyclic = "cyclic"
)

// talkSeen is a conversation of a batch.
type talkSeen struct {
	key            talkKey
	row            *talkRow
	client, server int64
	what           string // over what they talk, and how that is known

	id     int64    // of talks; 0: it is new
	known  talkRow  // over all surveys, as far as it is looked up: last and answered
	before *talkRow // what this survey told of it before
}

// ends are the rows of client and server in one number, as a query takes them: there are not as many subjects as 31 bits hold.
func (t *talkSeen) ends() int64 { return t.client<<32 | t.server }

// talks adds conversations up.
func (w *writer) talks(ctx context.Context, tx *session, b *batch) error {
	list, err := w.talksOf(ctx, tx, b)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(list, talksAtOnce) {
		for _, step := range []func(context.Context, *session, []*talkSeen) error{knownTalks, w.toldBefore, w.lookUpEnds, w.tellTalks} {
			if err := step(ctx, tx, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// talksOf are the conversations of a batch, one client's after the other, as they are stored.
func (w *writer) talksOf(ctx context.Context, tx *session, b *batch) ([]*talkSeen, error) {
	list := make([]*talkSeen, 0, len(b.talks))
	for k, row := range b.talks {
		what := k.transport.String() + " " + strconv.Itoa(int(k.port)) + " " + k.mode.String() + " " + k.protocol
		list = append(list, &talkSeen{key: k, row: row, what: what})
	}
	// New subjects get their rows in the order of their addresses.
	slices.SortFunc(list, func(x, y *talkSeen) int {
		return cmp.Or(x.key.client.IP.Compare(y.key.client.IP), x.key.server.IP.Compare(y.key.server.IP))
	})
	for _, t := range list {
		var err error
		if t.client, err = w.subject(ctx, tx, t.key.client); err != nil {
			return nil, err
		}
		if t.server, err = w.subject(ctx, tx, t.key.server); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(x, y *talkSeen) int {
		return cmp.Or(cmp.Compare(x.client, y.client), cmp.Compare(x.server, y.server), cmp.Compare(x.what, y.what))
	})
	// Transports that have no name are one.
	once := list[:0]
	for i, t := range list {
		if i > 0 && t.ends() == once[len(once)-1].ends() && t.what == once[len(once)-1].what {
			once[len(once)-1].row.join(t.row)
			continue
		}
		once = append(once, t)
	}
	return once, nil
}

// knownTalks looks up which are stored.
func knownTalks(ctx context.Context, tx *session, list []*talkSeen) error {
	type talk struct {
		ends int64
		what string
	}
	wanted := make(map[talk]*talkSeen, len(list))
	var ends []int64
	for _, t := range list {
		wanted[talk{t.ends(), t.what}] = t
		if len(ends) == 0 || ends[len(ends)-1] != t.ends() {
			ends = append(ends, t.ends())
		}
	}
	return each(ctx, tx, `SELECT w.value, t.transport || ' ' || t.port || ' ' || t.mode || ' ' || t.protocol, t.id, t.last_ns, t.answered_last_ns IS NOT NULL
		FROM json_each(?) AS w CROSS JOIN talks AS t ON t.client = w.value >> 32 AND t.server = w.value & 0xffffffff`, func(scan func(...any) error) error {
		var ends, id, last, answered int64
		var what sql.RawBytes
		if err := scan(&ends, &what, &id, &last, &answered); err != nil {
			return err
		}
		if t := wanted[talk{ends, string(what)}]; t != nil {
			t.id, t.known = id, talkRow{last: timeOf(last), answered: answered != 0}
		}
		return nil
	}, numbersText(ends))
}

// toldBefore looks up what this survey has told of them already.
func (w *writer) toldBefore(ctx context.Context, tx *session, list []*talkSeen) error {
	again := map[int64]*talkSeen{}
	for _, t := range list {
		if w.told.has(t.id) {
			again[t.id] = t
		}
	}
	if len(again) == 0 {
		return nil
	}
	return each(ctx, tx, `SELECT c.talk, c.packets, c.bytes, c.operations, c.answered, c.frequency, c.median_ns, c.first_ns, c.last_ns
		FROM json_each(?2) AS w CROSS JOIN talk_surveys AS c ON c.survey = ?1 AND c.talk = w.value`, func(scan func(...any) error) error {
		var id, first, last int64
		row := &talkRow{}
		if err := scan(&id, &row.packets, &row.bytes, &row.operations, &row.answered, &row.frequency, &row.median, &first, &last); err != nil {
			return err
		}
		row.first, row.last = timeOf(first), timeOf(last)
		again[id].before = row
		return nil
	}, w.survey, numbersText(slices.Sorted(maps.Keys(again))))
}

// lookUpEnds looks up the assets at both ends, where the survey tells of a conversation for the first time.
func (w *writer) lookUpEnds(ctx context.Context, tx *session, list []*talkSeen) error {
	var ends []int64
	for _, t := range list {
		if t.before == nil {
			ends = append(ends, t.client, t.server)
		}
	}
	slices.Sort(ends)
	return w.lookUpCalm(ctx, tx, slices.Compact(ends))
}

// tellTalks writes what the survey tells, and adds it to what is known over all surveys.
func (w *writer) tellTalks(ctx context.Context, tx *session, list []*talkSeen) error {
	var rows []any
	var recount []int64
	for _, t := range list {
		if err := w.seeEnds(ctx, tx, t); err != nil {
			return err
		}
		now := *t.row
		if t.before != nil {
			now = *t.before
			now.join(t.row)
		}
		var err error
		switch {
		case t.id == 0:
			err = w.addTalk(ctx, tx, t)
		case now.last.Before(t.known.last) || t.before != nil && t.before.frequency == cyclic && now.frequency != cyclic:
			recount = append(recount, t.id)
		default:
			err = addUp(ctx, tx, t, now)
		}
		if err != nil {
			return err
		}
		w.told.add(t.id)
		rows = append(rows, w.survey, t.id, int64(now.packets), int64(now.bytes), int64(now.operations), int64(bit(now.answered)),
			now.frequency, int64(now.median), nanos(now.first), nanos(now.last))
	}
	for part := range slices.Chunk(rows, tellingsAtOnce*tellingWidth) {
		query := "INSERT OR REPLACE INTO talk_surveys (" + tellingColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" +
			strings.Repeat(", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", len(part)/tellingWidth-1)
		if _, err := tx.exec(ctx, query, part...); err != nil {
			return err
		}
	}
	return countTalks(ctx, tx, recount)
}

// seeEnds says what becomes of the assets at both ends. A conversation that is new, or answered for the first time, changes them.
func (w *writer) seeEnds(ctx context.Context, tx *session, t *talkSeen) error {
	if t.before != nil {
		w.see(t.client, t.row.last)
		if t.before.answered {
			w.see(t.server, t.row.last)
		} else if t.row.answered {
			w.dirty[t.server] = true
		}
		return nil
	}
	news := t.id == 0 || t.row.answered && !t.known.answered
	for _, end := range []struct {
		subject int64
		there   bool
	}{{t.client, true}, {t.server, t.row.answered}} {
		calm, err := w.calmOf(ctx, tx, end.subject)
		if err != nil {
			return err
		}
		if news || !calm.ok {
			w.dirty[end.subject] = true
		} else if end.there {
			w.see(end.subject, t.row.last)
		}
	}
	return nil
}

// addTalk stores a conversation that is new.
func (w *writer) addTalk(ctx context.Context, tx *session, t *talkSeen) error {
	var answeredFirst, answeredLast any
	if t.row.answered {
		answeredFirst, answeredLast = nanos(t.row.first), nanos(t.row.last)
	}
	_, err := tx.row(ctx, `INSERT INTO talks (client, server, transport, port, protocol, mode, since, packets, bytes, operations, frequency, cyclic, median_ns,
		first_ns, last_ns, answered_first_ns, answered_last_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		[]any{
			t.client, t.server, t.key.transport.String(), int64(t.key.port), t.key.protocol, t.key.mode.String(), w.survey, int64(t.row.packets), int64(t.row.bytes),
			int64(t.row.operations), t.row.frequency, int64(bit(t.row.frequency == cyclic)), int64(t.row.median), nanos(t.row.first), nanos(t.row.last),
			answeredFirst, answeredLast,
		}, &t.id)
	return err
}

// addUp adds to a conversation what a survey tells of it that saw it last; now is all that the survey tells.
func addUp(ctx context.Context, tx *session, t *talkSeen, now talkRow) error {
	_, err := tx.exec(ctx, `UPDATE talks SET packets = packets + ?2, bytes = bytes + ?3, operations = operations | ?4,
		frequency = iif(?5 = '', frequency, ?5), cyclic = cyclic | (?5 = 'cyclic'), median_ns = iif(?6 = 0, median_ns, ?6),
		first_ns = min(first_ns, ?7), last_ns = ?8, answered_first_ns = iif(?9, min(coalesce(answered_first_ns, ?7), ?7), answered_first_ns),
		answered_last_ns = iif(?9, ?8, answered_last_ns) WHERE id = ?1`,
		t.id, int64(t.row.packets), int64(t.row.bytes), int64(now.operations), now.frequency, int64(now.median), nanos(now.first), nanos(now.last), int64(bit(now.answered)))
	return err
}

// countTalks counts anew what conversations are over all surveys: where it is not the newest that was added.
func countTalks(ctx context.Context, tx *session, talks []int64) error {
	const told = "FROM surveys AS v CROSS JOIN talk_surveys AS c ON c.survey = v.id AND c.talk = talks.id"
	for part := range slices.Chunk(talks, talksAtOnce) {
		if _, err := tx.exec(ctx, `UPDATE talks SET (since, packets, bytes, operations, cyclic, first_ns, last_ns, answered_first_ns, answered_last_ns) =
				(SELECT min(c.survey), sum(c.packets), sum(c.bytes), max(c.operations & 1) | max(c.operations & 2) | max(c.operations & 4),
					max(c.frequency = 'cyclic'), min(c.first_ns), max(c.last_ns), min(c.first_ns) FILTER (WHERE c.answered), max(c.last_ns) FILTER (WHERE c.answered) `+told+`),
			frequency = coalesce((SELECT c.frequency `+told+` WHERE c.frequency <> '' ORDER BY c.last_ns DESC, c.survey DESC LIMIT 1), ''),
			median_ns = coalesce((SELECT c.median_ns `+told+` WHERE c.median_ns <> 0 ORDER BY c.last_ns DESC, c.survey DESC LIMIT 1), 0)
			WHERE id IN (SELECT value FROM json_each(?))`, numbersText(part)); err != nil {
			return err
		}
	}
	return nil
}

// numbers is a set of row numbers, which are dense.
type numbers []uint64

func (n numbers) has(row int64) bool {
	i := row / 64
	return i < int64(len(n)) && n[i]&(1<<(row%64)) != 0
}

func (n *numbers) add(row int64) {
	i := int(row / 64)
	if i >= len(*n) {
		*n = append(*n, make([]uint64, i+1-len(*n))...)
	}
	(*n)[i] |= 1 << (row % 64)
}
