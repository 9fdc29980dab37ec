// Package fins hears and asks Omron's FINS: the model and version of a controller, and who reads, writes and controls it.
//
// Standard: Omron W227 (FINS Commands Reference Manual) and W421 (Ethernet units: FINS/UDP, FINS/TCP). Ports: UDP and TCP 9600.
//
// Heard: answers to CONTROLLER DATA READ (05 01), and whether clients read, write or control. Values are never kept. Asked: CONTROLLER
// DATA READ.
package fins

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Port is the usual one, for UDP and TCP (W421 section 4-2).
const Port = 9600

// Sizes: the FINS header is ICF, RSV, GCT, then network, node and unit of the destination, the same of the source, and SID; then the
// command code 2, and in a response an end code 2.
const (
	headerSize  = 10
	commandSize = 2
	endCodeSize = 2
	maxMessage  = 2012 // W227 section 3-2
	modelSize   = 20
	versionSize = 20
)

// Bits of ICF, the first byte.
const (
	icfGateway    = 0x80 // always set
	icfResponse   = 0x40
	icfNoResponse = 0x01
	icfReserved   = 0x3e
	gatewayCount  = 0x02 // GCT: the most gateways; up to 7 with newer ones
)

// Command is a command code: its kind and what of it.
type Command uint16

// The commands that matter (W227 section 5-1).
const (
	controllerDataRead Command = 0x0501
)

// operation is what a client does with a command; 0 for one that is not known.
func (c Command) operation() discovery.Operations {
	switch c {
	case 0x0101, 0x0104, 0x0201, 0x0220, 0x0306, 0x0501, 0x0502, 0x0601, 0x0620, 0x0701, 0x0801, 0x0920, 0x2102, 0x2140, 0x2201, 0x2202,
		0x220f, 0x2220:
		return discovery.OpRead
	case 0x0102, 0x0103, 0x0105, 0x0202, 0x0203, 0x0702, 0x2203, 0x2205, 0x2207, 0x2208, 0x220a, 0x220b, 0x220c:
		return discovery.OpWrite
	case 0x0304, 0x0305, 0x0307, 0x0308, 0x0401, 0x0402, 0x0403, 0x0c01, 0x0c02, 0x0c03, 0x2101, 0x2103, 0x2141, 0x2142, 0x2204, 0x2301, 0x2302:
		return discovery.OpControl
	}
	return 0
}

// address is a station: network 0 is the local one, unit 0 the CPU.
type address struct{ network, node, unit uint8 }

// Message is a FINS message; Data is a view.
type Message struct {
	Response bool
	Source   address
	SID      uint8 // the client's, given back
	Command  Command
	EndCode  uint16 // of a response; 0000 is success
	Data     []byte
}

// parse reads a message. Bytes that have not its shape are discovery.ErrNotMine.
func parse(b []byte) (Message, error) {
	r := wire.NewReader(b)
	icf, rsv, gct := r.Uint8(), r.Uint8(), r.Uint8()
	r.Skip(3)
	m := Message{Response: icf&icfResponse != 0, Source: address{r.Uint8(), r.Uint8(), r.Uint8()}, SID: r.Uint8()}
	if len(b) >= 3 && (icf&icfGateway == 0 || icf&icfReserved != 0 || rsv != 0 || gct > 7) {
		return Message{}, fmt.Errorf("read fins header % x: %w", b[:3], discovery.ErrNotMine)
	}
	m.Command = Command(r.Uint16())
	if m.Response {
		m.EndCode = r.Uint16()
	}
	m.Data = r.Rest()
	if r.Err() != nil {
		return Message{}, fmt.Errorf("read fins message of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return m, nil
}

// relayErrors are bits of an end code that do not belong to the code itself (W227 section 5-1-3).
const relayErrors = 0x80c0

// succeeded reports whether the command of a response was carried out.
func (m Message) succeeded() bool { return m.EndCode&^relayErrors == 0 }

// controller reads the data of an answer to CONTROLLER DATA READ: model 20, version 20, and more that depends on the unit.
func (m Message) controller() (model, version string, err error) {
	r := wire.NewReader(m.Data)
	model, version = text(r.Bytes(modelSize)), text(r.Bytes(versionSize))
	if r.Err() != nil {
		return model, "", fmt.Errorf("read controller data of %d bytes: %w", len(m.Data), io.ErrUnexpectedEOF)
	}
	return model, version, nil
}

// text ends at a zero byte, or with blanks.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return discovery.Text(string(b))
}

// FINS/TCP puts a header before each message: "FINS", the length of what follows 4, a command 4, an error 4.
const (
	tcpMagic   = "FINS"
	tcpHeader  = 16
	tcpCounted = 8 // bytes before those that the length counts
	tcpFrame   = 2 // the command that carries a message; the others set the connection up
)

// length gives the length of the first message of a stream, 0 while there is too little to tell.
func length(b []byte) (int, error) {
	if n := min(len(b), len(tcpMagic)); string(b[:n]) != tcpMagic[:n] {
		return 0, fmt.Errorf("fins/tcp header % x at byte 0", b[:n])
	}
	if len(b) < tcpCounted {
		return 0, nil
	}
	n := binary.BigEndian.Uint32(b[4:])
	if n < tcpHeader-tcpCounted || n > tcpHeader-tcpCounted+maxMessage {
		return 0, fmt.Errorf("fins/tcp length %d at byte 4", n)
	}
	return tcpCounted + int(n), nil
}

// claims recognises a whole message on another port: by the magic of FINS/TCP, or by a command that is known in a sound header.
func claims(first []byte) bool {
	if bytes.HasPrefix(first, []byte(tcpMagic)) {
		_, err := length(first)
		return err == nil && len(first) >= tcpHeader
	}
	m, err := parse(first)
	return err == nil && m.Command == controllerDataRead && first[2] == gatewayCount
}
