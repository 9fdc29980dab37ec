package fragile

import "encoding/binary"

// modbusSpeech is a Modbus/TCP server with a nameplate of seven objects, one in each answer, so that a client has to ask on
// (MODBUS Application Protocol V1.1b3 sections 6.3 and 6.21). It does not look at the unit id, as many servers that are no
// gateways do not: every one of them is the device itself.
type modbusSpeech struct{}

// The layout of a message: transaction u16, protocol u16 = 0, length u16 of what follows, unit u8, function u8, data.
const (
	modbusHeader   = 7
	modbusLeast    = 2   // unit and function
	modbusMost     = 254 // unit and the longest PDU
	readRegisters  = 0x03
	encapsulated   = 0x2b
	deviceID       = 0x0e
	exceptionFlag  = 0x80
	illegalFunc    = 0x01
	illegalValue   = 0x03
	regularLevel   = 0x02 // conformity: basic and regular, as a stream
	firstOfRegular = 3
)

// plate is the nameplate, by object id.
func plate() []string {
	return []string{"Fragile Works", "FW-4", "1.0.7", "www.example.com", "Kiln controller", "FW-4 DIN", "Kiln 2"}
}

func (modbusSpeech) length(b []byte) int {
	if len(b) < modbusHeader-1 {
		return 0
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if binary.BigEndian.Uint16(b[2:]) != 0 || n < modbusLeast || n > modbusMost {
		return -1
	}
	if len(b) < modbusHeader-1+n {
		return 0
	}
	return modbusHeader - 1 + n
}

func (modbusSpeech) identifies(message []byte) bool { return message[modbusHeader] == encapsulated }

func (modbusSpeech) answer(message []byte) spoken {
	pdu := message[modbusHeader:]
	reply := func(pdu ...byte) []byte {
		b := append([]byte{message[0], message[1], 0, 0, 0, 0, message[6]}, pdu...)
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-modbusHeader+1))
		return b
	}
	switch {
	case pdu[0] == readRegisters && len(pdu) == 5:
		count := int(pdu[4])
		if pdu[3] != 0 || count < 1 || count > 125 {
			return spoken{reply: reply(pdu[0]|exceptionFlag, illegalValue)}
		}
		return spoken{reply: reply(append([]byte{pdu[0], byte(2 * count)}, make([]byte, 2*count)...)...)}
	case pdu[0] == encapsulated && len(pdu) == 4 && pdu[1] == deviceID && (pdu[2] == 1 || pdu[2] == regularLevel):
		return spoken{reply: reply(identification(pdu[2], pdu[3])...)}
	}
	return spoken{reply: reply(pdu[0]|exceptionFlag, illegalFunc), unknown: true}
}

// identification is one object of a category and, while there are others, where to go on.
func identification(category, from byte) []byte {
	objects := plate()
	last := byte(len(objects) - 1)
	if category == 1 {
		last = firstOfRegular - 1
	}
	if from > last {
		from = 0 // an object that is not there restarts at the beginning
	}
	b := []byte{encapsulated, deviceID, category, regularLevel, 0, 0, 1, from, byte(len(objects[from]))}
	if from < last {
		b[4], b[5] = 0xff, from+1
	}
	return append(b, objects[from]...)
}
