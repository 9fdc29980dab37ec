package s7

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// S7comm-plus, the protocol of S7-1200 and S7-1500, is not published; this is by captures. Layout: 72, version 1, length 2; in
// version 3 a digest, its length first; opcode 1, reserved 2, function 2, reserved 2, sequence 2, session 4, the body. The last
// fragment of a message has 72, version and 0000 behind it.
const (
	plusHeader      = 4
	plusDigested    = 3
	plusFunctionEnd = 5 // opcode, reserved, function

	plusRequest = 0x31
	plusAnswer  = 0x32

	plusExplore        = 0x04bb
	plusCreateObject   = 0x04ca
	plusSetVariable    = 0x04f2
	plusGetLink        = 0x0524
	plusSetVariables   = 0x0542
	plusGetVariables   = 0x054c
	plusBeginSequence  = 0x0556
	plusEndSequence    = 0x0560
	plusInvoke         = 0x056b
	plusGetVarStreamed = 0x0586
)

// plusNames are the TSAPs that such CPUs are called by begin with.
const plusNames = "SIMATIC-ROOT-"

func isPlusName(tsap []byte) bool { return bytes.HasPrefix(tsap, []byte(plusNames)) }

// isTLS recognises a record of TLS (RFC 8446 section 5.1), which newer CPUs go over to inside the transport.
func isTLS(b []byte) bool { return len(b) > 2 && b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3 }

// isPlus looks at the header.
func isPlus(b []byte) bool {
	if len(b) < plusHeader || b[0] != protocolPlus {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	return (b[1] >= 1 && b[1] <= plusDigested || b[1] == 0xfe || b[1] == 0xff) && plusHeader+n <= len(b)
}

// plusFunction gives opcode and function; zeros where the bytes are too few, a later fragment, or encrypted.
func plusFunction(b []byte) (opcode uint8, function uint16) {
	if !isPlus(b) {
		return 0, 0
	}
	version, body := b[1], b[plusHeader:]
	if version == plusDigested && len(body) > 0 {
		body = body[min(len(body), 1+int(body[0])):]
	}
	if len(body) < plusFunctionEnd || body[0] != plusRequest && body[0] != plusAnswer {
		return 0, 0
	}
	return body[0], binary.BigEndian.Uint16(body[3:])
}

// plusOperation is what the client does with a function.
func plusOperation(function uint16) discovery.Operations {
	switch function {
	case plusExplore, plusGetLink, plusGetVariables, plusGetVarStreamed:
		return discovery.OpRead
	case plusSetVariable, plusSetVariables:
		return discovery.OpWrite
	case plusBeginSequence, plusEndSequence, plusInvoke:
		return discovery.OpControl
	}
	return 0
}

// maxPlusName bounds the text that names the CPU.
const maxPlusName = 40

// plusIdentity looks for the text by which a CPU says in the answer that opens a session what it is: "1;6ES7 212-1BE31-0XB0;V3.0",
// a number, the order number and the firmware.
func plusIdentity(b []byte) []discovery.Fact {
	for {
		at := bytes.Index(b, []byte(";6"))
		if at < 0 {
			return nil
		}
		text := b[at+1 : min(len(b), at+1+maxPlusName)]
		if order, version, ok := strings.Cut(string(text), ";"); ok && at > 0 && b[at-1] >= '0' && b[at-1] <= '9' {
			order, version = strings.TrimRight(order, " "), versionOf(version)
			if isOrderNumber(order) && version != "" {
				return []discovery.Fact{
					discovery.NewFact(KeyPlusOrderNumber, order),
					discovery.NewFact(KeyPlusFirmwareVersion, version),
				}
			}
		}
		b = b[at+2:]
	}
}

// isOrderNumber looks for the form of "6ES7 212-1BE31-0XB0".
func isOrderNumber(text string) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && c != ' ' && c != '-' {
			return false
		}
	}
	return len(text) >= len("6ES7212-1BE31") && strings.Contains(text, "-")
}

// versionOf is the version that a text begins with, "V3.0", or "".
func versionOf(text string) string {
	end := 1
	for end < len(text) && (text[end] == '.' || text[end] >= '0' && text[end] <= '9') {
		end++
	}
	if end < len("V1") || text[0] != 'V' {
		return ""
	}
	return text[:end]
}
