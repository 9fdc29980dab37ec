package ber

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func element(t *testing.T, text string) Element {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(b)
	e := r.Next()
	if r.Err() != nil {
		t.Fatalf("read %s: %v", text, r.Err())
	}
	return e
}

func TestIntegers(t *testing.T) {
	for text, want := range map[string]int64{"020100": 0, "02017f": 127, "0201ff": -1, "02028000": -32768, "020200ff": 255, "02087fffffffffffffff": 1<<63 - 1} {
		if got, err := element(t, text).Int(); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]uint64{"410100": 0, "4104ffffffff": 1<<32 - 1, "410500ffffffff": 1<<32 - 1, "4609" + "00ffffffffffffffff": 1<<64 - 1} {
		if got, err := element(t, text).Uint(); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"0200", "0209000000000000000000"} {
		if _, err := element(t, text).Int(); err == nil {
			t.Errorf("%s is an integer", text)
		}
	}
	for _, text := range []string{"4100", "4109ff0000000000000000"} {
		if _, err := element(t, text).Uint(); err == nil {
			t.Errorf("%s is an unsigned integer", text)
		}
	}
}

func TestOID(t *testing.T) {
	for text, want := range map[string]string{
		"06082b06010201010100":     "1.3.6.1.2.1.1.1.0",
		"06092b0601040181e42501":   "1.3.6.1.4.1.29221.1",
		"06028837":                 "2.999",
		"06062b8fffffff7f":         "1.3.4294967295",
		"0601" + "00":              "0.0",
		"060b2b060104018fffffff7f": "",
	} {
		b, _ := hex.DecodeString(text)
		r := NewReader(b)
		got, err := r.Next().OID()
		if want == "" {
			if !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
				t.Errorf("%s: %v", text, r.Err())
			}
		} else if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	for name, text := range map[string]string{
		"empty": "0600", "open": "06022b86", "padded": "06032b8001", "wide": "06062b9fffffff7f", "wide_first": "0605ffffffff7f",
		"many": "068200c82b" + strings.Repeat("01", 199),
	} {
		if got, err := element(t, text).OID(); err == nil {
			t.Errorf("%s: %s is %q", name, text, got)
		}
	}
}

// The standard library's encoder is the other opinion on object ids.
func TestOIDAgainstStandardLibrary(t *testing.T) {
	for _, id := range []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 4329, 6, 3}, {2, 5, 4, 3}, {2, 100, 1 << 30}, {0, 39, 127, 128, 16384}} {
		b, err := asn1.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(b)
		if got, err := r.Next().OID(); err != nil || got != id.String() {
			t.Errorf("%v: got %q, %v", id, got, err)
		}
	}
}

func TestReader(t *testing.T) {
	b, _ := hex.DecodeString("3008020101040361626340040a000001")
	r := NewReader(b)
	inner := r.Expect(Sequence).Reader()
	if v := inner.Int(); v != 1 {
		t.Errorf("integer %d", v)
	}
	if e := inner.Expect(OctetString); string(e.Content) != "abc" || e.Offset != 7 {
		t.Errorf("string %+v", e)
	}
	if inner.Int(); inner.Err() == nil || inner.More() {
		t.Error("an integer past the end")
	}
	if ip, err := r.Next().IP(); err != nil || ip.String() != "10.0.0.1" || r.More() {
		t.Errorf("address %v, %v", ip, err)
	}
	for name, text := range map[string]string{
		"wrong_tag": "0401ff", "long_tag": "1f8101", "indefinite": "30800000", "length_of_length": "028500000000010a", "past_end": "02030a",
		"huge": "0284ffffffff00",
	} {
		b, _ := hex.DecodeString(text)
		r := NewReader(b)
		r.Int()
		var syntax *SyntaxError
		if !errors.As(r.Err(), &syntax) && !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, r.Err())
		}
	}
}

func FuzzReader(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	for _, seed := range []string{"300802010104036162634004", "06082b06010201010100", "3084ffffffff00"} {
		b, _ := hex.DecodeString(seed)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		walk(t, NewReader(b), 0)
	})
}

func walk(t *testing.T, r Reader, depth int) {
	for n := 0; r.More() && n < 100; n++ {
		e := r.Next()
		_, _ = e.Int()
		_, _ = e.Uint()
		_, _ = e.IP()
		if id, err := e.OID(); err == nil && strings.Count(id, ".") >= maxArcs {
			t.Errorf("long object id %q", id)
		}
		if depth < 8 && e.Tag&0x20 != 0 {
			walk(t, e.Reader(), depth+1)
		}
	}
}
