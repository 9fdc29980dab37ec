package capture_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
)

// What is written is read back as it was.
func TestWriter(t *testing.T) {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, "walkdown test", "eth9", "own traffic")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 7, 12, 0, 0, 123456789, time.UTC)
	frames := [][]byte{bytes.Repeat([]byte{1}, 60), bytes.Repeat([]byte{2}, 61), bytes.Repeat([]byte{3}, 1514)}
	for i, data := range frames {
		if err := w.Write(&discovery.Frame{Time: at.Add(time.Duration(i) * time.Second), Link: discovery.LinkEthernet, Length: len(data) + i, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "own.pcapng")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := capture.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	for i, data := range frames {
		var f discovery.Frame
		if err := source.Next(&f); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f.Data, data) || !f.Time.Equal(at.Add(time.Duration(i)*time.Second)) || f.Length != len(data)+i || f.Link != discovery.LinkEthernet {
			t.Errorf("frame %d: %d bytes of %d at %s", i, len(f.Data), f.Length, f.Time)
		}
	}
	if err := source.Next(new(discovery.Frame)); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}
