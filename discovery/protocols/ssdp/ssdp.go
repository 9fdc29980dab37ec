// Package ssdp overhears the Simple Service Discovery Protocol of UPnP: what devices announce themselves to be.
// Standard: UPnP Device Architecture 1.1 and 2.0, section 1; UDP 1900.
// Heard: announcements (NOTIFY) and the answers to searches. A search says nothing of who searches.
// Asked: by opt-in, one host, by a search of its own.
package ssdp

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// Port is where announcements and searches go to, and where most answers come from.
const Port = 1900

// kind is what a message is, by its first line.
type kind uint8

const (
	other  kind = iota // a search, or one of the many that are no SSDP
	notify             // "NOTIFY * HTTP/1.1"
	answer             // "HTTP/1.1 200 OK"
)

// message is an announcement or the answer to a search. The fields are views into the datagram, nil where there is none.
type message struct {
	kind                                  kind
	server, usn, location, target, status []byte
}

// maxHeaders bounds the header fields that are read. An announcement has ten.
const maxHeaders = 64

// parse reads a message: a first line, fields "NAME: value", an empty line. The error wraps io.ErrUnexpectedEOF when the empty
// line is missing; the fields before that are read.
func parse(b []byte) (message, error) {
	line, rest, ok := cutLine(b)
	m := message{kind: kindOf(line)}
	if !ok {
		return message{}, fmt.Errorf("no line end up to byte %d: %w", len(b), io.ErrUnexpectedEOF)
	}
	if m.kind == other {
		return m, nil
	}
	for range maxHeaders {
		line, rest, ok = cutLine(rest)
		if !ok {
			return m, fmt.Errorf("no empty line up to byte %d: %w", len(b), io.ErrUnexpectedEOF)
		}
		if len(line) == 0 {
			return m, nil
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		m.set(string(bytes.ToUpper(bytes.TrimSpace(name))), bytes.TrimSpace(value))
	}
	return m, fmt.Errorf("more than %d header fields up to byte %d", maxHeaders, len(b)-len(rest))
}

func (m *message) set(name string, value []byte) {
	switch name {
	case "SERVER":
		m.server = value
	case "USN":
		m.usn = value
	case "LOCATION", "AL": // some devices say AL, as an old draft did
		m.location = value
	case "NT", "ST":
		m.target = value
	case "NTS":
		m.status = value
	}
}

// kindOf looks at the first line.
func kindOf(line []byte) kind {
	method, rest, _ := bytes.Cut(line, []byte{' '})
	switch {
	case string(method) == "NOTIFY":
		return notify
	case bytes.HasPrefix(method, []byte("HTTP/")) && bytes.HasPrefix(bytes.TrimSpace(rest), []byte("200")):
		return answer
	}
	return other
}

// cutLine gives what stands before the next line end, CR LF or LF alone. ok is false when there is none.
func cutLine(b []byte) (line, rest []byte, ok bool) {
	line, rest, ok = bytes.Cut(b, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'}), rest, ok
}

// isPresent reports whether the sender says that it is there. A NOTIFY may also say goodbye.
func (m message) isPresent() bool {
	switch m.kind {
	case answer:
		return true
	case notify:
		return bytes.EqualFold(m.status, []byte("ssdp:alive")) || bytes.EqualFold(m.status, []byte("ssdp:update"))
	}
	return false
}

// decoder reads what one host says to the group, or to one who searches.
type decoder struct{ told [2]once.Memory }

// Feed takes a datagram.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	if bytes.HasPrefix(b, []byte("M-SEARCH ")) || d.told[side].Seen(b) {
		return len(b), nil
	}
	m, err := parse(b)
	if m.isPresent() {
		d.told[side].Tell(out, discovery.Observation{Time: t, Facts: m.facts()})
	}
	if err != nil {
		return len(b), fmt.Errorf("read ssdp message: %w", err)
	}
	return len(b), nil
}
