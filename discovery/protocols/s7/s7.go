// Package s7 hears S7comm, the protocol of SIMATIC controllers: what a CPU says of itself in its system status lists, and who
// reads, writes and programs it.
// Standards: RFC 1006 and ISO 8073 class 0 below (package cotp); S7comm itself is not published: by captures, and by the System
// Software for S7-300/400 Reference Manual (A5E02789976) for the lists; TCP 102.
// Heard: SZL 0011 (order numbers, versions) and 001C (names, serial numbers), the rack and slot that a client connects to, who
// reads, writes and controls; of S7comm-plus, order number and firmware in the answer that opens a session, and the operations.
// Asked: those two lists, over a connection of the kind that is not the engineer's. Values of variables are never read nor kept.
package s7

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
)

// Port is the one of ISO transport (RFC 1006 section 4), which S7comm shares with MMS.
const Port = 102

// The first byte of a message.
const (
	protocolS7   = 0x32
	protocolPlus = 0x72
)

// Kind is what a message is (ROSCTR, "remote operating service control").
type Kind uint8

// The kinds.
const (
	Job      Kind = 1 // a request
	Ack      Kind = 2 // an answer without data
	AckData  Kind = 3 // an answer
	Userdata Kind = 7 // a request or an answer of the extended services
)

// Message is one message; the views are into the stream. Layout: protocol id 1, kind 1, reserved 2, reference 2, length of the
// parameters 2, length of the data 2, in answers an error class and code 2; parameters; data.
type Message struct {
	Kind       Kind
	Error      uint16
	Parameters []byte
	Data       []byte
}

// parse reads a message. What stands before a damage is returned with the error.
func parse(b []byte) (Message, error) {
	r := wire.NewReader(b)
	r.Skip(1) // protocol id
	m := Message{Kind: Kind(r.Uint8())}
	r.Skip(4) // reserved, reference
	parameters, data := int(r.Uint16()), int(r.Uint16())
	switch m.Kind {
	case Ack, AckData:
		m.Error = r.Uint16()
	case Job, Userdata:
	default:
		return Message{}, fmt.Errorf("read message of %d bytes: kind %d at byte 1", len(b), m.Kind)
	}
	m.Parameters = r.Bytes(parameters)
	m.Data = r.Bytes(data)
	if r.Err() != nil {
		return m, fmt.Errorf("read message of %d bytes: %d of parameters, %d of data: %w", len(b), parameters, data, io.ErrUnexpectedEOF)
	}
	return m, nil
}

// Function is the service of a job or its answer, the first byte of the parameters.
type Function uint8

// The functions.
const (
	readVar         Function = 0x04
	writeVar        Function = 0x05
	requestDownload Function = 0x1a
	downloadBlock   Function = 0x1b
	downloadEnded   Function = 0x1c
	startUpload     Function = 0x1d
	upload          Function = 0x1e
	endUpload       Function = 0x1f
	plcControl      Function = 0x28 // start, insert blocks, compress
	plcStop         Function = 0x29
	setup           Function = 0xf0
)

// function is that of a job or its answer, 0 where there is none.
func (m Message) function() Function {
	if m.Kind == Userdata || len(m.Parameters) == 0 {
		return 0
	}
	return Function(m.Parameters[0])
}

// operation is what the client does with a function. Blocks are programs: to fetch one is engineering, not reading.
func (f Function) operation() discovery.Operations {
	switch f {
	case readVar:
		return discovery.OpRead
	case writeVar:
		return discovery.OpWrite
	case requestDownload, downloadBlock, downloadEnded, startUpload, upload, endUpload, plcControl, plcStop:
		return discovery.OpControl
	}
	return 0
}

// byClient reports whether it is the client that sends jobs of this function. In a download the CPU asks for the blocks.
func (f Function) byClient() bool {
	return f == readVar || f == writeVar || f == setup || f == requestDownload || f == startUpload || f == plcControl || f == plcStop
}

