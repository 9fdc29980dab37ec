package discoverytest

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Peer is the device that an asker is to ask in a test. One of Address, Serve, Frames and Datagrams is set; the last two are what a
// segment is asked by.
type Peer struct {
	Target discovery.Target
	// Address is that of a server on loopback: "127.0.0.1:1502".
	Address string
	// Serve is a server in the test. It gets the far end of each connection, where one Read gives one message when its buffer
	// is large enough, and returns when the connection is closed.
	Serve func(net.Conn)
	// ServeDatagrams is Serve for UDP, where the protocol asks over both; nil: Serve serves both.
	ServeDatagrams func(net.Conn)
	// Frames answers one frame with others, layer 2.
	Frames func(frame []byte) [][]byte
	// Datagrams answers one broadcast datagram with those of others.
	Datagrams func(datagram []byte) []Datagram
	// Known and Allowed are what the session of the same names tells.
	Known   map[discovery.Key]string
	Allowed []string
	// Timeout ends the asking; 0 means 20 s.
	Timeout time.Duration
}

// Datagram is one that a station sends.
type Datagram struct {
	From  netip.AddrPort
	Bytes []byte
}

// Sent is a message that left.
type Sent struct {
	Request string
	Setup   bool
	Bytes   []byte
}

// Answers is what came of asking.
type Answers struct {
	Err          error    // what Ask returned
	Lines        []string // what the decoder told of both directions, see Lines
	Observations []discovery.Observation
	Sent         []Sent
	Problems     []error // the decoder's
	Dials        int
}

// Requests are the names of what was sent, in order.
func (a Answers) Requests() []string {
	var names []string
	for _, s := range a.Sent {
		names = append(names, s.Request)
	}
	return names
}

// Asked lets the protocol's asker ask the peer over a session like the pace-keeper's, without the pace: each message written
// must match a listed request, at most as often as it says, one connection is open at a time, and both directions go through
// the protocol's own decoder. A breach fails the test.
func Asked(t testing.TB, p discovery.Protocol, peer Peer) Answers {
	t.Helper()
	timeout := peer.Timeout
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	s := newSession(t, p, peer)
	err := s.asker.Ask(ctx, s, peer.Target)
	s.close()
	s.check()
	answers := s.answers()
	answers.Err = err
	return answers
}
