package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

const (
	// maxValues is how many values of one key under one subject are kept: the newest. A device that tells another one each
	// time cannot fill the disk.
	maxValues = 64
	// maxCached bounds the subjects whose row numbers are remembered.
	maxCached = 100_000
)

// writer writes the batches of one survey.
type writer struct {
	store  *Store
	rules  inventory.Rules
	survey int64
	// partners are the addresses that a decision names together.
	partners map[inventory.Mark][]inventory.Mark
	incoming *importer // while another inventory is merged in

	segments map[[2]string]int64
	subjects map[discovery.Subject]int64
	dirty    map[int64]bool      // subjects whose assets must be folded again
	touched  map[int64]time.Time // subjects that were only seen again
	calms    map[int64]calm      // as far as they were looked up for this batch

	told numbers // the talks that this survey has told of

	behind  bool // there are unsettled subjects
	settled time.Time
	took    time.Duration // the last settling
}

func newWriter(s *Store, rules inventory.Rules, survey int64) *writer {
	return &writer{
		store: s, rules: rules, survey: survey, partners: partners(rules.Decisions),
		segments: map[[2]string]int64{}, subjects: map[discovery.Subject]int64{},
	}
}

// write commits a batch, and the assets that it changes if their turn has come or all must be settled.
func (w *writer) write(ctx context.Context, b *batch, all bool) error {
	w.dirty, w.touched, w.calms = map[int64]bool{}, map[int64]time.Time{}, map[int64]calm{}
	due := all || time.Since(w.settled) >= settleShare*w.took
	err := w.store.inTx(ctx, func(tx *session) error {
		for _, step := range []func(context.Context, *session, *batch) error{w.facts, w.links, w.talks, w.ledger} {
			if err := step(ctx, tx, b); err != nil {
				return err
			}
		}
		if err := w.postpone(ctx, tx); err != nil {
			return err
		}
		if due && w.behind {
			if err := w.settle(ctx, tx); err != nil {
				return err
			}
		}
		return w.touch(ctx, tx)
	})
	if err == nil && due {
		w.behind = false
	}
	return err
}

// segment is the row of a site and segment.
func (w *writer) segment(ctx context.Context, tx *session, site, name string) (int64, error) {
	id, ok := w.segments[[2]string{site, name}]
	if ok {
		return id, nil
	}
	id, err := segmentRow(ctx, tx, site, name)
	if err == nil {
		w.segments[[2]string{site, name}] = id
	}
	return id, err
}

func segmentRow(ctx context.Context, tx *session, site, name string) (int64, error) {
	var siteID, id int64
	if _, err := tx.row(ctx, "INSERT INTO sites (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING id", []any{site}, &siteID); err != nil {
		return 0, err
	}
	_, err := tx.row(ctx, "INSERT INTO segments (site, name) VALUES (?, ?) ON CONFLICT DO UPDATE SET name = name RETURNING id", []any{siteID, name}, &id)
	return id, err
}

// subject is the row of a subject.
func (w *writer) subject(ctx context.Context, tx *session, s discovery.Subject) (int64, error) {
	if id, ok := w.subjects[s]; ok {
		return id, nil
	}
	segment, err := w.segment(ctx, tx, s.Site, s.Segment)
	if err != nil {
		return 0, err
	}
	mac, ip := s.MAC.String(), ipText(s.IP)
	var id int64
	found, err := tx.row(ctx, "SELECT id FROM subjects WHERE segment = ? AND ip = ? AND mac = ? AND vlan = ? AND path = ?",
		[]any{segment, ip, mac, s.VLAN, s.Path}, &id)
	if err == nil && !found {
		_, err = tx.row(ctx, "INSERT INTO subjects (segment, mac, ip, vlan, path, place) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
			[]any{segment, mac, ip, s.VLAN, s.Path, placeOf(ip, mac)}, &id)
	}
	if err != nil {
		return 0, err
	}
	if len(w.subjects) >= maxCached {
		clear(w.subjects)
	}
	w.subjects[s] = id
	return id, nil
}

func (w *writer) see(subject int64, at time.Time) {
	if at.After(w.touched[subject]) {
		w.touched[subject] = at
	}
}

