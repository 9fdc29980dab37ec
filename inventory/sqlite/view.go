package sqlite

import (
	"context"
	"database/sql"

	"github.com/walkdown-ot/walkdown/inventory"
)

var _ inventory.Source = (*Store)(nil)

// reader runs f in a reading transaction.
type reader interface {
	within(ctx context.Context, f func(tx *sql.Tx) error) error
}

// view is the inventory as a reader sees it.
type view struct{ reader }

// within gives each list a transaction of its own.
func (s *Store) within(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return f(tx)
}

// Snapshot calls f with the inventory as it is now: what is written meanwhile does not show, however long f reads and how often. The
// source is valid during the call.
func (s *Store) Snapshot(ctx context.Context, f func(ctx context.Context, from inventory.Source) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return told("read the inventory", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return f(ctx, view{snapshot{tx}})
}

// snapshot keeps to one transaction.
type snapshot struct{ tx *sql.Tx }

func (s snapshot) within(_ context.Context, f func(tx *sql.Tx) error) error { return f(s.tx) }
