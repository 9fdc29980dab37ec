package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Outcomes of a survey that the store gives itself.
const (
	running     = "running"
	done        = "done"
	interrupted = "interrupted"
	failed      = "failed"
)

func (s *Store) insertSurvey(ctx context.Context, v inventory.Survey) (int64, error) {
	var id int64
	err := s.inTx(ctx, func(tx *session) error {
		segment, err := segmentRow(ctx, tx, v.Site, v.Segment)
		if err != nil {
			return err
		}
		if _, err := tx.row(ctx, `INSERT INTO surveys (kind, segment, operator, permission, sensor, scope, own, started, ended, outcome,
			reasons, counts, version, uid, custody) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?, '[]', '{}', ?, ?, ?) RETURNING id`,
			[]any{
				v.Kind, segment, v.Operator, v.Permission, v.Sensor, listText(v.Scope), listText(v.Own), timeText(v.Started), running, v.Version, newUID(),
				jsonText(v.Custody),
			}, &id); err != nil {
			return err
		}
		return savePlugIn(ctx, tx, id, v.Plug)
	})
	return id, err
}

func listText(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	return jsonText(list)
}

func savePlugIn(ctx context.Context, tx *session, survey int64, p inventory.PlugInPoint) error {
	if p == (inventory.PlugInPoint{}) {
		return nil
	}
	_, err := tx.exec(ctx, "INSERT OR REPLACE INTO plug_in_points (survey, switch, switch_name, port, gateway_mac, address) VALUES (?, ?, ?, ?, ?, ?)",
		survey, p.Switch, p.SwitchName, p.Port, p.GatewayMAC, p.Address)
	return err
}

