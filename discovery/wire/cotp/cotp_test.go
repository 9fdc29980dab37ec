package cotp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dt is a packet with one DT.
func dt(eot bool, data string) []byte {
	flag := byte(0)
	if eot {
		flag = flagEOT
	}
	n := 7 + len(data)
	return append([]byte{version, 0, byte(n >> 8), byte(n), 2, byte(Data), flag}, data...)
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		packet, calling, called, data string
		kind                          Kind
		eot, bad                      bool
	}{
		"connect_request":   {packet: "0300 0016 11 e0 0000 000f 00 c1 02 0100 c2 02 0102 c0 01 0a", kind: ConnectRequest, calling: "0100", called: "0102"},
		"connect_confirm":   {packet: "0300 0016 11 d0 000f 0003 00 c0 01 0a c1 02 0100 c2 02 0102", kind: ConnectConfirm, calling: "0100", called: "0102"},
		"unknown_parameter": {packet: "0300 0012 0d e0 0000 0001 00 87 01 00 c2 02 0001", kind: ConnectRequest, called: "0001"},
		"disconnect":        {packet: "0300 000b 06 80 0001 0002 80", kind: DisconnectRequest},
		"error":             {packet: "0300 0009 04 70 0001 02", kind: Error},
		"data":              {packet: "0300 0009 02 f0 80 3207", kind: Data, eot: true, data: "3207"},
		"no_data":           {packet: "0300 0007 02 f0 00", kind: Data},
		"short_parameter":   {packet: "0300 000e 09 e0 0000 0001 00 c2 04 0001", kind: ConnectRequest, bad: true},
		"unknown_code":      {packet: "0300 0007 02 10 80", bad: true},
		"header_too_long":   {packet: "0300 0007 09 f0 80", bad: true},
		"empty":             {bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(unhex(t, c.packet))
			if (err != nil) != c.bad || got.Kind != c.kind || got.EOT != c.eot || !bytes.Equal(got.Data, unhex(t, c.data)) ||
				!c.bad && (!bytes.Equal(got.CallingTSAP, unhex(t, c.calling)) || !bytes.Equal(got.CalledTSAP, unhex(t, c.called))) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestLength(t *testing.T) {
	for packet, want := range map[string]int{
		"": 0, "03": 0, "0300": 0, "0300 0016": 0, "0300 0016 11": 0, "0300 0016 11 e0": 22, "02": -1, "0301": -1, "0300 0006": -1, "0300 0007 03": -1,
		"0300 0007 01": -1, "0300 0007 02 16": -1, "0300 ffff 02 f0": 65535,
	} {
		n, err := Length(unhex(t, packet))
		if err != nil {
			n = -1
		}
		if n != want {
			t.Errorf("%q: %d, %v", packet, n, err)
		}
	}
}

// feed gives a stream in pieces and collects the messages.
func feed(r *Reassembler, b []byte, piece, gap int) (messages []string, torn []bool, problems []error) {
	var unread []byte
	for len(b) > 0 {
		n := min(piece, len(b))
		unread = append(unread, b[:n]...)
		b = b[n:]
		for len(unread) > 0 {
			n, tpdu, err := r.Feed(discovery.Server, unread, gap)
			if n > 0 || err != nil {
				gap = 0
			}
			if err != nil {
				problems = append(problems, err)
			}
			if tpdu.Kind == Data {
				messages = append(messages, string(tpdu.Data))
				torn = append(torn, tpdu.Torn)
			}
			if n == 0 {
				break
			}
			unread = unread[n:]
		}
	}
	return messages, torn, problems
}

func TestReassembler(t *testing.T) {
	long := strings.Repeat("x", 60000)
	for name, c := range map[string]struct {
		stream   []byte
		gap      int
		want     []string
		torn     bool // the first one is
		problems int
	}{
		"single":            {stream: dt(true, "one"), want: []string{"one"}},
		"pieces":            {stream: bytes.Join([][]byte{dt(false, "one "), dt(false, ""), dt(true, "two"), dt(true, "three")}, nil), want: []string{"one two", "three"}},
		"empty_first":       {stream: append(dt(false, ""), dt(true, "one")...), want: []string{"one"}},
		"after_a_gap":       {stream: append([]byte("tail of a packet\x03\x00"), append(dt(true, "end"), dt(true, "whole")...)...), gap: 9, want: []string{"end", "whole"}, torn: true},
		"met_in_the_middle": {stream: append([]byte("tail"), dt(true, "whole")...), want: []string{"whole"}, torn: true},
		"junk_between":      {stream: bytes.Join([][]byte{dt(true, "one"), []byte("junk"), dt(true, "two")}, nil), want: []string{"one", "two"}, problems: 1},
		"too_long":          {stream: bytes.Join([][]byte{dt(false, long), dt(false, long), dt(true, "end"), dt(true, "two")}, nil), want: []string{"two"}, problems: 1},
		"ended_by_another":  {stream: bytes.Join([][]byte{dt(false, "one"), {3, 0, 0, 11, 6, 0x80, 0, 1, 0, 2, 0}, dt(true, "two")}, nil), want: []string{"two"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 3, 1 << 20} {
				if piece < 3 && len(c.stream) > 10000 {
					continue
				}
				messages, torn, problems := feed(&Reassembler{}, c.stream, piece, c.gap)
				if strings.Join(messages, "|") != strings.Join(c.want, "|") || len(problems) != c.problems || len(torn) > 0 && torn[0] != c.torn {
					t.Errorf("pieces of %d: %.80q, torn %v, %v", piece, messages, torn, problems)
				}
			}
		})
	}
}

func TestNotMine(t *testing.T) {
	_, _, problems := feed(&Reassembler{}, bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 300), 1460, 0)
	if len(problems) == 0 || !errors.Is(problems[0], discovery.ErrNotMine) {
		t.Errorf("problems %v", problems)
	}
}

func TestReassemblerIsFree(t *testing.T) {
	var r Reassembler
	whole, empty := dt(true, "a message"), dt(false, "")
	if n := testing.AllocsPerRun(100, func() {
		for _, b := range [][]byte{empty, whole} {
			if n, _, err := r.Feed(discovery.Client, b, 0); n != len(b) || err != nil {
				t.Fatal(n, err)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
