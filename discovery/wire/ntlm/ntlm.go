// Package ntlm reads what the messages of NT LAN Manager authentication say in the clear of the computers that exchange them
// (MS-NLMP section 2.2). They ride on SMB, HTTP and others. User names, challenges and hashes are never read.
package ntlm

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Type is the kind of a message.
type Type uint32

// The kinds.
const (
	Negotiate    Type = 1 // from the client
	Challenge    Type = 2 // from the server
	Authenticate Type = 3 // from the client
)

// Flags of NegotiateFlags (MS-NLMP section 2.2.2.5).
const (
	flagUnicode     = 0x00000001
	flagOEMSupplied = 0x00002000 // a Negotiate names its workstation
	flagVersion     = 0x02000000
)

// Attributes of a target (MS-NLMP section 2.2.2.1, AV_PAIR).
const (
	endOfList       = 0
	nbComputerName  = 1
	nbDomainName    = 2
	dnsComputerName = 3
	dnsDomainName   = 4
	dnsTreeName     = 5
)

// Version is that of the sender's operating system.
type Version struct {
	Major, Minor uint8
	Build        uint16
}

// IsZero reports whether the version was not said.
func (v Version) IsZero() bool { return v == Version{} }

// String is "10.0.17763".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Build) }

// Message is what the sender says of itself, as far as it does. The domain of an Authenticate is the user's and is not read.
type Message struct {
	Type    Type
	Version Version
	// A Challenge: the authentication realm, and the server's names.
	TargetName, ComputerName, Domain, DNSComputerName, DNSDomain, DNSTree string
	// A Negotiate or Authenticate: the client's NetBIOS name.
	Workstation string
}

var signature = []byte("NTLMSSP\x00")

// shortest is the length of a Negotiate that ends behind its flags. Old clients end there, old servers end a Challenge behind the
// challenge itself: what is not there was not said.
const shortest = 16

// Find gives the message inside a security blob (SPNEGO, RFC 4178, or plain), from its signature on; nil when there is none.
func Find(blob []byte) []byte {
	i := bytes.Index(blob, signature)
	if i < 0 {
		return nil
	}
	return blob[i:]
}

// Parse reads a message that begins with its signature; what follows it is ignored. All numbers are little endian:
//
//	Negotiate:    signature 8, type 4, flags 4, domain 8, workstation 8, version 8
//	Challenge:    signature 8, type 4, target name 8, flags 4, challenge 8, reserved 8, target info 8, version 8
//	Authenticate: signature 8, type 4, responses 8+8, domain 8, user 8, workstation 8, session key 8, flags 4, version 8
//
// where a field of 8 is length 2, maximum 2, offset 4. What was read before a damage is returned with the error.
func Parse(b []byte) (Message, error) {
	var m Message
	if !bytes.HasPrefix(b, signature) {
		return m, fmt.Errorf("read ntlm message: no signature at byte 0: %w", discovery.ErrNotMine)
	}
	r := wire.NewReader(b)
	r.Skip(len(signature))
	m.Type = Type(r.Uint32LE())
	var name, workstation, info field
	var flags uint32
	switch m.Type {
	case Negotiate:
		flags = r.Uint32LE()
		r.Skip(8)
		workstation = readField(&r)
		if flags&flagOEMSupplied == 0 {
			workstation = field{}
		}
	case Challenge:
		name = readField(&r)
		flags = r.Uint32LE()
		r.Skip(16)
		info = readField(&r)
	case Authenticate:
		r.Skip(32)
		workstation = readField(&r)
		r.Skip(8)
		flags = r.Uint32LE()
	default:
		if r.Err() == nil {
			return m, fmt.Errorf("read ntlm message: type %d at byte %d", m.Type, len(signature))
		}
	}
	if len(b) < shortest || r.Err() != nil && m.Type == Authenticate {
		return m, fmt.Errorf("read ntlm message of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	if flags&flagVersion != 0 && !name.overlaps(r.Offset()) && !workstation.overlaps(r.Offset()) && !info.overlaps(r.Offset()) {
		version := Version{Major: r.Uint8(), Minor: r.Uint8(), Build: r.Uint16LE()}
		if r.Err() == nil && version.Major != 0 {
			m.Version = version
		}
	}
	wide := flags&flagUnicode != 0
	var err error
	if m.TargetName, err = name.text(b, wide); err != nil {
		return m, err
	}
	if m.Workstation, err = workstation.text(b, wide && m.Type != Negotiate); err != nil {
		return m, err
	}
	pairs, err := info.bytes(b)
	if err != nil {
		return m, err
	}
	return m, m.readTargetInfo(pairs)
}

// readTargetInfo reads the attributes of a target: id 2, length 2, value; they are always in UTF-16.
func (m *Message) readTargetInfo(pairs []byte) error {
	r := wire.NewReader(pairs)
	for r.Len() > 0 {
		id := r.Uint16LE()
		value := r.Bytes(int(r.Uint16LE()))
		if r.Err() != nil {
			return fmt.Errorf("read ntlm target info of %d bytes: %w", len(pairs), r.Err())
		}
		switch id {
		case endOfList:
			return nil
		case nbComputerName:
			m.ComputerName = wideText(value)
		case nbDomainName:
			m.Domain = wideText(value)
		case dnsComputerName:
			m.DNSComputerName = wideText(value)
		case dnsDomainName:
			m.DNSDomain = wideText(value)
		case dnsTreeName:
			m.DNSTree = wideText(value)
		}
	}
	return nil
}

// field says where in the message a value stands.
type field struct {
	size   uint16
	offset uint32
}

func readField(r *wire.Reader) field {
	f := field{size: r.Uint16LE()}
	r.Skip(2)
	f.offset = r.Uint32LE()
	return f
}

// overlaps reports whether the value begins before the end of a version at this byte: then there is no version.
func (f field) overlaps(at int) bool { return f.size > 0 && int64(f.offset) < int64(at)+8 }

func (f field) bytes(b []byte) ([]byte, error) {
	if f.size == 0 {
		return nil, nil
	}
	from := int64(f.offset)
	to := from + int64(f.size)
	if to > int64(len(b)) {
		return nil, fmt.Errorf("read ntlm field at bytes %d to %d of %d: %w", from, to, len(b), io.ErrUnexpectedEOF)
	}
	return b[from:to], nil
}

func (f field) text(b []byte, wide bool) (string, error) {
	value, err := f.bytes(b)
	if wide {
		return wideText(value), err
	}
	return strings.TrimRight(string(value), "\x00"), err
}

func wideText(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])|uint16(b[i+1])<<8)
	}
	return strings.TrimRight(string(utf16.Decode(units)), "\x00")
}
