package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// What a caller decides by. The wrapping errors name the file and, where it is known, the cause.
var (
	// ErrForeign says that the file is no inventory of walkdown. It was not touched.
	ErrForeign = errors.New("not a walkdown inventory")
	// ErrNewer says that a newer walkdown wrote the file. It was not touched.
	ErrNewer = errors.New("written by a newer walkdown")
	// ErrOlder says that the file wants bringing up to date, which a command that only reads does not do.
	ErrOlder = errors.New("the inventory is from an older walkdown: `walkdown refingerprint` brings it up to date")
	// ErrDamaged says that the file is cut short or overwritten.
	ErrDamaged = errors.New("the inventory is damaged")
	// ErrLocked says that another walkdown is writing to the file.
	ErrLocked = errors.New("another walkdown is writing to it")
	// ErrDiskFull says that there is no room to write. What was committed before stays.
	ErrDiskFull = errors.New("the disk is full")
	// ErrReadOnly says that the file, its folder or the medium cannot be written.
	ErrReadOnly = errors.New("the inventory cannot be written")
	// ErrMissing says that there is no such file, and a command that only reads does not make one.
	ErrMissing = errors.New("there is no inventory yet")
	// ErrNotFound says that no asset or survey goes by that name.
	ErrNotFound = errors.New("not found")
)

// AmbiguousError says that several assets go by one name.
type AmbiguousError struct {
	Ref        string
	Candidates []string // "a-… press-3-cpu 10.20.30.11", sorted
}

// Error lists the candidates.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the name of %d assets: %s", e.Ref, len(e.Candidates), strings.Join(e.Candidates, "; "))
}

// told wraps an error of the database: it names the act, and adds the sentinel that a caller decides by. Nil stays nil.
func told(act string, err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind != nil {
		return fmt.Errorf("%s: %w (%w)", act, kind, err)
	}
	return fmt.Errorf("%s: %w", act, err)
}

// kindOf is the sentinel of a result code of SQLite (sqlite.org/rescode.html), or nil.
func kindOf(err error) error {
	if errors.Is(err, syscall.ENOSPC) { // from the lock file
		return ErrDiskFull
	}
	var coded *driver.Error
	if !errors.As(err, &coded) {
		return nil
	}
	switch code := coded.Code(); code & 0xff {
	case lib.SQLITE_FULL:
		return ErrDiskFull
	case lib.SQLITE_READONLY:
		return ErrReadOnly
	case lib.SQLITE_CORRUPT:
		return ErrDamaged
	case lib.SQLITE_NOTADB:
		return ErrForeign
	case lib.SQLITE_BUSY:
		return ErrLocked
	case lib.SQLITE_IOERR:
		if code == lib.SQLITE_IOERR_SHMSIZE { // the write-ahead log's index could not grow
			return ErrDiskFull
		}
	}
	return nil
}
