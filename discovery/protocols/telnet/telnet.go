// Package telnet hears what Telnet servers show before anybody logs in.
//
// Standard: RFC 854 (commands), RFC 855 (options); ECMA-48 for the control sequences of terminals. Port: TCP 23, and any other by a
// negotiation of options, or by the greeting of a Lantronix device server (TCP 9999).
//
// Heard: the text up to the first prompt for a name or password, or up to the first key that the client presses. What the client
// types and what comes after it is never kept. Asked: nothing.
package telnet

import (
	"bytes"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// conversation gathers the text of the server until it is clear that it was the banner.
type conversation struct {
	server     discovery.Subject
	done       bool
	understood bool // the server said something
	heard      [2]bool
	joined     bool // its beginning was not heard: the text may be anything, but for a line that ends as a prompt for a name
	strippers  [2]stripper
	text       []byte
}

// maxBanner bounds the text.
const maxBanner = 1024

// claims recognises a negotiation of options, which most servers begin with: IAC, WILL to DONT, a known option (IANA: telnet
// options). Those without one are known by their words.
func claims(first []byte) bool {
	if bytes.HasPrefix(first, []byte("MAC address 00")) || bytes.HasPrefix(first, []byte("*** Lantronix ")) {
		return true
	}
	return len(first) >= 3 && first[0] == iac && first[1] >= will && first[1] <= dont && first[2] <= 49 &&
		(len(first) == 3 || first[3] == iac || isPrintable(first[3]) || first[3] == '\r' || first[3] == '\n' || first[3] == escape)
}

// Feed reads all that is there.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.done {
		return len(b), nil
	}
	if gap > 0 {
		if c.heard[side] { // a prompt may have been lost
			c.end(t, out)
			return len(b), nil
		}
		c.joined = c.joined || side == discovery.Server && b[0] != iac
	}
	if side == discovery.Client && gap == 0 && !c.heard[discovery.Client] && !c.heard[discovery.Server] && b[0] != iac && !isBlank(b[0]) {
		return len(b), fmt.Errorf("read telnet: the client begins with %#02x: %w", b[0], discovery.ErrNotMine)
	}
	c.heard[side] = true
	for _, raw := range b {
		ch, ok := c.strippers[side].next(raw)
		if !ok {
			continue
		}
		switch {
		case !isText(ch) && !c.understood:
			return len(b), fmt.Errorf("read telnet text: byte %#02x: %w", ch, discovery.ErrNotMine)
		case side == discovery.Client:
			c.typed(ch, t, out)
		case !isText(ch):
			c.done, c.text = true, nil // a terminal that is no NVT (RFC 856: binary)
		default:
			c.shown(ch, t, out)
		}
		if c.done {
			break
		}
	}
	return len(b), nil
}

// typed ends the banner. Before there is one, some programs and people press the return key.
func (c *conversation) typed(ch byte, t time.Time, out discovery.Sink) {
	if isBlank(ch) && len(bytes.TrimSpace(c.text)) == 0 {
		return
	}
	c.end(t, out)
}

// shown takes one more letter of the banner.
func (c *conversation) shown(ch byte, t time.Time, out discovery.Sink) {
	c.understood = true
	c.text = append(c.text, ch)
	switch {
	case (ch == ':' || ch == '>' || ch == '?') && endsWithPrompt(c.text):
		if c.joined && endsWithNamePrompt(c.text) {
			c.joined, c.text = false, c.text[bytes.LastIndexByte(c.text, '\n')+1:]
		}
		c.end(t, out)
	case len(c.text) == maxBanner:
		c.end(t, out)
	}
}

// end tells the banner, unless it was joined late.
func (c *conversation) end(t time.Time, out discovery.Sink) {
	if !c.joined {
		tell(c.server, t, c.text, out)
	}
	c.done, c.text = true, nil
}
