// Package dns reads messages in the format of the Domain Name System (RFC 1035 section 4), which multicast DNS (RFC 6762), LLMNR
// (RFC 4795) and the NetBIOS name service (RFC 1002 section 4.2) share.
//
// Names are expanded. A compression pointer must point before everything that was read of its name so far, so that no loop is
// possible; names have at most 255 bytes and a message at most 512 records.
package dns

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// The bounds of RFC 1035 section 2.3.4, and our own on the records of a message. A DNS answer in one datagram has rarely 50.
const (
	maxLabel   = 63
	maxName    = 255 // with its lengths and the root label
	maxRecords = 512
	headerSize = 12
)

// Opcode is what a message is for.
type Opcode uint8

// The operation codes: RFC 1035, RFC 2136.
const (
	Query  Opcode = 0
	Update Opcode = 5
)

// Type is the type of a record or a question.
type Type uint16

// The record types that are read: RFC 1035, RFC 3596 (AAAA), RFC 2782 (SRV).
const (
	A     Type = 1
	NS    Type = 2
	CNAME Type = 5
	PTR   Type = 12
	HINFO Type = 13
	TXT   Type = 16
	AAAA  Type = 28
	SRV   Type = 33
)

// IN is the class of the Internet. Multicast DNS uses the top bit of a record's class for its own ends.
const IN uint16 = 1

// Header is the first 12 bytes of a message: id 2, flags 2, four counts of 2 bytes each, all big endian.
type Header struct {
	ID       uint16
	Response bool
	Opcode   Opcode
	// Flags are the seven bits between the opcode and the response code: AA TC RD RA Z AD CD.
	Flags uint8
	RCode uint8
	// Counts are those of the questions and of the records of each section.
	Counts [4]uint16
}

// ParseHeader reads the header alone, which costs nothing. The error is io.ErrUnexpectedEOF.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < headerSize {
		return Header{}, io.ErrUnexpectedEOF
	}
	flags := binary.BigEndian.Uint16(b[2:])
	h := Header{
		ID:       binary.BigEndian.Uint16(b),
		Response: flags&0x8000 != 0,
		Opcode:   Opcode(flags >> 11 & 0xf),
		Flags:    uint8(flags >> 4 & 0x7f),
		RCode:    uint8(flags & 0xf),
	}
	for i := range h.Counts {
		h.Counts[i] = binary.BigEndian.Uint16(b[4+2*i:])
	}
	return h, nil
}

// Section is the part of a message that a record stands in.
type Section uint8

// The sections. In an update they are the zone, the prerequisites, the update and the additional records (RFC 2136 section 2).
const (
	Questions Section = iota
	Answers
	Authority
	Additional
)

// Question is what is asked for.
type Question struct {
	Name  Name
	Type  Type
	Class uint16
}

// Record is a resource record. Data is a view into the message.
type Record struct {
	Section Section
	Name    Name
	Type    Type
	Class   uint16
	TTL     uint32
	Data    []byte

	message []byte
	at      int // where Data begins in the message
}

// Message is a whole message.
type Message struct {
	Header
	Questions []Question
	Records   []Record // at most 512
}

// Parse reads a message. What stands before a damage is returned with the error, which wraps io.ErrUnexpectedEOF or names the
// byte.
func Parse(b []byte) (Message, error) {
	header, err := ParseHeader(b)
	m := Message{Header: header}
	if err != nil {
		return m, err
	}
	p := parser{message: b, at: headerSize}
	for range m.Counts[Questions] {
		if len(m.Questions) == maxRecords {
			return m, fmt.Errorf("more than %d questions at byte %d", maxRecords, p.at)
		}
		q := Question{Name: p.name()}
		q.Type, q.Class = Type(p.uint16()), p.uint16()
		if p.err != nil {
			return m, p.err
		}
		m.Questions = append(m.Questions, q)
	}
	for section := Answers; section <= Additional; section++ {
		for range m.Counts[section] {
			if len(m.Records) == maxRecords {
				return m, fmt.Errorf("more than %d records at byte %d", maxRecords, p.at)
			}
			r := p.record(section)
			if p.err != nil {
				return m, p.err
			}
			m.Records = append(m.Records, r)
		}
	}
	return m, nil
}

