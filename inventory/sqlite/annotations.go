package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

var (
	_ inventory.Registry   = (*Store)(nil)
	_ inventory.FactSource = (*Store)(nil)
	_ inventory.Planner    = (*Store)(nil)

	_ inventory.PartnerSource  = (*Store)(nil)
	_ inventory.StrangerSource = (*Store)(nil)
	_ inventory.AddressSource  = (*Store)(nil)
)

// Annotate adds what people said, as far as it differs from what is in effect, in one transaction, and gives how many were added.
// Nothing is overwritten: what was said before stays in the history. A zero time is now.
func (s *Store) Annotate(ctx context.Context, list []inventory.Annotation) (int, error) {
	if s.write == nil {
		return 0, fmt.Errorf("annotate: %w: opened for reading", ErrReadOnly)
	}
	added := 0
	err := s.inTx(ctx, func(tx *session) error {
		for _, a := range list {
			if a.Time.IsZero() {
				a.Time = s.options.Now()
			}
			var value, last string
			if _, err := tx.row(ctx, "SELECT value, time FROM annotations WHERE asset = ? AND attribute = ? ORDER BY time DESC LIMIT 1",
				[]any{a.Of, a.Attribute}, &value, &last); err != nil {
				return err
			}
			if value == a.Value {
				continue
			}
			if before, err := parseTime(last); err != nil {
				return err
			} else if !a.Time.After(before) { // the clock was set back, or stands still: the last word must come last
				a.Time = before.Add(1)
			}
			if _, err := tx.exec(ctx, "INSERT INTO annotations (asset, attribute, value, author, time) VALUES (?, ?, ?, ?, ?)",
				a.Of, a.Attribute, a.Value, a.Author, timeText(a.Time)); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	return added, told("annotate", err)
}

// Annotations are all that people ever said of one thing, by its id, the oldest first.
func (v view) Annotations(ctx context.Context, of string) iter.Seq2[inventory.Annotation, error] {
	return stream(ctx, v, "list annotations", func(tx *sql.Tx, yield func(inventory.Annotation) error) error {
		return each(ctx, tx, "SELECT asset, attribute, value, author, time FROM annotations WHERE asset = ? ORDER BY time, attribute", func(scan func(...any) error) error {
			var a inventory.Annotation
			var at string
			if err := scan(&a.Of, &a.Attribute, &a.Value, &a.Author, &at); err != nil {
				return err
			}
			var err error
			if a.Time, err = parseTime(at); err != nil {
				return err
			}
			return yield(a)
		}, of)
	})
}

// Said gives the annotations that take effect, by the id of what they are about, for the ids that begin with prefix.
func (v view) Said(ctx context.Context, prefix string) (out map[string]map[string]string, err error) {
	err = v.within(ctx, func(tx *sql.Tx) error {
		out, err = inEffect(ctx, tx, prefix)
		return err
	})
	return out, told("list annotations", err)
}

// inEffect are the last words of people, without what was taken back, of all whose id begins so.
func inEffect(ctx context.Context, tx *sql.Tx, prefix string) (map[string]map[string]string, error) {
	return lastWords(ctx, tx, "asset >= ?1 AND asset < ?1 || '~'", prefix)
}

func lastWords(ctx context.Context, tx *sql.Tx, where string, args ...any) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	err := each(ctx, tx, "SELECT asset, attribute, value FROM annotations WHERE "+where+" ORDER BY asset, attribute, time", func(scan func(...any) error) error {
		var id, attribute, value string
		if err := scan(&id, &attribute, &value); err != nil {
			return err
		}
		switch {
		case value == "":
			delete(out[id], attribute)
		case out[id] == nil:
			out[id] = map[string]string{attribute: value}
		default:
			out[id][attribute] = value
		}
		return nil
	}, args...)
	return out, err
}

// Facts gives what was said under these keys, of all assets.
func (v view) Facts(ctx context.Context, keys ...discovery.Key) iter.Seq2[inventory.AssetFact, error] {
	return stream(ctx, v, "list facts", func(tx *sql.Tx, yield func(inventory.AssetFact) error) error {
		args := make([]any, len(keys))
		for i, k := range keys {
			args[i] = string(k)
		}
		return each(ctx, tx, `SELECT `+factColumns+`, p.asset, s_site.name, s_segment.name, s.mac, s.ip, s.vlan, s.path
			FROM facts AS f`+joinMessage+` JOIN asset_subjects AS p ON p.subject = f.subject AND m.last >= p.since AND m.last < p.until
			JOIN subjects AS s ON s.id = f.subject`+joinPlace("s")+joinTeller+`WHERE f.key IN (?`+strings.Repeat(", ?", len(keys)-1)+`) ORDER BY f.id`,
			func(scan func(...any) error) error {
				var f inventory.AssetFact
				var site, segment, mac, ip, path string
				var vlan uint16
				var err error
				if f.Evidence, err = scanFact(scan, &f.Asset, &site, &segment, &mac, &ip, &vlan, &path); err != nil {
					return err
				}
				if f.Subject, err = subjectOf(site, segment, mac, ip, vlan, path); err != nil {
					return err
				}
				return yield(f)
			}, args...)
	})
}

// Renamed are the assets that were merged into others: the id of before, and the one that goes on.
func (v view) Renamed(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	err := v.within(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, "SELECT asset, into_asset FROM merges WHERE kind = ?", func(scan func(...any) error) error {
			var from, into string
			err := scan(&from, &into)
			out[from] = into
			return err
		}, inventory.Merged)
	})
	return out, told("list merged assets", err)
}

