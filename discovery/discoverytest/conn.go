package discoverytest

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// meteredConn lets whole listed messages through and nothing else.
type meteredConn struct {
	net.Conn
	*wiretap
	session *session
	unsent  []byte
	closing sync.Once
}

func (c *meteredConn) Write(b []byte) (int, error) {
	c.unsent = append(c.unsent, b...)
	for len(c.unsent) > 0 {
		n := len(c.unsent)
		if message := c.session.asker.Message; message != nil && c.flow.Transport == discovery.TCP {
			var err error
			if n, err = message(c.unsent); err != nil {
				return 0, fmt.Errorf("%w: %w", discovery.ErrNotListed, err)
			}
			if n == 0 {
				break
			}
		}
		if err := c.session.sent(c.flow.Transport, c.unsent[:n]); err != nil {
			return 0, err
		}
		c.feed(discovery.Client, c.unsent[:n])
		if _, err := c.Conn.Write(c.unsent[:n]); err != nil {
			return 0, err
		}
		c.unsent = c.unsent[n:]
	}
	return len(b), nil
}

func (c *meteredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.feed(discovery.Server, b[:n])
	return n, err
}

func (c *meteredConn) Close() (err error) {
	c.closing.Do(func() { err = c.Conn.Close() })
	return err
}

// frameConn is the socket of a question to a segment in memory: frames, or datagrams.
type frameConn struct {
	session *session
	answers chan Datagram // frames say themselves who sent them
	closed  chan struct{}
	closing sync.Once

	mu       sync.Mutex
	deadline time.Time
}

// maxFrames bounds the answers that wait to be read.
const maxFrames = 4096

func newFrameConn(s *session) *frameConn {
	return &frameConn{session: s, answers: make(chan Datagram, maxFrames), closed: make(chan struct{})}
}

func (c *frameConn) WriteTo(frame []byte, _ net.Addr) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	if err := c.session.sent(c.session.asker.Transport, frame); err != nil {
		return 0, err
	}
	var answers []Datagram
	if c.session.peer.Datagrams != nil {
		answers = c.session.peer.Datagrams(frame)
	} else {
		for _, answer := range c.session.peer.Frames(frame) {
			answers = append(answers, Datagram{Bytes: answer})
		}
	}
	for _, answer := range answers {
		select {
		case c.answers <- answer:
		default:
		}
	}
	return len(frame), nil
}

func (c *frameConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	var late <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case answer := <-c.answers:
		if c.session.peer.Datagrams == nil {
			c.feed(answer.Bytes)
			return copy(b, answer.Bytes), nil, nil
		}
		w := newWiretap(c.session, discovery.UDP)
		w.flow.Ends[discovery.Server].IP, w.flow.Ports[discovery.Server] = answer.From.Addr(), answer.From.Port()
		w.decoder = c.session.protocol.Decode(w.flow)
		w.feed(discovery.Server, answer.Bytes)
		return copy(b, answer.Bytes), net.UDPAddrFromAddrPort(answer.From), nil
	case <-late:
		return 0, nil, os.ErrDeadlineExceeded
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

// ethernetHeader is two addresses and the EtherType (IEEE 802.3 clause 3.2).
const ethernetHeader = 14

// feed decodes one frame as the listener does: its payload, with the sender as the client.
func (c *frameConn) feed(frame []byte) {
	if len(frame) < ethernetHeader {
		return
	}
	target := c.session.peer.Target.Subject
	target.MAC = discovery.MAC(frame[6:12])
	w := newWiretap(c.session, discovery.EtherType)
	w.flow.Ends = [2]discovery.Subject{discovery.Client: target, discovery.Server: {MAC: discovery.MAC(frame[:6])}}
	w.decoder = c.session.protocol.Decode(w.flow)
	w.feed(discovery.Client, frame[ethernetHeader:])
}

func (c *frameConn) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return nil
}

func (c *frameConn) LocalAddr() net.Addr { return nil }

func (c *frameConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *frameConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *frameConn) SetWriteDeadline(time.Time) error { return nil }
