package ask

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// stream is a metered TCP connection.
type stream struct {
	*line
	writing sync.Mutex
	unsent  []byte // the start of a message that the asker has not written whole

	reading   sync.Mutex
	inbound   []byte // the start of a message that has not come whole
	received  int
	uncounted int  // bytes of it whose acknowledgement was not counted yet
	deaf      bool // the device said what cannot be framed: nothing more is read into it

	closing sync.Once
}

func newStream(l *line) *stream {
	c := &stream{line: l}
	l.closeInOrder = func() { _ = c.Close() }
	return c
}

// Write lets whole listed messages out, each when the pace allows it. A part of a message waits for the rest. A message that is
// not listed closes the connection in order; nothing of it leaves, nor of what was written behind it.
func (c *stream) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.maySend(); err != nil {
		return 0, err
	}
	before := len(c.unsent)
	c.unsent = append(c.unsent, b...)
	sent := 0
	defer func() { c.unsent = append(c.unsent[:0], c.unsent[min(sent, len(c.unsent)):]...) }()
	for sent < len(c.unsent) {
		rest := c.unsent[sent:]
		n, err := c.s.frame(rest)
		if err != nil || n == 0 && len(rest) > discovery.MaxUnread {
			err = fmt.Errorf("a message of %s that cannot be framed: %w", c.s.protocol.Name, discovery.ErrNotListed)
			c.s.refuse(discovery.Request{}, nil, nil, err)
			c.fail(err)
			c.closeInOrder()
			return max(sent-before, 0), err
		}
		if n == 0 {
			break
		}
		if err := c.send(rest[:n], 0); err != nil {
			written := max(sent-before, 0)
			sent = len(c.unsent) // what was refused does not wait for another chance
			return written, err
		}
		sent += n
	}
	return len(b), nil
}

// Read gives the asker what the device says, after the decoder has read it.
func (c *stream) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if err := c.mayRead(); err != nil {
		return 0, err
	}
	n, err := c.conn.Read(b)
	if n > 0 {
		c.take(c.ctx, b[:n])
	}
	if err != nil {
		err = c.broken(err)
	}
	return n, err
}

// take decodes each whole message that has come, and waits until the wire has room for the acknowledgement of more. The caller
// holds reading.
func (c *stream) take(ctx context.Context, b []byte) {
	now := time.Now()
	if c.received += len(b); c.received > c.s.limits().Received {
		c.garbage(fmt.Errorf("more than %d bytes over one connection", c.s.limits().Received))
	}
	c.acknowledge(ctx, len(b))
	if c.deaf {
		return
	}
	c.begun(now)
	c.inbound = append(c.inbound, b...)
	at := 0
	for at < len(c.inbound) {
		rest := c.inbound[at:]
		n, err := c.s.frame(rest)
		if err == nil && n == 0 && len(rest) > discovery.MaxUnread {
			err = fmt.Errorf("a message of more than %d bytes", discovery.MaxUnread)
		}
		if err != nil {
			c.garbage(err)
			return
		}
		if n == 0 {
			break
		}
		c.settle(now, c.tap.feed(discovery.Server, now, rest[:n]))
		at += n
	}
	c.inbound = append(c.inbound[:0], c.inbound[at:]...)
}

// acknowledge counts what the system sends for a long answer: every second full segment is acknowledged (RFC 9293 section
// 3.8.6.3). The first acknowledgement was counted with the message. It waits until there is room for them, so that a device that
// talks on has to wait too: what is not read closes its window.
func (c *stream) acknowledge(ctx context.Context, n int) {
	each := 2 * 1460
	if c.deaf {
		each = 512 // nobody waits for what a device babbles on, in however small pieces
	}
	c.uncounted += n
	more := c.uncounted / each
	c.uncounted %= each
	c.s.v.pace.afford(ctx, more)
}

// garbage ends the reading: behind what cannot be framed, nothing can.
func (c *stream) garbage(err error) {
	if c.deaf {
		return
	}
	c.deaf, c.inbound = true, nil
	c.settle(time.Now(), err)
	c.fail(fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err))
}

// Close closes in order: FIN, read to the end, but not for ever. Nothing is reset, and what the device still says is read; a
// connection that it does not end is held, and it gets no other.
func (c *stream) Close() error {
	var err error
	c.closing.Do(func() {
		c.shut()
		c.reading.Lock()
		defer c.reading.Unlock()
		half, ok := c.conn.(interface{ CloseWrite() error })
		open := ok && half.CloseWrite() == nil
		ended := open && c.drain()
		c.abandon(discovery.Silent, closedEarly, ended)
		if open && !ended {
			c.s.stillOpen()
			c.s.v.held.take(c.conn, max(c.s.limits().Received-c.received, 0), c.s.limits().Linger)
		} else {
			err = c.conn.Close()
		}
		c.s.v.pace.closed(time.Now())
	})
	return err
}

// closedEarly is the ledger's note on what was still awaited when we closed.
const closedEarly = "closed before an answer came"

// drain reads to the end and reports whether it came.
func (c *stream) drain() (ended bool) {
	limits := c.s.limits()
	_ = c.conn.SetReadDeadline(time.Now().Add(limits.Close))
	stop := context.AfterFunc(c.s.ending, c.wake)
	defer stop()
	buffer := make([]byte, 4096)
	for {
		n, err := c.conn.Read(buffer)
		if n > 0 {
			c.take(c.s.ending, buffer[:n])
		}
		if err != nil {
			return !isTimeout(err)
		}
	}
}
