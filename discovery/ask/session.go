package ask

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// session is one protocol's turn with one device.
type session struct {
	v        *visit
	protocol discovery.Protocol
	target   discovery.Target
	meter    meter
	ctx      context.Context // ends when no further question may leave
	ending   context.Context // ends when every socket must be closed

	mu        sync.Mutex
	over      bool                // nothing may be opened any more
	close     func()              // what is open; nil: nothing
	answered  int                 // questions
	transport discovery.Transport // of what was opened last
	replied   int                 // questions over it
	served    bool                // it was told that the service is there
	puzzled   bool                // it was told that an answer was not understood
	reset     bool                // the device broke an exchange off
	noWay     error               // why no connection came about: it is not tried again
	fault     error               // the first thing that decides about the outcome
	result    ItemResult
}

func (s *session) limits() Limits { return s.v.k.o.Limits }

// Observe takes what the asker tells itself.
func (s *session) Observe(o discovery.Observation) {
	if o.Subject.IsZero() {
		o.Subject = s.target.Subject
	}
	s.told(o)
}

func (s *session) told(o discovery.Observation) {
	o.Protocol = s.protocol.Name
	s.v.k.observe(o)
}

// fact tells one fact about the device.
func (s *session) fact(key discovery.Key, value string) {
	s.told(discovery.Observation{Subject: s.target.Subject, Facts: []discovery.Fact{discovery.NewFact(key, value)}})
}

// Known is what the caller of the keeper knows of the device.
func (s *session) Known(key discovery.Key) (string, bool) { return s.v.k.known(s.target.Subject, key) }

// Allowed reports whether the request stands in the plan, which it does only if it was opted in to or needs no opt-in.
func (s *session) Allowed(request string) bool {
	return slices.ContainsFunc(s.meter.requests, func(a allowance) bool { return a.Name == request })
}

// frame gives the length of the first whole message of a stream, 0 when it is not yet whole.
func (s *session) frame(b []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("the framing failed: %v", p)
		}
	}()
	n, err = s.protocol.Asker.Message(b)
	if err == nil && (n < 0 || n > len(b)) {
		n = 0
	}
	return n, err
}

// Dial opens the connection to the target over the asker's transport, see DialOver.
func (s *session) Dial(ctx context.Context) (net.Conn, error) {
	return s.DialOver(ctx, s.protocol.Asker.Transport)
}

// DialOver opens the connection to the target. What was open is closed in order first, and the pause of the device's class kept.
func (s *session) DialOver(ctx context.Context, transport discovery.Transport) (net.Conn, error) {
	s.closeOpen()
	s.turnTo(transport)
	conn, err := s.connect(ctx, transport)
	if err != nil {
		return nil, err
	}
	l := newLine(s, conn, transport)
	var metered net.Conn = newDatagram(l)
	if transport == discovery.TCP {
		metered = newStream(l)
	}
	if !s.keep(func() { _ = metered.Close() }) {
		_ = metered.Close()
		return nil, net.ErrClosed
	}
	if s.ctx.Err() != nil {
		s.closeOpen()
		return nil, context.Cause(s.ctx)
	}
	return metered, nil
}

// turnTo notes over what the device is asked from now on. What it answered over another transport says nothing of its state here: a
// closed port is just that.
func (s *session) turnTo(transport discovery.Transport) {
	s.v.pace.over(transport)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.transport != transport {
		s.transport, s.replied = transport, 0
	}
}

// keep notes how to close what was opened, unless the session is over.
func (s *session) keep(closer func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.close = closer
	return true
}

// closeOpen closes what is open, in order.
func (s *session) closeOpen() {
	s.mu.Lock()
	closer := s.close
	s.close = nil
	s.mu.Unlock()
	if closer != nil {
		closer()
	}
}

// end closes what is open; nothing can be opened after it.
func (s *session) end() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.closeOpen()
}

// connect opens the plain connection.
func (s *session) connect(ctx context.Context, transport discovery.Transport) (net.Conn, error) {
	if err := errors.Join(s.v.leftAlone(), s.overheard()); err != nil {
		return nil, err
	}
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	address := netip.AddrPortFrom(s.target.Subject.IP, s.target.Port).String()
	switch transport {
	case discovery.UDP:
		// Connecting a UDP socket sends nothing.
		network := transport.String()
		if s.protocol.Asker.AnyPort {
			network = udpAnyPort
		}
		return s.v.k.dial(ctx, network, address)
	case discovery.TCP:
	default:
		return nil, fmt.Errorf("dial %s: %s asks over %s", address, s.protocol.Name, transport)
	}
	if err := s.unreachable(); err != nil {
		return nil, err
	}
	if err := s.v.keepsOne(); err != nil {
		return nil, s.failed(err)
	}
	if !s.v.budget.takeConnection() {
		return nil, s.failed(fmt.Errorf("connect to %s: the device's connections: %w", address, discovery.ErrBudget))
	}
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if err := s.v.pace.connect(wait); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	s.v.touched()
	started := time.Now()
	// A connect that is broken off leaves a half-open connection at the device, so an interrupt lets it come about for as
	// long as there is time to close it in order.
	dialing, cancel := context.WithTimeout(s.ending, s.limits().Connect)
	defer cancel()
	conn, err := s.v.k.dial(dialing, transport.String(), address)
	if err != nil {
		return nil, s.notConnected(started, address, err)
	}
	return conn, nil
}

