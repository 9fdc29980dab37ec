package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Plan keeps what the survey is to send, in the JSON form of `walkdown plan --json`. It is on the disk when Plan returns: before
// anything is sent.
func (r *Recorder) Plan(ctx context.Context, plan []byte) error {
	if !json.Valid(plan) {
		return fmt.Errorf("keep the plan of %s: it is no JSON", r.ID())
	}
	err := r.store.inTx(ctx, func(tx *session) error {
		_, err := tx.exec(ctx, `INSERT INTO plans (survey, round, time, plan)
			SELECT ?1, 1 + coalesce((SELECT max(round) FROM plans WHERE survey = ?1), 0), ?2, ?3`, r.survey, timeText(r.store.options.Now()), string(plan))
		return err
	})
	return told("keep the plan", err)
}

// Plans are what a survey was to send, as it was agreed to and then with the hosts that were found; none when it asked nothing.
func (s *Store) Plans(ctx context.Context, survey string) ([][]byte, error) {
	number, err := surveyNumber(survey)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	err = each(ctx, s.read, "SELECT plan FROM plans WHERE survey = ? ORDER BY round", func(scan func(...any) error) error {
		var plan string
		err := scan(&plan)
		out = append(out, []byte(plan))
		return err
	}, number)
	return out, told("read the plan", err)
}

// saveRhythms keeps how the devices served their own clients.
func saveRhythms(ctx context.Context, tx *session, survey int64, rhythms []inventory.Rhythm) error {
	for i, rhythm := range rhythms {
		if _, err := tx.exec(ctx, "INSERT INTO rhythms (survey, place, body) VALUES (?, ?, ?)", survey, i, jsonText(rhythm)); err != nil {
			return err
		}
	}
	return nil
}

func rhythms(ctx context.Context, from queryer, survey int64) ([]inventory.Rhythm, error) {
	var out []inventory.Rhythm
	err := each(ctx, from, "SELECT body FROM rhythms WHERE survey = ? ORDER BY place", func(scan func(...any) error) error {
		var body string
		if err := scan(&body); err != nil {
			return err
		}
		var r inventory.Rhythm
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return fmt.Errorf("%w: rhythm of survey %s: %w", ErrDamaged, surveyID(survey), err)
		}
		out = append(out, r)
		return nil
	}, survey)
	return out, err
}

// Tries are the last tries of each question to a device, by protocol and question in the words of the ledger, since the given time. A
// connection that did not come about stands there as one. The device is the IP in the site and segment; under another MAC it is
// another device.
func (s *Store) Tries(ctx context.Context, site, segment, ip, mac string, since time.Time) (map[[2]string]inventory.Try, error) {
	out := map[[2]string]inventory.Try{}
	err := each(ctx, s.read, `SELECT l.protocol, l.request, l.outcome, l.time FROM ledger AS l
		JOIN segments AS g ON g.id = l.segment JOIN sites AS t ON t.id = g.site
		WHERE t.name = ? AND g.name = ? AND l.ip = ? AND l.time >= ? AND (l.setup = 0 OR l.request = ?) AND l.outcome <> 'skipped' AND (l.mac = '' OR ? = '' OR l.mac = ?) ORDER BY l.time, l.id`,
		func(scan func(...any) error) error {
			var protocol, request, outcome, at string
			if err := scan(&protocol, &request, &outcome, &at); err != nil {
				return err
			}
			when, err := parseTime(at)
			out[[2]string{protocol, request}] = inventory.Try{Time: when, Outcome: discovery.Outcome(outcome)}
			return err
		}, site, segment, ip, timeText(since), discovery.ConnectRequest, mac, mac)
	return out, told("look up what was asked", err)
}

// Known is the newest value of a fact that a device told not longer ago than a day, under this address or another one of its
// asset, and whether there is one.
func (s *Store) Known(ctx context.Context, about discovery.Subject, key discovery.Key) (string, bool, error) {
	value, ok, err := s.known(ctx, about, key, s.options.Now().Add(-refreshAfter))
	return value, ok, told("look up what is known", err)
}

// Overheard is how many facts of a survey were heard without sending anything.
func (s *Store) Overheard(ctx context.Context, survey string) (int, error) {
	number, err := surveyNumber(survey)
	if err != nil {
		return 0, err
	}
	var n int
	err = s.read.QueryRowContext(ctx, "SELECT count(*) FROM messages AS m JOIN facts AS f ON f.subject = m.subject AND f.message = m.number WHERE m.survey = ? AND f.mode = 'heard'", number).Scan(&n)
	return n, told("count what was heard", err)
}
