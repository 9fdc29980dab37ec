package ask

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// packetSocket is what the sockets of questions to a link share: who reads has as long as he says, else as long as an answer may
// take, and no longer than the asking goes on.
type packetSocket struct {
	conn   net.PacketConn
	ctx    context.Context //nolint:containedctx // a socket lives as long as its question
	answer time.Duration
	stop   func() bool

	mu       sync.Mutex
	deadline time.Time // the asker's
	closed   bool
}

func newPacketSocket(ctx context.Context, conn net.PacketConn, answer time.Duration) *packetSocket {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(longGone()) })
	return &packetSocket{conn: conn, ctx: ctx, answer: answer, stop: stop}
}

// read gives the next packet.
func (c *packetSocket) read(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	bounded, closed := !c.deadline.IsZero(), c.closed
	c.mu.Unlock()
	if closed {
		return 0, nil, net.ErrClosed
	}
	if !bounded {
		_ = c.conn.SetReadDeadline(time.Now().Add(c.answer))
	}
	if err := c.ctx.Err(); err != nil {
		return 0, nil, err
	}
	return c.conn.ReadFrom(b)
}

// LocalAddr is that of the socket.
func (c *packetSocket) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// SetDeadline is SetReadDeadline: how long a packet waits for its turn is the pace's business.
func (c *packetSocket) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline bounds the next reads.
func (c *packetSocket) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.deadline = t
	err := c.conn.SetReadDeadline(t)
	if c.ctx.Err() != nil {
		return errors.Join(err, c.conn.SetReadDeadline(longGone()))
	}
	return err
}

// SetWriteDeadline changes nothing, see SetDeadline.
func (c *packetSocket) SetWriteDeadline(time.Time) error { return nil }
