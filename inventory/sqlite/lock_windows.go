package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// errHeld says that another process holds the lock.
var errHeld = errors.New("the lock is held")

// lockFile locks a byte far behind the end: what is locked on Windows cannot be read, and the number of the process shall be.
func lockFile(f *os.File) error {
	at := &windows.Overlapped{OffsetHigh: 1}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}

// removeLocked removes the file after closing it, as an open file cannot be. If another process has opened it by then, it stays,
// which does no harm.
func removeLocked(f *os.File) error {
	err := f.Close()
	_ = os.Remove(f.Name())
	return err
}
