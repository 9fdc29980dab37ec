package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The readers of this package are our own, and not pcapgo's: pcapgo gives no byte offset for a damage, takes a pcapng block
// length below the block's header for one of 4 GiB and then discards the rest of the file, grows to any frame length that the
// file claims, keeps a section's decryption secrets and name records in memory, and allocates for each frame with options.

// OpenFile opens a pcap or pcapng file, plain or gzipped.
func OpenFile(path string) (Source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		_ = file.Close() // only read
		return nil, fmt.Errorf("open capture %s: %w: it is a folder", path, ErrNotCapture)
	}
	source, err := newReader(file, path, file)
	if err != nil {
		_ = file.Close() // only read
		return nil, err
	}
	return source, nil
}

// NewReader reads a capture from r, which is not closed; name is what r is called in errors. A Next waits as long as r does.
func NewReader(r io.Reader, name string) (Source, error) { return newReader(r, name, nil) }

// window is how much of a file is held at once: a whole frame with what stands before it.
const window = MaxFrame + 64<<10

func newReader(r io.Reader, name string, closer io.Closer) (Source, error) {
	in := bufio.NewReaderSize(r, window)
	head, err := in.Peek(2)
	if len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("open capture %s: %w: its gzip header is damaged: %w", name, ErrNotCapture, err)
		}
		in = bufio.NewReaderSize(unpacked, window)
	} else if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("open capture %s: %w", name, err)
	}
	head, err = in.Peek(24)
	if err != nil && len(head) == 0 && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("open capture %s: %w", name, err)
	}
	file := &fileSource{name: name, in: in, closer: closer}
	if len(head) >= 4 {
		switch binary.BigEndian.Uint32(head) {
		case 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1:
			if len(head) < pcapHeader {
				return nil, fmt.Errorf("open capture %s: %w: it is a pcap file cut inside its header", name, ErrNotCapture)
			}
			file.format = newPcap(head)
			return file, file.skip(pcapHeader)
		case blockSection:
			file.format = &pcapng{last: time.Unix(0, 0).UTC()}
			return file, nil
		}
	}
	return nil, fmt.Errorf("open capture %s: %w: it looks like %s", name, ErrNotCapture, looksLike(head))
}

// fileSource is a file in one of the two formats.
type fileSource struct {
	name   string
	in     *bufio.Reader
	closer io.Closer
	format interface {
		// next reads up to the next frame and fills f, also when its link type is not readable.
		next(s *fileSource, f *discovery.Frame) error
		dropped() uint64
	}
	offset int64 // of the first byte that has not been passed over
	seen   int   // frames read, readable or not
	stats  Stats
	err    error // what ended the file
}

// Next implements Source.
func (s *fileSource) Next(f *discovery.Frame) error {
	for s.err == nil {
		err := s.format.next(s, f)
		if errors.Is(err, io.EOF) {
			s.err = io.EOF
			break
		}
		if err != nil {
			s.err = &DamagedError{Name: s.name, Frame: s.seen + 1, Offset: s.offset, Err: err}
			break
		}
		s.seen++
		if readable(f.Link) {
			s.stats.Frames++
			return nil
		}
		s.stats.Foreign++
		if len(s.stats.ForeignLinks) < maxForeignLinks && !slices.Contains(s.stats.ForeignLinks, f.Link) {
			s.stats.ForeignLinks = append(s.stats.ForeignLinks, f.Link)
		}
	}
	f.Data = nil
	return s.err
}

// Stats implements Source.
func (s *fileSource) Stats() Stats {
	out := s.stats
	out.Dropped = s.format.dropped()
	out.ForeignLinks = slices.Clone(out.ForeignLinks)
	return out
}

// Close implements Source.
func (s *fileSource) Close() error {
	if s.err == nil {
		s.err = os.ErrClosed
	}
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// peek gives the next n bytes (at most window) without passing them over. A file that ends before the first of them gives
// io.EOF, one that ends inside them io.ErrUnexpectedEOF.
func (s *fileSource) peek(n int) ([]byte, error) {
	b, err := s.in.Peek(n)
	if err == nil {
		return b, nil
	}
	if errors.Is(err, io.EOF) && len(b) > 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return nil, err
}

// skip passes n bytes over.
func (s *fileSource) skip(n int) error {
	done, err := s.in.Discard(n)
	s.offset += int64(done)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// whole turns an end of file where one may not be into io.ErrUnexpectedEOF.
func whole(b []byte, err error) ([]byte, error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// looksLike says in words what a file is that is not a capture, from its first bytes.
func looksLike(head []byte) string {
	if len(head) == 0 {
		return "an empty file"
	}
	for _, known := range []struct{ magic, what string }{
		{"PK\x03\x04", "a zip archive (an Office document or a project file); unpack it first"},
		{"BZh", "a bzip2 file; unpack it first"},
		{"\xfd7zXZ\x00", "an xz file; unpack it first"},
		{"\x28\xb5\x2f\xfd", "a zstandard file; unpack it first"},
		{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"},
		{"\x1f\x8b", "a file that was gzipped twice"},
		{"SQLite format 3\x00", "an SQLite database"},
		{"snoop\x00\x00\x00", "a snoop capture; convert it with editcap"},
		{"GMBU", "a Network Monitor capture; convert it with editcap"},
		{"\xa1\xb2\xcd\x34", "a modified pcap of old Linux systems; convert it with editcap"},
		{"\x34\xcd\xb2\xa1", "a modified pcap of old Linux systems; convert it with editcap"},
		{"\x7fELF", "a program"},
		{"MZ", "a Windows program"},
		{"%PDF", "a PDF document"},
		{"\x89PNG", "a picture"},
		{"{", "JSON text"},
		{"<", "an XML or HTML text"},
	} {
		if bytes.HasPrefix(head, []byte(known.magic)) {
			return known.what
		}
	}
	// The head may end inside a rune.
	text := head
	for range utf8.UTFMax - 1 {
		if utf8.Valid(text) || len(text) == 0 {
			break
		}
		text = text[:len(text)-1]
	}
	if utf8.Valid(text) && bytes.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }) < 0 {
		return "a text"
	}
	return fmt.Sprintf("unknown data that begins with % x", head[:min(len(head), 8)])
}
