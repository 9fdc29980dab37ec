// Package ssh hears the programs at both ends of an SSH connection: they name themselves before anything is encrypted.
//
// Standard: RFC 4253 section 4.2 (identification strings). Port: TCP 22, and any other by the first bytes.
//
// Heard: the identification string of each side. What follows is passed over. Asked: by opt-in, the identification.
package ssh

import (
	"bytes"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// conversation waits for one line of each side.
type conversation struct {
	done  [2]bool
	lines int // of the server, before its identification
	told  bool
}

// The standard allows 255 bytes for the identification; other lines of the server may come first.
const (
	maxLine  = 1024
	maxLines = 64
)

// prefix begins an identification string.
const prefix = "SSH-"

// claims recognises an identification string: "SSH-2.0-", "SSH-1.99-".
func claims(first []byte) bool { return isIdentification(first) }

// isIdentification looks at "SSH-protoversion-".
func isIdentification(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(prefix))
	if !ok {
		return false
	}
	version, _, ok := bytes.Cut(rest, []byte("-"))
	major, minor, dotted := bytes.Cut(version, []byte("."))
	return ok && dotted && isNumber(major) && isNumber(minor)
}

func isNumber(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) == 1 || len(b) == 2
}

// Feed reads a line, until the side has identified itself.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.done[side] {
		return len(b), nil
	}
	if gap > 0 && !isIdentification(b) {
		c.done[side] = true // it has passed
		return len(b), nil
	}
	end := bytes.IndexByte(b[:min(len(b), maxLine)], '\n')
	line := b[:min(len(b), maxLine)]
	if end >= 0 {
		line = bytes.TrimSuffix(b[:end], []byte("\r"))
	}
	known := min(len(line), len(prefix))
	identifies := string(line[:known]) == prefix[:known]
	switch {
	case !isText(line), !identifies && (side == discovery.Client || c.lines == maxLines), end < 0 && len(b) >= maxLine:
		c.done[side] = true
		err := fmt.Errorf("read ssh identification: none in %d bytes", len(b))
		if !c.told {
			err = fmt.Errorf("%w: %w", err, discovery.ErrNotMine)
		}
		return len(b), err
	case end < 0:
		return 0, nil
	case !isIdentification(line):
		c.lines++
		return end + 1, nil
	}
	c.done[side], c.told = true, true
	tell(side, t, line, out)
	return end + 1, nil
}

// isText reports whether the bytes can be a line of text.
func isText(line []byte) bool {
	for _, c := range line {
		if c < ' ' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}
