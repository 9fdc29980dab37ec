package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// undone is the kind of a row that takes a decision back.
const undone = "undone"

// Decisions are what people decided of who is who, the oldest first, those that were taken back included.
func (s *Store) Decisions(ctx context.Context) ([]inventory.Decision, error) {
	list, err := decisions(ctx, s.read)
	return list, told("list decisions", err)
}

func decisions(ctx context.Context, q queryer) ([]inventory.Decision, error) {
	var list []inventory.Decision
	type takingBack struct {
		of string
		inventory.Decision
	}
	var taken []takingBack
	err := each(ctx, q, "SELECT id, uid, kind, undoes, operator, reason, time, addresses, others FROM decisions ORDER BY id", func(scan func(...any) error) error {
		var d inventory.Decision
		var id int64
		var undoes, at, addresses, others string
		if err := scan(&id, &d.UID, &d.Kind, &undoes, &d.Operator, &d.Reason, &at, &addresses, &others); err != nil {
			return err
		}
		d.ID = decisionID(id)
		var err error
		if d.Time, err = parseTime(at); err != nil {
			return err
		}
		if d.Kind == undone {
			taken = append(taken, takingBack{undoes, d})
			return nil
		}
		if err := errors.Join(json.Unmarshal([]byte(addresses), &d.Addresses), json.Unmarshal([]byte(others), &d.Others)); err != nil {
			return fmt.Errorf("%w: decision %s: %w", ErrDamaged, d.ID, err)
		}
		list = append(list, d)
		return nil
	})
	for _, t := range taken {
		for i, d := range list {
			if d.UID == t.of && (d.Undone.IsZero() || t.Time.Before(d.Undone)) {
				list[i].Undone, list[i].UndoneBy = t.Time, t.Operator
			}
		}
	}
	return list, err
}

// decisionID is "d-" and the number.
func decisionID(number int64) string { return "d-" + strconv.FormatInt(number, 10) }

// partners are, for each address in a decision, the others in it.
func partners(list []inventory.Decision) map[inventory.Mark][]inventory.Mark {
	out := map[inventory.Mark][]inventory.Mark{}
	for _, d := range list {
		all := slices.Concat(d.Addresses, d.Others)
		for _, m := range all {
			for _, o := range all {
				if o != m && !slices.Contains(out[m], o) {
					out[m] = append(out[m], o)
				}
			}
		}
	}
	return out
}

// AddressMarks are the marks of an asset's own addresses, by which a decision names it: its MACs, the IPs whose MAC is not
// known, and the place of a device without an address that a person entered.
func (s *Store) AddressMarks(ctx context.Context, asset string) ([]inventory.Mark, error) {
	var out []inventory.Mark
	err := each(ctx, s.read, `SELECT kind, site, segment, value FROM asset_marks AS m WHERE m.asset = ? AND (m.kind = 'mac' AND EXISTS
			(SELECT 1 FROM addresses AS d WHERE d.asset = m.asset AND d.mac = m.value)
		OR m.kind = 'entered' OR m.kind = 'ip' AND EXISTS (SELECT 1 FROM addresses AS d WHERE d.asset = m.asset AND d.ip = m.value AND d.segment = m.segment AND d.mac = ''))
		ORDER BY m.place`, func(scan func(...any) error) error {
		var m inventory.Mark
		err := scan(&m.Kind, &m.Site, &m.Segment, &m.Value)
		out = append(out, m)
		return err
	}, asset)
	return out, told("list the addresses of "+asset, err)
}

// Decide writes a decision down, and settles who is who by it. Time, Kind and addresses are the caller's; ID and UID are given.
func (r *Recorder) Decide(ctx context.Context, d inventory.Decision) (inventory.Decision, error) {
	d.UID = newUID()
	err := r.decide(context.WithoutCancel(ctx), d, d.Kind, "")
	if list := r.writer.rules.Decisions; err == nil {
		d.ID = list[len(list)-1].ID
	}
	return d, told("write the decision down", err)
}

// Undo takes a decision back.
func (r *Recorder) Undo(ctx context.Context, taken inventory.Decision, by inventory.Decision) error {
	by.UID = newUID()
	by.Addresses, by.Others = taken.Addresses, taken.Others
	return told("take "+taken.ID+" back", r.decide(context.WithoutCancel(ctx), by, undone, taken.UID))
}

func (r *Recorder) decide(ctx context.Context, d inventory.Decision, kind, undoes string) error {
	r.commits.Lock()
	err := r.store.inTx(ctx, func(tx *session) error {
		if _, err := tx.exec(ctx, "INSERT INTO decisions (uid, kind, undoes, operator, reason, time, addresses, others) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			d.UID, kind, undoes, d.Operator, d.Reason, timeText(d.Time), jsonText(d.Addresses), jsonText(d.Others)); err != nil {
			return err
		}
		if err := unsettle(ctx, tx, slices.Concat(d.Addresses, d.Others)); err != nil {
			return err
		}
		list, err := decisions(ctx, tx)
		if err == nil {
			r.writer.decided(list)
		}
		return err
	})
	r.writer.behind = r.writer.behind || err == nil
	r.commits.Unlock()
	if err != nil {
		return err
	}
	return r.commit(ctx, true)
}

// unsettle has the assets settled anew that have one of the marks.
func unsettle(ctx context.Context, tx *session, marks []inventory.Mark) error {
	for _, m := range marks {
		if _, err := tx.exec(ctx, `INSERT OR IGNORE INTO unsettled (subject) SELECT p.subject FROM asset_marks AS m JOIN asset_subjects AS p ON p.asset = m.asset
			WHERE m.value = ? AND m.kind = ? AND m.site = ? AND m.segment = ?`, m.Value, string(m.Kind), m.Site, m.Segment); err != nil {
			return err
		}
	}
	return nil
}

// decided takes over what people have decided by now.
func (w *writer) decided(list []inventory.Decision) {
	w.rules.Decisions, w.partners = list, partners(list)
}

// Decision is one decision, by its id.
func (s *Store) Decision(ctx context.Context, id string) (inventory.Decision, error) {
	list, err := s.Decisions(ctx)
	if err != nil {
		return inventory.Decision{}, err
	}
	for _, d := range list {
		if strings.EqualFold(d.ID, id) {
			return d, nil
		}
	}
	return inventory.Decision{}, fmt.Errorf("decision %q: %w", id, ErrNotFound)
}
