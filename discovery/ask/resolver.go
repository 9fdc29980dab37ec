package ask

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// resolver stands for a layer 2 socket where the system sends no frames for us but resolves addresses itself: a written ARP request
// becomes a call, and what the call says becomes the frame that the station would have answered with. What leaves is the system's
// own request, for the address that was asked for and from our own.
type resolver struct {
	lookup func(ip, from netip.Addr) (discovery.MAC, error) // blocks until the station has answered or will not

	places chan struct{} // bounds the calls under way
	frames chan []byte
	ended  chan struct{}
	end    sync.Once

	mu       sync.Mutex
	deadline time.Time
	changed  chan struct{} // closed when the deadline is another
}

// maxLookups is how many calls are under way at most. One for an absent station takes some seconds, at 20 a second.
const maxLookups = 128

func newResolver(lookup func(ip, from netip.Addr) (discovery.MAC, error)) *resolver {
	return &resolver{
		lookup: lookup, places: make(chan struct{}, maxLookups), frames: make(chan []byte, maxLookups),
		ended: make(chan struct{}), changed: make(chan struct{}),
	}
}

// WriteTo resolves the address that the frame asks for, without waiting for the answer.
func (c *resolver) WriteTo(frame []byte, _ net.Addr) (int, error) {
	f, err := parseARPFrame(frame)
	if err != nil || f.operation != arpRequest {
		return 0, fmt.Errorf("the system resolves addresses and sends no other frames: %w", errNotARP)
	}
	select {
	case c.places <- struct{}{}:
	case <-c.ended:
		return 0, net.ErrClosed
	}
	go func() {
		defer func() { <-c.places }()
		mac, err := c.lookup(f.targetAddr, f.senderAddr)
		if err != nil || mac.IsZero() {
			return // nobody answered
		}
		select {
		case c.frames <- arpAnswer(f, mac):
		case <-c.ended:
		}
	}()
	return len(frame), nil
}

// arpAnswer is the frame by which the station with the MAC answers a request.
func arpAnswer(request arpFrame, mac discovery.MAC) []byte {
	return slices.Concat(request.from[:], mac[:], []byte{etherTypeARP >> 8, etherTypeARP & 0xff, 0, 1, 8, 0, 6, 4, 0, arpReply},
		mac[:], request.targetAddr.AsSlice(), request.from[:], request.senderAddr.AsSlice())
}

// ReadFrom gives the next answer.
func (c *resolver) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		c.mu.Lock()
		deadline, changed := c.deadline, c.changed
		c.mu.Unlock()
		ctx, cancel := context.Background(), func() {}
		if !deadline.IsZero() {
			ctx, cancel = context.WithDeadline(ctx, deadline)
		}
		select {
		case frame := <-c.frames:
			cancel()
			return copy(b, frame), nil, nil
		case <-c.ended:
			cancel()
			return 0, nil, net.ErrClosed
		case <-ctx.Done():
			cancel()
			return 0, nil, os.ErrDeadlineExceeded
		case <-changed:
			cancel()
		}
	}
}

// Close ends the reading. Calls that are under way end by themselves.
func (c *resolver) Close() error {
	c.end.Do(func() { close(c.ended) })
	return nil
}

// LocalAddr is none.
func (c *resolver) LocalAddr() net.Addr { return nil }

// SetDeadline is SetReadDeadline.
func (c *resolver) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline bounds the reads, also one that waits.
func (c *resolver) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

// SetWriteDeadline changes nothing: writing does not wait for the answer.
func (c *resolver) SetWriteDeadline(time.Time) error { return nil }
