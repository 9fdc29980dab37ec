package wire

import (
	"errors"
	"io"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func TestReader(t *testing.T) {
	r := NewReader([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	if v := r.Uint8(); v != 1 {
		t.Errorf("Uint8 = %#x", v)
	}
	if v := r.Uint16(); v != 0x0203 {
		t.Errorf("Uint16 = %#x", v)
	}
	if v := r.Uint32LE(); v != 0x07060504 {
		t.Errorf("Uint32LE = %#x", v)
	}
	sub := r.Sub(2)
	if v := sub.Uint16LE(); v != 0x0908 || sub.Len() != 0 {
		t.Errorf("Sub: Uint16LE = %#x, %d left", v, sub.Len())
	}
	if r.Offset() != 9 || r.Len() != 2 {
		t.Errorf("at %d with %d left", r.Offset(), r.Len())
	}
	if v := r.Uint32(); v != 0 || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("past the end: %#x, %v", v, r.Err())
	}
	if r.Len() != 0 || r.Uint8() != 0 || len(r.Rest()) != 0 {
		t.Error("reads on after an error")
	}
	if s := r.Sub(0); s.Err() == nil {
		t.Error("a cursor cut from a failed one has no error")
	}
}

func FuzzReader(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add([]byte{1, 2, 3}, 2)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		r := NewReader(b)
		r.Uint16()
		sub := r.Sub(n)
		sub.Skip(n)
		r.Bytes(n)
		if r.Offset() > len(b) {
			t.Errorf("at %d of %d", r.Offset(), len(b))
		}
	})
}
