package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// frames reads a source to its end, and gives the error that it ended with.
func frames(t testing.TB, r io.Reader) ([]discovery.Frame, capture.Stats, error) {
	t.Helper()
	source, err := capture.NewReader(r, "test.pcap")
	if err != nil {
		return nil, capture.Stats{}, err
	}
	var out []discovery.Frame
	for {
		var f discovery.Frame
		if err := source.Next(&f); err != nil {
			if again := source.Next(&f); !errors.Is(again, err) {
				t.Errorf("the end came as %v, then as %v", err, again)
			}
			stats := source.Stats()
			if err := source.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			return out, stats, err
		}
		f.Data = slices.Clone(f.Data)
		out = append(out, f)
	}
}

func TestReads_every_format(t *testing.T) {
	little, big := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	at := func(seconds, nanoseconds int64) time.Time { return time.Unix(seconds, nanoseconds).UTC() }
	one := discovery.Frame{Time: at(1000, 5000), Link: discovery.LinkEthernet, Length: 4, Data: []byte("abcd")}
	two := discovery.Frame{Time: at(1001, 7), Link: discovery.LinkRaw, Length: 5, Data: []byte("efghi")}
	ng := func(order binary.AppendByteOrder) []byte {
		return slices.Concat(sectionBlock(order),
			interfaceBlock(order, discovery.LinkEthernet),
			block(order, 0x0bad, []byte("a block of another kind")...),
			interfaceBlock(order, discovery.LinkRaw, option{9, []byte{9}}, option{2, []byte("eth0")}),
			packetBlock(order, 0, 1000_000005, []byte("abcd")),
			packetBlock(order, 1, 1001_000000007, []byte("efghi"), option{1, []byte("a comment")}),
		)
	}
	cases := map[string]struct {
		file []byte
		want []discovery.Frame
	}{
		"pcap_little_micro": {pcapFile(little, 0xa1b2c3d4, 1, record{1000, 5, 0, []byte("abcd")}), []discovery.Frame{one}},
		"pcap_big_micro":    {pcapFile(big, 0xa1b2c3d4, 1, record{1000, 5, 0, []byte("abcd")}), []discovery.Frame{one}},
		"pcap_little_nano":  {pcapFile(little, 0xa1b23c4d, 1, record{1000, 5000, 0, []byte("abcd")}), []discovery.Frame{one}},
		"pcap_big_nano":     {pcapFile(big, 0xa1b23c4d, 1, record{1000, 5000, 0, []byte("abcd")}), []discovery.Frame{one}},
		"pcap_cut_frame": {
			pcapFile(little, 0xa1b2c3d4, 1, record{1000, 5, 99, []byte("abcd")}),
			[]discovery.Frame{{Time: one.Time, Link: one.Link, Length: 99, Data: one.Data}},
		},
		"pcapng_little":   {ng(little), []discovery.Frame{one, two}},
		"pcapng_big":      {ng(big), []discovery.Frame{one, two}},
		"pcapng_sections": {slices.Concat(ng(little), ng(big)), []discovery.Frame{one, two, one, two}},
		"pcapng_binary_time": {
			slices.Concat(sectionBlock(little), interfaceBlock(little, 1, option{9, []byte{0x80 | 10}}), packetBlock(little, 0, 1000<<10|512, []byte("abcd"))),
			[]discovery.Frame{{Time: at(1000, 500_000_000), Link: 1, Length: 4, Data: []byte("abcd")}},
		},
		"pcapng_fine_time": {
			slices.Concat(sectionBlock(little), interfaceBlock(little, 1, option{9, []byte{12}}, option{14, little.AppendUint64(nil, 1<<64-1)}),
				packetBlock(little, 0, 7_000_000_009_999, []byte("abcd"))),
			[]discovery.Frame{{Time: at(6, 9), Link: 1, Length: 4, Data: []byte("abcd")}},
		},
		"pcapng_impossible_time": {
			slices.Concat(sectionBlock(little), interfaceBlock(little, 1, option{9, []byte{0}}), packetBlock(little, 0, 1<<64-1, []byte("abcd"))),
			[]discovery.Frame{{Time: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), Link: 1, Length: 4, Data: []byte("abcd")}},
		},
		"pcapng_simple": {
			slices.Concat(sectionBlock(little), interfaceBlock(little, 1), packetBlock(little, 0, 1000_000005, []byte("abcd")),
				block(little, 3, append(little.AppendUint32(nil, 4), "abcd"...)...)),
			[]discovery.Frame{one, one},
		},
		"pcapng_obsolete": {
			slices.Concat(sectionBlock(little), interfaceBlock(little, 1), block(little, 2, slices.Concat([]byte{0, 0, 9, 0},
				little.AppendUint32(little.AppendUint32(nil, 0), 1000_000005), little.AppendUint32(little.AppendUint32(nil, 4), 4), []byte("abcd"))...)),
			[]discovery.Frame{one},
		},
		"no_frames": {pcapFile(little, 0xa1b2c3d4, 1), nil},
	}
	for name, c := range cases {
		for form, file := range map[string][]byte{"plain": c.file, "gzipped": zipped(t, c.file)} {
			t.Run(name+"_"+form, func(t *testing.T) {
				got, _, err := frames(t, iotest.OneByteReader(bytes.NewReader(file)))
				if !errors.Is(err, io.EOF) {
					t.Fatalf("ended with %v", err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestPasses_over_foreign_links(t *testing.T) {
	order := binary.LittleEndian
	file := slices.Concat(sectionBlock(order), interfaceBlock(order, 147), interfaceBlock(order, 1), interfaceBlock(order, 189),
		packetBlock(order, 0, 1, []byte("x")), packetBlock(order, 1, 2, []byte("y")), packetBlock(order, 0, 3, []byte("z")), packetBlock(order, 2, 3, []byte("z")),
		block(order, 5, appendOptions(order, make([]byte, 12), option{5, order.AppendUint64(nil, 12)}, option{7, order.AppendUint64(nil, 3)})...))
	got, stats, err := frames(t, bytes.NewReader(file))
	if !errors.Is(err, io.EOF) || len(got) != 1 || string(got[0].Data) != "y" {
		t.Fatalf("got %d frames, %v", len(got), err)
	}
	want := capture.Stats{Frames: 1, Dropped: 12, Foreign: 3, ForeignLinks: []discovery.LinkType{147, 189}}
	if diff := cmp.Diff(want, stats); diff != "" {
		t.Error(diff)
	}
}

func TestDamage_after_what_is_readable(t *testing.T) {
	order := binary.LittleEndian
	whole := pcapFile(order, 0xa1b2c3d4, 1, record{1, 0, 0, []byte("abcd")}, record{2, 0, 0, []byte("efgh")})
	ng := slices.Concat(sectionBlock(order), interfaceBlock(order, 1), packetBlock(order, 0, 1, []byte("abcd")))
	changed := func(file []byte, at int, value ...byte) []byte {
		out := slices.Clone(file)
		copy(out[at:], value)
		return out
	}
	bad := func(kind uint32, length uint32) []byte {
		b := order.AppendUint32(order.AppendUint32(nil, kind), length)
		return append(b, make([]byte, 64)...)
	}
	cases := map[string]struct {
		file   []byte
		frame  int
		offset int64
		says   string
	}{
		"cut_in_record":     {whole[:len(whole)-1], 2, 44, "unexpected EOF"},
		"cut_in_header":     {whole[:50], 2, 44, "unexpected EOF"},
		"huge_record":       {changed(whole, 24+20+8, 0, 0, 0, 0x7f), 2, 44, "more than 262144"},
		"cut_block":         {slices.Concat(ng, packetBlock(order, 0, 2, []byte("efgh")))[:len(ng)+20], 2, int64(len(ng)) + 8, "unexpected EOF"},
		"short_block":       {slices.Concat(ng, bad(6, 8)), 2, int64(len(ng)), "impossible length"},
		"odd_block":         {slices.Concat(ng, bad(6, 33)), 2, int64(len(ng)), "impossible length"},
		"no_room":           {slices.Concat(ng, block(order, 6, 1, 2, 3, 4)), 2, int64(len(ng)) + 8, "impossible length"},
		"length_at_end":     {slices.Concat(ng, changed(ng[28:], len(ng)-28-4, 1)), 3, int64(2*len(ng) - 28 - 4), "at its end"},
		"missing_interface": {slices.Concat(ng, packetBlock(order, 7, 0, nil)), 2, int64(len(ng)) + 8, "interface 7"},
		"unknown_order":     {slices.Concat(ng, bad(0x0a0d0d0a, 28)), 2, int64(len(ng)), "byte order"},
		"time_too_fine":     {slices.Concat(ng, interfaceBlock(order, 1, option{9, []byte{30}})), 2, int64(len(ng)) + 8, "time resolution"},
		"gzip_cut":          {zipped(t, whole)[:40], 1, 24, "unexpected EOF"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, _, err := frames(t, bytes.NewReader(c.file))
			var damaged *capture.DamagedError
			if !errors.As(err, &damaged) {
				t.Fatalf("ended with %v after %d frames", err, len(got))
			}
			if len(got) != c.frame-1 && name != "gzip_cut" {
				t.Errorf("%d frames were delivered", len(got))
			}
			if name != "gzip_cut" && (damaged.Frame != c.frame || damaged.Offset != c.offset) {
				t.Errorf("damaged at frame %d, byte %d, want %d, %d", damaged.Frame, damaged.Offset, c.frame, c.offset)
			}
			if text := err.Error(); !strings.Contains(text, c.says) || !strings.Contains(text, "test.pcap") {
				t.Errorf("says %q", text)
			}
		})
	}
}

func TestGzip_with_wrong_checksum(t *testing.T) {
	file := zipped(t, pcapFile(binary.LittleEndian, 0xa1b2c3d4, 1, record{1, 0, 0, []byte("abcd")}))
	file[len(file)-6] ^= 1
	got, _, err := frames(t, bytes.NewReader(file))
	var damaged *capture.DamagedError
	if len(got) != 1 || !errors.As(err, &damaged) {
		t.Errorf("got %d frames, %v", len(got), err)
	}
}

func TestNot_a_capture(t *testing.T) {
	cases := map[string]struct{ file, says string }{
		"empty":    {"", "an empty file"},
		"zip":      {"PK\x03\x04................", "a zip archive"},
		"text":     {"time,source,destination\n1,2,3\n", "a text"},
		"rune_cut": {"zwölf Boxkämpfer jagen ä", "a text"},
		"json":     {`{"a": 1}`, "JSON"},
		"html":     {"<html><body>Sign in to download the file", "HTML"},
		"database": {"SQLite format 3\x00................", "SQLite"},
		"unknown":  {"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "00 01 02 03 04 05 06 07"},
		"header":   {"\xd4\xc3\xb2\xa1\x02\x00", "cut inside its header"},
		"gzip":     {"\x1f\x8b\x08", "gzip header"},
		"twice":    {string(zipped(t, zipped(t, []byte("hello")))), "gzipped twice"},
		"snoop":    {"snoop\x00\x00\x00\x00\x00\x00\x02", "snoop"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := frames(t, strings.NewReader(c.file))
			if !errors.Is(err, capture.ErrNotCapture) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "test.pcap") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOpenFile(t *testing.T) {
	folder := t.TempDir()
	if _, err := capture.OpenFile(folder); !errors.Is(err, capture.ErrNotCapture) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := capture.OpenFile(filepath.Join(folder, "none.pcap")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	path := filepath.Join(folder, "one.pcap")
	if err := os.WriteFile(path, pcapFile(binary.LittleEndian, 0xa1b2c3d4, 1, record{1, 0, 0, []byte("abcd")}), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := capture.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f discovery.Frame
	if err := source.Next(&f); err != nil || string(f.Data) != "abcd" {
		t.Errorf("got %q, %v", f.Data, err)
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
	if err := source.Next(&f); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// TestPublic_captures reads the public captures, where they are, and counts their frames.
func TestPublic_captures(t *testing.T) {
	for _, path := range publicCaptures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, stats, err := frames(t, bytes.NewReader(file))
			if !errors.Is(err, io.EOF) || stats.Foreign > 0 {
				t.Fatalf("ended with %v after %d frames, %d foreign", err, len(got), stats.Foreign)
			}
			for _, n := range []int{len(file) / 3, len(file) - 1} {
				if _, _, err := frames(t, bytes.NewReader(file[:n])); err == nil {
					t.Errorf("cut at %d: no error", n)
				}
			}
		})
	}
}

func publicCaptures(t testing.TB) []string {
	t.Helper()
	shared := os.Getenv("WALKDOWN_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	paths, err := filepath.Glob(filepath.Join(shared, "captures", "*.pcap*"))
	if err != nil || len(paths) == 0 {
		t.Skip("the public captures are not here")
	}
	return paths
}

func TestReads_without_allocating(t *testing.T) {
	file := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 1, slices.Repeat([]record{{1, 2, 0, make([]byte, 100)}}, 2000)...)
	source, err := capture.NewReader(bytes.NewReader(file), "test.pcap")
	if err != nil {
		t.Fatal(err)
	}
	var f discovery.Frame
	if n := testing.AllocsPerRun(1000, func() {
		if err := source.Next(&f); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for each frame", n)
	}
}

func FuzzReader(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	order := binary.LittleEndian
	f.Add(pcapFile(order, 0xa1b2c3d4, 1, record{1, 2, 3, []byte("abcd")}))
	f.Add(pcapFile(binary.BigEndian, 0xa1b23c4d, 113, record{1, 2, 3, []byte("abcd")}))
	f.Add(slices.Concat(sectionBlock(order), interfaceBlock(order, 1, option{9, []byte{9}}), packetBlock(order, 0, 1, []byte("abcd"), option{1, []byte("hi")}),
		block(order, 3, 1, 0, 0, 0, 'a'), block(order, 5, make([]byte, 40)...)))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, _, err := frames(t, bytes.NewReader(file))
		if err == nil {
			t.Error("no end")
		}
		total := 0
		for _, one := range got {
			total += len(one.Data)
			if one.Length < len(one.Data) || one.Time.Year() > 9999 || one.Time.Year() < 1970 {
				t.Errorf("frame of %d bytes in %d, at %v", len(one.Data), one.Length, one.Time)
			}
		}
		// A gzipped file may hold more than it is long; a plain one may not.
		if len(file) > 2 && file[0] != 0x1f && total > len(file) {
			t.Errorf("%d bytes of frames in a file of %d", total, len(file))
		}
	})
}

func BenchmarkPcap(b *testing.B) {
	file := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 1, slices.Repeat([]record{{1, 2, 0, make([]byte, 120)}}, 20000)...)
	benchmarkFile(b, file)
}

func BenchmarkPcapng(b *testing.B) {
	order := binary.LittleEndian
	file := slices.Concat(sectionBlock(order), interfaceBlock(order, 1),
		bytes.Repeat(packetBlock(order, 0, 1, make([]byte, 120), option{2, []byte{1, 0, 0, 0}}), 20000))
	benchmarkFile(b, file)
}

func benchmarkFile(b *testing.B, file []byte) {
	b.Helper()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		source, err := capture.NewReader(bytes.NewReader(file), "bench")
		if err != nil {
			b.Fatal(err)
		}
		var f discovery.Frame
		for source.Next(&f) == nil {
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
}
