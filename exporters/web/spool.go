package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// spool keeps a document until it is whole.
type spool struct{ *os.File }

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "walkdown-export-*")
	if err != nil {
		return nil, fmt.Errorf("make room for the export: %w", err)
	}
	return &spool{f}, nil
}

// send writes the document.
func (s *spool) send(w http.ResponseWriter) {
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	io.Copy(w, s.File) //nolint:errcheck // the browser went away
}

// Close removes it.
func (s *spool) Close() error {
	return errors.Join(s.File.Close(), os.Remove(s.Name()))
}
