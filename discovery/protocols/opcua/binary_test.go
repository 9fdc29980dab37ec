package opcua

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopcua/opcua/ua"
)

func TestVariant(t *testing.T) {
	encode := func(v any) []byte {
		b, err := ua.MustVariant(v).Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		name  string
		b     []byte
		texts []string
		time  time.Time
		ok    bool
	}{
		{"string", encode("text"), []string{"text"}, time.Time{}, true},
		{"localized_text", encode(ua.NewLocalizedTextWithLocale("text", "en")), []string{"text"}, time.Time{}, true},
		{"strings", encode([]string{"a", "b", "c"}), []string{"a", "b"}, time.Time{}, true}, // at most 2 asked for
		{"time", encode(testTime), nil, testTime, true},
		{"double", encode(1.5), nil, time.Time{}, true},
		{"guid", encode(ua.NewGUID("72962B91-FA75-4AE6-8D28-B404DC7DAF63")), nil, time.Time{}, true},
		{"matrix", encode([][]int32{{1, 2}, {3, 4}}), nil, time.Time{}, true},
		{"node_ids", encode([]*ua.NodeID{ua.NewStringNodeID(2, "a"), ua.NewByteStringNodeID(2, []byte{1}), ua.NewNumericNodeID(0, 70000)}), nil, time.Time{}, true},
		{"qualified_name", encode(&ua.QualifiedName{NamespaceIndex: 1, Name: "n"}), nil, time.Time{}, true},
		{"byte_string", encode([]byte("bytes")), nil, time.Time{}, true},
		{"data_value", encode(good("inside")), nil, time.Time{}, true},
		{"variant", encode(ua.MustVariant("inside")), nil, time.Time{}, true},
		{"diagnostic", encode(&ua.DiagnosticInfo{EncodingMask: 0x7f, AdditionalInfo: "a", InnerDiagnosticInfo: &ua.DiagnosticInfo{}}), nil, time.Time{}, true},
		{"nothing", []byte{0}, nil, time.Time{}, true},
		{"negative_length", []byte{0x80 | typeString, 0xfe, 0xff, 0xff, 0xff}, nil, time.Time{}, true},
		{"length_of_two_billion", []byte{0x80 | typeString, 0xff, 0xff, 0xff, 0x7f}, nil, time.Time{}, false},
		{"numbers_of_two_billion", []byte{0x80 | 11, 0xff, 0xff, 0xff, 0x7f}, nil, time.Time{}, false},
		{"dimensions_of_two_billion", []byte{0xc0 | 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f}, nil, time.Time{}, false},
		{"nested_without_end", bytes.Repeat([]byte{typeVariant}, 1<<20), nil, time.Time{}, false},
		{"values_nested_without_end", bytes.Repeat([]byte{typeDataValue, hasValue}, 1<<20), nil, time.Time{}, false},
		{"diagnostics_without_end", slices.Concat([]byte{typeDiagnosticInfo}, bytes.Repeat([]byte{0x40}, 1<<20)), nil, time.Time{}, false},
		{"kept_for_later", []byte{26, 1, 0, 0, 0, 9}, nil, time.Time{}, true},
		{"no_such_type", []byte{32, 1, 0, 0, 0, 9}, nil, time.Time{}, false},
		{"cut", encode("text")[:6], nil, time.Time{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReader(c.b)
			v := r.variant(2)
			if diff := cmp.Diff(c.texts, v.texts); diff != "" {
				t.Errorf("texts (-want +got):\n%s", diff)
			}
			if !v.time.Equal(c.time) {
				t.Errorf("time: got %v, want %v", v.time, c.time)
			}
			err := r.problem("variant")
			if (err == nil) != c.ok || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error: got %v, want none: %v", err, c.ok)
			}
			if c.ok && r.Len() != 0 {
				t.Errorf("%d bytes left", r.Len())
			}
		})
	}
}

func TestTime(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want time.Time
	}{
		{"none", make([]byte, 8), time.Time{}},
		{"before_1601", bytes.Repeat([]byte{0xff}, 8), time.Time{}},
		{"for_ever", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, time.Time{}},
		{"1601", []byte{0x80, 0x96, 0x98, 0, 0, 0, 0, 0}, time.Date(1601, 1, 1, 0, 0, 1, 0, time.UTC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReader(c.b)
			if got := r.time(); !got.Equal(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
