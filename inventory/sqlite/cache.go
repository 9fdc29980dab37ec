package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// save writes what the things have become into the cache, as far as it differs.
func (w *writer) save(ctx context.Context, tx *session, things []inventory.Thing, before map[string]*stored, m inventory.Matching) error {
	if err := w.retire(ctx, tx, before, m); err != nil {
		return err
	}
	born := timeText(w.store.options.Now())
	revived := map[string]string{}
	for _, past := range m.Revived {
		revived[past.ID] = past.Born
	}
	telling := map[inventory.Mark]int{}
	for _, t := range things {
		for _, m := range t.Marks {
			telling[m]++
		}
	}
	rows := make([]assetRow, len(things))
	for i, t := range things {
		var err error
		if rows[i], err = w.row(ctx, tx, m.IDs[i], t); err != nil {
			return err
		}
		rows[i].calm = t.IsCalm() && !slices.ContainsFunc(t.Marks, func(m inventory.Mark) bool { return telling[m] > 1 })
		// A subject that goes from one asset to another must have left the one before it enters the other.
		if s := before[m.IDs[i]]; s != nil && !slices.Equal(s.parts, rows[i].partLines()) {
			if _, err := tx.exec(ctx, "DELETE FROM asset_subjects WHERE asset = ?", m.IDs[i]); err != nil {
				return err
			}
			s.parts = nil
		}
	}
	for _, row := range rows {
		s := before[row.id]
		if s == nil || s.body != row.body {
			if err := w.baseline(ctx, tx, row.id, s); err != nil {
				return err
			}
		}
		since := cmp.Or(revived[row.id], born)
		if s != nil && s.foreign {
			s, since = nil, s.born
		}
		if err := row.save(ctx, tx, s, since); err != nil {
			return err
		}
	}
	return nil
}

// retire takes the assets out of the cache that are no more, and writes down what became of them.
func (w *writer) retire(ctx context.Context, tx *session, before map[string]*stored, m inventory.Matching) error {
	exec := func(query string, args ...any) error {
		_, err := tx.exec(ctx, query, args...)
		return err
	}
	now := timeText(w.store.options.Now())
	const note = "INSERT INTO merges (kind, asset, into_asset, survey, time, reason, marks, born, said) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
	for _, past := range m.Revived {
		// What people had said of it goes back with it.
		if err := exec(`UPDATE OR IGNORE annotations SET asset = ?1 FROM merges AS m, json_each(m.said) AS w WHERE m.kind = ?2 AND m.asset = ?1
			AND annotations.asset = m.into_asset AND annotations.attribute = w.value ->> 0 AND annotations.time = w.value ->> 1`, past.ID, inventory.Merged); err != nil {
			return err
		}
		if err := exec("DELETE FROM merges WHERE kind IN (?, ?) AND asset = ?", inventory.Merged, takenBack, past.ID); err != nil {
			return err
		}
	}
	if err := w.noteTakenBack(ctx, tx, m.Gone, before); err != nil {
		return err
	}
	gone := slices.Clone(m.Gone)
	for _, merge := range m.Merged {
		gone = append(gone, merge.From)
		var said string
		if _, err := tx.row(ctx, "SELECT json_group_array(json_array(attribute, time)) FROM annotations WHERE asset = ?", []any{merge.From}, &said); err != nil {
			return err
		}
		if err := exec(note, inventory.Merged, merge.From, merge.Into, w.survey, now, merge.Reason,
			jsonText(inventory.PastMarks(before[merge.From].marks)), before[merge.From].born, said); err != nil {
			return err
		}
		if err := exec("UPDATE merges SET into_asset = ? WHERE kind = ? AND into_asset = ?", merge.Into, inventory.Merged, merge.From); err != nil {
			return err
		}
		if err := exec("UPDATE OR IGNORE annotations SET asset = ? WHERE asset = ?", merge.Into, merge.From); err != nil {
			return err
		}
	}
	for _, split := range m.Split {
		if err := exec(note, inventory.Split, split.From, split.Into, w.survey, now, split.Reason, "[]", "", "[]"); err != nil {
			return err
		}
	}
	for _, id := range gone {
		if err := w.baseline(ctx, tx, id, before[id]); err != nil {
			return err
		}
		if err := exec("DELETE FROM assets WHERE id = ?", id); err != nil {
			return err
		}
	}
	return nil
}

// baseline keeps how an asset stood before this survey; the first time counts. A nil s is an asset that was just found.
func (w *writer) baseline(ctx context.Context, tx *session, id string, s *stored) error {
	body := ""
	if s != nil {
		body = s.body
	}
	_, err := tx.exec(ctx, "INSERT OR IGNORE INTO baselines (survey, asset, body) VALUES (?, ?, ?)", w.survey, id, body)
	return err
}