// endSurvey writes the outcome, and what changed since the survey before.
func (s *Store) endSurvey(ctx context.Context, id int64, v inventory.Survey) error {
	return s.inTx(ctx, func(tx *session) error {
		counts := "{}"
		if len(v.Counts) > 0 {
			counts = jsonText(v.Counts)
		}
		ended := timeText(v.Ended)
		if _, err := tx.exec(ctx, `UPDATE surveys SET ended = ?2, outcome = ?3, reasons = ?4, counts = ?5,
			scope = CASE ?6 WHEN '[]' THEN scope ELSE ?6 END, custody = CASE ?7 WHEN '{}' THEN custody ELSE ?7 END WHERE id = ?1`,
			id, ended, v.Outcome, listText(v.Reasons), counts, listText(v.Scope), jsonText(v.Custody)); err != nil {
			return err
		}
		if err := savePlugIn(ctx, tx, id, v.Plug); err != nil {
			return err
		}
		for _, t := range v.Troubles {
			if _, err := tx.exec(ctx, `INSERT INTO troubles (survey, protocol, reason, count, example) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET count = count + excluded.count`, id, t.Protocol, t.Reason, t.Count, t.Example); err != nil {
				return err
			}
		}
		if err := saveRhythms(ctx, tx, id, v.Rhythms); err != nil {
			return err
		}
		changes, err := surveyChanges(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, tell := range []func(context.Context, *session, int64) ([]inventory.Change, error){returns, absences, newTalks} {
			more, err := tell(ctx, tx, id)
			if err != nil {
				return err
			}
			changes = append(changes, more...)
		}
		for _, c := range changes {
			if _, err := tx.exec(ctx, "INSERT INTO changes (survey, time, asset, kind, attribute, old, new, via) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				id, ended, c.Asset, c.Kind, c.Attribute, c.Old, c.New, c.Via); err != nil {
				return err
			}
		}
		_, err = tx.exec(ctx, "DELETE FROM baselines WHERE survey = ?", id)
		return err
	})
}

// surveyChanges compares the assets that a survey touched with how they stood before it. What a survey found and threw away
// again, or learnt in steps, is no change of the plant.
func surveyChanges(ctx context.Context, tx *session, survey int64) ([]inventory.Change, error) {
	var d inventory.Differ
	err := each(ctx, tx, "SELECT asset, body FROM baselines WHERE survey = ? AND body <> ''", func(scan func(...any) error) error {
		was, err := scanBody(scan)
		d.Was(was)
		return err
	}, survey)
	if err != nil {
		return nil, err
	}
	if d.Wonders() {
		err = each(ctx, tx, "SELECT d.site, d.segment, d.mac, d.ip FROM baselines AS b CROSS JOIN addresses AS d ON d.asset = b.asset WHERE b.survey = ?",
			func(scan func(...any) error) error {
				var site, segment string
				var address inventory.Address
				err := scan(&site, &segment, &address.MAC, &address.IP)
				d.Holds(site, segment, address)
				return err
			}, survey)
		if err != nil {
			return nil, err
		}
	}
	err = each(ctx, tx, "SELECT a.id, a.body, b.body FROM baselines AS b CROSS JOIN assets AS a ON a.id = b.asset WHERE b.survey = ?", func(scan func(...any) error) error {
		var before string
		now, err := scanBody(scan, &before)
		if err != nil {
			return err
		}
		var was inventory.Asset
		if before != "" {
			was, err = assetOf(now.ID, []byte(before))
		}
		d.Compare(was, now)
		return err
	}, survey)
	if err != nil {
		return nil, err
	}
	return mergedIn(ctx, tx, survey, d.Changes())
}

// scanBody reads an id and a body.
func scanBody(scan func(...any) error, more ...any) (inventory.Asset, error) {
	var id, body string
	if err := scan(append([]any{&id, &body}, more...)...); err != nil {
		return inventory.Asset{}, err
	}
	return assetOf(id, []byte(body))
}

// mergedIn adds what a survey merged, split and took back. What it had found itself and merged again was never there.
func mergedIn(ctx context.Context, tx *session, survey int64, changes []inventory.Change) ([]inventory.Change, error) {
	err := each(ctx, tx, `SELECT m.kind, m.asset, m.into_asset, m.reason, coalesce(b.body, '') FROM merges AS m LEFT JOIN baselines AS b ON b.survey = m.survey AND b.asset = m.asset
		WHERE m.survey = ? AND coalesce(b.body <> '', 1) ORDER BY m.id`, func(scan func(...any) error) error {
		var kind, asset, into, reason, body string
		if err := scan(&kind, &asset, &into, &reason, &body); err != nil {
			return err
		}
		i := slices.IndexFunc(changes, func(c inventory.Change) bool { return c.Asset == into && c.Kind == inventory.Appeared })
		switch {
		case kind == takenBack:
			was, err := assetOf(asset, []byte(cmp.Or(body, "{}")))
			if err != nil {
				return err
			}
			changes = append(changes, tookBack(was, reason))
		case kind == inventory.Merged:
			changes = append(changes, inventory.Change{Asset: into, Kind: kind, Old: asset, Via: reason})
		case i >= 0: // split, and still there
			changes[i] = inventory.Change{Asset: into, Kind: kind, Old: asset, New: changes[i].New, Via: reason}
		}
		return nil
	}, survey)
	return changes, err
}

// recover ends the surveys that were cut off, by a power cut or a kill: all they committed stands.
func (s *Store) recover(ctx context.Context) error {
	type cut struct {
		id   int64
		last string
	}
	var surveys []cut
	err := each(ctx, s.write, `SELECT v.id, max(v.started, coalesce((SELECT max(last) FROM messages WHERE survey = v.id), ''))
		FROM surveys AS v WHERE v.outcome = ?`, func(scan func(...any) error) error {
		var c cut
		err := scan(&c.id, &c.last)
		surveys = append(surveys, c)
		return err
	}, running)
	if err != nil {
		return err
	}
	for _, c := range surveys {
		ended, err := parseTime(c.last)
		if err != nil {
			return err
		}
		s.options.Log.Warn("a survey was cut off; what it had stored is kept", "survey", surveyID(c.id))
		rules, err := s.rules(ctx)
		if err != nil {
			return err
		}
		w := newWriter(s, rules, c.id)
		w.behind = true
		if err := w.write(ctx, newBatch(), true); err != nil {
			return err
		}
		if err := s.endSurvey(ctx, c.id, inventory.Survey{Ended: ended, Outcome: interrupted, Reasons: []string{"it was cut off"}}); err != nil {
			return err
		}
	}
	return nil
}

// rules are the rules of who is who, with the addresses of every sensor that ever was.
func (s *Store) rules(ctx context.Context) (inventory.Rules, error) { return s.rulesOf(ctx, s.read) }

func (s *Store) rulesOf(ctx context.Context, q queryer) (inventory.Rules, error) {
	rules := inventory.Rules{Identify: s.options.Identify}
	var err error
	if rules.Decisions, err = decisions(ctx, q); err != nil {
		return rules, err
	}
	lists, err := texts(q.QueryContext(ctx, "SELECT DISTINCT own FROM surveys WHERE own <> '[]'"))
	if err != nil {
		return rules, err
	}
	for _, list := range lists {
		var own []string
		if err := json.Unmarshal([]byte(list), &own); err != nil {
			return rules, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		for _, text := range own {
			if mac, err := discovery.ParseMAC(text); err == nil && !slices.Contains(rules.Sensor, mac) {
				rules.Sensor = append(rules.Sensor, mac)
			}
		}
	}
	return rules, nil
}

const surveyQuery = `SELECT v.id, v.kind, t.name, g.name, v.operator, v.permission, v.sensor, v.scope, v.own, v.started, v.ended, v.outcome,
	v.reasons, v.counts, v.version, v.custody, coalesce(p.switch, ''), coalesce(p.switch_name, ''), coalesce(p.port, ''), coalesce(p.gateway_mac, ''),
	coalesce(p.address, '')
	FROM surveys AS v JOIN segments AS g ON g.id = v.segment JOIN sites AS t ON t.id = g.site LEFT JOIN plug_in_points AS p ON p.survey = v.id `

// Surveys are the runs so far, the oldest first.
func (v view) Surveys(ctx context.Context) iter.Seq2[inventory.Survey, error] {
	return stream(ctx, v, "list surveys", func(tx *sql.Tx, yield func(inventory.Survey) error) error {
		list, err := surveys(ctx, tx, "ORDER BY v.started, v.id")
		for _, one := range list {
			if err := yield(one); err != nil {
				return err
			}
		}
		return err
	})
}

// Survey is one run, by its id.
func (s *Store) Survey(ctx context.Context, id string) (inventory.Survey, error) {
	number, err := surveyNumber(id)
	if err != nil {
		return inventory.Survey{}, err
	}
	list, err := surveys(ctx, s.read, "WHERE v.id = ?", number)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("survey %q: %w", id, ErrNotFound)
	}
	if err != nil {
		return inventory.Survey{}, told("read survey", err)
	}
	return list[0], nil
}

// LastPlugIn is the last survey of a site whose plug-in point is known, and whether there is one. Its segment is where a new
// survey at the same point belongs.
func (s *Store) LastPlugIn(ctx context.Context, site string) (inventory.Survey, bool, error) {
	list, err := surveys(ctx, s.read, "WHERE t.name = ? AND p.survey IS NOT NULL ORDER BY v.started DESC, v.id DESC LIMIT 1", cmp.Or(site, defaultPlace))
	if err != nil || len(list) == 0 {
		return inventory.Survey{}, false, told("read the last plug-in point", err)
	}
	return list[0], true, nil
}

func surveys(ctx context.Context, from queryer, where string, args ...any) ([]inventory.Survey, error) {
	var list []inventory.Survey
	err := each(ctx, from, surveyQuery+where, func(scan func(...any) error) error {
		var v inventory.Survey
		var id int64
		var scope, own, started, ended, reasons, counts, custody string
		if err := scan(&id, &v.Kind, &v.Site, &v.Segment, &v.Operator, &v.Permission, &v.Sensor, &scope, &own, &started, &ended, &v.Outcome,
			&reasons, &counts, &v.Version, &custody, &v.Plug.Switch, &v.Plug.SwitchName, &v.Plug.Port, &v.Plug.GatewayMAC, &v.Plug.Address); err != nil {
			return err
		}
		v.ID = surveyID(id)
		if err := errors.Join(json.Unmarshal([]byte(scope), &v.Scope), json.Unmarshal([]byte(own), &v.Own),
			json.Unmarshal([]byte(reasons), &v.Reasons), json.Unmarshal([]byte(counts), &v.Counts),
			json.Unmarshal([]byte(custody), &v.Custody)); err != nil {
			return fmt.Errorf("%w: survey %s: %w", ErrDamaged, v.ID, err)
		}
		list = append(list, v)
		return parseTimes(started, &list[len(list)-1].Started, ended, &list[len(list)-1].Ended)
	}, args...)
	if err != nil {
		return nil, err
	}
	for i := range list {
		number, err := surveyNumber(list[i].ID)
		if err != nil {
			return nil, err
		}
		err = each(ctx, from, "SELECT protocol, reason, count, example FROM troubles WHERE survey = ? ORDER BY count DESC, protocol, reason",
			func(scan func(...any) error) error {
				var t inventory.Trouble
				err := scan(&t.Protocol, &t.Reason, &t.Count, &t.Example)
				list[i].Troubles = append(list[i].Troubles, t)
				return err
			}, number)
		if err != nil {
			return nil, err
		}
		if list[i].Rhythms, err = rhythms(ctx, from, number); err != nil {
			return nil, err
		}
	}
	return list, nil
}
