// Package hartip hears and asks HART-IP: the type, revisions and long tag of a field device or gateway, and who reads and writes it.
//
// Standard: FieldComm HCF_SPEC-085 (network management, HART-IP), HCF_SPEC-81 (token-passing data link: the frames inside), HCF_SPEC-127
// (universal commands). Ports: UDP and TCP 5094.
//
// Heard: answers to commands 0 (identity) and 20 (long tag), and whether clients read, write or control. Process values are never kept.
// Asked: by opt-in, these two commands in a session of their own.
package hartip

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Port is the registered one (IANA: hart-ip).
const Port = 5094

// A message: version 1, type 1, id 1, status 1, sequence number 2, length with this header 2, body.
const (
	headerSize = 8
	version    = 1
	maxMessage = 1024

	typeRequest  = 0
	typeResponse = 1
	typePublish  = 2
	typeNAK      = 15

	idInitiate = 0
	idClose    = 1
	idAlive    = 2
	idPass     = 3 // carries a frame of the field bus
	idDirect   = 4 // of version 2: commands without a frame
	idAudit    = 5
	idDiscover = 128
)

// Message is one message; Body is a view.
type Message struct {
	Type, ID, Status uint8
	Sequence         uint16
	Body             []byte
}

// length gives the length of the first message of a stream, 0 while there is too little to tell.
func length(b []byte) (int, error) {
	known := func(at int, ok bool) error {
		if len(b) > at && !ok {
			return fmt.Errorf("hart-ip header with %#02x at byte %d", b[at], at)
		}
		return nil
	}
	at := func(i int) uint8 {
		if i < len(b) {
			return b[i]
		}
		return 0
	}
	kind, id := at(1), at(2)
	for i, ok := range []bool{
		at(0) == version || at(0) == version+1, kind <= typePublish || kind == typeNAK, id <= idAudit || id == idDiscover,
	} {
		if err := known(i, ok); err != nil {
			return 0, err
		}
	}
	if len(b) < headerSize {
		return 0, nil
	}
	n := int(binary.BigEndian.Uint16(b[6:]))
	least, most := bounds(b)
	if n < least || n > most {
		return 0, fmt.Errorf("hart-ip length %d at byte 6", n)
	}
	return n, nil
}

// bounds are the lengths that a message of its id can have; what the second version adds is left open.
func bounds(b []byte) (least, most int) {
	const sessionBody, shortest, longest = 5, 5, 2 + 5 + 3 + 255 + 1 // of a frame
	switch {
	case b[0] != version:
		return headerSize, maxMessage
	case b[2] == idClose || b[2] == idAlive:
		return headerSize, headerSize
	case b[2] == idInitiate:
		return headerSize, headerSize + sessionBody
	case b[2] == idPass && b[1] != typeNAK:
		return headerSize + shortest, headerSize + longest
	}
	return headerSize, maxMessage
}

// parse reads a whole message.
func parse(b []byte) Message {
	return Message{Type: b[1], ID: b[2], Status: b[3], Sequence: binary.BigEndian.Uint16(b[4:]), Body: b[headerSize:]}
}

// Frames (HCF_SPEC-81 section 5): delimiter 1, address 1 or 5, expansion 0 to 3, command 1, count 1, data, check 1. In an answer the data
// begins with a response code and the device's status.
const (
	kindMask   = 0x07
	kindMaster = 2 // from a master
	kindDevice = 6 // from a device
	longFrame  = 0x80
	expansions = 0x60

	cmdIdentity = 0
	cmdLongTag  = 20
)

// address is a device's own: expanded device type 2, device id 3; zero for a polling address.
type address [5]byte

// frame is one frame of the field bus.
type frame struct {
	answer  bool
	address address
	command uint8
	code    uint8 // of an answer: 0 and warnings below 64 are success, of errors in communication the top bit is set
	data    []byte
}

func parseFrame(b []byte) (frame, error) {
	r := wire.NewReader(b)
	delimiter := r.Uint8()
	f := frame{answer: delimiter&kindMask == kindDevice}
	if delimiter&longFrame != 0 {
		copy(f.address[:], r.Bytes(len(f.address)))
		f.address[0] &= 0x3f // without who is the master, and burst mode
	} else {
		r.Skip(1)
	}
	r.Skip(int(delimiter&expansions) >> 5)
	f.command = r.Uint8()
	f.data = r.Bytes(int(r.Uint8()))
	r.Skip(1) // check
	if f.answer {
		inner := wire.NewReader(f.data)
		f.code = inner.Uint8()
		inner.Skip(1) // status of the device
		f.data = inner.Rest()
		if r.Err() == nil && inner.Err() != nil {
			return frame{}, fmt.Errorf("read frame of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
	}
	if r.Err() != nil {
		return frame{}, fmt.Errorf("read frame of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return f, nil
}

// succeeded reports whether the device carried the command out.
func (f frame) succeeded() bool {
	const communicationError, firstError, firstWarning, lastWarning = 0x80, 1, 8, 15
	return f.code&communicationError == 0 && (f.code < firstError || f.code >= firstWarning && f.code <= lastWarning)
}

// operation is what a client does with a command (HCF_SPEC-127 and -151); 0 for one that is not known.
func operation(command uint8) discovery.Operations {
	switch {
	case command <= 3, command >= 7 && command <= 16, command == 20, command == 21, command == 33, command == 48, command == 50, command == 54,
		command == 74, command == 84, command == 105:
		return discovery.OpRead
	case command == 6, command >= 17 && command <= 19, command == 22, command >= 34 && command <= 37, command == 44, command == 47, command == 49,
		command == 51, command == 53:
		return discovery.OpWrite
	case command >= 40 && command <= 43, command == 45, command == 46:
		return discovery.OpControl
	}
	return 0
}

// claims recognises a message that is a whole one, of the first version, with a body of its own kind.
func claims(first []byte) bool {
	n, err := length(first)
	if err != nil || n < headerSize || n != len(first) || first[0] != version {
		return false
	}
	m := parse(first)
	const sessionBody = 5 // master 1, time-out 4
	switch m.ID {
	case idInitiate:
		return len(m.Body) == sessionBody && m.Body[0] <= 1
	case idPass:
		_, err := parseFrame(m.Body)
		return err == nil
	}
	return false
}