// IP is the address of an A or AAAA record.
func (r Record) IP() (netip.Addr, bool) {
	if r.Type == A && len(r.Data) == 4 || r.Type == AAAA && len(r.Data) == 16 {
		return netip.AddrFromSlice(r.Data)
	}
	return netip.Addr{}, false
}

// Target is the name that an NS, CNAME, PTR or SRV record points to.
func (r Record) Target() (Name, error) {
	p := parser{message: r.message[:r.at+len(r.Data)], at: r.at}
	if r.Type == SRV {
		p.at += 6 // priority, weight, port
	}
	return p.name(), p.err
}

// Port is that of an SRV record, 0 when it has none.
func (r Record) Port() uint16 {
	if r.Type != SRV || len(r.Data) < 6 {
		return 0
	}
	return binary.BigEndian.Uint16(r.Data[4:])
}

// Texts are the strings of a TXT or HINFO record, views into the message.
func (r Record) Texts() [][]byte {
	var out [][]byte
	in := wire.NewReader(r.Data)
	for in.Len() > 0 {
		text := in.Bytes(int(in.Uint8()))
		if in.Err() != nil {
			break
		}
		out = append(out, text)
	}
	return out
}

// parser walks over a message; its first error stays.
type parser struct {
	message []byte
	at      int
	err     error
}

func (p *parser) uint16() uint16 {
	if p.err == nil && p.at+2 > len(p.message) {
		p.err = io.ErrUnexpectedEOF
	}
	if p.err != nil {
		return 0
	}
	p.at += 2
	return binary.BigEndian.Uint16(p.message[p.at-2:])
}

func (p *parser) record(section Section) Record {
	r := Record{Section: section, Name: p.name(), message: p.message}
	r.Type, r.Class = Type(p.uint16()), p.uint16()
	r.TTL = uint32(p.uint16())<<16 | uint32(p.uint16())
	size := int(p.uint16())
	r.at = p.at
	if p.err == nil && size > len(p.message)-p.at {
		p.err = io.ErrUnexpectedEOF
	}
	if p.err != nil {
		return Record{}
	}
	p.at += size
	r.Data = p.message[r.at:p.at:p.at]
	return r
}

// name reads a name and expands its pointers (RFC 1035 section 4.1.4).
func (p *parser) name() Name {
	if p.err != nil {
		return ""
	}
	var out [maxName]byte
	size := 0
	at, limit := p.at, p.at // what a pointer names must begin before the limit
	jumped := false
	for {
		if at >= len(p.message) {
			p.err = io.ErrUnexpectedEOF
			return ""
		}
		length := int(p.message[at])
		switch length >> 6 {
		case 0:
			if length == 0 {
				if !jumped {
					p.at = at + 1
				}
				return Name(out[:size])
			}
			if at+1+length > len(p.message) {
				p.err = io.ErrUnexpectedEOF
				return ""
			}
			if size+1+length >= maxName {
				p.err = fmt.Errorf("a name of more than %d bytes at byte %d", maxName, p.at)
				return ""
			}
			size += copy(out[size:], p.message[at:at+1+length])
			at += 1 + length
		case 3:
			if at+2 > len(p.message) {
				p.err = io.ErrUnexpectedEOF
				return ""
			}
			target := length&0x3f<<8 | int(p.message[at+1])
			if target >= limit {
				p.err = fmt.Errorf("a pointer to byte %d at byte %d does not point back", target, at)
				return ""
			}
			if !jumped {
				p.at, jumped = at+2, true
			}
			at, limit = target, target
		default:
			p.err = fmt.Errorf("a label of type %#02x at byte %d", length&0xc0, at)
			return ""
		}
	}
}
