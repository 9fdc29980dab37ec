package sqlite

import (
	"context"
	"database/sql"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// queryer is a transaction, a session or a pool.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls f for each row of a query.
func each(ctx context.Context, q queryer, query string, f func(scan func(...any) error) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// texts reads a column of text.
func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}

// subjectColumns are the columns of a subject s, in the order of scanSubject.
const subjectColumns = "s_site.name, s_segment.name, s.mac, s.ip, s.vlan, s.path"

// joinPlace joins what subjectColumns needs beside the subject.
func joinPlace(s string) string {
	return " CROSS JOIN segments AS " + s + "_segment ON " + s + "_segment.id = " + s + ".segment" +
		" CROSS JOIN sites AS " + s + "_site ON " + s + "_site.id = " + s + "_segment.site "
}

func scanSubject(scan func(...any) error, more ...any) (discovery.Subject, error) {
	var site, segment, mac, ip, path string
	var vlan uint16
	if err := scan(append([]any{&site, &segment, &mac, &ip, &vlan, &path}, more...)...); err != nil {
		return discovery.Subject{}, err
	}
	return subjectOf(site, segment, mac, ip, vlan, path)
}

// factColumns are the columns of a fact f and its message m, in the order of scanFact; the last six are those of the teller, where it is
// another.
const factColumns = `f.protocol, m.sensor, f.mode, f.key, f.value, f.raw, f.confidence, f.rule, f.made_from, f.first, m.last, f.earlier + m.count, m.survey,
	t_site.name, t_segment.name, t.mac, t.ip, t.vlan, t.path`

// joinMessage joins the message that told a fact last.
const joinMessage = ` CROSS JOIN messages AS m ON m.subject = f.subject AND m.number = f.message`

// joinTeller joins the teller, where it is not the subject itself.
const joinTeller = ` LEFT JOIN subjects AS t ON t.id = f.teller AND f.teller <> f.subject
	LEFT JOIN segments AS t_segment ON t_segment.id = t.segment LEFT JOIN sites AS t_site ON t_site.id = t_segment.site `

// scanFact reads a fact; the subject is for the caller to fill in.
func scanFact(scan func(...any) error, more ...any) (inventory.Evidence, error) {
	var e inventory.Evidence
	var mode, from, first, last string
	var survey int64
	var site, segment, mac, ip, path sql.NullString
	var vlan sql.NullInt32
	if err := scan(append([]any{
		&e.Protocol, &e.Sensor, &mode, &e.Fact.Key, &e.Fact.Value, &e.Fact.Raw, &e.Fact.Confidence, &e.Fact.Rule, &from, &first, &last, &e.Count, &survey,
		&site, &segment, &mac, &ip, &vlan, &path,
	}, more...)...); err != nil {
		return e, err
	}
	if len(e.Fact.Raw) == 0 {
		e.Fact.Raw = nil
	}
	e.Mode, e.Survey = parseMode(mode), surveyID(survey)
	var err error
	if e.Fact.From, err = parseKeys(from); err != nil {
		return e, err
	}
	if site.Valid {
		if e.Teller, err = subjectOf(site.String, segment.String, mac.String, ip.String, uint16(vlan.Int32), path.String); err != nil {
			return e, err
		}
	}
	return e, parseTimes(first, &e.First, last, &e.Last)
}
