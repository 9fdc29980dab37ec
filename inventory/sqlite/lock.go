package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// fileLock keeps a second walkdown from writing. It is the system's lock on a file beside the inventory, so that it goes with
// the process however that ends; the file holds the number of the process, for the one that is refused.
type fileLock struct{ file *os.File }

// acquireLock takes the lock, or says who has it.
func acquireLock(path string) (*fileLock, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrReadOnly, err)
		}
		if err := lockFile(f); err != nil {
			defer f.Close() //nolint:errcheck // it was only read
			if !errors.Is(err, errHeld) {
				return nil, fmt.Errorf("lock %s: %w", path, err)
			}
			pid, _ := io.ReadAll(io.LimitReader(f, 20))
			if text := strings.TrimSpace(string(pid)); text != "" {
				return nil, fmt.Errorf("%w (process %s)", ErrLocked, text)
			}
			return nil, ErrLocked
		}
		// The file may have been removed by its last holder between opening and locking: then the lock is on nothing.
		ours, err := f.Stat()
		there, thereErr := os.Stat(path)
		if err == nil && thereErr == nil && os.SameFile(ours, there) {
			err = f.Truncate(0)
			if err == nil {
				_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
			}
			if err != nil {
				return nil, errors.Join(err, f.Close())
			}
			return &fileLock{f}, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		if thereErr != nil && !errors.Is(thereErr, fs.ErrNotExist) {
			return nil, thereErr
		}
	}
}

// release gives the lock back and takes the file away.
func (l *fileLock) release() error {
	return removeLocked(l.file)
}

// isLocked reports whether somebody holds the lock, without taking it.
func isLocked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false // nobody has made the file: nobody holds it
	}
	defer f.Close() //nolint:errcheck // closing gives a lock back
	return errors.Is(lockFile(f), errHeld)
}
