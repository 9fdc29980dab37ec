package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/walkdown-ot/walkdown/inventory"
)

// stored is an asset as it stands in the cache.
type stored struct {
	born        string // time
	body        string
	first, last string
	fresh       string
	calm        bool
	marks       []inventory.Mark
	parts       []string // "subject since until", sorted
	took        []inventory.Past
	foreign     bool // it stands in an inventory that is being merged in, and not here yet
}

// cluster is the part of the inventory that settle works on: the rows of the temporary table work, each with the round in which
// it was added.
type cluster struct {
	tx       *session
	round    int
	incoming *importer // while another inventory is merged in
}

// start takes the first of the unsettled subjects and says how many there were.
func (c *cluster) start(ctx context.Context) (int64, error) {
	for _, statement := range []string{
		"CREATE TEMP TABLE IF NOT EXISTS work (subject INTEGER PRIMARY KEY, round INTEGER NOT NULL) STRICT",
		"DELETE FROM work",
	} {
		if _, err := c.tx.exec(ctx, statement); err != nil {
			return 0, err
		}
	}
	return c.tx.exec(ctx, "INSERT INTO work (subject, round) SELECT subject, 0 FROM unsettled ORDER BY subject LIMIT ?", atOnce)
}

// The queries begin with work, which is small, and say so (CROSS JOIN): SQLite knows no sizes of a temporary table and would
// begin with a whole segment.

// grow adds what shares an IP in its segment, a MAC in its site, or an asset, until nothing is left to add. A MAC beside an IP
// that nobody bound to it is a router's, and leads nowhere: else one packet from outside would pull in the whole plant.
func (c *cluster) grow(ctx context.Context) error {
	for {
		added := int64(0)
		for _, statement := range []string{
			`INSERT OR IGNORE INTO work SELECT o.id, ?2 FROM work AS w CROSS JOIN subjects AS s ON s.id = w.subject
				CROSS JOIN subjects AS o ON o.segment = s.segment AND o.ip = s.ip WHERE w.round = ?1 AND s.ip <> ''`,
			`INSERT OR IGNORE INTO work SELECT o.id, ?2 FROM work AS w CROSS JOIN subjects AS s ON s.id = w.subject
				CROSS JOIN subjects AS o ON o.mac = s.mac AND o.mac <> '' CROSS JOIN segments AS a ON a.id = s.segment CROSS JOIN segments AS b ON b.id = o.segment
				WHERE w.round = ?1 AND s.mac <> '' AND a.site = b.site AND (s.ip = '' OR s.bound) AND (o.ip = '' OR o.bound)`,
			`INSERT OR IGNORE INTO work SELECT b.subject, ?2 FROM work AS w CROSS JOIN asset_subjects AS a ON a.subject = w.subject
				CROSS JOIN asset_subjects AS b ON b.asset = a.asset WHERE w.round = ?1`,
		} {
			n, err := c.tx.exec(ctx, statement, c.round, c.round+1)
			if err != nil {
				return err
			}
			added += n
		}
		if c.incoming != nil {
			n, err := c.incoming.grow(ctx, c.tx, c.round)
			if err != nil {
				return err
			}
			added += n
		}
		c.round++
		if added == 0 {
			return nil
		}
	}
}

// sharing adds the subjects of assets outside that share a mark with one of the things, or are its partners in a decision, and
// reports whether there were any.
func (c *cluster) sharing(ctx context.Context, things []inventory.Thing, inside map[string]*stored, partners map[inventory.Mark][]inventory.Mark) (bool, error) {
	outside := map[string]bool{}
	add := func(ids []string, err error) error {
		for _, id := range ids {
			if inside[id] == nil {
				outside[id] = true
			}
		}
		return err
	}
	for _, t := range things {
		for _, m := range t.Marks {
			// Who tells an IP as its management address may be who holds it. Who else holds it, grow has found.
			// Who tells an address to be one of its own may be who holds it, too.
			like := [3]inventory.MarkKind{m.Kind, m.Kind, m.Kind}
			switch m.Kind {
			case inventory.MarkIP:
				like = [3]inventory.MarkKind{inventory.MarkManagement, inventory.MarkManagement, inventory.MarkInterface}
			case inventory.MarkMAC:
				like[2] = inventory.MarkInterface
			case inventory.MarkManagement:
				like[1] = inventory.MarkIP
			case inventory.MarkInterface:
				like[1], like[2] = inventory.MarkMAC, inventory.MarkIP
			}
			if err := add(texts(c.tx.QueryContext(ctx, "SELECT DISTINCT asset FROM asset_marks WHERE value = ? AND kind IN (?, ?, ?) AND site = ? AND segment = ?",
				m.Value, string(like[0]), string(like[1]), string(like[2]), m.Site, m.Segment))); err != nil {
				return false, err
			}
			for _, p := range partners[m] {
				if err := add(texts(c.tx.QueryContext(ctx, withMark, p.Value, string(p.Kind), p.Site, p.Segment))); err != nil {
					return false, err
				}
			}
		}
	}
	for id := range outside {
		if _, err := c.tx.exec(ctx, "INSERT OR IGNORE INTO work SELECT subject, ? FROM asset_subjects WHERE asset = ?", c.round, id); err != nil {
			return false, err
		}
	}
	return len(outside) > 0, nil
}

// withMark finds the assets that have a mark.
const withMark = "SELECT DISTINCT asset FROM asset_marks WHERE value = ? AND kind = ? AND site = ? AND segment = ?"

