// Package enip hears and asks EtherNet/IP: what a device, and the modules of the chassis behind it, say of themselves in CIP.
// Standards: ODVA, The CIP Networks Library, volume 1 (CIP) edition 3.x and volume 2 (EtherNet/IP) edition 1.x; for PCCC, Rockwell
// publication 1770-6.5.16; for Logix, 1756-PM020; TCP and UDP 44818.
// Heard: ListIdentity and ListServices; the Identity object in explicit messages, unconnected, routed through a chassis, and over
// connections; names of Logix controllers; the catalogue name of SLC and MicroLogix; who reads, writes and controls.
// Asked: ListIdentity, of a device or of a segment; by opt-in the parts of a device and the modules of a chassis. Values of tags are never read nor kept.
package enip

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Port is the registered one, for both TCP and UDP (volume 2 section 2-1).
const Port = 44818

// Command is what an encapsulated message is for (volume 2 table 2-3.2).
type Command uint16

// The commands.
const (
	NOP               Command = 0x0000
	ListServices      Command = 0x0004
	ListIdentity      Command = 0x0063
	ListInterfaces    Command = 0x0064
	RegisterSession   Command = 0x0065
	UnregisterSession Command = 0x0066
	SendRRData        Command = 0x006f
	SendUnitData      Command = 0x0070
	IndicateStatus    Command = 0x0072
	Cancel            Command = 0x0073
)

func (c Command) known() bool {
	switch c {
	case NOP, ListServices, ListIdentity, ListInterfaces, RegisterSession, UnregisterSession, SendRRData, SendUnitData, IndicateStatus, Cancel:
		return true
	}
	return false
}

// Sizes of an encapsulated message (volume 2 section 2-3).
const (
	headerSize = 24
	maxBody    = 65535 - headerSize
	maxStatus  = 0xff // the highest that is given out is 6A
)

// Message is one encapsulated message; Body is a view. Layout, little endian: command 2, length of the body 2, session 4, status 4,
// sender context 8, options 4 (zero), body.
type Message struct {
	Command Command
	Session uint32
	Status  uint32
	Context uint64 // chosen by the client, and given back by the server
	Body    []byte
}

// mayStart reports whether the bytes can be the beginning of a message, as far as there are any.
func mayStart(b []byte) bool {
	switch {
	case len(b) == 1:
		return Command(b[0]).known()
	case len(b) >= 2 && !Command(binary.LittleEndian.Uint16(b)).known(),
		len(b) >= 4 && binary.LittleEndian.Uint16(b[2:]) > maxBody,
		len(b) >= 12 && binary.LittleEndian.Uint32(b[8:]) > maxStatus:
		return false
	}
	for i := 20; i < min(len(b), headerSize); i++ {
		if b[i] != 0 {
			return false
		}
	}
	return true
}

// length gives the length of the first message of a stream, 0 while there is too little to tell.
func length(b []byte) (int, error) {
	if !mayStart(b) {
		return 0, fmt.Errorf("encapsulation header % x at byte 0", b[:min(len(b), headerSize)])
	}
	if len(b) < headerSize {
		return 0, nil
	}
	return headerSize + int(binary.LittleEndian.Uint16(b[2:])), nil
}

// parse reads a whole message.
func parse(b []byte) Message {
	return Message{
		Command: Command(binary.LittleEndian.Uint16(b)),
		Session: binary.LittleEndian.Uint32(b[4:]),
		Status:  binary.LittleEndian.Uint32(b[8:]),
		Context: binary.LittleEndian.Uint64(b[12:]),
		Body:    b[headerSize:],
	}
}

// The items of the common packet format (volume 2 table 2-6.3).
const (
	itemIdentity        = 0x000c
	itemConnection      = 0x00a1
	itemConnected       = 0x00b1
	itemUnconnected     = 0x00b2
	itemService         = 0x0100
	itemSequencedConn   = 0x8002
	maxItems            = 16
	interfaceCIP        = 0
	sendDataHeader      = 6 // interface handle 4, time-out 2
	protocolVersion     = 1
	registerSessionSize = 4
)

// items reads a list of items: count 2, then for each type 2, length 2, data. The function is called for each, with the offset of
// its data in b.
func items(b []byte, each func(kind uint16, data []byte) error) error {
	r := wire.NewReader(b)
	count := int(r.Uint16LE())
	for i := range min(count, maxItems) {
		at := r.Offset()
		kind := r.Uint16LE()
		data := r.Bytes(int(r.Uint16LE()))
		if r.Err() != nil {
			return fmt.Errorf("read item %d of %d at byte %d: %w", i+1, count, at, io.ErrUnexpectedEOF)
		}
		if err := each(kind, data); err != nil {
			return err
		}
	}
	if r.Err() != nil {
		return fmt.Errorf("read items of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return nil
}

// carried is a CIP message and how it travels.
type carried struct {
	connected  bool
	connection uint32 // that of the receiver
	sequence   uint16
	cip        []byte
}

// parseCarried reads the body of SendRRData or SendUnitData (volume 2 sections 2-4.7 and 2-4.8): interface handle 4, time-out 2, and
// two items, where it goes and what it is. ok is false for what is not CIP.
func parseCarried(b []byte) (c carried, ok bool, err error) {
	r := wire.NewReader(b)
	handle := r.Uint32LE()
	r.Skip(2) // time-out
	count := int(r.Uint16LE())
	for i := range min(count, maxItems) {
		at := r.Offset()
		kind := r.Uint16LE()
		data := r.Sub(int(r.Uint16LE()))
		if r.Err() != nil {
			return carried{}, false, fmt.Errorf("read item %d of %d at byte %d: %w", i+1, count, at, io.ErrUnexpectedEOF)
		}
		switch kind {
		case itemConnection, itemSequencedConn:
			c.connection = data.Uint32LE()
		case itemConnected:
			c.connected = true
			c.sequence = data.Uint16LE()
			c.cip = data.Rest()
		case itemUnconnected:
			c.cip = data.Rest()
		}
		if data.Err() != nil {
			return carried{}, false, fmt.Errorf("read item %#04x at byte %d: %w", kind, at, io.ErrUnexpectedEOF)
		}
	}
	if r.Err() != nil {
		return carried{}, false, fmt.Errorf("read packet of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return c, handle == interfaceCIP && len(c.cip) > 0, nil
}

// claims recognises the first bytes of a stream or a datagram: a message that is well formed inside too.
func claims(first []byte) bool {
	n, err := length(first)
	if err != nil || n == 0 || n > len(first) {
		return false
	}
	m := parse(first[:n])
	switch m.Command {
	case RegisterSession:
		return len(m.Body) == registerSessionSize && binary.LittleEndian.Uint16(m.Body) == protocolVersion
	case SendRRData, SendUnitData:
		_, ok, err := parseCarried(m.Body)
		return ok && err == nil
	case ListIdentity, ListServices:
		found := false
		err := items(m.Body, func(kind uint16, _ []byte) error {
			found = found || kind == itemIdentity || kind == itemService
			return nil
		})
		return found && err == nil
	}
	return false
}
