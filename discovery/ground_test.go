package discovery

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"\ttwo   blanks\n":   "two blanks",
		"a\x00b\r\nc":        "a b c",
		"T\xe9l\xe9":         "Télé",
		"Télé":               "Télé",
		"evil\u202egnp.exe":  "evil gnp.exe",
		"\x1b[31mred\x1b[0m": "[31mred [0m",
		"":                   "",
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Text(strings.Repeat("x", MaxValue-1) + " y"); strings.HasSuffix(got, " ") {
		t.Error("a text cut at a blank ends with it")
	}
	if got := Text(strings.Repeat("ü", MaxValue)); len(got) > MaxValue || !utf8.ValidString(got) {
		t.Errorf("long text: %d bytes, valid %v", len(got), utf8.ValidString(got))
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\u202eb")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) || len(got) > MaxValue || got != strings.TrimSpace(got) {
			t.Errorf("Text(%q) = %q", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) {
				t.Errorf("Text(%q) holds %U", s, r)
			}
		}
		if again := Text(got); again != got {
			t.Errorf("not stable: %q, then %q", got, again)
		}
	})
}

func TestMAC(t *testing.T) {
	for _, text := range []string{"28:63:36:aa:bb:cc", "28-63-36-AA-BB-CC", "2863.36aa.bbcc", "286336aabbcc"} {
		mac, err := ParseMAC(text)
		if err != nil || mac.String() != "28:63:36:aa:bb:cc" || !mac.IsStation() {
			t.Errorf("ParseMAC(%q) = %v, %v", text, mac, err)
		}
	}
	for _, text := range []string{"", "28:63", "28:63:36:aa:bb:cg", "28:63:36:aa:bb:cc:dd"} {
		if _, err := ParseMAC(text); err == nil {
			t.Errorf("ParseMAC(%q) has no error", text)
		}
	}
	for text, virtual := range map[string]bool{"00:00:5e:00:01:0a": true, "00:00:0c:07:ac:01": true, "00:00:0c:9f:f1:23": true, "00:00:0c:11:22:33": false} {
		if mac, _ := ParseMAC(text); mac.IsVirtual() != virtual {
			t.Errorf("%s: virtual %v", text, !virtual)
		}
	}
}

func TestPath(t *testing.T) {
	path := JoinPath(ModbusUnit(3), PathEndpoint, "urn:a/b=c%")
	got := SplitPath(path)
	if len(got) != 2 || got[0] != [2]string{"modbus-unit", "3"} || got[1] != [2]string{"endpoint", "urn:a/b=c%"} {
		t.Errorf("path %q splits into %q", path, got)
	}
}

// lines is a decoder of lines that end in a full stop.
type lines struct{ got []string }

func (l *lines) Feed(_ Side, _ time.Time, b []byte, gap int, _ Sink) (int, error) {
	if b[0] == '?' {
		return 0, ErrNotMine
	}
	if b[0] == '!' {
		return 1, errors.New("bad line")
	}
	before, _, ok := strings.Cut(string(b), ".")
	if !ok {
		return 0, nil
	}
	if gap > 0 {
		before = "(gap)" + before
	}
	l.got = append(l.got, before)
	return len(before) + 1 - len("(gap)")*min(gap, 1), nil
}

func TestStream(t *testing.T) {
	var decoder lines
	problems := 0
	s := Stream{Decoder: &decoder, Limit: 8}
	feed := func(side Side, b string, gap int) bool {
		return s.Feed(side, time.Time{}, []byte(b), gap, SinkFunc(func(Observation) {}), func(error) { problems++ })
	}
	feed(Client, "a.b", 0)
	feed(Server, "x", 0)
	feed(Client, "c.!d.", 0)
	feed(Server, "y.", 0)
	feed(Client, "half", 0)
	feed(Client, "e.", 3)
	feed(Client, "much too long", 0)
	feed(Client, "f.", 0)
	if got := strings.Join(decoder.got, " "); got != "a bc d xy (gap)e (gap)f" || problems != 1 {
		t.Errorf("got %q and %d problems", got, problems)
	}
	if feed(Client, "?", 0) || feed(Client, "a.", 0) {
		t.Error("fed on after ErrNotMine")
	}
}
