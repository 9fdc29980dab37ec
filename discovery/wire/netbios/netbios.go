// Package netbios reads NetBIOS names as they stand on the wire (RFC 1001 section 14, RFC 1002 section 4.1), for the name
// service, the datagram service and the session service.
package netbios

import (
	"fmt"
	"io"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Suffix is the 16th byte of a name: what the name is used for. The values are Microsoft's (MS-NBTE section 2.2.1 and the
// knowledge base article 163409).
type Suffix byte

// The suffixes that say something of a computer or its group.
const (
	Workstation   Suffix = 0x00 // unique: the computer; group: its workgroup or domain
	FileServer    Suffix = 0x20 // unique: the computer
	DomainMembers Suffix = 0x1c // group: the controllers of a domain
	LocalMaster   Suffix = 0x1d // unique: the master browser of a workgroup
	Elections     Suffix = 0x1e // group: the computers of a workgroup that elect one
)

// Size is how many bytes a name has, its suffix among them.
const Size = 16

// Name is a name with its suffix.
type Name struct {
	Text   string // without the padding
	Suffix Suffix
}

// NewName reads the 16 bytes of a name that is not encoded. Computers pad with blanks, some with zeroes.
func NewName(b [Size]byte) Name {
	return Name{Text: strings.TrimRight(string(b[:Size-1]), " \x00"), Suffix: Suffix(b[Size-1])}
}

// IsComputer reports whether the name, if it is unique, is what a computer is called. Services of its own making (IS~NAME,
// INet~Services) are not.
func (n Name) IsComputer() bool {
	return n.IsPlain() && (n.Suffix == Workstation || n.Suffix == FileServer)
}

// IsPlain reports whether the name holds only what people put into names: no control characters (__MSBROWSE__ has some), no
// tilde, no wildcard.
func (n Name) IsPlain() bool {
	return n.Text != "" && !strings.ContainsFunc(n.Text, func(r rune) bool { return r < ' ' || r == '~' || r == '*' || r == 0x7f })
}

// Decode reads the first-level encoding of a name: each half byte is a letter from 'A' on (RFC 1001 section 14.1).
func Decode(label string) (Name, error) {
	if len(label) != 2*Size {
		return Name{}, fmt.Errorf("a NetBIOS name of %d bytes", len(label))
	}
	var b [Size]byte
	for i := range b {
		high, low := label[2*i]-'A', label[2*i+1]-'A'
		if high > 15 || low > 15 {
			return Name{}, fmt.Errorf("a NetBIOS name with %q at byte %d", label[2*i:2*i+2], 2*i)
		}
		b[i] = high<<4 | low
	}
	return NewName(b), nil
}

// maxScope is how many labels a scope may have.
const maxScope = 8

// Read takes an encoded name with its scope, which is passed over, off the front of a message: labels behind their lengths, up to
// an empty one (RFC 1002 section 4.1).
func Read(r *wire.Reader) (Name, error) {
	label := string(r.Bytes(int(r.Uint8())))
	for range maxScope {
		size := r.Uint8()
		if r.Err() != nil {
			return Name{}, io.ErrUnexpectedEOF
		}
		if size == 0 {
			return Decode(label)
		}
		r.Skip(int(size))
	}
	return Name{}, fmt.Errorf("a NetBIOS scope of more than %d labels at byte %d", maxScope, r.Offset())
}
