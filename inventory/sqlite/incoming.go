package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/walkdown-ot/walkdown/inventory"
)

// takeMerges adds what became of the ids of before, as far as nothing else is known of them here.
func (i *importer) takeMerges(ctx context.Context, tx *session) error {
	err := i.copyMerges(ctx, tx)
	// An id may lead to one that here leads on.
	for n := int64(1); n > 0 && err == nil; {
		n, err = tx.exec(ctx, `UPDATE merges SET into_asset = n.into_asset FROM merges AS n
			WHERE merges.kind = 'merged' AND n.kind = 'merged' AND n.asset = merges.into_asset AND n.asset <> n.into_asset AND n.into_asset <> merges.asset`)
	}
	return err
}

func (i *importer) copyMerges(ctx context.Context, tx *session) error {
	return each(ctx, i.from.read, "SELECT survey, kind, asset, into_asset, time, reason, marks, born, said FROM merges ORDER BY id", func(scan func(...any) error) error {
		var survey int64
		var kind, asset, into, at, reason, marks, born, said string
		if err := scan(&survey, &kind, &asset, &into, &at, &reason, &marks, &born, &said); err != nil {
			return err
		}
		if !i.fresh[survey] {
			return nil
		}
		list, err := i.marks(marks, "")
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO merges (survey, kind, asset, into_asset, time, reason, marks, born, said) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
			WHERE NOT EXISTS (SELECT 1 FROM merges WHERE kind = ?2 AND asset = ?3 AND (?2 = 'merged' OR into_asset = ?4))
				AND (?2 <> 'merged' OR NOT EXISTS (SELECT 1 FROM assets WHERE id = ?3))`, i.surveys[survey], kind, asset, into, at, reason, jsonText(list), born, said)
		return err
	})
}

// marks reads a JSON list of marks, under the names of here.
func (i *importer) marks(text, seenIn string) ([]inventory.Mark, error) {
	list := []inventory.Mark{}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("%w: marks: %w", ErrDamaged, err)
	}
	for n, m := range list {
		list[n] = i.names.mark(m, seenIn)
	}
	return list, nil
}

// takeDecisions adds what people decided there.
func (i *importer) takeDecisions(ctx context.Context, tx *session) error {
	err := each(ctx, i.from.read, "SELECT uid, kind, undoes, operator, reason, time, addresses, others FROM decisions ORDER BY time, uid", func(scan func(...any) error) error {
		var uid, kind, undoes, operator, reason, at, addresses, others string
		if err := scan(&uid, &kind, &undoes, &operator, &reason, &at, &addresses, &others); err != nil {
			return err
		}
		these, err := i.marks(addresses, "")
		if err != nil {
			return err
		}
		those, err := i.marks(others, "")
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, "INSERT OR IGNORE INTO decisions (uid, kind, undoes, operator, reason, time, addresses, others) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			uid, kind, undoes, operator, reason, at, jsonText(these), jsonText(those))
		if err != nil || n == 0 {
			return err
		}
		i.count.Decisions++
		return unsettle(ctx, tx, slices.Concat(these, those))
	})
	if err != nil {
		return err
	}
	rules, err := i.writer.store.rulesOf(ctx, tx)
	i.writer.rules = rules
	i.writer.decided(rules.Decisions)
	return err
}

// takeAnnotations adds what people said there. An asset that here is another one by now has it from then on.
func (i *importer) takeAnnotations(ctx context.Context, tx *session) error {
	return each(ctx, i.from.read, "SELECT asset, attribute, value, author, time FROM annotations ORDER BY time", func(scan func(...any) error) error {
		var asset, attribute, value, author, at string
		if err := scan(&asset, &attribute, &value, &author, &at); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `INSERT OR IGNORE INTO annotations (asset, attribute, value, author, time)
			SELECT coalesce((SELECT into_asset FROM merges WHERE kind = 'merged' AND asset = ?1), ?1), ?2, ?3, ?4, ?5
			WHERE NOT EXISTS (SELECT 1 FROM annotations WHERE attribute = ?2 AND value = ?3 AND author = ?4 AND time = ?5)`, asset, attribute, value, author, at)
		i.count.Annotations += int(n)
		return err
	})
}

// takeAssets notes which subject belongs to which asset there, for the assets that are not known here: they go on under their ids.
func (i *importer) takeAssets(ctx context.Context, tx *session) error {
	for _, statement := range []string{
		"CREATE TEMP TABLE IF NOT EXISTS incoming (subject INTEGER NOT NULL, asset TEXT NOT NULL, PRIMARY KEY (subject, asset)) STRICT, WITHOUT ROWID",
		"CREATE INDEX IF NOT EXISTS temp.incoming_by_asset ON incoming (asset)",
		"DELETE FROM incoming",
	} {
		if _, err := tx.exec(ctx, statement); err != nil {
			return err
		}
	}
	return each(ctx, i.from.read, "SELECT subject, asset FROM asset_subjects", func(scan func(...any) error) error {
		var subject int64
		var asset string
		if err := scan(&subject, &asset); err != nil {
			return err
		}
		n, err := tx.exec(ctx, `INSERT OR IGNORE INTO incoming (subject, asset) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM assets WHERE id = ?2)
			AND NOT EXISTS (SELECT 1 FROM merges WHERE kind = 'merged' AND asset = ?2)`, i.subjects[subject], asset)
		if n > 0 {
			i.writer.dirty[i.subjects[subject]] = true
		}
		return err
	})
}

// forget unsettles what here was taken for an asset and is the sensor of the other inventory.
func (i *importer) forget(ctx context.Context, tx *session) error {
	for _, mac := range i.writer.rules.Sensor {
		if _, err := tx.exec(ctx, "INSERT OR IGNORE INTO unsettled (subject) SELECT id FROM subjects WHERE mac = ?", mac.String()); err != nil {
			return err
		}
	}
	return nil
}

// grow adds the subjects that there share an asset.
func (i *importer) grow(ctx context.Context, tx *session, round int) (int64, error) {
	return tx.exec(ctx, `INSERT OR IGNORE INTO work SELECT b.subject, ?2 FROM work AS w CROSS JOIN incoming AS a ON a.subject = w.subject
		CROSS JOIN incoming AS b ON b.asset = a.asset WHERE w.round = ?1`, round, round+1)
}

// assets adds the assets of there that the subjects in work belong to, as they stood there.
func (i *importer) assets(ctx context.Context, tx *session, out map[string]*stored) error {
	ids, err := texts(tx.QueryContext(ctx, `SELECT DISTINCT n.asset FROM work AS w CROSS JOIN incoming AS n ON n.subject = w.subject
		WHERE NOT EXISTS (SELECT 1 FROM assets WHERE id = n.asset) AND NOT EXISTS (SELECT 1 FROM merges WHERE kind = 'merged' AND asset = n.asset)`))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if out[id], err = i.asset(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer) asset(ctx context.Context, id string) (*stored, error) {
	s := &stored{foreign: true}
	var body []byte
	if err := i.from.read.QueryRowContext(ctx, "SELECT a.born, a.body, a.first_seen, t.last_seen FROM assets AS a JOIN asset_states AS t ON t.asset = a.age WHERE a.id = ?", id).Scan(&s.born, &body, &s.first, &s.last); err != nil {
		return nil, err
	}
	a, err := assetOf(id, body)
	if err != nil {
		return nil, err
	}
	seenIn := a.Segment
	a = i.names.asset(a)
	a.ID = ""
	s.body = jsonText(a)
	s.marks, err = marksOfAsset(ctx, i.from.read, id)
	for n, m := range s.marks {
		s.marks[n] = i.names.mark(m, seenIn)
	}
	return s, err
}
