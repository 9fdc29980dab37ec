package opcua

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Bounds on what is remembered of a conversation.
const (
	maxMessage     = 256 << 10 // bytes of a message in several chunks
	maxReads       = 8         // Read requests that wait for their answer
	maxReadNodes   = 96        // nodes of one of them whose values are facts
	maxAlone       = 256       // Read answers that are searched where no request is heard
	maxStrangeness = 4 << 10   // bytes without a message, until the conversation is taken for some other protocol
)

// conversation decodes one TCP connection. It holds whole chunks only when they can tell something; all others are passed over
// as they come.
type conversation struct {
	flow    discovery.Flow
	server  discovery.Side // the OPC UA server, which opens the connection itself in a reverse connect
	sides   [2]half
	known   bool // a message was seen
	asked   bool // a request was heard
	alone   int  // Read answers that were read without one
	secured bool // the channel has a security policy other than None, so its services cannot be read
	told    discovery.Operations
	own     string // the application URI of the server itself
	reads   []read
	plates  nameplates
}

// half is one direction.
type half struct {
	skip    int  // bytes of the current chunk that are to be passed over
	lost    bool // the next message must be looked for
	strange int  // bytes that belonged to no message
	partial partial
}

// partial is a message whose last chunk has not come.
type partial struct {
	service service
	request uint32
	body    []byte
}

// read is a Read request that waits for its answer.
type read struct {
	request uint32
	nodes   []readNode
}

type readNode struct {
	index int // among the nodes of the request
	node  uint32
	plate plate // where the node is of a nameplate
}

// Feed implements discovery.Decoder.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	h := &c.sides[side]
	if gap > 0 {
		h.miss(gap)
	}
	if h.skip > 0 {
		return h.pass(h.skip, len(b)), nil
	}
	if len(b) < headerSize {
		return 0, nil
	}
	head, ok := parseHeader(b)
	if !ok && !h.lost {
		h.lost = true
		if c.known { // else the conversation may have begun before the listener did, in the middle of a message
			return 1, fmt.Errorf("read message header %x: not one of OPC UA", b[:headerSize])
		}
	}
	if h.lost {
		if n, err := c.resync(h, b); n > 0 || err != nil {
			return n, err
		}
	}
	c.known = true
	return c.message(side, t, head, b, out)
}

// miss takes account of lost bytes. Those of a chunk that was being passed over do no harm.
func (h *half) miss(gap int) {
	h.partial = partial{}
	if gap <= h.skip {
		h.skip -= gap
		return
	}
	h.skip, h.lost = 0, true
}

// pass passes size bytes over, as far as they have come; the rest is passed over when it comes.
func (h *half) pass(size, have int) int {
	n := min(size, have)
	h.skip = size - n
	return n
}

// resync passes over what belongs to no message; 0 when b begins with one.
func (c *conversation) resync(h *half, b []byte) (int, error) {
	n := find(b, 0)
	if n >= 0 {
		h.lost = false
	} else {
		n = len(b) - headerSize + 1
	}
	h.strange += n
	if !c.known && h.strange > maxStrangeness {
		return 0, discovery.ErrNotMine
	}
	return n, nil
}

// message reads the message at the front of b, of which at least the header is there.
func (c *conversation) message(side discovery.Side, t time.Time, head header, b []byte, out discovery.Sink) (int, error) {
	h := &c.sides[side]
	switch head.kind {
	case hello:
		c.server = side.Other()
	case acknowledge:
		c.server = side
	case closeChannel:
		h.partial = partial{}
	case serviceMessage:
		if !c.secured {
			return c.chunk(side, t, head, b, out)
		}
	case reverseHello, openChannel:
		if len(b) < head.size {
			return 0, nil
		}
		r := newReader(b[headerSize:head.size])
		if head.kind == reverseHello {
			return head.size, c.reverseHello(side, t, &r, out)
		}
		return head.size, c.openChannel(side, t, &r, out)
	}
	return h.pass(head.size, len(b)), nil
}

// chunk reads one chunk of a service's request or response on a channel without security.
func (c *conversation) chunk(side discovery.Side, t time.Time, head header, b []byte, out discovery.Sink) (int, error) {
	h := &c.sides[side]
	if len(b) < chunkHeaderSize {
		return 0, nil
	}
	request := binary.LittleEndian.Uint32(b[requestIDOffset:])
	continued := h.partial.body != nil && h.partial.request == request
	if head.chunk == chunkAbort {
		if continued {
			h.partial = partial{}
		}
		return h.pass(head.size, len(b)), nil
	}
	what := h.partial.service
	if !continued {
		r := newReader(b[chunkHeaderSize:min(head.size, len(b))])
		what = service(r.nodeID().in0())
		if r.Err() != nil {
			if len(b) < head.size && len(b) < chunkHeaderSize+maxTypeID {
				return 0, nil
			}
			return h.pass(head.size, len(b)), nil
		}
		c.asked = c.asked || side != c.server
		c.tell(t, what.operation(), out)
		if !c.wants(what, request) {
			return h.pass(head.size, len(b)), nil
		}
	}
	if head.size > discovery.MaxUnread {
		h.partial = partial{}
		return h.pass(head.size, len(b)), nil
	}
	if len(b) < head.size {
		return 0, nil
	}
	body := b[chunkHeaderSize:head.size]
	if !continued && head.chunk == chunkFinal {
		return head.size, c.service(side, t, what, request, body, out)
	}
	if !continued {
		h.partial = partial{service: what, request: request}
	}
	if len(h.partial.body)+len(body) > maxMessage {
		h.partial = partial{}
		return head.size, fmt.Errorf("put message together: more than %d bytes", maxMessage)
	}
	h.partial.body = append(h.partial.body, body...)
	if head.chunk == chunkIntermediate {
		return head.size, nil
	}
	whole := h.partial
	h.partial = partial{}
	return head.size, c.service(side, t, whole.service, whole.request, whole.body, out)
}

// maxTypeID is the longest form of a service's number: a numeric NodeId.
const maxTypeID = 7

// wants reports whether a service can tell something, so that the whole message is waited for. A fault ends the Read that it
// answers, and tells nothing.
func (c *conversation) wants(what service, request uint32) bool {
	switch what {
	case findServersResponse, findOnNetworkResponse, getEndpointsResponse, createSessionRequest, createSessionResponse, readRequest:
		return true
	case browseRequest:
		return true
	case browseResponse:
		return c.plates.pending(request) >= 0
	case readResponse:
		return c.pending(request) >= 0 || !c.asked && c.alone < maxAlone
	case serviceFault:
		c.answered(request)
	}
	return false
}

func (c *conversation) pending(request uint32) int {
	for i := range c.reads {
		if c.reads[i].request == request {
			return i
		}
	}
	return -1
}

// answered forgets a Read request.
func (c *conversation) answered(request uint32) (nodes []readNode) {
	i := c.pending(request)
	if i < 0 {
		return nil
	}
	nodes = c.reads[i].nodes
	c.reads = append(c.reads[:i], c.reads[i+1:]...)
	return nodes
}