// links adds links and counts those that were told again. They change no asset: neighbours are found when they are read.
func (w *writer) links(ctx context.Context, tx *session, b *batch) error {
	for k, row := range b.links {
		subject, err := w.subject(ctx, tx, k.subject)
		if err != nil {
			return err
		}
		var remote int64
		if !k.link.Remote.IsZero() {
			if remote, err = w.subject(ctx, tx, k.link.Remote); err != nil {
				return err
			}
		}
		l := k.link
		sum := digestOf(l.LocalPort, otherThan(remote, 0), l.RemoteName, l.RemotePort, l.Via)
		if _, err := tx.exec(ctx, `INSERT INTO links
			(subject, local_port, remote, remote_name, remote_port, via, digest, first, last, count, survey) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (subject, digest) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),
				count = count + excluded.count, survey = excluded.survey`,
			subject, l.LocalPort, sql.NullInt64{Int64: remote, Valid: remote != 0}, l.RemoteName, l.RemotePort, l.Via, sum[:], timeText(row.first), timeText(row.last), row.count, w.survey); err != nil {
			return err
		}
		w.see(subject, row.last)
	}
	return nil
}

// ledger adds what was sent.
func (w *writer) ledger(ctx context.Context, tx *session, b *batch) error {
	for _, e := range b.exchanges {
		segment, err := w.segment(ctx, tx, e.Target.Site, e.Target.Segment)
		if err != nil {
			return err
		}
		sent := e.Bytes
		if sent == nil {
			sent = []byte{}
		}
		if _, err := tx.exec(ctx, `INSERT INTO ledger
			(survey, time, segment, mac, ip, path, port, protocol, request, setup, bytes, outcome, rtt_ns, note)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			w.survey, timeText(e.Time), segment, e.Target.MAC.String(), ipText(e.Target.IP), e.Target.Path, e.Port, e.Protocol, e.Request,
			bit(e.Setup), sent, string(e.Outcome), int64(e.RTT), e.Note); err != nil {
			return err
		}
	}
	return nil
}

// touch moves the last-seen time of assets that were only seen again.
func (w *writer) touch(ctx context.Context, tx *session) error {
	var rows []byte // a JSON list: the time and the row of a subject, as one text
	for subject, last := range w.touched {
		if !w.dirty[subject] {
			rows = append(append(rows, `,"`...), timeText(last)...)
			rows = append(strconv.AppendInt(rows, subject, 10), '"')
		}
	}
	if len(rows) == 0 {
		return nil
	}
	rows[0] = '['
	_, err := tx.exec(ctx, fmt.Sprintf(`UPDATE asset_states SET last_seen = again.last FROM (
			SELECT a.age, max(substr(w.value, 1, %[1]d)) AS last FROM json_each(?) AS w
			CROSS JOIN asset_subjects AS p ON p.subject = CAST(substr(w.value, %[1]d + 1) AS INTEGER) CROSS JOIN assets AS a ON a.id = p.asset
			WHERE p.since <= substr(w.value, 1, %[1]d) AND p.until > substr(w.value, 1, %[1]d) GROUP BY a.age) AS again
		WHERE asset = again.age AND last_seen < again.last`, len(timeForm)), string(append(rows, ']')))
	return err
}

// digest is a short column of what makes a row unique.
type digest [16]byte

func digestOf(fields ...string) digest {
	var room [512]byte
	text := room[:0]
	for _, f := range fields {
		text = binary.BigEndian.AppendUint64(text, uint64(len(f)))
		text = append(text, f...)
	}
	sum := sha256.Sum256(text)
	return digest(sum[:16])
}

// otherThan is a row number as text for a digest, or nothing where it is the usual one.
func otherThan(row, usual int64) string {
	if row == usual {
		return ""
	}
	return strconv.FormatInt(row, 10)
}

// keyLines is the opposite of splitKeys.
func keyLines(keys []discovery.Key) string {
	if len(keys) == 0 {
		return ""
	}
	lines := make([]string, len(keys))
	for i, k := range keys {
		lines[i] = string(k)
	}
	return strings.Join(lines, "\n")
}

func splitKeys(lines string) []discovery.Key {
	if lines == "" {
		return nil
	}
	var keys []discovery.Key
	for line := range strings.SplitSeq(lines, "\n") {
		keys = append(keys, discovery.Key(line))
	}
	return keys
}
