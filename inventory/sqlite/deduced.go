package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// deducedFact is a deduced fact in the column facts: a list, because its names would be half of it.
type deducedFact discovery.Fact

func (f deducedFact) MarshalJSON() ([]byte, error) {
	from := f.From
	if from == nil {
		from = []discovery.Key{}
	}
	return json.Marshal([]any{f.Key, f.Value, f.Confidence, f.Rule, from})
}

func (f *deducedFact) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&f.Key, &f.Value, &f.Confidence, &f.Rule, &f.From})
}

// deducedRow is what was deduced of one part of an asset.
type deducedRow struct {
	subject     int64
	facts       []deducedFact
	first, last string
	survey      int64
}

// deducedRows are what was deduced, in the order of the fold, part by part.
func (w *writer) deducedRows(ctx context.Context, tx *session, list []inventory.Evidence) ([]deducedRow, error) {
	var out []deducedRow
	for i, e := range list {
		if i == 0 || e.Subject != list[i-1].Subject || e.Survey != list[i-1].Survey || !e.First.Equal(list[i-1].First) || !e.Last.Equal(list[i-1].Last) {
			row := deducedRow{first: timeText(e.First), last: timeText(e.Last)}
			var err error
			if row.survey, err = optionalSurvey(e.Survey); err != nil {
				return nil, err
			}
			if row.subject, err = w.subject(ctx, tx, e.Subject); err != nil {
				return nil, err
			}
			out = append(out, row)
		}
		row := &out[len(out)-1]
		row.facts = append(row.facts, deducedFact(e.Fact))
	}
	return out, nil
}

// saveDeduced writes the deduced facts anew: they are as new as the evidence, which settle was called for.
func (r assetRow) saveDeduced(ctx context.Context, tx *session) error {
	if _, err := tx.exec(ctx, "DELETE FROM deduced WHERE asset = (SELECT age FROM assets WHERE id = ?)", r.id); err != nil {
		return err
	}
	for _, row := range r.deduced {
		if _, err := tx.exec(ctx, `INSERT INTO deduced (asset, subject, facts, first, last, survey)
			SELECT age, ?, ?, ?, ?, ? FROM assets WHERE id = ?`, row.subject, jsonText(row.facts), row.first, row.last, row.survey, r.id); err != nil {
			return err
		}
	}
	return nil
}

// deducedOf are the deduced facts of an asset, in the order of the fold, with the row of the subject of each.
func deducedOf(ctx context.Context, q queryer, asset string, yield func(inventory.Evidence, int64) error) error {
	return each(ctx, q, `SELECT d.subject, d.facts, d.first, d.last, d.survey FROM assets AS a CROSS JOIN deduced AS d ON d.asset = a.age
		WHERE a.id = ? ORDER BY d.id`, func(scan func(...any) error) error {
		var subject, survey int64
		var text, first, last string
		if err := scan(&subject, &text, &first, &last, &survey); err != nil {
			return err
		}
		var facts []deducedFact
		if err := json.Unmarshal([]byte(text), &facts); err != nil {
			return fmt.Errorf("%w: what was deduced of %s: %w", ErrDamaged, asset, err)
		}
		e := inventory.Evidence{Mode: discovery.Deduced, Count: 1, Survey: surveyID(survey)}
		if err := parseTimes(first, &e.First, last, &e.Last); err != nil {
			return err
		}
		for _, f := range facts {
			if e.Fact = discovery.Fact(f); len(f.From) == 0 {
				e.Fact.From = nil
			}
			if err := yield(e, subject); err != nil {
				return err
			}
		}
		return nil
	}, asset)
}