// notConnected writes a connection that did not come about into the ledger and gives the asker's error.
func (s *session) notConnected(started time.Time, address string, err error) error {
	e := s.exchange(discovery.Request{Name: discovery.ConnectRequest, Setup: true})
	e.Time = started.UTC()
	var reason error
	switch {
	case isRefused(err):
		e.Outcome, e.RTT, e.Note = discovery.Refused, time.Since(started), "the port is closed"
		reason = discovery.ErrNotOffered
		s.v.budget.giveBack()
		s.v.pace.refused(time.Now())
	case isTimeout(err), errors.Is(err, context.DeadlineExceeded), isUnreachable(err):
		e.Outcome, e.Note = discovery.Silent, "no connection in time"
		reason = discovery.ErrSilent
	default:
		e.Outcome, e.Note = discovery.Failed, err.Error()
		reason = err
	}
	if cause := context.Cause(s.ctx); cause != nil {
		e.Note, reason = "interrupted", cause
	}
	s.record(e)
	if e.Outcome == discovery.Silent {
		s.v.fellSilent()
	}
	if e.Outcome != discovery.Failed && s.ctx.Err() == nil && s.hasAnswered() {
		return s.distress(fmt.Sprintf("%s: %s after earlier answers", s.protocol.Name, e.Note), reason)
	}
	err = fmt.Errorf("connect to %s: %w", address, reason)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noWay = err
	return err
}

// unreachable says why a connection did not come about before: a closed port or a silent one gets one SYN and no more.
func (s *session) unreachable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noWay
}

// Frames is for protocols of layer 2, which ask a segment, see Keeper.Segment and Keeper.Sweep.
func (s *session) Frames(context.Context) (net.PacketConn, error) {
	return nil, fmt.Errorf("open frames for %s: it asks over %s", s.protocol.Name, s.protocol.Asker.Transport)
}

// Broadcast is for protocols that ask a segment, see Keeper.Segment.
func (s *session) Broadcast(context.Context) (net.PacketConn, error) {
	return nil, fmt.Errorf("broadcast for %s: one host is asked", s.protocol.Name)
}

// exchange is a line of the ledger about the request.
func (s *session) exchange(r discovery.Request) discovery.Exchange {
	return discovery.Exchange{Target: s.target.Subject, Port: s.target.Port, Protocol: s.protocol.Name, Request: r.Name, Setup: r.Setup}
}

// record writes what came of a message into the ledger and counts it.
func (s *session) record(e discovery.Exchange) {
	s.mu.Lock()
	switch {
	case e.Outcome == discovery.Skipped || e.Request == discovery.ConnectRequest:
	case e.Setup:
		s.result.Setup++
	default:
		s.result.Questions++
		if e.Outcome == discovery.Answered {
			s.result.Replies++
			s.answered++
			s.replied++
		}
	}
	s.mu.Unlock()
	s.v.record(e)
}

// notListed stands in the ledger for the name of a message that has none.
const notListed = "not listed"

// refuse writes down a message that was not sent. The bytes of one that is not listed are not kept: nobody can say what in
// them is secret.
func (s *session) refuse(r discovery.Request, message []byte, secrets []discovery.Span, err error) {
	e := s.exchange(r)
	e.Time, e.Outcome, e.Note = time.Now().UTC(), discovery.Skipped, err.Error()
	if r.Name == "" {
		e.Request = notListed
		s.v.k.log.Error("a message was refused", "protocol", s.protocol.Name, "addr", s.target.Subject.String(), "err", err)
		s.v.tally.trouble(s.protocol.Name, "a message that is in no list of requests was refused", s.target.Subject.String())
	} else {
		e.Bytes = discovery.Redact(message, secrets)
	}
	s.record(e)
	_ = s.failed(err)
}

// heard notes a message of the device, and what the decoder said of it. Only the answer to a question shows that the protocol is
// served: what sets a connection up is often shared by several.
func (s *session) heard(transport discovery.Transport, problem error, answer bool) {
	s.v.heard()
	s.mu.Lock()
	serve := problem == nil && answer && !s.served
	puzzle := problem != nil && !s.puzzled
	s.served = s.served || serve
	s.puzzled = s.puzzled || puzzle
	s.mu.Unlock()
	name := s.protocol.Name
	if serve {
		s.fact(discovery.KeyService, fmt.Sprintf("%s/%d %s", transport, s.target.Port, name))
	}
	if problem != nil {
		s.v.tally.trouble(name, problem.Error(), s.target.Subject.String())
	}
	if puzzle {
		s.fact(discovery.KeyNotUnderstood, fmt.Sprintf("%s: %v", name, problem))
	}
}

// hasAnswered reports whether the device answered a question of this session over the transport in use.
func (s *session) hasAnswered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replied > 0
}

// cutOff notes that the device broke an exchange off.
func (s *session) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset = true
}

// distress says that the device is to be left alone.
func (s *session) distress(reason string, cause error) error {
	if s.v.inDistress(reason) {
		s.fact(discovery.KeyDistress, reason)
	}
	err := fmt.Errorf("%w: %s", discovery.ErrDistress, reason)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if isTimeout(cause) {
		err = timedOut{err}
	}
	return s.failed(err)
}

// stillOpen notes that the device has not ended a connection that we ended. It gets no other in this run: for all we know, each
// costs it a place.
func (s *session) stillOpen() {
	if s.ctx.Err() != nil || s.v.leftAlone() != nil {
		return // there was no time to wait for it, or nothing more is expected of it
	}
	reason := fmt.Sprintf("%s: it did not end the connection within %s", s.protocol.Name, s.limits().Close)
	if s.v.keeps(reason) {
		s.fact(discovery.KeyDistress, reason)
	}
}

// failed keeps the first error that decides about the outcome, whatever the asker makes of it, and gives it back.
func (s *session) failed(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		s.fault = err
	}
	return err
}

// addrPort reads the address of a socket; one that is no internet socket's is zero.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	case *net.UDPAddr:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}
