// Package cotp reads the transport that S7comm and MMS ride on: TPDUs of ISO 8073 (X.224) class 0, each in a packet of RFC 1006
// over TCP. It frames a stream, finds its place again after lost bytes, and joins the pieces of a message.
package cotp

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Kind is the code of a TPDU (ISO 8073 clause 13.2), with the bits that class 0 leaves zero.
type Kind uint8

// The TPDUs of class 0.
const (
	ConnectRequest    Kind = 0xe0 // CR
	ConnectConfirm    Kind = 0xd0 // CC
	DisconnectRequest Kind = 0x80 // DR
	Error             Kind = 0x70 // ER
	Data              Kind = 0xf0 // DT
)

// known reports whether a code byte is one of class 0. The low bits of CR and CC are a credit, which is 0 there.
func (k Kind) known() bool {
	switch k {
	case ConnectRequest, ConnectConfirm, DisconnectRequest, Error, Data:
		return true
	}
	return false
}

// TPDU is one message of the transport, or the whole message that several DT carried; the views are into the stream.
type TPDU struct {
	Kind Kind // 0: none yet
	// CallingTSAP and CalledTSAP are the selectors of CR and CC: who asks, and what he wants to be connected to.
	CallingTSAP, CalledTSAP []byte
	EOT                     bool // DT: the last piece of a message
	Data                    []byte
	// Torn says that bytes were lost before: Data may lack its beginning.
	Torn bool
}

// Sizes (RFC 1006 section 6; ISO 8073 clause 13).
const (
	packetHeader = 4 // version 3, reserved 0, length 2, which counts the header too
	// minHeader is how many bytes tell whether a message begins: the packet's header, the TPDU's length and code.
	minHeader = packetHeader + 2
	minPacket = packetHeader + 3
	version   = 3

	paramCallingTSAP = 0xc1
	paramCalledTSAP  = 0xc2
	flagEOT          = 0x80
)

// Length gives the length of the first packet of a stream, 0 while there is too little to tell.
func Length(b []byte) (int, error) {
	if !mayStart(b) {
		return 0, fmt.Errorf("packet header % x at byte 0", b[:min(len(b), minHeader)])
	}
	if len(b) < minHeader {
		return 0, nil
	}
	return int(binary.BigEndian.Uint16(b[2:])), nil
}

// mayStart reports whether the bytes can be the beginning of a packet, as far as there are any.
func mayStart(b []byte) bool {
	n := int(^uint16(0))
	switch {
	case len(b) > 0 && b[0] != version, len(b) > 1 && b[1] != 0:
		return false
	case len(b) >= packetHeader:
		n = int(binary.BigEndian.Uint16(b[2:]))
	}
	indicator := packetHeader
	switch {
	case n < minPacket, len(b) > indicator && (b[indicator] < 2 || packetHeader+1+int(b[indicator]) > n):
		return false
	}
	return len(b) < minHeader || Kind(b[indicator+1]).known()
}

// Parse reads one whole packet. Layout behind its header: length indicator 1 (of the TPDU's header, without itself), code 1;
// CR and CC: destination 2, source 2, class 1, parameters (code 1, length 1, value); DT: end of message and number 1, data.
func Parse(b []byte) (TPDU, error) {
	r := wire.NewReader(b)
	r.Skip(packetHeader)
	header := r.Sub(int(r.Uint8()))
	t := TPDU{Kind: Kind(header.Uint8())}
	if r.Err() != nil || header.Err() != nil {
		return TPDU{}, fmt.Errorf("read TPDU of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	switch t.Kind {
	case Data:
		t.EOT = header.Uint8()&flagEOT != 0
		t.Data = r.Rest()
	case ConnectRequest, ConnectConfirm:
		header.Skip(5) // destination, source, class
		for header.Len() > 0 {
			code := header.Uint8()
			value := header.Bytes(int(header.Uint8()))
			switch code {
			case paramCallingTSAP:
				t.CallingTSAP = value
			case paramCalledTSAP:
				t.CalledTSAP = value
			}
		}
	case DisconnectRequest, Error:
	default:
		return TPDU{}, fmt.Errorf("read TPDU: code %#02x at byte %d", uint8(t.Kind), packetHeader+1)
	}
	if header.Err() != nil {
		return t, fmt.Errorf("read TPDU %#02x: header of %d bytes: %w", uint8(t.Kind), b[packetHeader], io.ErrUnexpectedEOF)
	}
	return t, nil
}
