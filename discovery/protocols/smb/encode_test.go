package smb

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf16"
)

// challenge is the CHALLENGE_MESSAGE of MS-NLMP section 4.2.4.3: target and computer "Server", domain "Domain", version 6.0.6000.
const challenge = `
	4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000 060070170000000f
	530065007200760065007200 02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000`

// authenticate is the AUTHENTICATE_MESSAGE of MS-NLMP section 4.2.2.3 without its responses: user "User" on "COMPUTER", 5.1.2600.
const authenticate = `
	4e544c4d53535000 03000000 1800180000000000 1800180000000000 0c000c0048000000 0800080054000000 100010005c000000 100010000000 0000
	35828ae2 0501280a0000000f 44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200`

func unhex(t testing.TB, text string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wide are texts in UTF-16, each with its end.
func wide(texts ...string) string {
	var out []byte
	for _, text := range texts {
		for _, unit := range utf16.Encode([]rune(text + "\x00")) {
			out = binary.LittleEndian.AppendUint16(out, unit)
		}
	}
	return string(out)
}

func u16(values ...uint16) string {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint16(out, v)
	}
	return string(out)
}

// framed is a message behind its length, as on TCP 445.
func framed(message string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(message)))) + message
}

// version1 is a framed message of MS-CIFS section 2.2.3: flags and flags2, words, bytes.
func version1(command byte, flags byte, flags2 uint16, words, content string) string {
	return framed("\xffSMB" + string([]byte{command}) + "\x00\x00\x00\x00" + string([]byte{flags}) + u16(flags2) + strings.Repeat("\x00", 20) +
		string([]byte{byte(len(words) / 2)}) + words + u16(uint16(len(content))) + content)
}

// version2 is a framed message of MS-SMB2 section 2.2.1.2.
func version2(command uint16, flags byte, body string) string {
	return framed("\xfeSMB" + u16(64, 1, 0, 0, command, 1) + string([]byte{flags, 0, 0, 0}) + strings.Repeat("\x00", 44) + body)
}

// setup2 is a SESSION_SETUP response with a security blob.
func setup2(blob string) string {
	return version2(command2SessionSetup, flag2Response, u16(9, 0, 72, uint16(len(blob)))+blob)
}

// setupRequest2 is a SESSION_SETUP request with a security blob.
func setupRequest2(blob string) string {
	return version2(command2SessionSetup, 0, u16(25, 0, 0, 0, 0, 0, 88, uint16(len(blob)), 0, 0, 0, 0)+blob)
}

// negotiated2 is a NEGOTIATE response.
func negotiated2(dialect uint16, guid string) string {
	return version2(command2Negotiate, flag2Response, u16(65, 1, dialect, 0)+guid+strings.Repeat("\x01", 32)+u16(128, 4)+"\x00\x00\x00\x00none")
}

// request139 is a SESSION REQUEST of RFC 1002 section 4.3.2.
func request139(calling string) string {
	encoded := func(text string) string {
		out := "\x20"
		for _, c := range []byte(text + strings.Repeat(" ", 15-len(text)) + "\x00") {
			out += string([]byte{'A' + c>>4, 'A' + c&15})
		}
		return out + "\x00"
	}
	return "\x81\x00\x00\x44" + encoded("*SMBSERVER") + encoded(calling)
}
