package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/walkdown-ot/walkdown/fingerprints"
	"github.com/walkdown-ot/walkdown/inventory"
)

// custody is what can be known of how a survey is recorded, when it begins.
func (a *app) custody(engine *fingerprints.Engine) (inventory.Custody, error) {
	data := engine.Version()
	c := inventory.Custody{Clock: systemClock(), Versions: map[string]string{"rules": strconv.Itoa(data.Rules)}}
	for _, t := range data.Tables {
		c.Versions[t.Name] = t.Date
	}
	for name, path := range map[string]string{"own rules": a.common.Rules, "own tables": a.common.Tables} {
		if path == "" {
			continue
		}
		sum, err := hashFolder(os.DirFS(path))
		if err != nil {
			return c, fmt.Errorf("read %s: %w", path, err)
		}
		c.Versions[name] = "SHA-256 " + sum
	}
	return c, nil
}

// hashFolder is the SHA-256 over the names and contents of all files, in the order of their names.
func hashFolder(folder fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(folder, path)
		if err == nil {
			fmt.Fprintf(sum, "%q %d\n%s", path, len(content), content)
		}
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

// hashFile is a file with its SHA-256.
func hashFile(path string) (inventory.CaptureFile, error) {
	c := inventory.CaptureFile{File: path}
	file, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	h := newHashing(file)
	if _, err := io.Copy(io.Discard, h); err != nil {
		return c, err
	}
	return h.capture(path)
}

// hashing hashes what is read through it.
type hashing struct {
	from  io.Reader
	sum   interface{ Sum([]byte) []byte }
	bytes int64
	tee   io.Reader
}

func newHashing(from io.Reader) *hashing {
	sum := sha256.New()
	return &hashing{from: from, sum: sum, tee: io.TeeReader(from, sum)}
}

func (h *hashing) Read(b []byte) (int, error) {
	n, err := h.tee.Read(b)
	h.bytes += int64(n)
	return n, err
}

// capture is what was read, to its end.
func (h *hashing) capture(name string) (inventory.CaptureFile, error) {
	_, err := io.Copy(io.Discard, h)
	return inventory.CaptureFile{File: name, SHA256: hex.EncodeToString(h.sum.Sum(nil)), Bytes: h.bytes}, err
}
