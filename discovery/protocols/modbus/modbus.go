// Package modbus reads and asks Modbus/TCP: what a device, and the units behind a gateway, say of themselves.
// Standards: MODBUS Application Protocol V1.1b3 and MODBUS Messaging on TCP/IP V1.0b; TCP 502.
// Heard: device identification (function 43/14), server id (function 17), gateways by their exceptions, who reads and who writes.
// Asked: device identification, basic, then regular and extended where the device has them. Values of registers are never kept.
package modbus

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Port is the registered one (Messaging V1.0b section 4.3.2).
const Port = 502

// Sizes of a message (Messaging V1.0b sections 3.1.3 and 4.1): a header of 7 bytes, of which the last, the unit id, counts in
// its length field.
const (
	headerLen  = 7
	maxMessage = 260
	minLength  = 2 // unit id and function code
	maxLength  = maxMessage - headerLen + 1
)

// Function is a function code; exceptionFlag is added to it in an answer that refuses.
type Function uint8

const exceptionFlag Function = 0x80

// The function codes that matter here (Application Protocol V1.1b3 section 6).
const (
	readCoils             Function = 1
	readDiscreteInputs    Function = 2
	readHoldingRegisters  Function = 3
	readInputRegisters    Function = 4
	writeSingleCoil       Function = 5
	writeSingleRegister   Function = 6
	readExceptionStatus   Function = 7
	diagnostics           Function = 8
	getCommEventCounter   Function = 11
	getCommEventLog       Function = 12
	writeMultipleCoils    Function = 15
	writeMultipleRegister Function = 16
	reportServerID        Function = 17
	readFileRecord        Function = 20
	writeFileRecord       Function = 21
	maskWriteRegister     Function = 22
	readWriteRegisters    Function = 23
	readFIFOQueue         Function = 24
	encapsulated          Function = 43
	umas                  Function = 90 // Schneider Electric's programming protocol, by capture
)

// operation is what a client does with a function; 0 for those that are not known.
func (f Function) operation() discovery.Operations {
	switch f {
	case readCoils, readDiscreteInputs, readHoldingRegisters, readInputRegisters, readExceptionStatus, getCommEventCounter, getCommEventLog,
		reportServerID, readFileRecord, readFIFOQueue, encapsulated:
		return discovery.OpRead
	case writeSingleCoil, writeSingleRegister, writeMultipleCoils, writeMultipleRegister, writeFileRecord, maskWriteRegister, readWriteRegisters:
		return discovery.OpWrite
	case diagnostics, umas:
		return discovery.OpControl
	}
	return 0
}

// Message is one message; the views are into the stream. Layout: transaction id 2, protocol id 2 (zero), length 2, unit id 1,
// function code 1, data.
type Message struct {
	Unit     uint8
	Function Function // without the exception flag
	Refused  bool     // an exception: Data is its code
	Data     []byte
}

// length gives the length of the first message, 0 while there is too little to tell.
func length(b []byte) (int, error) {
	if len(b) < headerLen-1 {
		return 0, nil
	}
	if id := binary.BigEndian.Uint16(b[2:]); id != 0 {
		return 0, fmt.Errorf("protocol id %#04x at byte 2", id)
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < minLength || n > maxLength {
		return 0, fmt.Errorf("length %d at byte 4", n)
	}
	return headerLen - 1 + n, nil
}

// parse reads a whole message.
func parse(b []byte) Message {
	f := Function(b[headerLen])
	return Message{Unit: b[headerLen-1], Function: f &^ exceptionFlag, Refused: f&exceptionFlag != 0, Data: b[headerLen+1:]}
}

// role is which side of a conversation sends such a message, as far as its shape tells. A listener that came late, or heard
// one side only, may have taken the server for the client.
type role uint8

const (
	either role = iota
	request
	response
)

func (m Message) role() role {
	if m.Refused {
		return response
	}
	isRequest, isResponse := m.shapes()
	switch {
	case isRequest && !isResponse:
		return request
	case isResponse && !isRequest:
		return response
	}
	return either
}

// shapes compares the length of the data with what the function's request and response have (sections 6.1 to 6.21).
func (m Message) shapes() (isRequest, isResponse bool) {
	n := len(m.Data)
	counted := n > 0 && n == 1+int(m.Data[0])
	switch m.Function {
	case readCoils, readDiscreteInputs, readHoldingRegisters, readInputRegisters:
		wordwise := m.Function == readCoils || m.Function == readDiscreteInputs || n%2 == 1
		return n == 4, counted && n > 1 && wordwise
	case readExceptionStatus:
		return n == 0, n == 1
	case getCommEventCounter:
		return n == 0, n == 4
	case getCommEventLog:
		return n == 0, counted
	case reportServerID:
		return n == 0, n > 1
	case writeMultipleCoils, writeMultipleRegister:
		return n > 5 && n == 5+int(m.Data[4]), n == 4
	case readWriteRegisters:
		return n > 9 && n == 9+int(m.Data[8]), counted
	case encapsulated:
		mine := n > 0 && m.Data[0] == meiDeviceID
		return mine && n == 3, mine && n > 3
	}
	return false, false
}

// Object is one object of a device identification.
type Object struct {
	ID    uint8
	Value []byte // a view
}

// Identification is the answer to function 43/14 (section 6.21): MEI type 1 (14), read device id code 1, conformity level 1,
// more follows 1 (0 or FF), next object id 1, number of objects 1, then each object's id 1, length 1 and value.
type Identification struct {
	Code       uint8
	Conformity uint8
	More       bool
	Next       uint8
	Objects    []Object
}

// The MEI types that are assigned (section 6.19); all others are reserved.
const (
	meiCANopen  = 13
	meiDeviceID = 14
)

// parseIdentification reads the data behind the function code. Objects that stand before a damage are returned with the error.
func parseIdentification(data []byte) (Identification, error) {
	r := wire.NewReader(data)
	mei := r.Uint8()
	id := Identification{Code: r.Uint8(), Conformity: r.Uint8(), More: r.Uint8() == 0xff, Next: r.Uint8()}
	count := int(r.Uint8())
	if r.Err() != nil {
		return Identification{}, fmt.Errorf("read device identification of %d bytes: %w", len(data), io.ErrUnexpectedEOF)
	}
	if mei != meiDeviceID {
		return Identification{}, fmt.Errorf("read device identification: MEI type %d at byte 0", mei)
	}
	for i := range count {
		at := r.Offset()
		o := Object{ID: r.Uint8()}
		o.Value = r.Bytes(int(r.Uint8()))
		if r.Err() != nil {
			return id, fmt.Errorf("read device identification: object %d of %d at byte %d: %w", i+1, count, at, io.ErrUnexpectedEOF)
		}
		id.Objects = append(id.Objects, o)
	}
	return id, nil
}
