package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Imported counts what came of another inventory.
type Imported struct {
	Surveys       int `json:"surveys"`
	Facts         int `json:"facts"` // new, or seen at other times than here
	Conversations int `json:"conversations"`
	Ledger        int `json:"ledger"`
	Changes       int `json:"changes"`
	Decisions     int `json:"decisions"`
	Annotations   int `json:"annotations"`
}

// Nothing reports whether all of it was here already.
func (i Imported) Nothing() bool { return i == Imported{} }

// News counts what another inventory has that this one has not: surveys, decisions and annotations. Without any there is nothing to
// merge.
func (s *Store) News(ctx context.Context, from *Store) (Imported, error) {
	var n Imported
	for _, part := range []struct {
		query string
		into  *int
	}{
		{"SELECT uid FROM surveys", &n.Surveys},
		{"SELECT uid FROM decisions", &n.Decisions},
		// Not by asset: here it may be merged into another one.
		{"SELECT time || ' ' || attribute || ' ' || author || ' ' || value FROM annotations", &n.Annotations},
	} {
		known, err := texts(s.read.QueryContext(ctx, part.query))
		if err != nil {
			return n, told("compare the inventories", err)
		}
		here := map[string]bool{}
		for _, id := range known {
			here[id] = true
		}
		theirs, err := texts(from.read.QueryContext(ctx, part.query))
		if err != nil {
			return n, told("compare the inventories", err)
		}
		for _, id := range theirs {
			if !here[id] {
				*part.into++
			}
		}
	}
	return n, nil
}