// sightings loads all that is known under the subjects.
func (c *cluster) sightings(ctx context.Context) ([]inventory.Sighting, error) {
	var list []inventory.Sighting
	index := map[int64]int{}
	err := each(ctx, c.tx, `SELECT `+subjectColumns+`, s.id FROM work AS w CROSS JOIN subjects AS s ON s.id = w.subject`+joinPlace("s"),
		func(scan func(...any) error) error {
			var id int64
			s, err := scanSubject(scan, &id)
			if err != nil {
				return err
			}
			index[id] = len(list)
			list = append(list, inventory.Sighting{Subject: s})
			return nil
		})
	if err != nil {
		return nil, err
	}
	err = each(ctx, c.tx, `SELECT `+factColumns+`, f.subject FROM work AS w CROSS JOIN facts AS f ON f.subject = w.subject`+joinMessage+joinTeller,
		func(scan func(...any) error) error {
			var id int64
			e, err := scanFact(scan, &id)
			if err != nil {
				return err
			}
			s := &list[index[id]]
			e.Subject = s.Subject
			s.Evidence = append(s.Evidence, e)
			return nil
		})
	if err != nil {
		return nil, err
	}
	for _, server := range []bool{true, false} {
		query := `SELECT w.subject, t.transport, t.port, t.protocol, t.mode, min(t.answered_first_ns), max(t.answered_last_ns)
			FROM work AS w CROSS JOIN talks AS t ON t.server = w.subject WHERE t.answered_last_ns IS NOT NULL GROUP BY 1, 2, 3, 4, 5`
		if !server {
			query = `SELECT w.subject, t.transport, 0, t.protocol, t.mode, min(t.first_ns), max(t.last_ns)
				FROM work AS w CROSS JOIN talks AS t ON t.client = w.subject GROUP BY 1, 2, 4, 5`
		}
		err = each(ctx, c.tx, query, func(scan func(...any) error) error {
			var id, first, last int64
			var mode string
			t := inventory.Talk{Server: server}
			if err := scan(&id, &t.Transport, &t.Port, &t.Protocol, &mode, &first, &last); err != nil {
				return err
			}
			t.Mode, t.First, t.Last = parseMode(mode), timeOf(first), timeOf(last)
			s := &list[index[id]]
			s.Talks = append(s.Talks, t)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// assets loads the assets that the subjects belong to.
func (c *cluster) assets(ctx context.Context) (map[string]*stored, error) {
	out := map[string]*stored{}
	err := each(ctx, c.tx, `SELECT a.id, a.born, a.body, a.first_seen, t.last_seen, t.fresh, t.calm FROM assets AS a JOIN asset_states AS t ON t.asset = a.age
		WHERE a.id IN (SELECT p.asset FROM work AS w CROSS JOIN asset_subjects AS p ON p.subject = w.subject)`,
		func(scan func(...any) error) error {
			var id string
			s := &stored{}
			if err := scan(&id, &s.born, &s.body, &s.first, &s.last, &s.fresh, &s.calm); err != nil {
				return err
			}
			out[id] = s
			return nil
		})
	if err != nil {
		return nil, err
	}
	for id, s := range out {
		if s.marks, err = marksOfAsset(ctx, c.tx, id); err != nil {
			return nil, err
		}
		if s.parts, err = texts(c.tx.QueryContext(ctx, "SELECT subject || ' ' || since || ' ' || until FROM asset_subjects WHERE asset = ?", id)); err != nil {
			return nil, err
		}
		slices.Sort(s.parts)
	}
	if c.incoming != nil {
		if err := c.incoming.assets(ctx, c.tx, out); err != nil {
			return nil, err
		}
	}
	return out, c.pasts(ctx, out)
}

// marksOfAsset are what an asset was recognised by, the most trusted first.
func marksOfAsset(ctx context.Context, q queryer, id string) ([]inventory.Mark, error) {
	var marks []inventory.Mark
	err := each(ctx, q, "SELECT kind, site, segment, value FROM asset_marks WHERE asset = ? ORDER BY place", func(scan func(...any) error) error {
		var m inventory.Mark
		err := scan(&m.Kind, &m.Site, &m.Segment, &m.Value)
		marks = append(marks, m)
		return err
	}, id)
	return marks, err
}

// pasts loads what was merged into the assets.
func (c *cluster) pasts(ctx context.Context, assets map[string]*stored) error {
	of := "SELECT p.asset FROM work AS w CROSS JOIN asset_subjects AS p ON p.subject = w.subject"
	if c.incoming != nil {
		of += " UNION SELECT n.asset FROM work AS w CROSS JOIN incoming AS n ON n.subject = w.subject"
	}
	return each(ctx, c.tx, `SELECT m.into_asset, m.asset, m.born, m.marks FROM merges AS m WHERE m.kind = 'merged' AND m.marks <> '[]' AND m.into_asset IN
		(`+of+`) ORDER BY m.born, m.asset`, func(scan func(...any) error) error {
		var into, marks string
		var past inventory.Past
		if err := scan(&into, &past.ID, &past.Born, &marks); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(marks), &past.Marks); err != nil {
			return fmt.Errorf("%w: what was merged into %s: %w", ErrDamaged, into, err)
		}
		if s := assets[into]; s != nil {
			s.took = append(s.took, past)
		}
		return nil
	})
}
