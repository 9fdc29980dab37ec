package netbios

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// theNetBIOSName is the example of RFC 1001 section 14.1, with the scope of RFC 1002 section 4.1.
const theNetBIOSName = "\x20EGFCEFEECACACACACACACACACACACACA\x07NETBIOS\x03COM\x00"

func TestRead(t *testing.T) {
	r := wire.NewReader([]byte(theNetBIOSName + "rest"))
	name, err := Read(&r)
	if err != nil || name != (Name{"FRED", Suffix(' ')}) || r.Len() != 4 {
		t.Errorf("got %+v, %d bytes left, error %v", name, r.Len(), err)
	}
	for n := range theNetBIOSName {
		r := wire.NewReader([]byte(theNetBIOSName[:n]))
		if _, err := Read(&r); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: error %v", n, err)
		}
	}
}

func TestReadDamaged(t *testing.T) {
	for _, text := range []string{
		"\x02AB\x00", "\x20" + strings.Repeat("a", 32) + "\x00", "\x20" + strings.Repeat("A", 32) + strings.Repeat("\x01a", 20) + "\x00", "\x00\x00",
	} {
		r := wire.NewReader([]byte(text))
		if name, err := Read(&r); err == nil {
			t.Errorf("%q was read as %+v", text, name)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		text     string
		computer bool
		plain    bool
	}{
		{"PLC-HMI        \x00", true, true},
		{"PLC-HMI        \x20", true, true},
		{"OPERATOR       \x03", false, true}, // a user
		{"IS~PLC-HMI     \x00", false, false},
		{"\x01\x02__MSBROWSE__\x02\x01", false, false},
		{"*\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", false, false},
		{"               \x00", false, false},
	} {
		name := NewName([Size]byte([]byte(c.text)))
		if name.IsComputer() != c.computer || name.IsPlain() != c.plain {
			t.Errorf("%+v: computer %v, plain %v", name, name.IsComputer(), name.IsPlain())
		}
	}
}

func FuzzRead(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add([]byte(theNetBIOSName))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := wire.NewReader(b)
		if name, err := Read(&r); err == nil && len(name.Text) >= Size {
			t.Errorf("got %+v", name)
		}
	})
}
