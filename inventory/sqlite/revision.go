package sqlite

import (
	"context"
	"database/sql"
)

// Revision counts the states that the inventory has had: it grows with each run that ended, each word and decision of a person, and
// each change, and with nothing else. So an export of what is as it was has the revision of the one before.
func (v view) Revision(ctx context.Context) (n int, err error) {
	err = v.within(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM surveys WHERE ended <> '') + (SELECT count(*) FROM annotations)
			+ (SELECT count(*) FROM decisions) + (SELECT count(*) FROM changes)`).Scan(&n)
	})
	return n, told("count the revisions", err)
}
