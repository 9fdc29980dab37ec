// Package mms hears and asks MMS, on which IEC 61850 and ICCP ride: the maker, model and revision that a server gives when it is asked
// to identify itself, and who reads, writes and controls.
//
// Standard: ISO 9506-2 (MMS), over ISO 8327 (session), ISO 8823 (presentation), ISO 8650 (association), and package cotp; IEC 61850-8-1
// says how. Port: TCP 102, which S7comm shares.
//
// Heard: answers to Identify, names of domains, nameplates (IEC 61850-7-3: PhyNam, NamPlt) whose attributes are read by name, and the
// services that clients use. Other values are never kept. Asked: by opt-in, Identify and the nameplate.
package mms

import (
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
)

// Port is the one of ISO transport (RFC 1006 section 4).
const Port = 102

// Session units (ISO 8327-1 clause 8.3). Data comes behind two of two bytes: give tokens, and data transfer.
const (
	sessionConnect = 0x0d
	sessionAccept  = 0x0e
	sessionRefuse  = 0x0c
	sessionFinish  = 0x09
	sessionEnd     = 0x0a // disconnect
	sessionAbort   = 0x19
	dataTransfer   = "\x01\x00\x01\x00"
)

// Identifiers, as they stand in the first byte: of the presentation's user data, of the PDUs of MMS, and of its services.
const (
	userData  = 0x61 // fully encoded data (ISO 8823-1 clause 8.4)
	sequence  = 0x30
	integer   = 0x02
	pdvSingle = 0xa0

	confirmedRequest  = 0xa0
	confirmedResponse = 0xa1

	identifyResponse = 0xa2
	vendorName       = 0x80
	modelName        = 0x81
	revision         = 0x82
)

// element is one tag, length and value of BER, with a tag of up to three bytes.
type element struct {
	tag     uint8  // the first byte
	number  uint32 // of the tag
	content []byte
}

// next reads an element in the definite form.
func next(r *wire.Reader) element {
	const long, more = 0x1f, 0x80
	e := element{tag: r.Uint8()}
	e.number = uint32(e.tag & long)
	if e.number == long {
		e.number = 0
		for range 2 {
			b := r.Uint8()
			e.number = e.number<<7 | uint32(b&^more)
			if b&more == 0 {
				break
			}
		}
	}
	n := int(r.Uint8())
	if n >= more {
		bytes := n &^ more
		if n = 0; bytes == 0 || bytes > 3 {
			r.Skip(-1)
		}
		for range min(bytes, 3) {
			n = n<<8 | int(r.Uint8())
		}
	}
	e.content = r.Bytes(n)
	return e
}

// isMine tells a session unit of an association from other users of the transport.
func isMine(b []byte) bool {
	if len(b) >= len(dataTransfer) && string(b[:len(dataTransfer)]) == dataTransfer {
		return true
	}
	if len(b) < 2 {
		return false
	}
	switch b[0] {
	case sessionConnect, sessionAccept, sessionRefuse, sessionFinish, sessionEnd, sessionAbort:
		return b[1] == 0xff || int(b[1]) <= len(b)-2
	}
	return false
}

// pdu finds the PDU of MMS in a session unit that transfers data; ok is false for another unit.
func pdu(b []byte) (e element, ok bool, err error) {
	if len(b) < len(dataTransfer) || string(b[:len(dataTransfer)]) != dataTransfer {
		return element{}, false, nil
	}
	r := wire.NewReader(b[len(dataTransfer):])
	outer := next(&r)
	if r.Err() == nil && outer.tag != userData {
		return element{}, false, nil // the presentation's abort, for example
	}
	list := wire.NewReader(outer.content)
	single := next(&list)
	inner := wire.NewReader(single.content)
	context, value := next(&inner), next(&inner)
	mms := wire.NewReader(value.content)
	e = next(&mms)
	for _, failed := range []error{r.Err(), list.Err(), inner.Err(), mms.Err()} {
		if failed != nil {
			return element{}, false, fmt.Errorf("read data of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
	}
	if single.tag != sequence || context.tag != integer || value.tag != pdvSingle {
		return element{}, false, fmt.Errorf("read data of %d bytes: elements %#02x, %#02x, %#02x", len(b), single.tag, context.tag, value.tag)
	}
	return e, true, nil
}

// service finds the service in a confirmed request or response: behind the invoke id, and modifiers at most.
func service(content []byte) (element, error) {
	r := wire.NewReader(content)
	next(&r) // invoke id
	for r.Len() > 0 {
		if e := next(&r); r.Err() == nil && e.tag != sequence {
			return e, nil
		}
	}
	return element{}, fmt.Errorf("read service of %d bytes: %w", len(content), io.ErrUnexpectedEOF)
}

// operation is what a client does with a service, by its number (ISO 9506-2 clause 7.2); 0 for one that only sets up.
func operation(number uint32) discovery.Operations {
	switch number {
	case 0, 1, 2, 4, 6, 9, 12, 33, 36, 65, 66, 67, 68, 72, 73, 74, 77: // status, names, identify, read, attributes, files
		return discovery.OpRead
	case 5, 7, 8, 10, 11, 13, 14, 75: // write, define and delete variables, rename a file
		return discovery.OpWrite
	case 26, 27, 28, 29, 30, 31, 38, 39, 40, 41, 42, 43, 44, 45, 46, 76: // programs up and down, start, stop, delete a file
		return discovery.OpControl
	}
	return 0
}

// claims recognises the first bytes of a stream: a connection to what is no rack and slot, or a session unit.
func claims(first []byte) bool {
	n, err := cotp.Length(first)
	if err != nil || n == 0 || n > len(first) {
		return false
	}
	t, err := cotp.Parse(first[:n])
	switch {
	case err != nil:
		return false
	case t.Kind == cotp.Data:
		return isMine(t.Data)
	case t.Kind == cotp.ConnectRequest, t.Kind == cotp.ConnectConfirm:
		return string(t.CalledTSAP) == defaultTSAP
	}
	return false
}

// defaultTSAP is what IEC 61850 servers listen on, as a rule.
const defaultTSAP = "\x00\x01"
