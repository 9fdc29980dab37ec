package sqlite

import (
	"context"
	"database/sql"

	"github.com/walkdown-ot/walkdown/inventory"
)

// roles are what the assets named do in the conversations that were overheard, as far as it tells where they belong.
func roles(ctx context.Context, tx *sql.Tx, assets []string) (map[string]inventory.Roles, error) {
	out := map[string]inventory.Roles{}
	if len(assets) == 0 {
		return out, nil
	}
	protocols := jsonText(inventory.RoleProtocols())
	for _, side := range []struct {
		own, other string
		of         func(*inventory.Roles) *map[string]int
	}{
		{"client", "server", func(r *inventory.Roles) *map[string]int { return &r.Asks }},
		{"server", "client", func(r *inventory.Roles) *map[string]int { return &r.Serves }},
	} {
		err := each(ctx, tx, `SELECT p.asset, t.protocol, count(DISTINCT q.asset) FROM json_each(?) AS only
			CROSS JOIN asset_subjects AS p ON p.asset = only.value
			CROSS JOIN talks AS t ON t.`+side.own+` = p.subject
			CROSS JOIN asset_subjects AS q ON q.subject = t.`+side.other+`
			WHERE t.protocol IN (SELECT value FROM json_each(?)) AND t.mode = 'heard' AND p.asset <> q.asset
				AND (max(p.since, q.since) = '' AND min(p.until, q.until) = '~' OR EXISTS (SELECT 1 FROM surveys AS v
					CROSS JOIN conversations AS c ON c.survey = v.id AND c.talk = t.id AND c.last >= max(p.since, q.since) AND c.last < min(p.until, q.until)))
			GROUP BY 1, 2`, func(scan func(...any) error) error {
			var asset, protocol string
			var peers int
			if err := scan(&asset, &protocol, &peers); err != nil {
				return err
			}
			r := out[asset]
			m := side.of(&r)
			if *m == nil {
				*m = map[string]int{}
			}
			(*m)[protocol] = peers
			out[asset] = r
			return nil
		}, jsonText(assets), protocols)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