// Intents are what the surveys meant to do and not to do, as it was agreed to.
func (v view) Intents(ctx context.Context) ([]inventory.Intent, error) {
	var out []inventory.Intent
	err := v.within(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, "SELECT survey, plan FROM plans WHERE round = 1 ORDER BY survey", func(scan func(...any) error) error {
			var number int64
			var text string
			if err := scan(&number, &text); err != nil {
				return err
			}
			intent, err := intentOf(text)
			if err != nil {
				return fmt.Errorf("%w: the plan of %s: %w", ErrDamaged, surveyID(number), err)
			}
			intent.Survey = surveyID(number)
			out = append(out, intent)
			return nil
		})
	})
	return out, told("read the plans", err)
}

// blind is the grade of evidence of what nothing speaks for.
const blind = "E5"

// intentOf reads what a plan leaves out, from the JSON form of `walkdown plan --json`.
func intentOf(text string) (inventory.Intent, error) {
	var plan struct {
		Excluded []string `json:"excluded"`
		Sweep    struct {
			NotSwept []struct{ Network, Reason string } `json:"not_swept"`
		} `json:"sweep"`
		NotAsked []struct{ Address, Protocol, Request, Grade, Reason string } `json:"not_asked"`
	}
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return inventory.Intent{}, err
	}
	out := inventory.Intent{Excluded: plan.Excluded}
	for _, n := range plan.Sweep.NotSwept {
		out.NotSwept = append(out.NotSwept, inventory.Omission{What: n.Network, Reason: n.Reason})
	}
	for _, n := range plan.NotAsked {
		if n.Grade == blind {
			continue // nothing spoke for asking it: not looking is no hole
		}
		reason := strings.TrimSpace(n.Protocol + " " + n.Request)
		if reason != "" {
			reason += ": "
		}
		out.NotAsked = append(out.NotAsked, inventory.Omission{What: n.Address, Reason: reason + n.Reason})
	}
	return out, nil
}

// AssetOf is the id of the asset that holds an address now, or that a path stands for; empty without one.
func (v view) AssetOf(ctx context.Context, subject discovery.Subject) (string, error) {
	var ids []string
	err := v.within(ctx, func(tx *sql.Tx) (err error) {
		ids, err = texts(tx.QueryContext(ctx, `SELECT DISTINCT p.asset FROM subjects AS s JOIN segments AS g ON g.id = s.segment JOIN sites AS t ON t.id = g.site
			JOIN asset_subjects AS p ON p.subject = s.id AND p.until = '~'
			WHERE t.name = ? AND g.name = ? AND s.ip = ? AND s.mac = ? AND s.path = ?`,
			subject.Site, subject.Segment, ipText(subject.IP), subject.MAC.String(), subject.Path))
		return err
	})
	if err != nil || len(ids) == 0 {
		return "", told("look up asset", err)
	}
	return ids[0], nil
}
