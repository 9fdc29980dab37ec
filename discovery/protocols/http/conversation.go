package http

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// conversation reads both sides of one connection. It goes by what the messages are and not by who opened the connection, keeps
// no body, and allocates nothing for messages that tell nothing new.
type conversation struct {
	flow       discovery.Flow
	halves     [2]half
	pending    pending
	opaque     bool // a tunnel, or another protocol after an upgrade
	understood bool // a message was read
	told       told
	pages      int // HTML pages that were looked into
}

// half is where one side stands.
type half struct {
	state   state
	left    int64 // of a body, or of a chunk
	fresh   bool  // nothing of the body was read, and it may be absent: the request was not heard
	skipped int   // bytes passed over in search of a message
	page    page
}

type state uint8

const (
	atHead    state = iota
	lost            // the next byte need not begin a message
	inBody          // left bytes of it
	inRest          // a body up to the end of the connection
	inSize          // the line before a chunk (RFC 9112 section 7.1)
	inChunk         // left bytes of it
	inEnd           // the line end behind a chunk
	inTrailer       // the fields behind the last chunk
)

// How much of a side may be no HTTP before a conversation that was joined late counts as some other protocol's. Requests are
// short; a response may be a film.
const (
	maxSkippedClient = 32 << 10
	maxSkippedServer = 1 << 20
)

// Feed reads one head, or a piece of a body.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.opaque {
		return len(b), nil
	}
	h := &c.halves[side]
	if gap > 0 {
		c.pending = pending{}
		h.lose(int64(gap))
	}
	if h.fresh && h.state != atHead {
		const version = "HTTP/1."
		if n := min(len(b), len(version)); string(b[:n]) == version[:n] {
			if n < len(version) {
				return 0, nil
			}
			h.state, h.page.open = atHead, false // it was the answer to a HEAD
		}
		h.fresh = false
	}
	switch h.state {
	case inBody, inChunk, inRest:
		return c.body(side, t, b, out), nil
	case inSize, inEnd, inTrailer:
		return c.chunkLine(side, t, b, out)
	}
	if n := len(b) - len(bytes.TrimLeft(b, "\r\n")); n > 0 { // RFC 9112 section 2.2
		return n, nil
	}
	return c.head(side, t, b, out)
}

// lose passes over bytes that were not captured. Inside a body that is no loss of place.
func (h *half) lose(gap int64) {
	h.page.open, h.fresh = false, false
	switch {
	case h.state == inRest:
	case (h.state == inBody || h.state == inChunk) && gap < h.left:
		h.left -= gap
	default:
		h.state = lost
	}
}

func (c *conversation) head(side discovery.Side, t time.Time, b []byte, out discovery.Sink) (int, error) {
	h := &c.halves[side]
	switch startsMessage(b) {
	case maybe:
		return 0, nil
	case no:
		return c.search(side, b)
	}
	m, err := parseHead(b)
	if m.length == 0 && err == nil {
		return 0, nil
	}
	c.understood, h.state, h.skipped = true, atHead, 0
	answers := kindPlain
	if m.isResponse {
		answers = c.response(side, t, &m, out)
	} else {
		c.request(side, t, &m, out)
	}
	if c.opaque {
		return m.length, nil
	}
	if err != nil {
		h.state, h.page.open = lost, false
		return len(b), err
	}
	framed, length := m.framing(answers)
	h.left, h.fresh = length, answers == kindUnknown && framed != framedNone
	switch framed {
	case framedLength:
		if length > 0 {
			h.state = inBody
		}
	case framedChunked:
		h.state = inSize
	case framedClose:
		h.state = inRest
	}
	if h.state == atHead {
		h.page.open, h.fresh = false, false
	}
	return m.length, nil
}

// search passes over what is no message. Messages mostly begin a segment, so the next one is looked for there.
func (c *conversation) search(side discovery.Side, b []byte) (int, error) {
	h := &c.halves[side]
	if h.state == lost {
		limit := maxSkippedClient
		if side == discovery.Server {
			limit = maxSkippedServer
		}
		if h.skipped += len(b); !c.understood && h.skipped > limit {
			return len(b), fmt.Errorf("find http message in %d bytes: %w", h.skipped, discovery.ErrNotMine)
		}
		return len(b), nil
	}
	if !c.understood {
		return len(b), fmt.Errorf("find http message: %w", discovery.ErrNotMine)
	}
	h.state, h.skipped = lost, len(b)
	return len(b), fmt.Errorf("find http message: %d bytes from %#02x on are none", len(b), b[0])
}

