package ask

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Segment puts one planned question to whoever is on the link, and reads what they answer. A plan that does not hold, or a socket
// that cannot be opened, gives an error; so does the end of the context, beside what was learnt until then. The hosts are those
// that are known by now: one that turned out to be a safety system keeps the question back.
func (k *Keeper) Segment(ctx context.Context, p SegmentPlan, hosts []Host) (Result, error) {
	protocol, requests, err := k.checkSegment(p, hosts)
	if err != nil {
		return Result{}, err
	}
	t := newTally()
	ending, release := k.ending(ctx)
	defer release()
	s := &segment{k: k, plan: p, protocol: protocol, requests: requests, tally: t, ctx: ctx}
	target := discovery.Target{
		Subject: discovery.Subject{Site: k.o.Site, Segment: k.o.Segment}, Port: protocol.Segment.Port, Interface: k.o.Interface,
		From: p.From, Stations: p.Stations,
	}
	err = k.await(turn{
		protocol: protocol.Name, address: p.Network.String(), ctx: ctx, ending: ending,
		ask: func() error { return protocol.Segment.Ask(ctx, s, target) }, end: s.end,
	}, t)
	r := t.result()
	if ctx.Err() != nil {
		r.Interrupted = true
		r.Reasons = append(r.Reasons, fmt.Sprintf("interrupted: the question to %s over %s is not complete", p.Network, protocol.Name))
		return r, context.Cause(ctx)
	}
	if err != nil {
		return r, fmt.Errorf("ask %s over %s: %w", p.Network, protocol.Name, err)
	}
	return r, nil
}

// segment is the session of a question to a link.
type segment struct {
	k        *Keeper
	plan     SegmentPlan
	protocol discovery.Protocol
	tally    *tally
	ctx      context.Context

	charging sync.Mutex
	requests []allowance

	mu   sync.Mutex
	line *groupLine
	over bool
}

// Observe takes what the asker tells itself.
func (s *segment) Observe(o discovery.Observation) {
	o.Protocol = s.protocol.Name
	s.k.observe(o)
}

// Known knows nothing: a question to a segment is about no device in particular.
func (s *segment) Known(discovery.Key) (string, bool) { return "", false }

// Allowed reports whether the request stands in the plan.
func (s *segment) Allowed(request string) bool {
	for _, a := range s.requests {
		if a.Name == request {
			return true
		}
	}
	return false
}

// Dial is for protocols that ask single hosts.
func (s *segment) Dial(context.Context) (net.Conn, error) {
	return nil, fmt.Errorf("dial for %s: it asks a segment", s.protocol.Name)
}

// DialOver is for protocols that ask single hosts.
func (s *segment) DialOver(ctx context.Context, _ discovery.Transport) (net.Conn, error) {
	return s.Dial(ctx)
}

// Frames opens the interface for the protocol's EtherType.
func (s *segment) Frames(context.Context) (net.PacketConn, error) {
	if s.protocol.Segment.Transport != discovery.EtherType {
		return nil, fmt.Errorf("open frames for %s: it asks over %s", s.protocol.Name, s.protocol.Segment.Transport)
	}
	if len(s.k.o.Interface.HardwareAddr) != len(discovery.MAC{}) {
		return nil, fmt.Errorf("open %s for frames: it has no MAC address", s.k.o.Interface.Name)
	}
	return s.open(func() (net.PacketConn, error) { return s.k.frames(s.k.o.Interface, s.protocol.Segment.Port) })
}

// Broadcast opens a UDP socket on the interface.
func (s *segment) Broadcast(context.Context) (net.PacketConn, error) {
	if s.protocol.Segment.Transport != discovery.UDP {
		return nil, fmt.Errorf("broadcast for %s: it asks over %s", s.protocol.Name, s.protocol.Segment.Transport)
	}
	return s.open(func() (net.PacketConn, error) {
		return s.k.broadcast(s.ctx, s.k.o.Interface, s.plan.From, s.protocol.Segment.LocalPort)
	})
}

// open opens a socket; what was open is closed first.
func (s *segment) open(socket func() (net.PacketConn, error)) (net.PacketConn, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, net.ErrClosed
	}
	if s.line != nil {
		_ = s.line.Close()
	}
	conn, err := socket()
	if err != nil {
		return nil, err
	}
	s.line = newGroupLine(s, conn)
	return s.line, nil
}

// end closes what is open; nothing can be opened after it.
func (s *segment) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.line != nil {
		_ = s.line.Close()
	}
}

// charge gives the request that the message is, and charges it.
func (s *segment) charge(message []byte) (discovery.Request, error) {
	s.charging.Lock()
	defer s.charging.Unlock()
	for i := range s.requests {
		a := &s.requests[i]
		if _, ok := a.Template.Match(message); !ok {
			continue
		}
		if a.total >= a.atMost {
			return a.Request, fmt.Errorf("%s: at most %d times: %w", a.Name, a.atMost, discovery.ErrBudget)
		}
		a.total++
		return a.Request, nil
	}
	return discovery.Request{}, fmt.Errorf("a message of %d bytes: %w", len(message), discovery.ErrNotListed)
}
