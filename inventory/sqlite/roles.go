package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// roles are what assets do in the conversations that were overheard: of the assets named, of all without any.
func roles(ctx context.Context, tx *sql.Tx, assets []string) (map[string]inventory.Roles, error) {
	query := `SELECT DISTINCT pa.asset, pb.asset, c.protocol FROM conversations AS c
		JOIN asset_subjects AS pa ON pa.subject = c.client AND c.last >= pa.since AND c.last < pa.until
		JOIN asset_subjects AS pb ON pb.subject = c.server AND c.last >= pb.since AND c.last < pb.until
		WHERE c.mode = 'heard' AND c.protocol <> '' AND pa.asset <> pb.asset`
	var args []any
	if len(assets) > 0 {
		list := "(?" + strings.Repeat(", ?", len(assets)-1) + ")"
		of := "(SELECT subject FROM asset_subjects WHERE asset IN " + list + ")"
		query += " AND (c.client IN " + of + " OR c.server IN " + of + ")"
		for range 2 {
			for _, id := range assets {
				args = append(args, id)
			}
		}
	}
	out := map[string]inventory.Roles{}
	count := func(asset, protocol string, of func(*inventory.Roles) *map[string]int) {
		r := out[asset]
		m := of(&r)
		if *m == nil {
			*m = map[string]int{}
		}
		(*m)[protocol]++
		out[asset] = r
	}
	err := each(ctx, tx, query, func(scan func(...any) error) error {
		var client, server, protocol string
		if err := scan(&client, &server, &protocol); err != nil {
			return err
		}
		count(client, protocol, func(r *inventory.Roles) *map[string]int { return &r.Asks })
		count(server, protocol, func(r *inventory.Roles) *map[string]int { return &r.Serves })
		return nil
	}, args...)
	return out, err
}
