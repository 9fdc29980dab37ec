// Package slmp hears and asks SLMP, the seamless message protocol of Mitsubishi Electric's controllers (the MC protocol with its 3E and
// 4E frames, binary): the model of a controller, and who reads, writes and controls it.
//
// Standard: Mitsubishi Electric SH-080956ENG (SLMP Reference Manual). Ports: set per plant; 5006 and 5007 are the usual ones of MELSEC Q,
// and by the first bytes any other.
//
// Heard: answers to Read Type Name, and whether clients read, write or control. Values are never kept. Asked: by opt-in, Read Type Name.
package slmp

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Port is what the Ethernet port of a MELSEC Q listens on by TCP.
const Port = 5007

// The subheaders, as a big-endian number; those of 4E are followed by a serial number 2 and zeros 2.
const (
	request3E  = 0x5000
	response3E = 0xd000
	request4E  = 0x5400
	response4E = 0xd400
)

// Behind the subheader: network 1, station 1, module 2, multidrop station 1, length of what follows 2 (all little endian); in a request
// timer 2, command 2, subcommand 2, data; in a response end code 2, data.
const (
	route      = 5
	header3E   = 2 + route + 2
	serialSize = 4
	maxBody    = 8192
)

// Command is what a client asks for (SH-080956ENG chapter 5).
type Command uint16

const readTypeName Command = 0x0101

// operation is what a client does with a command; 0 for one that is not known.
func (c Command) operation() discovery.Operations {
	switch c {
	case readTypeName, 0x0401, 0x0403, 0x0406, 0x0601, 0x0613, 0x0619, 0x0802, 0x1810, 0x1811, 0x1828, 0x0e30:
		return discovery.OpRead
	case 0x1401, 0x1402, 0x1406, 0x1601, 0x1613, 0x0801, 0x1820, 0x1822, 0x1824, 0x1825, 0x1826, 0x1829, 0x182a:
		return discovery.OpWrite
	case 0x1001, 0x1002, 0x1003, 0x1005, 0x1006, 0x1617, 0x1630, 0x1631, 0x0e31:
		return discovery.OpControl
	}
	return 0
}

// Message is one frame; Data is a view.
type Message struct {
	Response bool
	Serial   uint16 // of a 4E frame; 0 of a 3E frame
	Command  Command
	EndCode  uint16 // of a response; 0 is success
	Data     []byte
}

// header gives the length of the header of a frame, 0 when no frame begins here.
func header(b []byte) int {
	switch binary.BigEndian.Uint16(b) {
	case request3E, response3E:
		return header3E
	case request4E, response4E:
		return header3E + serialSize
	}
	return 0
}

// length gives the length of the first frame of a stream, 0 while there is too little to tell.
func length(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, nil
	}
	n := header(b)
	if n == 0 {
		return 0, fmt.Errorf("slmp subheader % x at byte 0", b[:2])
	}
	if len(b) < n {
		return 0, nil
	}
	if n == header3E+serialSize && (b[4] != 0 || b[5] != 0) {
		return 0, fmt.Errorf("slmp frame with % x at byte 4", b[4:6])
	}
	body := int(binary.LittleEndian.Uint16(b[n-2:]))
	if body < 2 || body > maxBody {
		return 0, fmt.Errorf("slmp length %d at byte %d", body, n-2)
	}
	return n + body, nil
}

// frame is length for an asker: 0 while the frame is not whole.
func frame(b []byte) (int, error) {
	n, err := length(b)
	if n > len(b) {
		n = 0
	}
	return n, err
}

// parse reads a whole frame.
func parse(b []byte) (Message, error) {
	r := wire.NewReader(b)
	m := Message{Response: r.Uint16()&0x8000 != 0}
	if n := header(b); n == header3E+serialSize {
		m.Serial = r.Uint16LE()
		r.Skip(2)
	}
	r.Skip(route + 2)
	if m.Response {
		m.EndCode = r.Uint16LE()
	} else {
		r.Skip(2) // timer
		m.Command = Command(r.Uint16LE())
		r.Skip(2) // subcommand
	}
	m.Data = r.Rest()
	if r.Err() != nil {
		return m, fmt.Errorf("read slmp frame of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return m, nil
}

// typeName reads the data of an answer to Read Type Name: model 16, filled up with blanks, and its code 2.
func typeName(data []byte) (model string, code uint16, err error) {
	r := wire.NewReader(data)
	model = discovery.Text(string(r.Bytes(16)))
	code = r.Uint16LE()
	if r.Err() != nil {
		return model, 0, fmt.Errorf("read type name of %d bytes: %w", len(data), io.ErrUnexpectedEOF)
	}
	return model, code, nil
}

// claims recognises a whole request with a command that is known, to the station itself or through it.
func claims(first []byte) bool {
	n, err := length(first)
	if err != nil || n == 0 || n != len(first) {
		return false
	}
	m, err := parse(first)
	return err == nil && !m.Response && m.Command.operation() != 0
}
