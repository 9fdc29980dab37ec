package ask

import (
	"fmt"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// datagram is a metered, connected UDP socket: each write and each read is one message. It has no method of a net.PacketConn,
// by which a library could go round it.
type datagram struct {
	*line
	reading sync.Mutex
	buffer  [maxDatagram]byte
	owed    int // questions that left, less the datagrams that came
	closing sync.Once
}

// maxDatagram is the largest UDP datagram.
const maxDatagram = 65535

func newDatagram(l *line) *datagram {
	c := &datagram{line: l}
	l.closeInOrder = func() { _ = c.Close() }
	return c
}

// Write lets one listed message out when the pace allows it.
func (c *datagram) Write(b []byte) (int, error) {
	if err := c.ask(b, 0); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ask lets one message out and counts the answer that is owed for it.
func (c *datagram) ask(message []byte, repeats int) error {
	err := c.send(message, repeats)
	if err == nil {
		c.mu.Lock()
		c.owed++
		c.mu.Unlock()
	}
	return err
}

// paid notes that a datagram came, or that none can come.
func (c *datagram) paid(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed--; all || c.owed < 0 {
		c.owed = 0
	}
}

// Read gives the next datagram. When none comes in time, what was asked is asked once more, the same bytes, at the pace and
// in the ledger; libraries have their own retries switched off.
func (c *datagram) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	for {
		if err := c.mayRead(); err != nil {
			return 0, err
		}
		n, err := c.conn.Read(c.buffer[:])
		if err == nil {
			c.take(c.buffer[:n])
			return copy(b, c.buffer[:n]), nil
		}
		if isTimeout(err) {
			if again, unanswered := c.unanswered(); again {
				if err := c.ask(unanswered.message, unanswered.repeats+1); err != nil {
					return 0, fmt.Errorf("ask again: %w", err)
				}
				continue
			}
		}
		if isRefused(err) {
			c.paid(true)
		}
		return 0, c.broken(err)
	}
}

func (c *datagram) take(message []byte) {
	now := time.Now()
	c.paid(false)
	c.begun(now)
	c.settle(now, c.tap.feed(discovery.Server, now, message))
}

// unanswered takes the one overdue message off the list that may be sent again, and writes its silence into the ledger.
func (c *datagram) unanswered() (again bool, e *exchange) {
	c.mu.Lock()
	overdue := len(c.pending) == 1 && !time.Now().Before(c.due) && c.ctx.Err() == nil && !c.closed
	if !overdue || c.pending[0].repeats >= c.s.limits().UDPRetries || c.pending[0].noSign {
		c.mu.Unlock()
		return false, nil
	}
	e = c.pending[0]
	c.pending = nil
	c.mu.Unlock()
	e.Outcome, e.Note = discovery.Silent, "sent again"
	c.s.record(e.Exchange)
	return true, e
}

// Close closes the socket; UDP has no end that could be read. While an answer may still come, the socket is held.
func (c *datagram) Close() error {
	var err error
	c.closing.Do(func() {
		c.shut()
		c.reading.Lock()
		defer c.reading.Unlock()
		c.abandon(discovery.Silent, closedEarly, false)
		c.mu.Lock()
		owed := c.owed > 0
		c.mu.Unlock()
		if owed {
			limits := c.s.limits()
			c.s.v.held.take(c.conn, limits.Received, limits.Answer+limits.Close)
			return
		}
		err = c.conn.Close()
	})
	return err
}
