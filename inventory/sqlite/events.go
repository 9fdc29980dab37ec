package sqlite

import (
	"context"
	"database/sql"

	"github.com/walkdown-ot/walkdown/inventory"
)

// Events are the changes behind a number, the oldest first, at most so many.
func (v view) Events(ctx context.Context, after int64, atMost int) ([]inventory.Event, error) {
	var out []inventory.Event
	err := v.within(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, `SELECT c.id, c.time, c.survey, c.asset, c.kind, c.attribute, c.old, c.new, c.via, coalesce(a.name, ''), coalesce(a.site, ''),
			coalesce(a.segment, ''), coalesce(a.body ->> '$.addresses[0].mac', ''), coalesce(a.body ->> '$.addresses[0].ip', '')
			FROM changes AS c LEFT JOIN assets AS a ON a.id = c.asset WHERE c.id > ? ORDER BY c.id LIMIT ?`, func(scan func(...any) error) error {
			var e inventory.Event
			var at string
			var survey int64
			if err := scan(&e.Number, &at, &survey, &e.Asset, &e.Kind, &e.Attribute, &e.Old, &e.New, &e.Via, &e.Name, &e.Site, &e.Segment, &e.MAC, &e.IP); err != nil {
				return err
			}
			e.Survey = surveyID(survey)
			var err error
			e.Time, err = parseTime(at)
			out = append(out, e)
			return err
		}, after, atMost)
	})
	return out, told("list changes", err)
}

// LastEvent is the number of the last change, 0 when there is none.
func (v view) LastEvent(ctx context.Context) (int64, error) {
	var last int64
	err := v.within(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM changes").Scan(&last)
	})
	return last, told("look for the last change", err)
}