// Import takes another inventory in, under other names for its segments where names has any, in one transaction, and settles who is
// who anew. Surveys keep their identity, so that what came before does not come twice, and two inventories merged either way
// give the same. Segments that came before keep the names that they were given then. Of a fact that both have, first and last seen
// are those of both together; how often is the larger of the two, because both may have counted the same.
func (r *Recorder) Import(ctx context.Context, from *Store, names map[Place]Place) (Imported, error) {
	ctx = context.WithoutCancel(ctx)
	r.commits.Lock()
	defer r.commits.Unlock()
	w := r.writer
	i := &importer{writer: w, from: from, names: naming{}, surveys: map[int64]int64{}, fresh: map[int64]bool{}, subjects: map[int64]int64{}, uids: map[int64]string{}}
	w.dirty, w.touched, w.calms, w.incoming = map[int64]bool{}, map[int64]time.Time{}, map[int64]calm{}, i
	defer func() { w.incoming = nil }()
	err := r.store.inTx(ctx, func(tx *session) error {
		known, err := knownAs(ctx, tx, from)
		if err != nil {
			return err
		}
		maps.Copy(i.names, names)
		maps.Copy(i.names, known)
		for _, step := range []func(context.Context, *session) error{
			i.takeSurveys, i.takeSubjects, i.takeFacts, i.takeLinks, i.takeConversations, i.takeLedger, i.takeRuns, i.takeChanges, i.takeMerges,
			i.takeDecisions, i.takeAnnotations, i.takeAssets, i.forget, w.postpone, w.settle,
		} {
			if err := step(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Imported{}, told("merge "+from.path, err)
	}
	return i.count, nil
}

// importer takes the rows of another inventory over, a step for each table.
type importer struct {
	writer   *writer
	from     *Store
	names    naming
	surveys  map[int64]int64  // row there: row here
	fresh    map[int64]bool   // rows there: was not here yet
	uids     map[int64]string // row here: uid
	subjects map[int64]int64  // row there: row here
	count    Imported
}

// takeSurveys takes the surveys over that are not here yet.
func (i *importer) takeSurveys(ctx context.Context, tx *session) error {
	err := each(ctx, tx, "SELECT id, uid FROM surveys", func(scan func(...any) error) error {
		var id int64
		var uid string
		err := scan(&id, &uid)
		i.uids[id] = uid
		return err
	})
	if err != nil {
		return err
	}
	here := map[string]int64{}
	for id, uid := range i.uids {
		here[uid] = id
	}
	const columns = "kind, operator, permission, sensor, scope, own, started, ended, outcome, reasons, counts, version, custody, uid"
	return each(ctx, i.from.read, "SELECT v.id, t.name, g.name, "+columns+
		" FROM surveys AS v JOIN segments AS g ON g.id = v.segment JOIN sites AS t ON t.id = g.site ORDER BY v.started, v.id", func(scan func(...any) error) error {
		var id, number int64
		var site, segment string
		var row [14]any
		into := []any{&id, &site, &segment}
		for n := range row {
			into = append(into, &row[n])
		}
		if err := scan(into...); err != nil {
			return err
		}
		uid, ok := row[len(row)-1].(string)
		if !ok {
			return fmt.Errorf("%w: the uid of %s", ErrDamaged, surveyID(id))
		}
		if known, ok := here[uid]; ok {
			i.surveys[id] = known
			return nil
		}
		to := i.names.place(site, segment)
		place, err := i.writer.segment(ctx, tx, to.Site, to.Segment)
		if err != nil {
			return err
		}
		if _, err := tx.row(ctx, "INSERT INTO surveys (segment, "+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
			append([]any{place}, row[:]...), &number); err != nil {
			return err
		}
		i.surveys[id], i.fresh[id], i.uids[number] = number, true, uid
		i.count.Surveys++
		return nil
	})
}

// takeSubjects finds or makes the subjects.
func (i *importer) takeSubjects(ctx context.Context, tx *session) error {
	return each(ctx, i.from.read, "SELECT "+subjectColumns+", s.id, s.bound FROM subjects AS s"+joinPlace("s"), func(scan func(...any) error) error {
		var id int64
		var bound bool
		s, err := scanSubject(scan, &id, &bound)
		if err != nil {
			return err
		}
		if i.subjects[id], err = i.writer.subject(ctx, tx, i.names.subject(s)); err == nil && bound {
			_, err = tx.exec(ctx, "UPDATE subjects SET bound = 1 WHERE id = ? AND bound = 0", i.subjects[id])
		}
		return err
	})
}

// times are what both inventories know of when and how often something was seen.
type times struct {
	first, last string
	count       int
	survey      int64 // here
}

// with gives both together, and whether that is other than t. The survey that saw it last is told by its uid where both did.
func (t times) with(o times, uids map[int64]string) (both times, other bool) {
	both = times{first: min(t.first, o.first), last: max(t.last, o.last), count: max(t.count, o.count), survey: t.survey}
	if o.last > t.last || o.last == t.last && uids[o.survey] > uids[t.survey] {
		both.survey = o.survey
	}
	return both, both.first != t.first || both.last != t.last || both.survey != t.survey
}

// takeFacts adds the facts.
func (i *importer) takeFacts(ctx context.Context, tx *session) error {
	return each(ctx, i.from.read, `SELECT f.subject, f.teller, f.protocol, f.mode, f.key, f.value, f.raw, f.confidence, f.rule, f.made_from, f.first, m.last,
			f.earlier + m.count, m.survey, m.sensor
		FROM facts AS f`+joinMessage+` ORDER BY f.id`, func(scan func(...any) error) error {
		var subject, teller, survey int64
		var protocol, mode, key, value, rule, from, sensor string
		var raw []byte
		var confidence float64
		var theirs times
		if err := scan(&subject, &teller, &protocol, &mode, &key, &value, &raw, &confidence, &rule, &from, &theirs.first, &theirs.last, &theirs.count, &survey, &sensor); err != nil {
			return err
		}
		keys, err := parseKeys(from)
		if err != nil {
			return err
		}
		if raw == nil {
			raw = []byte{}
		}
		subject, teller, theirs.survey = i.subjects[subject], i.subjects[teller], i.surveys[survey]
		sum := digestOf(otherThan(teller, subject), protocol, mode, key, value, string(raw), rule, keyLines(keys))
		var id, number int64
		var ours times
		var sure float64
		var by string
		found, err := tx.row(ctx, `SELECT f.id, f.message, f.first, m.last, f.earlier + m.count, m.survey, m.sensor, f.confidence
			FROM facts AS f`+joinMessage+` WHERE f.subject = ? AND f.digest = ?`, []any{subject, sum[:]},
			&id, &number, &ours.first, &ours.last, &ours.count, &ours.survey, &by, &sure)
		if err != nil {
			return err
		}
		if !found {
			if number, err = i.message(ctx, tx, subject, theirs, sensor); err != nil {
				return err
			}
			if _, err := tx.exec(ctx, `INSERT INTO facts
				(subject, teller, protocol, mode, key, value, raw, confidence, rule, made_from, digest, first, message, earlier)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, subject, teller, protocol, mode, key, value, raw, confidence, rule, from, sum[:],
				theirs.first, number, theirs.count); err != nil {
				return err
			}
			i.count.Facts++
			i.writer.dirty[subject] = true
			return dropOldest(ctx, tx, subject, discovery.Key(key))
		}
		both, other := ours.with(theirs, i.uids)
		if !other && both.count == ours.count && confidence <= sure {
			return nil
		}
		i.count.Facts++
		i.writer.dirty[subject] = true
		if both.survey == ours.survey {
			sensor = by
		}
		if err := leave(ctx, tx, subject, number, 1); err != nil {
			return err
		}
		if number, err = i.message(ctx, tx, subject, both, sensor); err != nil {
			return err
		}
		_, err = tx.exec(ctx, "UPDATE facts SET first = ?2, message = ?3, earlier = ?4, confidence = max(confidence, ?5) WHERE id = ?1",
			id, both.first, number, both.count, confidence)
		return err
	})
}

// message takes one more fact into the message that brings over what was told at a time, and gives its number. How often is told by
// the facts.
func (i *importer) message(ctx context.Context, tx *session, subject int64, t times, sensor string) (number int64, err error) {
	found, err := tx.row(ctx, `UPDATE messages SET facts = facts + 1 WHERE subject = ? AND digest = x'' AND count = 0 AND last = ? AND survey = ? AND sensor = ?
		RETURNING number`, []any{subject, t.last, t.survey, sensor}, &number)
	if err != nil || found {
		return number, err
	}
	_, err = tx.row(ctx, `INSERT INTO messages (subject, number, digest, facts, last, count, survey, sensor)
		SELECT ?1, 1 + coalesce(max(number), 0), x'', 1, ?2, 0, ?3, ?4 FROM messages WHERE subject = ?1 RETURNING number`,
		[]any{subject, t.last, t.survey, sensor}, &number)
	return number, err
}

// takeLinks adds the links.
func (i *importer) takeLinks(ctx context.Context, tx *session) error {
	return each(ctx, i.from.read, "SELECT subject, local_port, coalesce(remote, 0), remote_name, remote_port, via, first, last, count, survey FROM links ORDER BY id",
		func(scan func(...any) error) error {
			var subject, remote, survey int64
			var local, name, port, via string
			var theirs times
			if err := scan(&subject, &local, &remote, &name, &port, &via, &theirs.first, &theirs.last, &theirs.count, &survey); err != nil {
				return err
			}
			subject, remote, theirs.survey = i.subjects[subject], i.subjects[remote], i.surveys[survey]
			sum := digestOf(local, otherThan(remote, 0), name, port, via)
			var id int64
			var ours times
			found, err := tx.row(ctx, "SELECT id, first, last, count, survey FROM links WHERE subject = ? AND digest = ?", []any{subject, sum[:]},
				&id, &ours.first, &ours.last, &ours.count, &ours.survey)
			if err != nil {
				return err
			}
			if found {
				both, _ := ours.with(theirs, i.uids)
				_, err = tx.exec(ctx, "UPDATE links SET first = ?, last = ?, count = ?, survey = ? WHERE id = ?", both.first, both.last, both.count, both.survey, id)
				return err
			}
			_, err = tx.exec(ctx, `INSERT INTO links (subject, local_port, remote, remote_name, remote_port, via, digest, first, last, count, survey)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, subject, local, sql.NullInt64{Int64: remote, Valid: remote != 0}, name, port, via, sum[:],
				theirs.first, theirs.last, theirs.count, theirs.survey)
			return err
		})
}

// takeConversations adds what the surveys tell of them that are new here.
func (i *importer) takeConversations(ctx context.Context, tx *session) error {
	var fresh []int64
	for survey := range i.fresh {
		fresh = append(fresh, survey)
	}
	talks := map[int64]int64{} // row there: row here
	err := each(ctx, i.from.read, `SELECT id, client, server, transport, port, protocol, mode FROM talks
		WHERE id IN (SELECT talk FROM talk_surveys WHERE survey IN (SELECT value FROM json_each(?)))`, func(scan func(...any) error) error {
		var there, here, client, server, port int64
		var transport, protocol, mode string
		if err := scan(&there, &client, &server, &transport, &port, &protocol, &mode); err != nil {
			return err
		}
		client, server = i.subjects[client], i.subjects[server]
		i.writer.dirty[client], i.writer.dirty[server] = true, true
		// What it adds up to is counted below.
		_, err := tx.row(ctx, `INSERT INTO talks (client, server, transport, port, protocol, mode, since, packets, bytes, operations, frequency, cyclic, median_ns,
			first_ns, last_ns) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '', 0, 0, 0, 0) ON CONFLICT DO UPDATE SET port = port RETURNING id`,
			[]any{client, server, transport, port, protocol, mode, i.writer.survey}, &here)
		talks[there] = here
		return err
	}, numbersText(fresh))
	if err != nil {
		return err
	}
	const columns = "talk, packets, bytes, operations, answered, frequency, median_ns, first_ns, last_ns"
	if err := i.copy(ctx, tx, "talk_surveys", columns, 9, func(row []any) error {
		there, ok := row[0].(int64)
		if !ok {
			return fmt.Errorf("%w: what was told of no conversation", ErrDamaged)
		}
		row[0] = talks[there]
		i.count.Conversations++
		return nil
	}); err != nil {
		return err
	}
	return countTalks(ctx, tx, slices.Sorted(maps.Values(talks)))
}

// takeLedger adds what the surveys that are new here sent.
func (i *importer) takeLedger(ctx context.Context, tx *session) error {
	theirs, err := places(ctx, i.from.read)
	if err != nil {
		return err
	}
	segments := map[int64]int64{}
	for _, id := range slices.Sorted(maps.Keys(theirs)) {
		to := i.names.place(theirs[id].Site, theirs[id].Segment)
		if segments[id], err = i.writer.segment(ctx, tx, to.Site, to.Segment); err != nil {
			return err
		}
	}
	return i.copy(ctx, tx, "ledger", "segment, time, mac, ip, path, port, protocol, request, setup, bytes, outcome, rtt_ns, note", 13, func(row []any) error {
		id, ok := row[0].(int64)
		if !ok {
			return fmt.Errorf("%w: a line of the ledger without a segment", ErrDamaged)
		}
		row[0] = segments[id]
		if sent, ok := row[9].([]byte); !ok || len(sent) == 0 { // nothing was sent; NULL is no value of this column
			row[9] = []byte{}
		}
		i.count.Ledger++
		return nil
	})
}

// takeRuns adds what else belongs to the surveys that are new here.
func (i *importer) takeRuns(ctx context.Context, tx *session) error {
	for _, t := range []struct {
		table, columns string
		width          int
	}{
		{"plug_in_points", "switch, switch_name, port, gateway_mac, address", 5},
		{"troubles", "protocol, reason, count, example", 4},
		{"plans", "round, time, plan", 3},
		{"rhythms", "place, body", 2},
	} {
		if err := i.copy(ctx, tx, t.table, t.columns, t.width, func([]any) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// takeChanges adds what changed in the surveys that are new here.
func (i *importer) takeChanges(ctx context.Context, tx *session) error {
	return i.copy(ctx, tx, "changes", "time, asset, kind, attribute, old, new, via", 7, func([]any) error {
		i.count.Changes++
		return nil
	})
}

// copy copies the rows of a table that belong to surveys that are new here; change adapts a row.
func (i *importer) copy(ctx context.Context, tx *session, table, columns string, width int, change func(row []any) error) error {
	insert := "INSERT INTO " + table + " (survey, " + columns + ") VALUES (?" + strings.Repeat(", ?", width) + ")"
	return each(ctx, i.from.read, "SELECT survey, "+columns+" FROM "+table+"", func(scan func(...any) error) error {
		var survey int64
		row := make([]any, width)
		into := []any{&survey}
		for n := range row {
			into = append(into, &row[n])
		}
		if err := scan(into...); err != nil {
			return err
		}
		if !i.fresh[survey] {
			return nil
		}
		if err := change(row); err != nil {
			return err
		}
		_, err := tx.exec(ctx, insert, append([]any{i.surveys[survey]}, row...)...)
		return err
	})
}
