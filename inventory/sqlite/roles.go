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
		err := each(ctx, tx, `SELECT p.asset, c.protocol, count(DISTINCT q.asset) FROM json_each(?) AS only
			CROSS JOIN asset_subjects AS p ON p.asset = only.value
			CROSS JOIN conversations AS c ON c.`+side.own+` = p.subject AND c.last >= p.since AND c.last < p.until
			CROSS JOIN asset_subjects AS q ON q.subject = c.`+side.other+` AND c.last >= q.since AND c.last < q.until
			WHERE c.protocol IN (SELECT value FROM json_each(?)) AND c.mode = 'heard' AND p.asset <> q.asset GROUP BY 1, 2`, func(scan func(...any) error) error {
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
