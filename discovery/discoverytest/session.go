package discoverytest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// session is a discovery.Session that meters and decodes as the pace-keeper does.
type session struct {
	t        testing.TB
	protocol discovery.Protocol
	asker    *discovery.Asker
	peer     Peer

	mu     sync.Mutex
	out    Answers
	counts map[string]int
	breach []error
	open   []func() // closes what is open; run in order
	serve  sync.WaitGroup
}

func newSession(t testing.TB, p discovery.Protocol, peer Peer) *session {
	asker := p.Asker
	if asker == nil || peer.Frames != nil || peer.Datagrams != nil {
		asker = p.Segment
	}
	return &session{t: t, protocol: p, asker: asker, peer: peer, counts: map[string]int{}}
}

// Observe takes what an asker tells itself.
func (s *session) Observe(o discovery.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe(o)
}

func (s *session) observe(o discovery.Observation) {
	for _, f := range o.Facts {
		if err := checkFact(s.protocol, f); err != nil {
			s.breach = append(s.breach, err)
		}
	}
	s.out.Observations = append(s.out.Observations, o)
}

// Known is from the peer's list.
func (s *session) Known(key discovery.Key) (string, bool) {
	value, ok := s.peer.Known[key]
	return value, ok
}

// Allowed goes by the safety class for the target, and for class C by the peer's list.
func (s *session) Allowed(request string) bool {
	return slices.ContainsFunc(s.asker.Requests, func(r discovery.Request) bool { return r.Name == request && s.allowed(r) })
}

func (s *session) allowed(r discovery.Request) bool {
	switch r.SafetyFor(s.peer.Target.Class) {
	case discovery.SafetyD:
		return false
	case discovery.SafetyC:
		// The units of a target were overheard and opted in to, or named by a person.
		return slices.Contains(s.peer.Allowed, r.Name) || slices.Contains(s.peer.Allowed, s.protocol.Name) || r.PerUnit && len(s.peer.Target.Units) > 0
	}
	return true
}

// Dial connects to the peer over the asker's transport.
func (s *session) Dial(ctx context.Context) (net.Conn, error) {
	return s.DialOver(ctx, s.asker.Transport)
}

// DialOver connects to the peer; what was open is closed first.
func (s *session) DialOver(ctx context.Context, transport discovery.Transport) (net.Conn, error) {
	s.close()
	s.mu.Lock()
	s.out.Dials++
	s.mu.Unlock()
	inner, err := s.dial(ctx, transport)
	if err != nil {
		return nil, err
	}
	c := &meteredConn{Conn: inner, session: s, wiretap: newWiretap(s, transport)}
	s.keep(func() { _ = c.Close() })
	return c, nil
}

func (s *session) dial(ctx context.Context, transport discovery.Transport) (net.Conn, error) {
	serve := s.peer.Serve
	if transport == discovery.UDP && s.peer.ServeDatagrams != nil {
		serve = s.peer.ServeDatagrams
	}
	if serve != nil {
		near, far := net.Pipe()
		s.serve.Go(func() {
			defer func() { _ = far.Close() }()
			serve(far)
		})
		return near, nil
	}
	host, _, err := net.SplitHostPort(s.peer.Address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("dial %s: a test stays on loopback", s.peer.Address)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, transport.String(), s.peer.Address)
}

// Frames is a layer 2 socket whose frames the peer answers.
func (s *session) Frames(context.Context) (net.PacketConn, error) {
	s.close()
	if s.peer.Frames == nil {
		return nil, errors.New("the peer has no layer 2")
	}
	s.mu.Lock()
	s.out.Dials++
	s.mu.Unlock()
	c := newFrameConn(s)
	s.keep(func() { _ = c.Close() })
	return c, nil
}

// Broadcast is a socket whose datagrams the peer answers.
func (s *session) Broadcast(context.Context) (net.PacketConn, error) {
	s.close()
	if s.peer.Datagrams == nil {
		return nil, errors.New("the peer has no segment")
	}
	s.mu.Lock()
	s.out.Dials++
	s.mu.Unlock()
	c := newFrameConn(s)
	s.keep(func() { _ = c.Close() })
	return c, nil
}

func (s *session) keep(closer func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, closer)
}

func (s *session) close() {
	s.mu.Lock()
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for _, closer := range open {
		closer()
	}
	s.serve.Wait()
}

// sent meters one message that is about to leave.
func (s *session) sent(transport discovery.Transport, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	full, forbidden := "", ""
	for _, r := range s.asker.Requests {
		if _, ok := r.Template.Match(message); !ok || s.asker.TransportOf(r) != transport {
			continue
		}
		if !s.allowed(r) {
			forbidden = r.Name
			continue
		}
		if s.counts[r.Name] == r.Max && s.asker.Transport != discovery.EtherType {
			full = r.Name
			continue
		}
		s.counts[r.Name]++
		s.out.Sent = append(s.out.Sent, Sent{Request: r.Name, Setup: r.Setup, Bytes: append([]byte(nil), message...)})
		return nil
	}
	if full != "" {
		s.breach = append(s.breach, fmt.Errorf("request %s was sent more often than it says", full))
		return discovery.ErrBudget
	}
	if forbidden != "" {
		s.breach = append(s.breach, fmt.Errorf("request %s is not allowed to a device of the class %s", forbidden, s.peer.Target.Class))
		return discovery.ErrNotListed
	}
	s.breach = append(s.breach, fmt.Errorf("the message %x matches no listed request", message))
	return discovery.ErrNotListed
}

func (s *session) check() {
	s.t.Helper()
	for _, err := range s.breach {
		s.t.Error(err)
	}
}

func (s *session) answers() Answers {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.Lines = Lines(s.out.Observations)
	return s.out
}

// wiretap feeds both directions of one connection to the protocol's decoder.
type wiretap struct {
	session *session
	flow    discovery.Flow
	decoder discovery.Decoder
	stream  *discovery.Stream
}

func newWiretap(s *session, transport discovery.Transport) *wiretap {
	port := s.peer.Target.Port
	if port == 0 {
		port = s.asker.Port
	}
	w := &wiretap{session: s, flow: discovery.Flow{Transport: transport}}
	w.flow.Ends[discovery.Server] = s.peer.Target.Subject
	w.flow.Ports[discovery.Server] = port
	if s.protocol.Decode != nil {
		w.decoder = s.protocol.Decode(w.flow)
		w.stream = &discovery.Stream{Decoder: w.decoder}
	}
	return w
}

func (w *wiretap) feed(side discovery.Side, b []byte) {
	if w.decoder == nil || len(b) == 0 {
		return
	}
	w.session.mu.Lock()
	defer w.session.mu.Unlock()
	sink := discovery.SinkFunc(func(o discovery.Observation) { w.session.observe(resolve(o, w.flow, side)) })
	problem := func(err error) { w.session.out.Problems = append(w.session.out.Problems, err) }
	if w.flow.Transport == discovery.TCP {
		w.stream.Feed(side, time.Now(), b, 0, sink, problem)
		return
	}
	if _, err := w.decoder.Feed(side, time.Now(), b, 0, sink); err != nil {
		problem(err)
	}
}
