package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes the inventory as it stands at this moment into a new file, compact and without a log beside it, while a survey
// may go on recording. The file appears under its name only when it is whole, and only its owner can read it. An existing file
// is not overwritten: the error is fs.ErrExist.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	defer func() {
		if err != nil {
			err = told("back up into "+path, err)
		}
	}()
	if _, err := os.Lstat(path); err == nil {
		return os.ErrExist
	}
	// SQLite writes into an empty file that is there already, and leaves its mode alone.
	part, err := os.CreateTemp(filepath.Dir(path), ".walkdown-*")
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.Remove(part.Name()); removed != nil && !errors.Is(removed, os.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}()
	if err := part.Close(); err != nil {
		return err
	}
	if err := s.vacuumInto(ctx, part.Name()); err != nil {
		return err
	}
	if err := syncFile(part.Name()); err != nil {
		return err
	}
	// A link fails where a rename would overwrite what somebody made in the meantime.
	if err := os.Link(part.Name(), path); err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Rename(part.Name(), path) // a medium without links
}

// vacuumInto copies by a reading connection, which may write for as long as it writes elsewhere.
func (s *Store) vacuumInto(ctx context.Context, path string) (err error) {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = 0"); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO ?", path)
	_, reset := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only = 1")
	return errors.Join(err, reset)
}

// syncFile waits until the file is on the disk.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	return f.Close()
}