// assetRow is an asset as it goes into the cache.
type assetRow struct {
	id          string
	thing       inventory.Thing
	body        string
	first, last string
	calm        bool // inventory.Thing.IsCalm, and it shares no mark
	parts       []partRow
	deduced     []deducedRow
}

type partRow struct {
	subject      int64
	since, until string
}

func (w *writer) row(ctx context.Context, tx *session, id string, t inventory.Thing) (assetRow, error) {
	row := assetRow{id: id, thing: t, first: timeText(t.Asset.FirstSeen), last: timeText(t.Asset.LastSeen)}
	body := t.Asset
	body.FirstSeen, body.LastSeen = time.Time{}, time.Time{}
	row.body = jsonText(body)
	for _, p := range t.Parts {
		subject, err := w.subject(ctx, tx, p.Subject)
		if err != nil {
			return row, err
		}
		row.parts = append(row.parts, partRow{subject, timeText(p.Since), cmp.Or(timeText(p.Until), open)})
	}
	var err error
	row.deduced, err = w.deducedRows(ctx, tx, t.Deduced)
	return row, err
}

// partLines are the parts in the form of stored.parts.
func (r assetRow) partLines() []string {
	lines := make([]string, len(r.parts))
	for i, p := range r.parts {
		lines[i] = fmt.Sprintf("%d %s %s", p.subject, p.since, p.until)
	}
	slices.Sort(lines)
	return lines
}

// save writes the row and what hangs on it, as far as it differs from what is stored.
func (r assetRow) save(ctx context.Context, tx *session, s *stored, born string) error {
	exec := func(query string, args ...any) error {
		_, err := tx.exec(ctx, query, args...)
		return err
	}
	a := r.thing.Asset
	place := placeOf("", "") // a device without an address, or whose address went to another one
	if len(a.Addresses) > 0 {
		place = placeOf(a.Addresses[0].IP, a.Addresses[0].MAC)
	}
	if s == nil || s.body != r.body || s.first != r.first {
		if err := exec(`INSERT INTO assets (id, site, segment, place, name, serial, body, first_seen, born)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET site = excluded.site,
				segment = excluded.segment, place = excluded.place, name = excluded.name, serial = excluded.serial, body = excluded.body,
				first_seen = excluded.first_seen`,
			r.id, a.Site, a.Segment, place, a.Name, a.Serial, r.body, r.first, born); err != nil {
			return err
		}
	}
	if fresh := timeText(r.thing.Fresh); s == nil || s.last != r.last || s.fresh != fresh || s.calm != r.calm {
		if err := exec(`INSERT INTO asset_states (asset, last_seen, calm, fresh) SELECT age, ?, ?, ? FROM assets WHERE id = ? ON CONFLICT (asset) DO UPDATE SET
			last_seen = excluded.last_seen, calm = excluded.calm, fresh = excluded.fresh`, r.last, bit(r.calm), fresh, r.id); err != nil {
			return err
		}
	}
	if s == nil || s.parts == nil {
		for _, p := range r.parts {
			if err := exec("INSERT INTO asset_subjects (subject, asset, since, until) VALUES (?, ?, ?, ?)", p.subject, r.id, p.since, p.until); err != nil {
				return err
			}
		}
	}
	if s == nil || !slices.Equal(s.marks, r.thing.Marks) {
		if err := exec("DELETE FROM asset_marks WHERE asset = ?", r.id); err != nil {
			return err
		}
		for i, m := range r.thing.Marks {
			if err := exec("INSERT INTO asset_marks (asset, place, kind, site, segment, value) VALUES (?, ?, ?, ?, ?, ?)",
				r.id, i, string(m.Kind), m.Site, m.Segment, m.Value); err != nil {
				return err
			}
		}
	}
	if s == nil || s.body != r.body {
		for _, table := range []string{"asset_names", "addresses"} {
			if err := exec("DELETE FROM "+table+" WHERE asset = ?", r.id); err != nil {
				return err
			}
		}
		for _, name := range a.Names {
			if err := exec("INSERT OR IGNORE INTO asset_names (asset, name) VALUES (?, ?)", r.id, name); err != nil {
				return err
			}
		}
		for _, address := range a.Addresses {
			if err := exec("INSERT OR IGNORE INTO addresses (asset, site, segment, mac, ip, vlan) VALUES (?, ?, ?, ?, ?, ?)",
				r.id, a.Site, cmp.Or(address.Segment, a.Segment), address.MAC, address.IP, address.VLAN); err != nil {
				return err
			}
		}
	}
	return r.saveDeduced(ctx, tx)
}
