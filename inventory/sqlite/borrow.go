package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// Borrow opens a copy of another inventory, to merge it into one: the file itself is only read. The copy is checked, is brought up to
// date when it is of an older walkdown, and goes when the store is closed. An inventory that is being written to is refused: the
// rest of its survey would be missing.
func Borrow(ctx context.Context, path string, o Options) (*Store, error) {
	copied, err := borrow(ctx, path)
	if err != nil {
		return nil, told("read inventory "+path, err)
	}
	o.ReadOnly = false
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Open(ctx, copied, o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(filepath.Dir(copied)))
	}
	s.scratch = filepath.Dir(copied)
	return s, nil
}

// borrow makes the copy, in a folder of its own.
func borrow(ctx context.Context, path string) (copied string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	if isLocked(path + ".lock") {
		return "", ErrLocked
	}
	from := &Store{path: path}
	defer func() { err = errors.Join(err, from.Close()) }()
	if _, err := from.connectReaders(ctx); err != nil {
		return "", err
	}
	problems, err := texts(from.read.QueryContext(ctx, "PRAGMA quick_check(3)"))
	if err != nil {
		return "", err
	}
	if len(problems) != 1 || problems[0] != "ok" {
		return "", fmt.Errorf("%w: %s", ErrDamaged, strings.Join(problems, "; "))
	}
	folder, err := os.MkdirTemp("", "walkdown-")
	if err != nil {
		return "", err
	}
	copied = filepath.Join(folder, "copy.db")
	if err := from.Backup(ctx, copied); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return copied, nil
}
