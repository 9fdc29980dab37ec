package bacnet

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Application tags (clause 20.2.1.4).
const (
	tagBoolean         = 1
	tagUnsigned        = 2
	tagOctetString     = 6
	tagCharacterString = 7
	tagEnumerated      = 9
	tagObjectID        = 12
)

// form is what follows a tag.
type form uint8

const (
	primitive form = iota
	opening        // tags of its own, up to the closing tag
	closing
)

// tag is an element of an APDU. The view is into it.
type tag struct {
	number  uint8
	context bool // its number is the service's; otherwise it is an application tag
	form    form
	content []byte
}

// is reports whether the tag is the context's number, of the form.
func (t tag) is(number uint8, f form) bool { return t.context && t.number == number && t.form == f }

// holds reports whether the tag is a value of the application type.
func (t tag) holds(kind uint8) bool { return !t.context && t.number == kind && t.form == primitive }

// readTag reads a tag and, of a primitive one, its content (clause 20.2.1).
func readTag(r *wire.Reader) (tag, error) {
	at := r.Offset()
	first := r.Uint8()
	t := tag{number: first >> 4, context: first&8 != 0}
	if t.number == 15 {
		t.number = r.Uint8()
	}
	length := int(first & 7)
	switch {
	case t.context && length == 6:
		t.form = opening
		return t, r.Err()
	case t.context && length == 7:
		t.form = closing
		return t, r.Err()
	case length > 5:
		return t, fmt.Errorf("tag %#02x at byte %d of the APDU", first, at)
	case t.holds(tagBoolean): // the value stands in place of the length
		return t, r.Err()
	case length == 5:
		length = extendedLength(r)
	}
	t.content = r.Bytes(length)
	return t, r.Err()
}

// extendedLength reads a length of 1, 3 or 5 bytes (clause 20.2.1.3.1).
func extendedLength(r *wire.Reader) int {
	switch length := r.Uint8(); length {
	case 254:
		return int(r.Uint16())
	case 255:
		if long := r.Uint32(); long <= 1<<24 {
			return int(long)
		}
		return -1 // more than any APDU holds
	default:
		return int(length)
	}
}

// expect reads a tag that must be the context's number, of the form.
func expect(r *wire.Reader, number uint8, f form) (tag, error) {
	at := r.Offset()
	t, err := readTag(r)
	if err == nil && !t.is(number, f) {
		err = fmt.Errorf("tag %d at byte %d of the APDU, want %d of the context", t.number, at, number)
	}
	return t, err
}

// expectValue reads a tag that must be of an application type.
func expectValue(r *wire.Reader, kind uint8) (tag, error) {
	at := r.Offset()
	t, err := readTag(r)
	if err == nil && !t.holds(kind) {
		err = fmt.Errorf("tag %d at byte %d of the APDU, want a value of type %d", t.number, at, kind)
	}
	return t, err
}

// skipToEnd passes over everything up to the tag that closes the opening tags read last.
func skipToEnd(r *wire.Reader, depth int) error {
	for depth > 0 {
		t, err := readTag(r)
		if err != nil {
			return err
		}
		switch t.form {
		case opening:
			depth++
		case closing:
			depth--
		}
	}
	return nil
}

// unsigned is the value of an Unsigned or an Enumerated, of up to 8 bytes, big endian.
func (t tag) unsigned() (uint64, error) {
	if n := len(t.content); n == 0 || n > 8 {
		return 0, fmt.Errorf("number of %d bytes", n)
	}
	var value uint64
	for _, b := range t.content {
		value = value<<8 | uint64(b)
	}
	return value, nil
}

// objectID is a BACnetObjectIdentifier: 10 bits of type, 22 of instance (clause 20.2.14).
type objectID uint32

const (
	deviceType = 8
	// anyInstance stands for "whichever device this is" in questions; a device that was given no number announces it too.
	anyInstance = 1<<22 - 1
)

func (o objectID) isDevice() bool   { return o>>22 == deviceType }
func (o objectID) instance() uint32 { return uint32(o) & anyInstance }

func (t tag) objectID() (objectID, error) {
	if len(t.content) != 4 {
		return 0, fmt.Errorf("object identifier of %d bytes", len(t.content))
	}
	return objectID(binary.BigEndian.Uint32(t.content)), nil
}

// Character sets (clause 20.2.9).
const (
	setUTF8   = 0 // ANSI X3.4 (ASCII) before 135-2010
	setDBCS   = 1
	setUCS4   = 3
	setUCS2   = 4
	setLatin1 = 5
)

// Code pages of setDBCS that can be read without a table.
const (
	pageWindows = 1252 // as Latin-1, but for some punctuation
	pageLatin1  = 28591
	pageUTF8    = 65001
)

// characters is the text of a CharacterString. What needs a table of its own (the code pages of DOS and of East Asia, JIS X 0208)
// is read as far as it is ASCII; whole is then false, and the text is empty where nothing of it can be trusted.
func characters(content []byte) (text string, whole bool) {
	if len(content) == 0 {
		return "", false
	}
	set, b := content[0], content[1:]
	b = b[:min(len(b), 4*discovery.MaxValue)]
	switch set {
	case setUTF8:
		return string(b), true // Latin-1 from old devices is for discovery.Text to find out
	case setLatin1:
		return latin1(b), true
	case setUCS2:
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(b[2*i:])
		}
		return string(utf16.Decode(units)), true
	case setUCS4:
		runes := make([]rune, len(b)/4)
		for i := range runes {
			runes[i] = rune(binary.BigEndian.Uint32(b[4*i:]))
		}
		return string(runes), true
	case setDBCS:
		if len(b) < 2 {
			return "", false
		}
		page := binary.BigEndian.Uint16(b)
		return codePage(page, b[2:])
	}
	return "", false
}

func codePage(page uint16, b []byte) (text string, whole bool) {
	switch page {
	case pageUTF8:
		return string(b), true
	case pageWindows, pageLatin1:
		return latin1(b), true
	}
	var out strings.Builder
	whole = true
	for _, c := range b {
		if c >= utf8.RuneSelf {
			c, whole = ' ', false
		}
		out.WriteByte(c)
	}
	return out.String(), whole
}

func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
