// Package dialogue puts questions over the connection of a session: one message out, one message back, each in a bounded time.
// It frames streams, tells silence from failure in the words of the ground floor, and lets a farewell out after an interrupt.
package dialogue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// ErrEnded says that the other end closed or reset the connection where an answer was expected.
var ErrEnded = errors.New("the device ended the connection")

// windowsReset is WSAECONNRESET; syscall.ECONNRESET is another number there.
const windowsReset = syscall.Errno(10054)

// Times and sizes. The pace-keeper may shorten the times; these hold where there is none.
const (
	AnswerTimeout   = 3 * time.Second
	farewellTimeout = 500 * time.Millisecond // when the asking was broken off
	// MaxMessage is the longest message of a stream that is waited for.
	MaxMessage  = 64 << 10
	maxDatagram = 1 << 16
	readSize    = 4096
)

// Conn is what a session's Dial gives, as far as it is needed here.
type Conn interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Dialogue is the asking end of one connection. It is not safe for concurrent use.
type Dialogue struct {
	ctx    context.Context
	conn   Conn
	length func([]byte) (int, error)
	buffer []byte
	unread []byte // of the stream, from the message that Receive gave last
	given  int    // the length of that message
	done   func()

	mu        sync.Mutex
	brokenOff bool // the context ended: only a farewell may leave
}

// New begins a dialogue. length gives the length of the first message of a stream, 0 or more than there is while it is not whole;
// nil means that each read is a message (datagrams). Close must be called.
func New(ctx context.Context, conn Conn, length func([]byte) (int, error)) *Dialogue {
	d := &Dialogue{ctx: ctx, conn: conn, length: length}
	ran := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ran)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.brokenOff = true
		_ = conn.SetReadDeadline(time.Unix(1, 0))
	})
	d.done = func() {
		if !stop() {
			<-ran
		}
	}
	return d
}

// Close ends the dialogue and closes the connection.
func (d *Dialogue) Close() {
	d.done()
	_ = d.conn.Close()
}

// Ask sends a question and gives the next message that comes.
func (d *Dialogue) Ask(message []byte) ([]byte, error) {
	if err := d.Send(message); err != nil {
		return nil, err
	}
	return d.Receive()
}

// Send sends a message.
func (d *Dialogue) Send(message []byte) error {
	if err := d.allow(AnswerTimeout, false); err != nil {
		return err
	}
	if _, err := d.conn.Write(message); err != nil {
		return d.reason(err)
	}
	return nil
}

// Farewell sends a message that ends what the protocol has opened, also after an interrupt. Nobody waits for an answer: the end of the
// connection is one.
func (d *Dialogue) Farewell(message []byte) {
	if d.allow(farewellTimeout, true) == nil {
		_, _ = d.conn.Write(message)
	}
}

// Receive gives the next message, valid until the next call. No answer in time is discovery.ErrSilent; what cannot be framed is
// discovery.ErrNotUnderstood; a connection that ends is ErrEnded.
func (d *Dialogue) Receive() ([]byte, error) {
	if d.buffer == nil {
		size := readSize
		if d.length == nil {
			size = maxDatagram
		}
		d.buffer = make([]byte, size)
	}
	if d.length == nil {
		n, err := d.conn.Read(d.buffer)
		if err != nil {
			return nil, d.reason(err)
		}
		return d.buffer[:n], nil
	}
	d.unread = append(d.unread[:0], d.unread[d.given:]...)
	d.given = 0
	for {
		n, err := d.length(d.unread)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		case n > MaxMessage:
			return nil, fmt.Errorf("%w: a message of %d bytes", discovery.ErrNotUnderstood, n)
		case n > 0 && n <= len(d.unread):
			d.given = n
			return d.unread[:n:n], nil
		case len(d.unread) > MaxMessage:
			return nil, fmt.Errorf("%w: a message of more than %d bytes", discovery.ErrNotUnderstood, MaxMessage)
		}
		n, err = d.conn.Read(d.buffer)
		d.unread = append(d.unread, d.buffer[:n]...)
		if err != nil && n == 0 {
			return nil, d.reason(err)
		}
	}
}

// allow sets how long the next exchange may take.
func (d *Dialogue) allow(timeout time.Duration, farewell bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.brokenOff || d.ctx.Err() != nil {
		if !farewell {
			return context.Cause(d.ctx)
		}
		return d.conn.SetWriteDeadline(time.Now().Add(farewellTimeout))
	}
	end := time.Now().Add(timeout)
	return errors.Join(d.conn.SetWriteDeadline(end), d.conn.SetReadDeadline(end))
}

// reason says what an error of the connection means.
func (d *Dialogue) reason(err error) error {
	switch {
	case d.ctx.Err() != nil:
		return context.Cause(d.ctx)
	case errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, discovery.ErrSilent):
		return fmt.Errorf("%w: %w", discovery.ErrSilent, err)
	case errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, discovery.ErrNotOffered): // a datagram to a closed port
		return fmt.Errorf("%w: %w", discovery.ErrNotOffered, err)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, windowsReset):
		return fmt.Errorf("%w: %w", ErrEnded, err)
	}
	return err
}
