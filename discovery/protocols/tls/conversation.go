package tls

import (
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// conversation reads the handshakes of both sides of one connection.
type conversation struct {
	flow       discovery.Flow
	halves     [2]half
	understood bool // a record was read
}

// half is one side's handshake.
type half struct {
	done    bool   // nothing in the clear follows
	skip    int    // bytes of a message that are passed over
	message []byte // the message at hand, as far as it came, in pieces
}

// maxMessage bounds a handshake message that is read. Of a Certificate message the first certificate is enough.
const maxMessage = 32 << 10

// Feed reads a record.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	h := &c.halves[side]
	if h.done {
		return len(b), nil
	}
	if gap > 0 && !claims(b) { // the handshake cannot be taken up in its middle
		h.end()
		return len(b), nil
	}
	if gap > 0 {
		h.message, h.skip = nil, 0
	}
	n, ok := recordLength(b)
	switch {
	case !ok && c.understood:
		h.end()
		return len(b), fmt.Errorf("read tls record: header % x", b[:min(len(b), recordHeader)])
	case !ok && side == discovery.Client && isOldHello(b):
		h.end() // it names no server
		return len(b), nil
	case !ok:
		return len(b), fmt.Errorf("read tls record: header % x: %w", b[:min(len(b), recordHeader)], discovery.ErrNotMine)
	case n == 0 || n > len(b):
		return 0, nil
	}
	c.understood = true
	switch contentType(b[0]) {
	case handshake:
		return n, c.handshake(side, t, b[recordHeader:n], out)
	case alert:
		return n, nil
	}
	h.end()
	return n, nil
}

func (h *half) end() { h.done, h.message = true, nil }

// isOldHello recognises a ClientHello in the form of SSL 2.0 that asks for a later version (RFC 5246 appendix E.2), which the
// libraries of old devices send: length 2 with the top bit set, type 1, version 2.
func isOldHello(b []byte) bool { return len(b) >= 5 && b[0]&0x80 != 0 && b[2] == 1 && b[3] == 3 }

// handshake reads the messages in one record. They may go on in the next.
func (c *conversation) handshake(side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	h := &c.halves[side]
	var failed error
	for len(b) > 0 && !h.done {
		if h.skip > 0 {
			n := min(h.skip, len(b))
			h.skip -= n
			b = b[n:]
			continue
		}
		whole := b
		if len(h.message) > 0 {
			h.message = append(h.message, b...)
			whole = h.message
		}
		n, need := measure(whole)
		if n < 0 || len(whole) < need {
			if n > 0 && need > maxMessage {
				h.message, h.skip = nil, n-len(whole)
				return failed
			}
			if len(h.message) == 0 {
				h.message = append(h.message, b...)
			}
			return failed
		}
		if err := c.read(side, t, messageType(whole[0]), whole[messageHeader:need], out); err != nil {
			failed = err
		}
		h.message = nil
		if n > len(whole) {
			h.skip, b = n-len(whole), nil
		} else {
			b = whole[n:]
		}
	}
	return failed
}

// measure gives the length of the message that begins at b, and how much of it is needed to read it. n is -1 while that cannot be
// told.
func measure(b []byte) (n, need int) {
	if len(b) < messageHeader {
		return -1, 0
	}
	n = messageHeader + (int(b[1])<<16 | int(b[2])<<8 | int(b[3]))
	switch messageType(b[0]) {
	case clientHello, serverHello:
		return n, n
	case certificates:
		const lists = 3 + 3 // the length of the list, and of its first certificate
		if n < messageHeader+lists {
			return n, n
		}
		if len(b) < messageHeader+lists {
			return -1, 0
		}
		return n, min(n, messageHeader+lists+(int(b[7])<<16|int(b[8])<<8|int(b[9])))
	}
	return n, messageHeader
}

// read tells what one message says.
func (c *conversation) read(side discovery.Side, t time.Time, kind messageType, body []byte, out discovery.Sink) error {
	switch kind {
	case clientHello:
		name, err := serverName(body)
		c.tellServerName(side, t, name, out)
		return err
	case serverHello:
		v, err := version(body)
		if err != nil {
			return err
		}
		tellVersion(t, v, out)
		if v >= version13 { // the rest is encrypted
			c.halves[0].end()
			c.halves[1].end()
		}
	case certificates:
		der, err := firstCertificate(body)
		if err != nil || der == nil {
			return err
		}
		return tellCertificate(t, der, out)
	}
	return nil
}