// request notes what the next response answers.
func (c *conversation) request(side discovery.Side, t time.Time, m *message, out discovery.Sink) {
	kind := m.kind()
	c.pending.push(kind)
	c.tellClient(side, t, m, kind, out)
}

// response tells of the server, and gives the kind of request that it answers.
func (c *conversation) response(side discovery.Side, t time.Time, m *message, out discovery.Sink) kind {
	h := &c.halves[side]
	h.page.open = false
	switch {
	case m.status == 101:
		c.opaque = true
		return kindPlain
	case m.status < 200: // another response follows
		return kindPlain
	}
	answers := c.pending.pop()
	succeeded := m.status < 300
	switch {
	case answers == kindConnect && succeeded:
		c.opaque = true
		return answers
	case answers == kindConnect || answers == kindProxied:
		return answers
	}
	c.tellServer(t, m, out)
	if succeeded && c.pages < maxPages && h.page.begin(m) {
		c.pages++
	}
	return answers
}

// body passes over the bytes of a body, and looks for a title in them.
func (c *conversation) body(side discovery.Side, t time.Time, b []byte, out discovery.Sink) int {
	h := &c.halves[side]
	n := len(b)
	if h.state != inRest {
		n = int(min(int64(n), h.left))
		h.left -= int64(n)
	}
	if h.page.open && h.page.write(b[:n]) {
		c.tellTitle(t, h.page.title, out)
	}
	if h.state == inRest || h.left > 0 {
		return n
	}
	if h.state == inChunk {
		h.state = inEnd
		return n
	}
	c.endBody(side, t, out)
	return n
}

func (c *conversation) endBody(side discovery.Side, t time.Time, out discovery.Sink) {
	h := &c.halves[side]
	h.state = atHead
	if h.page.open && h.page.end() {
		c.tellTitle(t, h.page.title, out)
	}
}

// maxChunkLine bounds a chunk's size with its extensions, and a line of a trailer.
const maxChunkLine = 4 << 10

var errChunk = errors.New("no chunk size")

// chunkLine reads one of the lines between chunks.
func (c *conversation) chunkLine(side discovery.Side, t time.Time, b []byte, out discovery.Sink) (int, error) {
	h := &c.halves[side]
	end := bytes.IndexByte(b[:min(len(b), maxChunkLine)], '\n')
	if end < 0 {
		if len(b) < maxChunkLine {
			return 0, nil
		}
		h.state = lost
		return len(b), fmt.Errorf("read chunk of http message: no line in %d bytes: %w", maxChunkLine, errChunk)
	}
	line := bytes.TrimSpace(b[:end])
	switch h.state {
	case inEnd:
		h.state = inSize
		if len(line) > 0 {
			h.state = lost
			return end + 1, fmt.Errorf("read chunk of http message: %d bytes behind its end", len(line))
		}
	case inTrailer:
		if len(line) == 0 {
			c.endBody(side, t, out)
		}
	default:
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseInt(string(bytes.TrimSpace(digits)), 16, 64)
		switch {
		case err != nil || size < 0:
			h.state = lost
			return end + 1, fmt.Errorf("read chunk of http message: a line of %d bytes: %w", len(line), errChunk)
		case size == 0:
			h.state = inTrailer
		default:
			h.state, h.left = inChunk, size
		}
	}
	return end + 1, nil
}

// pending are the requests whose responses have not come yet, in order.
type pending struct {
	kinds       [32]kind
	first, many uint8
}

func (p *pending) push(k kind) {
	if int(p.many) == len(p.kinds) { // the responses are not heard
		*p = pending{}
		return
	}
	p.kinds[int(p.first+p.many)%len(p.kinds)] = k
	p.many++
}

func (p *pending) pop() kind {
	if p.many == 0 {
		return kindUnknown
	}
	k := p.kinds[p.first]
	p.first = (p.first + 1) % uint8(len(p.kinds))
	p.many--
	return k
}
