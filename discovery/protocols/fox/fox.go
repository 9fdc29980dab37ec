// Package fox hears and asks Niagara Fox, the protocol between stations and tools of Tridium's Niagara framework: both ends say who
// they are before anybody logs in.
//
// Standard: none is published; by what stations are known to say (the fields of the hello stand in public scan reports). Ports: TCP
// 1911, and 3011 for a platform daemon. Port 4911 is the same inside TLS, which is not read.
//
// Heard: the hello of each side. What follows is passed over. Asked: a hello; nobody logs in.
package fox

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Port is the usual one.
const Port = 1911

// A message is a line "fox TYPE NUMBER REPLY CHANNEL COMMAND", a line "{", lines "key=t:value" (t is a type: s text, i number, o
// object), and "};;".
const (
	opening    = "fox "
	closing    = "};;"
	maxMessage = 16 << 10
	maxFields  = 64
)

// length gives the length of the first message of a stream, 0 while it is not whole. White space before it belongs to it.
func length(b []byte) (int, error) {
	rest := bytes.TrimLeft(b, "\r\n \t")
	space := len(b) - len(rest)
	if n := min(len(rest), len(opening)); string(rest[:n]) != opening[:n] {
		return 0, fmt.Errorf("fox message %q at byte %d", discovery.Text(string(rest[:n])), space)
	}
	end := bytes.Index(rest[:min(len(rest), maxMessage)], []byte(closing))
	switch {
	case end < 0 && len(rest) >= maxMessage:
		return 0, fmt.Errorf("fox message without an end in %d bytes", maxMessage)
	case end < 0:
		return 0, nil
	}
	n := space + end + len(closing)
	if n < len(b) && b[n] == '\n' {
		n++
	}
	return n, nil
}

// hello gives the fields of a message that says hello, key and text in their order; nil for another message.
func hello(b []byte) [][2]string {
	head, body, ok := strings.Cut(strings.TrimLeft(string(b), "\r\n \t"), "{")
	words := strings.Fields(head)
	if !ok || len(words) < 6 || words[0] != "fox" || words[4] != "fox" || words[5] != "hello" {
		return nil
	}
	fields := [][2]string{}
	for line := range strings.Lines(body) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		kind, value, typed := strings.Cut(value, ":")
		if ok && typed && len(kind) == 1 && len(fields) < maxFields {
			fields = append(fields, [2]string{key, discovery.Text(value)})
		}
	}
	return fields
}

// claims recognises the first line of a message on any port.
func claims(first []byte) bool {
	line, _, ok := bytes.Cut(first, []byte("\n"))
	words := strings.Fields(string(line[:min(len(line), 256)]))
	return ok && len(words) == 6 && words[0] == "fox" && words[4] == "fox" && words[5] == "hello"
}
