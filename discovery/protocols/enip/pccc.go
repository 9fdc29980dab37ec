package enip

import (
	"bytes"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// pccc is a command of the older controllers (PLC-5, SLC, MicroLogix), or the answer to one. Layout: length of the requester's
// id 1, which counts itself, vendor 2, serial number 4; command 1, status 1, transaction 2, in a request function 1; data.
type pccc struct {
	vendor   uint16
	serial   uint32
	command  uint8
	function uint8 // of a request
	status   uint8
	data     []byte // of an answer
}

const (
	pcccReply      = 0x40 // is added to the command in an answer
	pcccDiagnostic = 0x06
	pcccStatusRead = 0x03 // of pcccDiagnostic
	pcccExtended   = 0x0f

	requesterSize = 7
)

func parsePCCC(b []byte) (pccc, bool) {
	r := wire.NewReader(b)
	size := int(r.Uint8())
	requester := r.Sub(size - 1)
	var c pccc
	if size >= requesterSize {
		c.vendor, c.serial = requester.Uint16LE(), requester.Uint32LE()
	}
	c.command, c.status = r.Uint8(), r.Uint8()
	r.Skip(2) // transaction
	if c.command&pcccReply == 0 && r.Len() > 0 {
		c.function = r.Uint8()
	}
	c.data = r.Rest()
	return c, r.Err() == nil
}

// operation is what the client does with a command (publication 1770-6.5.16 chapter 7).
func (c pccc) operation() discovery.Operations {
	switch c.command {
	case 0x01: // unprotected read
		return discovery.OpRead
	case 0x00, 0x02, 0x05, 0x08: // protected write, protected and unprotected bit write, unprotected write
		return discovery.OpWrite
	case pcccDiagnostic:
		switch c.function {
		case 0x00, 0x01, pcccStatusRead, 0x09: // echo, counters, status, link parameters
			return discovery.OpRead
		}
		return discovery.OpControl
	case pcccExtended:
		switch c.function {
		case 0x01, 0x04, 0x06, 0x17, 0x29, 0x68, 0xa1, 0xa2, 0xa7: // reads of words, bytes, types, logical addresses, files
			return discovery.OpRead
		case 0x00, 0x02, 0x03, 0x18, 0x26, 0x67, 0x79, 0xa9, 0xaa, 0xab, 0xaf: // writes of the same, bits, under a mask
			return discovery.OpWrite
		}
		return discovery.OpControl // mode, forces, transfer of programs
	}
	return 0
}

// bulletin is what the controllers answer to a diagnostic status request (publication 1770-6.5.16 chapter 10): mode 1, EE, kinds of
// interface and processor 2, revision in 5 and series in 3 bits, the name in 11 characters.
type bulletin struct {
	series, revision uint8
	name             []byte
}

const (
	bulletinMark = 0xee
	bulletinName = 11
)

func parseBulletin(b []byte) (bulletin, bool) {
	r := wire.NewReader(b)
	r.Skip(1) // mode
	mark := r.Uint8()
	r.Skip(2) // interface, processor
	version := r.Uint8()
	out := bulletin{series: version >> 5, revision: version & 31, name: bytes.Trim(r.Bytes(bulletinName), " \x00")}
	if r.Err() != nil || mark != bulletinMark || len(out.name) == 0 {
		return bulletin{}, false
	}
	for _, c := range out.name {
		if c < ' ' || c > '~' {
			return bulletin{}, false // a PLC-5 answers with numbers only
		}
	}
	return out, true
}
