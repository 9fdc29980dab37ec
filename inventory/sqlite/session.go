package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// session is a writing transaction that prepares each statement once: a batch runs the same few thousands of times. It is not a
// sql.Tx, which starts a goroutine for each query.
type session struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

// inTx runs f in a transaction of the one writing connection.
func (s *Store) inTx(ctx context.Context, f func(*session) error) (err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	tx := &session{conn: conn, prepared: map[string]*sql.Stmt{}}
	committed := false
	defer func() {
		err = errors.Join(err, tx.close())
		if !committed { // by a panic, too; what SQLite has rolled back by itself it does not again
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
		err = errors.Join(err, conn.Close())
	}()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	// What is committed is told so, however late the context ends.
	_, err = conn.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	committed = err == nil
	return err
}

// close gives the statements back.
func (s *session) close() error {
	var errs []error
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}

// prepare is the statement, which the end of the transaction closes.
func (s *session) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := s.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, query)
	if err == nil {
		s.prepared[query] = stmt
	}
	return stmt, err
}

// exec runs a statement and tells how many rows it changed.
func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := s.prepare(ctx, query) //nolint:sqlclosecheck // the end of the transaction closes it
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// QueryContext runs a query.
func (s *session) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepare(ctx, query) //nolint:sqlclosecheck // the end of the transaction closes it
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// row scans the first row of a query; without one, found is false.
func (s *session) row(ctx context.Context, query string, args []any, into ...any) (found bool, err error) {
	stmt, err := s.prepare(ctx, query) //nolint:sqlclosecheck // the end of the transaction closes it
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(ctx, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
