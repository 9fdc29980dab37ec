// Package http hears HTTP/1: what web servers, those of devices above all, say of themselves, and the names and programs of
// those who ask them.
//
// Standard: RFC 9110 (semantics) and RFC 9112 (HTTP/1.1). Ports: TCP 80 and those that are used beside it; on any other port by
// its first line.
//
// Heard: the Server and X-Powered-By fields, the realms of challenges and what those of NTLM name, the titles of HTML pages, the
// name that clients use for the server, and the clients' User-Agent. Bodies are passed over as they come. Credentials, cookies and
// paths are never kept. Asked: by opt-in, the first page.
package http

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
)

// message is the head of one message: its start line, and the fields that matter. The values are views.
type message struct {
	length int // of the head with the empty line behind it

	isResponse bool
	status     int
	method     []byte
	target     []byte

	fields      [fieldCount][]byte    // the first of each name; of Transfer-Encoding the last
	challenges  [maxChallenges][]byte // the values of WWW-Authenticate
	nChallenges int
}

// field is a header field that is looked at.
type field uint8

const (
	fieldServer field = iota
	fieldPoweredBy
	fieldContentType
	fieldContentEncoding
	fieldContentLength
	fieldTransferEncoding
	fieldHost
	fieldUserAgent
	fieldCount
)

// fieldNames are in lower case.
var fieldNames = [fieldCount]string{
	"server", "x-powered-by", "content-type", "content-encoding", "content-length", "transfer-encoding", "host", "user-agent",
}

// The bounds of a head.
const (
	maxHead       = 16 << 10
	maxMethod     = 20
	maxChallenges = 4
)

// fit says how bytes go with what is looked for.
type fit uint8

const (
	no    fit = iota
	maybe     // there are too few to tell
	yes
)

// startsMessage reports whether a message begins here: "HTTP/1.1 200 OK" or "GET /path HTTP/1.1", up to the end of the line. Old
// devices end lines with LF alone.
func startsMessage(b []byte) fit {
	line := b[:min(len(b), maxHead)]
	end := bytes.IndexByte(line, '\n')
	if end >= 0 {
		line = bytes.TrimSuffix(line[:end], []byte("\r"))
	}
	const version = "HTTP/1."
	if n := min(len(line), len(version)); string(line[:n]) == version[:n] {
		switch {
		case end < 0 && len(line) < len(version)+5:
			return maybe
		case n == len(version) && isStatusLine(line):
			return yes
		}
		return no
	}
	method := 0
	for method < len(line) && method < maxMethod && isMethodByte(line[method]) {
		method++
	}
	if method < len(line) && (line[method] != ' ' || method < 3) || method == maxMethod {
		return no
	}
	if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\r' || r == 0x7f }) {
		return no
	}
	if end < 0 {
		if len(line) == maxHead {
			return no
		}
		return maybe
	}
	n := len(line)
	if n < method+len(" / HTTP/1.1") || string(line[n-len(" HTTP/1.1"):n-1]) != " HTTP/1." || !isDigit(line[n-1]) {
		return no
	}
	return yes
}

// isStatusLine looks at "HTTP/1.x NNN", which a reason may follow (RFC 9112 section 4).
func isStatusLine(line []byte) bool {
	const least = len("HTTP/1.1 200")
	return len(line) >= least && isDigit(line[7]) && line[8] == ' ' && isDigit(line[9]) && isDigit(line[10]) && isDigit(line[11]) &&
		(len(line) == least || line[least] == ' ')
}

