// Package wire reads bytes from the network without trusting a length in them: a bounds-checked cursor. Codecs that several
// protocols share live in folders below it.
package wire

import (
	"encoding/binary"
	"io"
)

// Reader is a cursor over bytes. A read past the end gives zero values and sets Err, which stays set: a parser may read a
// whole header and look at Err once. The zero Reader is empty. It never copies; what outlives the frame is copied by the caller.
type Reader struct {
	b   []byte
	at  int
	err error
}

// NewReader is a cursor at the start of b.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Err is io.ErrUnexpectedEOF after a read past the end, else nil.
func (r *Reader) Err() error { return r.err }

// Offset is how many bytes have been read.
func (r *Reader) Offset() int { return r.at }

// Len is how many bytes are left; 0 after an error.
func (r *Reader) Len() int {
	if r.err != nil {
		return 0
	}
	return len(r.b) - r.at
}

// Bytes takes the next n bytes, a view into the input. A negative n is a read past the end.
func (r *Reader) Bytes(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b)-r.at {
		r.err = io.ErrUnexpectedEOF
		return nil
	}
	out := r.b[r.at : r.at+n : r.at+n]
	r.at += n
	return out
}

// Rest takes all that is left.
func (r *Reader) Rest() []byte { return r.Bytes(r.Len()) }

// Skip passes n bytes over.
func (r *Reader) Skip(n int) { r.Bytes(n) }

// Sub is a cursor over the next n bytes, which this one passes over. After a read past the end it carries the error too.
func (r *Reader) Sub(n int) Reader {
	b := r.Bytes(n)
	return Reader{b: b, err: r.err}
}

// Uint8 reads one byte.
func (r *Reader) Uint8() uint8 {
	if b := r.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint16 reads two bytes, big endian.
func (r *Reader) Uint16() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 reads four bytes, big endian.
func (r *Reader) Uint32() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint16LE reads two bytes, little endian.
func (r *Reader) Uint16LE() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// Uint32LE reads four bytes, little endian.
func (r *Reader) Uint32LE() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64LE reads eight bytes, little endian.
func (r *Reader) Uint64LE() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}
