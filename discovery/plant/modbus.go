package plant

import (
	"context"
	"encoding/binary"
	"io"
	"maps"
	"net"
	"slices"
	"time"
)

// modbusUnits is a Modbus/TCP server: a nameplate for each unit id. It reads registers and nameplates and nothing else
// (MODBUS Application Protocol V1.1b3, sections 6.3, 6.4, 6.21; Messaging on TCP/IP V1.0b, section 3.1).
type modbusUnits map[uint16]nameplate

// anyUnit stands for every unit id: a device that is no gateway need not look at it.
const anyUnit = 256

// nameplate is what function 43/14 tells of a unit.
type nameplate struct {
	conformity uint8 // 01, 02, 03: basic, regular, extended as a stream; 81, 82, 83: single objects too
	objects    map[uint8]string
	perAnswer  int // how many objects fit into an answer of this device; 0 = as many as the protocol allows
}

// The exceptions (V1.1b3 section 7).
const (
	illegalFunction    = 0x01
	illegalDataAddress = 0x02
	illegalDataValue   = 0x03
	targetSilent       = 0x0b // the gateway's device did not answer
)

// maxPDU is the longest message behind the unit id.
const maxPDU = 253

// serve answers one connection until it ends, is idle for too long, or sends what is not Modbus.
func (u modbusUnits) serve(_ context.Context, conn net.Conn) {
	var header [7]byte // transaction u16, protocol u16 = 0, length u16 of what follows, unit u8
	for {
		_ = conn.SetDeadline(time.Now().Add(idleTime))
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return
		}
		length := int(binary.BigEndian.Uint16(header[4:]))
		if binary.BigEndian.Uint16(header[2:]) != 0 || length < 2 || length > 1+maxPDU {
			return
		}
		request := make([]byte, length-1)
		if _, err := io.ReadFull(conn, request); err != nil {
			return
		}
		reply := u.answer(header[6], request)
		if reply == nil {
			continue
		}
		message := append(header[:4:4], 0, 0, header[6])
		binary.BigEndian.PutUint16(message[4:], uint16(1+len(reply)))
		if _, err := conn.Write(append(message, reply...)); err != nil {
			return
		}
	}
}

// answer gives the reply to a request, which is not empty; nil is silence.
func (u modbusUnits) answer(unit uint8, request []byte) []byte {
	plate, known := u[anyUnit]
	if !known {
		if unit == 0 {
			return nil // a broadcast on the serial line is never answered
		}
		if plate, known = u[uint16(unit)]; !known {
			return exception(request, targetSilent)
		}
	}
	switch request[0] {
	case 0x03, 0x04:
		return readRegisters(request)
	case 0x2b:
		return plate.identify(request)
	}
	return exception(request, illegalFunction)
}

func exception(request []byte, code byte) []byte { return []byte{request[0] | 0x80, code} }

// readRegisters answers functions 3 and 4: each register holds its own address.
func readRegisters(request []byte) []byte {
	if len(request) != 5 {
		return exception(request, illegalDataValue)
	}
	first, count := int(binary.BigEndian.Uint16(request[1:])), int(binary.BigEndian.Uint16(request[3:]))
	if count < 1 || count > 125 {
		return exception(request, illegalDataValue)
	}
	if first+count > 1<<16 {
		return exception(request, illegalDataAddress)
	}
	reply := []byte{request[0], byte(2 * count)}
	for register := first; register < first+count; register++ {
		reply = binary.BigEndian.AppendUint16(reply, uint16(register))
	}
	return reply
}

// identify answers function 43/14: 2B 0E, code (01 basic, 02 regular, 03 extended, 04 one object), object id.
func (n nameplate) identify(request []byte) []byte {
	if len(request) < 2 || request[1] != 0x0e {
		return exception(request, illegalFunction)
	}
	if len(request) != 4 {
		return exception(request, illegalDataValue)
	}
	code, from := request[2], request[3]
	reply := []byte{0x2b, 0x0e, code, n.conformity, 0, 0, 0} // more, next and the number of objects are filled in below
	if code == 4 && n.conformity&0x80 != 0 {
		value, ok := n.objects[from]
		if !ok {
			return exception(request, illegalDataAddress)
		}
		reply[6] = 1
		return appendObject(reply, from, value)
	}
	if code < 1 || code > 3 {
		return exception(request, illegalDataValue)
	}
	// Who is asked for more than it has answers with what it has.
	last := [...]uint8{0x02, 0x06, 0xff}[min(code, n.conformity&0x7f)-1]
	if _, ok := n.objects[from]; !ok || from > last {
		from = 0 // an unknown object id restarts at the beginning
	}
	for _, id := range slices.Sorted(maps.Keys(n.objects)) {
		if id < from || id > last {
			continue
		}
		full := n.perAnswer > 0 && int(reply[6]) == n.perAnswer
		if full || len(reply)+2+len(n.objects[id]) > maxPDU {
			reply[4], reply[5] = 0xff, id
			break
		}
		reply = appendObject(reply, id, n.objects[id])
		reply[6]++
	}
	return reply
}

func appendObject(reply []byte, id uint8, value string) []byte {
	return append(append(reply, id, byte(len(value))), value...)
}
