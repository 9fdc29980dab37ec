package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"
)

// applicationID marks a file as ours (sqlite.org/fileformat2.html section 1.3.8): "WALK".
const applicationID = 0x57414c4b

// newest is the schema that this walkdown knows: the number of its last migration, which each migration writes into
// user_version, where it can be read without running anything. goose, which costs half a megabyte and no start-up time, keeps
// its own table beside it.
const newest = 9

//go:embed migrations/*.sql
var migrations embed.FS

// create makes a new file that nobody else may read. Its schema is made with a rollback journal: until the first checkpoint
// of a write-ahead log, the file itself would not say whose it is.
func create(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(path, "mode=rw", pragma("journal_mode(DELETE)"), pragma(fmt.Sprintf("application_id(%d)", applicationID))))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // what was committed is on the disk
	db.SetMaxOpenConns(1)
	return migrate(ctx, db)
}

// migrate brings the schema up to date, one transaction each step, forward only. It takes no time worth interrupting, and half way
// no command could read the file.
func migrate(ctx context.Context, db *sql.DB) error {
	ctx = context.WithoutCancel(ctx)
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if version == newest {
		return nil
	}
	if version > newest {
		return checkVersion(version)
	}
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring it up to date: %w", err)
	}
	return nil
}

func schemaVersion(ctx context.Context, db *sql.DB) (int, error) {
	var version int
	err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

// checkVersion reports whether a file that is only read has the schema of this walkdown.
func checkVersion(version int) error {
	switch {
	case version > newest:
		return fmt.Errorf("%w: its schema is %d, this one knows %d", ErrNewer, version, newest)
	case version < newest:
		return ErrOlder
	}
	return nil
}
