// Package tls hears what is said in the clear when a TLS connection is made: the name that the client asks for, the version, and,
// up to TLS 1.2, the certificates.
//
// Standards: RFC 8446 (TLS 1.3) and RFC 5246 (TLS 1.2), which earlier versions resemble; RFC 6066 section 3 (server name); RFC 5280
// (certificates). Ports: TCP 443 and those of protocols that ride on TLS, and any other by the first record.
//
// Heard: ClientHello, ServerHello and Certificate. What comes after the keys are changed is passed over. Asked: by opt-in, one
// handshake.
package tls

import (
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// contentType is what a record carries (RFC 8446 section 5.1).
type contentType uint8

const (
	changeCipherSpec contentType = 20
	alert            contentType = 21
	handshake        contentType = 22
	applicationData  contentType = 23
	heartbeat        contentType = 24 // RFC 6520
)

// Sizes of a record: a header of type 1, version 2, length 2, then at most 2^14 bytes, and 2048 more when they are encrypted (RFC
// 5246 section 6.2.3).
const (
	recordHeader = 5
	maxRecord    = 1<<14 + 2048
)

// recordLength gives the length of the record that begins at b, 0 while there is too little to tell. False: no record begins here.
func recordLength(b []byte) (int, bool) {
	if len(b) > 0 && (b[0] < byte(changeCipherSpec) || b[0] > byte(heartbeat)) || len(b) > 1 && b[1] != 3 || len(b) > 2 && b[2] > 4 {
		return 0, false
	}
	if len(b) < recordHeader {
		return 0, true
	}
	n := int(b[3])<<8 | int(b[4])
	if n == 0 && contentType(b[0]) != applicationData || n > maxRecord {
		return 0, false
	}
	return recordHeader + n, true
}

// messageType is the type of a handshake message (RFC 8446 section 4).
type messageType uint8

const (
	helloRequest messageType = 0
	clientHello  messageType = 1
	serverHello  messageType = 2
	certificates messageType = 11
)

// messageHeader is type 1, length 3.
const messageHeader = 4

// claims recognises a record that begins a connection: a handshake with a hello.
func claims(first []byte) bool {
	n, ok := recordLength(first)
	if !ok || n == 0 || len(first) < recordHeader+messageHeader+2 || contentType(first[0]) != handshake {
		return false
	}
	message := first[recordHeader:]
	length := int(message[1])<<16 | int(message[2])<<8 | int(message[3])
	hello := messageType(message[0]) == clientHello || messageType(message[0]) == serverHello
	// A hello has at least a version 2, a random 32 and the length of the session id 1 (RFC 8446 section 4.1).
	return hello && length >= 35 && length < maxMessage && message[4] == 3 && message[5] <= 4
}

// The extensions that are read (IANA: TLS ExtensionType values).
const (
	extensionServerName        = 0
	extensionSupportedVersions = 43
)

// serverName finds the name that a ClientHello asks for (RFC 8446 section 4.1.2): version 2, random 32, session id u8, cipher suites
// u16, compression methods u8, extensions u16. It is empty where the client asks for none.
func serverName(body []byte) ([]byte, error) {
	r := wire.NewReader(body)
	r.Skip(2 + 32)
	r.Skip(int(r.Uint8()))
	r.Skip(int(r.Uint16()))
	r.Skip(int(r.Uint8()))
	data, err := extension(&r, extensionServerName)
	if err != nil {
		return nil, fmt.Errorf("read client hello of %d bytes: %w", len(body), err)
	}
	if data == nil {
		return nil, nil
	}
	list := wire.NewReader(data) // a list u16 of: type 1 (0: a host name), name u16 (RFC 6066 section 3)
	list.Skip(2)
	kind := list.Uint8()
	name := list.Bytes(int(list.Uint16()))
	if list.Err() != nil {
		return nil, fmt.Errorf("read server name of %d bytes: %w", len(data), list.Err())
	}
	if kind != 0 {
		return nil, nil
	}
	return name, nil
}

// version reads the version that a ServerHello chooses (RFC 8446 section 4.1.3): version 2, random 32, session id u8, cipher suite
// 2, compression method 1, extensions u16. TLS 1.3 stands in an extension.
func version(body []byte) (uint16, error) {
	r := wire.NewReader(body)
	chosen := r.Uint16()
	r.Skip(32)
	r.Skip(int(r.Uint8()))
	r.Skip(2 + 1)
	data, err := extension(&r, extensionSupportedVersions)
	if err != nil {
		return 0, fmt.Errorf("read server hello of %d bytes: %w", len(body), err)
	}
	if len(data) == 2 {
		chosen = uint16(data[0])<<8 | uint16(data[1])
	}
	return chosen, nil
}

// extension finds one in the list that is next. Old versions have no list; data is nil then, as without the extension.
func extension(r *wire.Reader, want uint16) ([]byte, error) {
	if r.Err() == nil && r.Len() == 0 {
		return nil, nil
	}
	list := r.Sub(int(r.Uint16()))
	for list.Len() > 0 {
		kind := list.Uint16()
		data := list.Bytes(int(list.Uint16()))
		if kind == want && list.Err() == nil {
			return data, nil
		}
	}
	return nil, list.Err()
}

// firstCertificate finds the certificate of the side itself in a Certificate message up to TLS 1.2 (RFC 5246 section 7.4.2): a list
// u24 of certificates u24, its own first. Nothing behind it need be there. A client without one sends an empty list.
func firstCertificate(body []byte) ([]byte, error) {
	r := wire.NewReader(body)
	all := uint24(&r)
	if r.Err() == nil && all == 0 {
		return nil, nil
	}
	der := r.Bytes(uint24(&r))
	if r.Err() != nil {
		return nil, fmt.Errorf("read certificate message of %d bytes: %w", len(body), io.ErrUnexpectedEOF)
	}
	return der, nil
}

func uint24(r *wire.Reader) int { return int(r.Uint8())<<16 | int(r.Uint16()) }
