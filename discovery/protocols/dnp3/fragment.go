package dnp3

import (
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// The header of the transport function (clause 8.2.2) is one byte: last, first, and a sequence number of six bits.
const (
	final        = 0x80
	first        = 0x40
	sequenceMask = 0x3f
	// maxFragment is how much of a fragment of the application layer is put together; 2048 bytes is what stations take (clause 4.3.1.4).
	maxFragment = 4096
	// maxStations bounds the stations of one side whose fragments are put together at once.
	maxStations = 32
)

// assembler puts the segments of one side together, for each pair of addresses.
type assembler struct{ open map[[2]uint16]*segments }

type segments struct {
	next uint8
	data []byte
}

// add takes the segment of a frame and gives the fragment that it ends, or nil. A segment out of turn ends what was begun.
func (a *assembler) add(f Frame) []byte {
	header, data := f.Data[0], f.Data[1:]
	key := [2]uint16{f.Source, f.Destination}
	if header&(first|final) == first|final {
		delete(a.open, key)
		return data
	}
	s := a.open[key]
	switch {
	case header&first != 0:
		if a.open == nil || len(a.open) >= maxStations {
			a.open = map[[2]uint16]*segments{}
		}
		s = &segments{}
		a.open[key] = s
	case s == nil:
		return nil
	case header&sequenceMask != s.next || len(s.data)+len(data) > maxFragment:
		delete(a.open, key)
		return nil
	}
	s.next = (header + 1) & sequenceMask
	s.data = append(s.data, data...)
	if header&final == 0 {
		return nil
	}
	delete(a.open, key)
	return s.data
}

// forget drops what was begun.
func (a *assembler) forget() { a.open = nil }

// Function is the function code of a fragment (clause 4.4.1).
type Function uint8

// The functions that are told apart here. Responses are those from 129 on.
const (
	funcRead     Function = 1
	funcResponse Function = 129
)

// operation is what a master does with a function; 0 for one that only confirms.
func (f Function) operation() discovery.Operations {
	switch f {
	case funcRead, 23, 25, 26, 28: // read, delay measurement; open, close and ask for a file
		return discovery.OpRead
	case 2, 7, 8, 9, 10, 11, 12, 20, 21, 22, 24, 27, 29, 30: // write, freeze counters, reporting, classes, time; delete a file
		return discovery.OpWrite
	case 3, 4, 5, 6, 13, 14, 15, 16, 17, 18, 19, 31: // select, operate, restart, applications, configurations
		return discovery.OpControl
	}
	return 0
}

// fragment is a message of the application layer (clause 4.2.2): control, function, two bytes of indications in a response, objects.
type fragment struct {
	Sequence    uint8
	Function    Function
	Indications uint16 // IIN1 in the high byte
	Objects     []byte
}

// isResponse reports whether an outstation says it.
func (m fragment) isResponse() bool { return m.Function >= funcResponse }

// The bits of the second byte of indications that say that the objects are not known there (clause 4.2.2.7).
const (
	iinNoFunction = 0x0001
	iinNoObject   = 0x0002
	iinParameter  = 0x0004
)

// parseFragment reads what stands before the objects.
func parseFragment(b []byte) (fragment, error) {
	r := wire.NewReader(b)
	m := fragment{Sequence: r.Uint8() & 0x0f, Function: Function(r.Uint8())}
	if m.isResponse() {
		m.Indications = r.Uint16()
	}
	m.Objects = r.Rest()
	if r.Err() != nil {
		return m, fmt.Errorf("read dnp3 fragment of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return m, nil
}

// attribute is an object of group 0 (annex A.1): a variation, which says what it is, of a set.
type attribute struct {
	Set       int // 0 is the standard's; others are the maker's or the user's
	Variation uint8
	Kind      uint8 // of the value
	Value     []byte
}

// Kinds of values of attributes (annex A.1.1).
const (
	kindText     = 1
	kindUnsigned = 2
)

// maxAttributes bounds the attributes of one fragment.
const maxAttributes = 512

// attributes gives those that a response begins with; objects of other groups end them. Qualifiers 00, 01 and 17 occur (clause 4.2.2.7.3):
// a range of sets in two or four bytes, or a count with the set before each.
func attributes(objects []byte) (list []attribute, err error) {
	r := wire.NewReader(objects)
	for r.Len() > 0 {
		group, variation, qualifier := r.Uint8(), r.Uint8(), r.Uint8()
		if r.Err() == nil && group != 0 {
			return list, nil
		}
		from, to, prefixed := 0, 0, false
		switch qualifier {
		case 0x00:
			from, to = int(r.Uint8()), int(r.Uint8())
		case 0x01:
			from, to = int(r.Uint16LE()), int(r.Uint16LE())
		case 0x17:
			from, to, prefixed = 1, int(r.Uint8()), true
		default:
			if r.Err() == nil {
				return list, fmt.Errorf("read dnp3 attribute %d: qualifier %#02x at byte %d", variation, qualifier, r.Offset()-1)
			}
		}
		for set := from; set <= to && r.Err() == nil; set++ {
			a := attribute{Set: set, Variation: variation}
			if prefixed {
				a.Set = int(r.Uint8())
			}
			a.Kind = r.Uint8()
			a.Value = r.Bytes(int(r.Uint8()))
			if r.Err() == nil {
				list = append(list, a)
			}
			if len(list) > maxAttributes {
				return list, fmt.Errorf("read dnp3 attributes: more than %d at byte %d", maxAttributes, r.Offset())
			}
		}
		if r.Err() != nil {
			return list, fmt.Errorf("read dnp3 attribute %d in %d bytes: %w", variation, len(objects), io.ErrUnexpectedEOF)
		}
	}
	return list, nil
}