// isMethodByte knows the bytes of the methods in use: GET, M-POST, RPC_IN_DATA.
func isMethodByte(c byte) bool { return c >= 'A' && c <= 'Z' || c == '-' || c == '_' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseHead reads the head of a message that begins at b. Length is 0 while the head is not whole.
func parseHead(b []byte) (message, error) {
	var m message
	at := 0
	for first := true; ; first = false {
		n := bytes.IndexByte(b[at:min(len(b), maxHead)], '\n')
		if n < 0 {
			if len(b) >= maxHead {
				return m, fmt.Errorf("read head of http message: no end in %d bytes", maxHead)
			}
			return message{}, nil
		}
		line := bytes.TrimSuffix(b[at:at+n], []byte("\r"))
		at += n + 1
		switch {
		case first:
			m.start(line)
		case len(line) == 0:
			m.length = at
			return m, nil
		default:
			m.field(line)
		}
	}
}

func (m *message) start(line []byte) {
	if bytes.HasPrefix(line, []byte("HTTP/")) {
		m.isResponse = true
		m.status, _ = strconv.Atoi(string(line[9:12])) // isStatusLine has seen the digits
		return
	}
	m.method, m.target, _ = bytes.Cut(line, []byte(" "))
	m.target, _, _ = bytes.Cut(m.target, []byte(" "))
}

// field keeps one field line.
func (m *message) field(line []byte) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return // a folded line or damage: neither carries what is looked for
	}
	value = bytes.TrimSpace(value)
	if isName(name, "www-authenticate") && m.nChallenges < maxChallenges {
		m.challenges[m.nChallenges] = value
		m.nChallenges++
		return
	}
	for i, want := range fieldNames {
		if isName(name, want) && (m.fields[i] == nil || field(i) == fieldTransferEncoding) {
			m.fields[i] = value
			return
		}
	}
}

// isName compares without case; want is in lower case.
func isName(name []byte, want string) bool {
	if len(name) != len(want) {
		return false
	}
	for i, c := range name {
		if lower(c) != want[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// contains looks for want, in lower case, without case.
func contains(text []byte, want string) bool {
	for i := 0; i+len(want) <= len(text); i++ {
		if isName(text[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

// framing says where the body of a message ends (RFC 9112 section 6.3).
type framing uint8

const (
	framedNone framing = iota
	framedLength
	framedChunked
	framedClose // by the end of the connection
)

// framing reads how the body of the message is framed. answers is the method that a response answers, as far as it is known.
func (m *message) framing(answers kind) (framing, int64) {
	if m.isResponse && (m.status < 200 || m.status == 204 || m.status == 304 || answers == kindHead) {
		return framedNone, 0
	}
	if contains(m.fields[fieldTransferEncoding], "chunked") {
		return framedChunked, 0
	}
	if text := m.fields[fieldContentLength]; text != nil {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && n >= 0 {
			return framedLength, n
		}
		return framedClose, 0
	}
	if m.isResponse {
		return framedClose, 0
	}
	return framedNone, 0
}

// kind is what a request asks for, as far as it matters to its response.
type kind uint8

const (
	kindUnknown kind = iota // the request was not heard
	kindPlain
	kindHead    // the response has no body
	kindConnect // what follows is a tunnel
	kindProxied // the response is another server's
)

// kind classifies a request (RFC 9112 section 3.2: to a proxy the target is a whole URI).
func (m *message) kind() kind {
	switch {
	case string(m.method) == "CONNECT":
		return kindConnect
	case len(m.target) > 0 && m.target[0] != '/' && m.target[0] != '*':
		return kindProxied
	case string(m.method) == "HEAD":
		return kindHead
	}
	return kindPlain
}

// claims recognises the first line of a message on any port.
func claims(first []byte) bool {
	switch startsMessage(first) {
	case yes:
		return true
	case maybe: // a line longer than a segment
		return bytes.HasPrefix(first, []byte("GET /")) || bytes.HasPrefix(first, []byte("POST /"))
	}
	return false
}

// ports are IANA's http and http-alt, and those that device makers and their tools chose.
func ports() []discovery.Port {
	var list []discovery.Port
	for _, number := range []uint16{80, 81, 591, 3128, 8000, 8008, 8080, 8081, 8088, 8888} {
		list = append(list, discovery.Port{Transport: discovery.TCP, Number: number})
	}
	return list
}
