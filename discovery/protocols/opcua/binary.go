package opcua

import (
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// reader reads the built-in types (OPC 10000-6 clause 5.2.2). All numbers are little endian. Err is set by a read past the end,
// by a count of elements that the bytes left cannot hold and by nesting deeper than maxNesting; it stays set.
type reader struct {
	wire.Reader
	b []byte // all of it
}

func newReader(b []byte) reader { return reader{Reader: wire.NewReader(b), b: b} }

// maxNesting bounds how deep variants and diagnostics may stand in each other. What is read of a device nests once.
const maxNesting = 8

// fail makes the reader fail as a read past the end does.
func (r *reader) fail() { r.Skip(-1) }

// problem is the error of a body that could not be read to its end, nil without one.
func (r *reader) problem(what string) error {
	if r.Err() == nil {
		return nil
	}
	return fmt.Errorf("read %s at offset %d: %w", what, r.Offset(), r.Err())
}

func (r *reader) int32() int32 { return int32(r.Uint32LE()) }

// bytes reads a ByteString or the bytes of a String: a view into the input; nil when it is absent, which a length below 0 says.
func (r *reader) bytes() []byte {
	n := r.int32()
	if n < 0 || r.Err() != nil {
		return nil
	}
	return r.Bytes(int(n))
}

func (r *reader) string() string { return string(r.bytes()) }

// count reads the length of an array whose elements have at least size bytes each; an absent array has none.
func (r *reader) count(size int) int {
	n := r.int32()
	if n <= 0 || r.Err() != nil {
		return 0
	}
	if int(n) > r.Len()/size {
		r.fail()
		return 0
	}
	return int(n)
}

// skipStrings passes an array of String over.
func (r *reader) skipStrings() {
	for range r.count(4) {
		r.bytes()
	}
}

// strings reads an array of String, at most limit of them; the others are passed over.
func (r *reader) strings(limit int) []string {
	var out []string
	for range r.count(4) {
		if b := r.bytes(); len(out) < limit && len(b) > 0 {
			out = append(out, string(b))
		}
	}
	return out
}

// DateTime counts 100 ns from 1601 (clause 5.2.2.5); this is 1970 in it.
const (
	epoch1970  = 116444736000000000
	perSecond  = 10_000_000
	lastSecond = 253402300799 // of the year 9999
)

// time reads a DateTime. Zero stands for no time, as does what lies behind the year 9999.
func (r *reader) time() time.Time {
	ticks := int64(r.Uint64LE())
	if ticks <= 0 {
		return time.Time{}
	}
	ticks -= epoch1970
	seconds, rest := ticks/perSecond, ticks%perSecond
	if seconds >= lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, rest*100).UTC()
}

// nodeID is a NodeId with a number; one with another identifier has numeric false.
type nodeID struct {
	namespace uint16
	id        uint32
	numeric   bool
}

// in0 is the number of a node of the standard's own namespace, else 0.
func (n nodeID) in0() uint32 {
	if n.namespace != 0 || !n.numeric {
		return 0
	}
	return n.id
}

// nodeID reads a NodeId or an ExpandedNodeId (clauses 5.2.2.9 and 5.2.2.10); the flags say which parts there are.
func (r *reader) nodeID() nodeID {
	var n nodeID
	encoding := r.Uint8()
	switch encoding & 0x3f {
	case 0: // two bytes
		n = nodeID{id: uint32(r.Uint8()), numeric: true}
	case 1: // four bytes
		n = nodeID{namespace: uint16(r.Uint8()), id: uint32(r.Uint16LE()), numeric: true}
	case 2: // numeric
		n = nodeID{namespace: r.Uint16LE(), id: r.Uint32LE(), numeric: true}
	case 3, 5: // string, opaque
		n.namespace = r.Uint16LE()
		r.bytes()
	case 4: // GUID
		n.namespace = r.Uint16LE()
		r.Skip(16)
	default:
		r.fail()
	}
	if encoding&0x80 != 0 { // the namespace as a URI
		r.bytes()
		n.numeric = false
	}
	if encoding&0x40 != 0 { // on another server
		r.Skip(4)
		n.numeric = false
	}
	return n
}

// encodedNodeID gives a NodeId as it is encoded: a view into the input.
func (r *reader) encodedNodeID() []byte {
	start := r.Offset()
	if r.nodeID(); r.Err() != nil {
		return nil
	}
	return r.b[start:r.Offset()]
}

// localizedText reads the text of a LocalizedText (clause 5.2.2.14): a view into the input.
func (r *reader) localizedText() []byte {
	mask := r.Uint8()
	if mask&0x01 != 0 {
		r.bytes()
	}
	if mask&0x02 != 0 {
		return r.bytes()
	}
	return nil
}

// extension reads an ExtensionObject (clause 5.2.2.15): the type of its body, and the body when it is binary.
func (r *reader) extension() (typeID uint32, body []byte) {
	typeID = r.nodeID().in0()
	switch r.Uint8() {
	case 0: // no body
	case 1:
		return typeID, r.bytes()
	case 2: // XML
		r.bytes()
	default:
		r.fail()
	}
	return typeID, nil
}

// skipDiagnostic passes a DiagnosticInfo over (clause 5.2.2.12).
func (r *reader) skipDiagnostic() {
	for range maxNesting {
		mask := r.Uint8()
		for _, bit := range [...]uint8{0x01, 0x02, 0x08, 0x04} { // symbolic id, namespace, locale, text: indices
			if mask&bit != 0 {
				r.Skip(4)
			}
		}
		if mask&0x10 != 0 {
			r.bytes()
		}
		if mask&0x20 != 0 {
			r.Skip(4)
		}
		if mask&0x40 == 0 {
			return
		}
	}
	r.fail()
}
