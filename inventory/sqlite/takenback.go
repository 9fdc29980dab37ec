package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// takenBack is the kind of merges that tell of an asset which a person had entered by mistake and took back; it became nothing.
const takenBack = "taken back"

const whyTakenBack = "a person had entered it, and took it back"

// noteTakenBack writes down which of the assets that are gone only people knew of.
func (w *writer) noteTakenBack(ctx context.Context, tx *session, gone []string, before map[string]*stored) error {
	for _, id := range gone {
		was, err := assetOf(id, []byte(before[id].body))
		if err != nil {
			return err
		}
		if was.Seen != "" {
			continue
		}
		if _, err := tx.exec(ctx, "INSERT INTO merges (kind, asset, into_asset, survey, time, reason, marks, born) VALUES (?, ?, '', ?, ?, ?, ?, ?)",
			takenBack, id, w.survey, timeText(w.store.options.Now()), whyTakenBack, jsonText(inventory.PastMarks(before[id].marks)), before[id].born); err != nil {
			return err
		}
	}
	return nil
}

// enteredAgain gives things that only people know of the ids back under which they were taken back.
func (c *cluster) enteredAgain(ctx context.Context, things []inventory.Thing, m *inventory.Matching) error {
	var pasts []inventory.Past
	if err := each(ctx, c.tx, "SELECT asset, born, marks FROM merges WHERE kind = ? ORDER BY id DESC", func(scan func(...any) error) error {
		var past inventory.Past
		var marks string
		if err := scan(&past.ID, &past.Born, &marks); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(marks), &past.Marks); err != nil {
			return fmt.Errorf("%w: what was taken back as %s: %w", ErrDamaged, past.ID, err)
		}
		pasts = append(pasts, past)
		return nil
	}, takenBack); err != nil {
		return err
	}
	for i, t := range things {
		if !m.New[i] || t.Asset.Seen != "" || slices.ContainsFunc(m.Split, func(s inventory.Merge) bool { return s.Into == m.IDs[i] }) {
			continue
		}
		at := slices.IndexFunc(pasts, func(p inventory.Past) bool {
			return slices.ContainsFunc(p.Marks, func(mark inventory.Mark) bool { return slices.Contains(t.Marks, mark) })
		})
		if at < 0 {
			continue
		}
		m.IDs[i], m.Revived = pasts[at].ID, append(m.Revived, pasts[at])
		pasts = slices.Delete(pasts, at, at+1)
	}
	return nil
}

// tookBack is the change that tells of it.
func tookBack(was inventory.Asset, reason string) inventory.Change {
	c := inventory.Change{Asset: was.ID, Kind: inventory.Vanished, Old: was.Name, Via: reason}
	if len(was.Addresses) > 0 {
		c.Old = strings.TrimSpace(was.Addresses[0].MAC + " " + was.Addresses[0].IP)
	}
	return c
}
