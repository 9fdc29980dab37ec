// Package sqlite keeps the inventory in one SQLite file (sqlite.org, file format 3) that can be mailed: what was observed, the
// assets folded from it, the surveys, the ledger and the changes. Nothing secret is ever in it.
//
// The observations are the truth and only grow. The assets are a cache: a [Recorder] folds those that were touched once a
// second, in the same transaction as the observations, so that a power cut loses at most the last second and nothing half.
//
// One walkdown writes at a time, which a lock file beside the inventory sees to. Any number may read meanwhile.
package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// Options say how to open an inventory. The zero value opens for writing and identifies nothing.
type Options struct {
	Identify inventory.Identify
	ReadOnly bool
	Log      *slog.Logger     // nil: silent
	Now      func() time.Time // nil: time.Now
	NewID    func() string    // makes the id of an asset; nil: at random
}

// Store is an open inventory. It is safe for concurrent use, apart from there being one Recorder at a time.
type Store struct {
	view    // each list is one state of the inventory; Snapshot makes all of them one
	path    string
	options Options
	write   *sql.DB // one connection; nil when it was opened read-only
	read    *sql.DB
	lock    *fileLock
	scratch string // a folder that goes with the store

	mu       sync.Mutex
	recorder *Recorder
}

// Open opens the inventory, and makes it if there is none, unless read-only. A file of another program or of a newer walkdown
// is refused untouched. Opening for writing finishes what a survey that was cut off left behind.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = newID
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open inventory %s: %w", path, err)
	}
	s := &Store{path: path, options: o}
	s.view = view{s}
	if o.ReadOnly {
		err = s.openReading(ctx)
	} else {
		err = s.openWriting(ctx)
	}
	if err != nil {
		return nil, told("open inventory "+path, errors.Join(err, s.Close()))
	}
	return s, nil
}

// newID is "a-" and 16 hex digits.
func newID() string { return "a-" + newUID()[:16] }

// newUID is 32 hex digits that nothing else has.
func newUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (s *Store) openWriting(ctx context.Context) error {
	head, err := inspect(s.path)
	if err != nil {
		return err
	}
	if s.lock, err = acquireLock(s.path + ".lock"); err != nil {
		return err
	}
	if head.empty {
		// Whoever held the lock may have made the file since it was looked at.
		if head, err = inspect(s.path); err != nil {
			return err
		}
	}
	cutOff := wasCutOff(s.path)
	if head.empty {
		if err := create(ctx, s.path); err != nil {
			return err
		}
	}
	if s.write, err = sql.Open("sqlite", dsn(s.path, "mode=rw", "_txlock=immediate", pragma("journal_mode(WAL)"), pragma("synchronous(FULL)"),
		pragma("foreign_keys(1)"), pragma("busy_timeout(5000)"), pragma("cache_size(-32768)"))); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if cutOff {
		s.options.Log.Warn("the inventory was not closed; it is checked", "path", s.path)
		if err := checkWhole(ctx, s.write); err != nil {
			return err
		}
	}
	if err := migrate(ctx, s.write); err != nil {
		return err
	}
	if s.read, err = openReaders(s.path); err != nil {
		return err
	}
	return s.recover(ctx)
}

func (s *Store) openReading(ctx context.Context) error {
	version, err := s.connectReaders(ctx)
	if err != nil {
		return err
	}
	return checkVersion(version)
}

// connectReaders opens connections that cannot write, and gives the version of the schema.
func (s *Store) connectReaders(ctx context.Context) (version int, err error) {
	head, err := inspect(s.path)
	if err != nil {
		return 0, err
	}
	if head.empty {
		return 0, ErrMissing
	}
	if s.read, err = openReaders(s.path); err != nil {
		return 0, err
	}
	version, err = schemaVersion(ctx, s.read)
	if kindOf(err) == nil && err != nil {
		// Neither the file nor its folder can be written: SQLite cannot make the index of the write-ahead log. Without a log
		// there is nothing to miss, and nobody else can be writing.
		if wal, statErr := os.Stat(s.path + "-wal"); statErr == nil && wal.Size() > 0 {
			return 0, fmt.Errorf("%w: a survey was cut off here; copy %s and %s-wal to where they can be written", ErrReadOnly, s.path, s.path)
		}
		_ = s.read.Close()
		if s.read, err = sql.Open("sqlite", dsn(s.path, "mode=ro", "immutable=1")); err != nil {
			return 0, err
		}
		version, err = schemaVersion(ctx, s.read)
	}
	return version, err
}

// openReaders opens connections that cannot write. They are not opened with mode=ro: the last such connection would leave an
// empty log and its index behind.
func openReaders(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "mode=rw", pragma("query_only(1)"), pragma("busy_timeout(5000)")))
	if err == nil {
		db.SetMaxOpenConns(4)
	}
	return db, err
}

// Close ends a survey that is still running as interrupted, and closes the file. Closing twice does no harm.
func (s *Store) Close() error {
	s.mu.Lock()
	r := s.recorder
	s.mu.Unlock()
	var errs []error
	if r != nil {
		errs = append(errs, r.End(context.Background(), inventory.Survey{Outcome: interrupted}))
	}
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
		s.lock = nil
	}
	if s.scratch != "" {
		errs = append(errs, os.RemoveAll(s.scratch))
		s.scratch = ""
	}
	return errors.Join(errs...)
}

// header is what a file says of itself before it is opened for good.
type header struct {
	empty bool // there is no file, or one of no length
}

// headerLen is the length of the header of a database file (sqlite.org/fileformat2.html section 1.3).
const headerLen = 100

// inspect looks at a file without touching it, by the header alone: a log that was left behind may hold newer pages, so any page
// behind the header may be half of the truth. For the same reason the version is looked at again once the file is open.
func inspect(path string) (header, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return header{empty: true}, nil
	}
	if err != nil {
		return header{}, err
	}
	if info.IsDir() {
		return header{}, fmt.Errorf("%w: it is a folder", ErrForeign)
	}
	file, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer file.Close() //nolint:errcheck // it was only looked at
	head := make([]byte, headerLen)
	_, err = io.ReadFull(file, head)
	switch {
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return header{}, err
	case !bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		return header{}, fmt.Errorf("%w: it is no SQLite database", ErrForeign)
	case err != nil:
		return header{}, fmt.Errorf("%w: it ends inside its header", ErrDamaged)
	case binary.BigEndian.Uint32(head[68:]) != applicationID:
		return header{}, fmt.Errorf("%w: it belongs to another program", ErrForeign)
	}
	if version := int(int32(binary.BigEndian.Uint32(head[60:]))); version > newest {
		return header{}, checkVersion(version)
	}
	size := int64(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 65536
	}
	whole := size * int64(binary.BigEndian.Uint32(head[28:]))
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) && info.Size() < whole {
		return header{}, fmt.Errorf("%w: %d of %d bytes are there", ErrDamaged, info.Size(), whole)
	}
	return header{}, nil
}

// dsn is the file as SQLite's URI (sqlite.org/uri.html), with parameters.
func dsn(path string, parameters ...string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // C:/plant.db
		slashed = "/" + slashed
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String() + "?" + strings.Join(parameters, "&")
}

func pragma(text string) string { return "_pragma=" + text }