// Service is the head of an extended service (Userdata). Layout of its parameters: 00 01 12, length of what follows 1, method 1,
// type and group 1, subfunction 1, sequence 1; of an answer also data unit reference 1, last data unit 1, error 2. The data:
// return code 1, transport size 1, length 2, payload.
type Service struct {
	Type        uint8 // push, request or answer
	Group       uint8
	Subfunction uint8
	Sequence    uint8
	Unit        uint8 // which answer in parts this is one of; 0 for one that is whole
	More        bool  // it is not the last part
	Error       uint16
	Payload     []byte // nil where the return code says that there is none
}

// The types and groups.
const (
	serviceRequest = 4
	serviceAnswer  = 8

	groupProgrammer = 1
	groupCyclic     = 2
	groupBlocks     = 3
	groupCPU        = 4
	groupPBC        = 6 // program-to-program: BSEND, BRCV
	groupTime       = 7
	groupNC         = 15 // SINUMERIK programs

	subReadSZL   = 1 // of groupCPU
	subErase     = 0x0c
	subForce     = 0x10
	subSetClock  = 2
	subSetClock2 = 4

	userdataHead   = 0x000112
	returnedData   = 0xff
	longParameters = 8
)

// parseService reads an extended service.
func parseService(m Message) (Service, error) {
	r := wire.NewReader(m.Parameters)
	head := uint32(r.Uint16())<<8 | uint32(r.Uint8())
	length := r.Uint8()
	r.Skip(1) // method
	typed := r.Uint8()
	s := Service{Type: typed >> 4, Group: typed & 15, Subfunction: r.Uint8(), Sequence: r.Uint8()}
	if length >= longParameters {
		s.Unit, s.More, s.Error = r.Uint8(), r.Uint8() != 0, r.Uint16()
	}
	if r.Err() != nil {
		return Service{}, fmt.Errorf("read userdata parameters of %d bytes: %w", len(m.Parameters), io.ErrUnexpectedEOF)
	}
	if head != userdataHead {
		return Service{}, fmt.Errorf("read userdata parameters: head %#06x at byte 0", head)
	}
	if len(m.Data) < 4 {
		return s, nil
	}
	r = wire.NewReader(m.Data)
	returned := r.Uint8()
	r.Skip(1) // transport size
	payload := r.Bytes(int(r.Uint16()))
	if r.Err() != nil {
		return s, fmt.Errorf("read userdata of %d bytes: payload of %d: %w", len(m.Data), binary.BigEndian.Uint16(m.Data[2:]), io.ErrUnexpectedEOF)
	}
	if returned == returnedData {
		s.Payload = payload
	}
	return s, nil
}

// operation is what the client does with an extended service.
func (s Service) operation() discovery.Operations {
	switch s.Group {
	case groupProgrammer:
		if s.Subfunction == subErase || s.Subfunction == subForce {
			return discovery.OpControl
		}
		return discovery.OpRead
	case groupCyclic, groupBlocks:
		return discovery.OpRead
	case groupCPU:
		if s.Subfunction == subReadSZL {
			return discovery.OpRead
		}
	case groupPBC:
		return discovery.OpWrite
	case groupTime:
		if s.Subfunction == subSetClock || s.Subfunction == subSetClock2 {
			return discovery.OpWrite
		}
		return discovery.OpRead
	case groupNC:
		return discovery.OpControl
	}
	return 0
}

// claims recognises the first bytes of a stream: a message of either generation, or a request to connect to a rack and slot or to
// one of the names of S7comm-plus.
func claims(first []byte) bool {
	n, err := cotp.Length(first)
	if err != nil || n == 0 || n > len(first) {
		return false
	}
	t, err := cotp.Parse(first[:n])
	switch {
	case err != nil:
		return false
	case t.Kind == cotp.Data && len(t.Data) > 1 && t.Data[0] == protocolPlus:
		return isPlus(t.Data)
	case t.Kind == cotp.Data && len(t.Data) > 1 && t.Data[0] == protocolS7:
		_, err = parse(t.Data)
		return err == nil
	case t.Kind == cotp.ConnectRequest, t.Kind == cotp.ConnectConfirm:
		_, ok := parsePlace(t.CalledTSAP)
		return ok || isPlusName(t.CalledTSAP)
	}
	return false
}
