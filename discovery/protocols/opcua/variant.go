package opcua

import "time"

// variant is what is kept of a value: texts, a time, or the body of a structure. All other types are passed over.
type variant struct {
	texts  []string
	time   time.Time
	typeID uint32 // of body
	body   []byte // a view into the input
}

// text is the first text, "" without one.
func (v variant) text() string {
	if len(v.texts) == 0 {
		return ""
	}
	return v.texts[0]
}

// The types of a value (OPC 10000-6 clause 5.1.2) that need more than passing a fixed number of bytes over.
const (
	typeString          = 12
	typeDateTime        = 13
	typeGUID            = 14
	typeByteString      = 15
	typeXMLElement      = 16
	typeNodeID          = 17
	typeExpandedNodeID  = 18
	typeStatusCode      = 19
	typeQualifiedName   = 20
	typeLocalizedText   = 21
	typeExtensionObject = 22
	typeDataValue       = 23
	typeVariant         = 24
	typeDiagnosticInfo  = 25
)

// fixedSize is the length of a value, 0 when it varies.
func fixedSize(valueType uint8) int {
	switch valueType {
	case 1, 2, 3: // Boolean, SByte, Byte
		return 1
	case 4, 5: // Int16, UInt16
		return 2
	case 6, 7, 10, typeStatusCode: // Int32, UInt32, Float
		return 4
	case 8, 9, 11: // Int64, UInt64, Double
		return 8
	case typeGUID:
		return 16
	}
	return 0
}

// variant reads a Variant (clause 5.2.2.16), at most limit elements of an array.
func (r *reader) variant(limit int) variant {
	var v variant
	r.readVariant(&v, limit, 0)
	return v
}

// readVariant reads into v, or passes over where v is nil.
func (r *reader) readVariant(v *variant, limit, depth int) {
	encoding := r.Uint8()
	valueType := encoding & 0x3f
	if valueType == 0 { // no value
		return
	}
	if depth == maxNesting {
		r.fail()
		return
	}
	if encoding&0x80 == 0 {
		r.value(v, valueType, limit, depth)
		return
	}
	if size := fixedSize(valueType); size > 0 {
		r.Skip(r.count(size) * size)
	} else {
		for range r.count(1) {
			if r.value(v, valueType, limit, depth); r.Err() != nil {
				return
			}
		}
	}
	if encoding&0x40 != 0 { // dimensions
		r.Skip(r.count(4) * 4)
	}
}

func (r *reader) value(v *variant, valueType uint8, limit, depth int) {
	switch valueType {
	case typeString:
		keepText(v, r.bytes(), limit)
	case typeLocalizedText:
		keepText(v, r.localizedText(), limit)
	case typeDateTime:
		if t := r.time(); v != nil {
			v.time = t
		}
	case typeExtensionObject:
		if id, body := r.extension(); v != nil && v.body == nil {
			v.typeID, v.body = id, body
		}
	case typeByteString, typeXMLElement:
		r.bytes()
	case typeNodeID, typeExpandedNodeID:
		r.nodeID()
	case typeQualifiedName:
		r.Skip(2)
		r.bytes()
	case typeDataValue:
		r.skipDataValue(depth + 1)
	case typeVariant:
		r.readVariant(nil, 0, depth+1)
	case typeDiagnosticInfo:
		r.skipDiagnostic()
	default:
		size := fixedSize(valueType)
		if size == 0 {
			// Types 26 to 31 are kept for later and would be ByteStrings (clause 5.2.2.16); those above do not exist.
			if valueType > 31 {
				r.fail()
				return
			}
			r.bytes()
			return
		}
		r.Skip(size)
	}
}

func keepText(v *variant, text []byte, limit int) {
	if v != nil && len(text) > 0 && len(v.texts) < limit {
		v.texts = append(v.texts, string(text))
	}
}

// The parts of a DataValue (clause 5.2.2.17), in the order in which they follow its mask.
const (
	hasValue             = 0x01
	hasStatus            = 0x02
	hasSourceTimestamp   = 0x04
	hasSourcePicoseconds = 0x10
	hasServerTimestamp   = 0x08
	hasServerPicoseconds = 0x20
)

// dataValue reads a DataValue; good is false when its status says that the value is not to be used.
func (r *reader) dataValue(limit int) (v variant, good bool) {
	good = r.readDataValue(&v, limit, 0)
	return v, good
}

func (r *reader) skipDataValue(depth int) { r.readDataValue(nil, 0, depth) }

func (r *reader) readDataValue(v *variant, limit, depth int) (good bool) {
	mask := r.Uint8()
	good = mask&hasValue != 0
	if good {
		r.readVariant(v, limit, depth)
	}
	if mask&hasStatus != 0 && isBad(r.Uint32LE()) {
		good = false
	}
	if mask&hasSourceTimestamp != 0 {
		r.Skip(8)
	}
	if mask&hasSourcePicoseconds != 0 {
		r.Skip(2)
	}
	if mask&hasServerTimestamp != 0 {
		r.Skip(8)
	}
	if mask&hasServerPicoseconds != 0 {
		r.Skip(2)
	}
	return good
}

// isBad reports whether a StatusCode says failure (OPC 10000-4 clause 7.39: the upper two bits).
func isBad(status uint32) bool { return status>>30 >= 2 }
