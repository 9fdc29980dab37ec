// Package ftp hears how FTP servers greet: many devices say their model and version there.
//
// Standard: RFC 959 sections 4.2 (replies) and 5.4 (their order); RFC 4217 (TLS). Port: TCP 21, and any other by a greeting that
// speaks of FTP.
//
// Heard: the greeting (reply 220) and the system (reply 215 to SYST). Users, passwords, names and contents of files are never
// kept. Asked: nothing.
package ftp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// conversation reads the server's replies on a control connection.
type conversation struct {
	secured    bool // by TLS
	understood bool
	lost       bool // the next byte of the server need not begin a line
	spoke      bool // the client's first word was looked at
	greeted    bool
	system     bool
	code       reply  // of the reply at hand that has several lines, else 0
	text       []byte // of the reply at hand, where it is kept
}

// reply is a reply code.
type reply int

// The replies that matter (RFC 959 section 4.2.2, RFC 4217 section 4).
const (
	replySystem   reply = 215
	replyGreeting reply = 220
	replySecured  reply = 234
)

// The bounds of a line and of the text of a reply.
const (
	maxLine = 4 << 10
	maxText = 2 << 10
)

// claims recognises a greeting that speaks of FTP: mail servers greet alike.
func claims(first []byte) bool {
	line, _, _ := bytes.Cut(first[:min(len(first), maxLine)], []byte("\n"))
	code, last, ok := parseReply(line)
	upper := bytes.ToUpper(line)
	return ok && code == replyGreeting && (last || len(line) > 4) && isText(line) &&
		bytes.Contains(upper, []byte("FTP")) && !bytes.Contains(upper, []byte("SMTP"))
}

// Feed reads a line of the server. Of the client only the first word is looked at: whether it can be FTP.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.secured {
		return len(b), nil
	}
	if side == discovery.Client {
		return c.client(b, gap)
	}
	if gap > 0 {
		c.lost, c.code = true, 0
	}
	end := bytes.IndexByte(b[:min(len(b), maxLine)], '\n')
	if end < 0 && len(b) < maxLine && (isText(b) || c.lost) {
		if !c.understood && !c.lost && !mayReply(b) {
			return len(b), notMine(b)
		}
		return 0, nil
	}
	if end < 0 || !isText(b[:end]) {
		if !c.understood && !c.lost {
			return len(b), notMine(b)
		}
		c.lost, c.code = true, 0
		return len(b), nil
	}
	return end + 1, c.line(t, bytes.TrimRight(b[:end], "\r"), out)
}

func notMine(b []byte) error {
	return fmt.Errorf("read ftp reply of %d bytes: %w", len(b), discovery.ErrNotMine)
}

// client looks at the first word: a command of three or four letters (RFC 959 section 5.3.1).
func (c *conversation) client(b []byte, gap int) (int, error) {
	if c.spoke || c.understood || gap > 0 {
		c.spoke = true
		return len(b), nil
	}
	for i, ch := range b {
		switch letter := ch|0x20 >= 'a' && ch|0x20 <= 'z'; {
		case i < 4 && letter:
		case i >= 3 && (ch == ' ' || ch == '\r' || ch == '\n'):
			c.spoke = true
			return len(b), nil
		default:
			return len(b), fmt.Errorf("read ftp command: byte %#02x at %d: %w", ch, i, discovery.ErrNotMine)
		}
	}
	return 0, nil
}

// line reads one line of a reply. A reply of several lines begins with "220-" and ends with "220 " (RFC 959 section 4.2).
func (c *conversation) line(t time.Time, line []byte, out discovery.Sink) error {
	code, last, ok := parseReply(line)
	if c.code != 0 {
		if !ok || code != c.code {
			c.keep(line)
			return nil
		}
		c.keep(line[min(len(line), 4):])
		if last {
			c.end(t, code, out)
		}
		return nil
	}
	if !ok {
		switch {
		case c.lost:
			return nil // the end of a line whose beginning was lost
		case !c.understood:
			return notMine(line)
		}
		return fmt.Errorf("read ftp reply: a line of %d bytes without a code", len(line))
	}
	c.understood, c.lost = true, false
	c.code, c.text = code, c.text[:0]
	c.keep(line[min(len(line), 4):])
	if last {
		c.end(t, code, out)
	}
	return nil
}

// keep adds a line to the text of the reply, where that is told.
func (c *conversation) keep(line []byte) {
	if !c.isTold(c.code) || isPassing(line) {
		return
	}
	if len(c.text) > 0 {
		c.text = append(c.text, '\n')
	}
	c.text = append(c.text, line[:min(len(line), max(0, maxText-len(c.text)))]...)
}

func (c *conversation) isTold(code reply) bool {
	return code == replyGreeting && !c.greeted || code == replySystem && !c.system
}

func (c *conversation) end(t time.Time, code reply, out discovery.Sink) {
	c.code = 0
	if c.isTold(code) {
		tell(t, code, c.text, out)
	}
	switch code {
	case replyGreeting:
		c.greeted = true
	case replySystem:
		c.system = true
	case replySecured:
		c.secured = true
	}
	c.text = nil
}

// parseReply reads the code of a line. It is the last of its reply without a "-" behind the code.
func parseReply(line []byte) (code reply, last, ok bool) {
	if len(line) < 3 || !mayReply(line) || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false, false
	}
	return reply(line[0]-'0')*100 + reply(line[1]-'0')*10 + reply(line[2]-'0'), len(line) == 3 || line[3] == ' ', true
}

// mayReply reports whether the bytes, as far as they go, begin a reply: codes are from 100 to 659.
func mayReply(b []byte) bool {
	for i, c := range b[:min(len(b), 3)] {
		if c < '0' || c > '9' || i == 0 && (c < '1' || c > '6') || i == 1 && c > '5' {
			return false
		}
	}
	return true
}

// isText allows what terminals do with a line, and letters of any encoding.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' && c != 0x1b || c == 0x7f {
			return false
		}
	}
	return true
}
