// Package ber reads the subset of BER (ITU-T X.690) that SNMP uses (RFC 3417 section 8): tags of one byte, lengths in the
// definite form, and the types of the SMI (RFC 2578 section 7.1). It allocates only for the dotted text of object ids.
package ber

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Tag is the identifier octet of an element.
type Tag byte

// The tags of SNMP: universal types (X.690), application types (RFC 2578), and the exceptions of RFC 3416 section 3.
const (
	Integer        Tag = 0x02
	OctetString    Tag = 0x04
	Null           Tag = 0x05
	ObjectID       Tag = 0x06
	Sequence       Tag = 0x30
	IPAddress      Tag = 0x40
	Counter32      Tag = 0x41
	Gauge32        Tag = 0x42 // Unsigned32 too
	TimeTicks      Tag = 0x43
	Opaque         Tag = 0x44
	Counter64      Tag = 0x46
	NoSuchObject   Tag = 0x80
	NoSuchInstance Tag = 0x81
	EndOfMIBView   Tag = 0x82
)

// IsException reports whether the tag stands for a value that is not there.
func (t Tag) IsException() bool { return t == NoSuchObject || t == NoSuchInstance || t == EndOfMIBView }

// Bounds of RFC 2578 section 7.1.3 and of what a datagram can hold.
const (
	maxLengthOctets = 4
	maxArcs         = 128
	maxIntegerBytes = 9 // a Counter64 with its sign octet
)

// SyntaxError is a breach of the encoding at a byte of the message.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// Element is one tag with its content.
type Element struct {
	Tag     Tag
	Content []byte // a view into the message
	Offset  int    // where the content begins in the message
}

// Reader takes elements off the front of a message. The first error stays: elements behind it are zero. An error is a
// *SyntaxError, or wraps io.ErrUnexpectedEOF and names the byte.
type Reader struct {
	in   wire.Reader
	base int
	err  error
}

// NewReader is a reader of a whole message.
func NewReader(message []byte) Reader { return Reader{in: wire.NewReader(message)} }

// Reader reads the elements inside a constructed element.
func (e Element) Reader() Reader { return Reader{in: wire.NewReader(e.Content), base: e.Offset} }

// Err is the first error.
func (r *Reader) Err() error { return r.err }

// More reports whether there is another element and no error yet.
func (r *Reader) More() bool { return r.err == nil && r.in.Len() > 0 }

// Next takes the next element.
func (r *Reader) Next() Element {
	if r.err != nil {
		return Element{}
	}
	start := r.base + r.in.Offset()
	tag := Tag(r.in.Uint8())
	if tag&0x1f == 0x1f {
		r.fail(start, "tag of several bytes")
		return Element{}
	}
	length := int(r.in.Uint8())
	if length >= 0x80 {
		n := length & 0x7f
		if n == 0 || n > maxLengthOctets {
			r.fail(start+1, fmt.Sprintf("length in %d bytes", n))
			return Element{}
		}
		var long uint64
		for range n {
			long = long<<8 | uint64(r.in.Uint8())
		}
		length = int(min(long, 1<<31-1))
	}
	offset := r.base + r.in.Offset()
	content := r.in.Bytes(length)
	if r.in.Err() != nil {
		r.err = fmt.Errorf("element at byte %d: %w", start, io.ErrUnexpectedEOF)
		return Element{}
	}
	return Element{Tag: tag, Content: content, Offset: offset}
}

// Expect takes the next element, which must have this tag.
func (r *Reader) Expect(tag Tag) Element {
	start := r.base + r.in.Offset()
	e := r.Next()
	if r.err == nil && e.Tag != tag {
		r.fail(start, fmt.Sprintf("tag %#02x, want %#02x,", byte(e.Tag), byte(tag)))
		return Element{}
	}
	return e
}

// Int takes an INTEGER.
func (r *Reader) Int() int64 {
	e := r.Expect(Integer)
	if r.err != nil {
		return 0
	}
	v, err := e.Int()
	if err != nil {
		r.err = err
	}
	return v
}

func (r *Reader) fail(offset int, reason string) {
	r.err = &SyntaxError{Offset: offset, Reason: reason}
}

// Int is the content as a signed integer (INTEGER).
func (e Element) Int() (int64, error) {
	if len(e.Content) == 0 || len(e.Content) > 8 {
		return 0, &SyntaxError{e.Offset, fmt.Sprintf("integer of %d bytes", len(e.Content))}
	}
	v := int64(int8(e.Content[0]))
	for _, b := range e.Content[1:] {
		v = v<<8 | int64(b)
	}
	return v, nil
}

// Uint is the content as an unsigned integer (Counter32, Gauge32, TimeTicks, Counter64). Agents that leave out the leading
// zero octet mean the positive number.
func (e Element) Uint() (uint64, error) {
	n := len(e.Content)
	if n == 0 || n > maxIntegerBytes || n == maxIntegerBytes && e.Content[0] != 0 {
		return 0, &SyntaxError{e.Offset, fmt.Sprintf("unsigned integer of %d bytes", n)}
	}
	var v uint64
	for _, b := range e.Content {
		v = v<<8 | uint64(b)
	}
	return v, nil
}

// IP is the content of an IpAddress.
func (e Element) IP() (netip.Addr, error) {
	if len(e.Content) != 4 {
		return netip.Addr{}, &SyntaxError{e.Offset, fmt.Sprintf("IpAddress of %d bytes", len(e.Content))}
	}
	return netip.AddrFrom4([4]byte(e.Content)), nil
}

// OID is the content as dotted text without a leading dot, "1.3.6.1.2.1.1.1.0" (X.690 clause 8.19).
func (e Element) OID() (string, error) {
	if len(e.Content) == 0 {
		return "", &SyntaxError{e.Offset, "empty object id"}
	}
	out := make([]byte, 0, 2*len(e.Content)+2)
	var arc uint64
	arcs, begun := 0, false
	for i, b := range e.Content {
		if !begun && b == 0x80 {
			return "", &SyntaxError{e.Offset + i, "padded arc in an object id"}
		}
		begun = true
		if arc = arc<<7 | uint64(b&0x7f); arc > 1<<32-1+80 {
			return "", &SyntaxError{e.Offset + i, "arc of more than 32 bits"}
		}
		if b&0x80 != 0 {
			continue
		}
		if arcs == 0 {
			// The first two arcs share a number: 40 times the first, plus the second.
			first := min(arc/40, 2)
			out = strconv.AppendUint(out, first, 10)
			arc -= first * 40
			arcs++
		}
		if arc > 1<<32-1 {
			return "", &SyntaxError{e.Offset + i, "arc of more than 32 bits"}
		}
		out = strconv.AppendUint(append(out, '.'), arc, 10)
		if arcs++; arcs > maxArcs {
			return "", &SyntaxError{e.Offset + i, fmt.Sprintf("object id of more than %d arcs", maxArcs)}
		}
		arc, begun = 0, false
	}
	if begun {
		return "", fmt.Errorf("object id at byte %d: %w", e.Offset, io.ErrUnexpectedEOF)
	}
	return string(out), nil
}
