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

// Sweep looks for the addresses that the plan lists, one ARP request each, at the rate of the limits. Answers become
// observations. A plan that does not hold, or an interface that cannot be opened, gives an error; so does the end of the
// context, beside what was learnt until then.
func (k *Keeper) Sweep(ctx context.Context, p SweepPlan) (Result, error) {
	if len(p.Links) == 0 {
		return Result{Reasons: reasonsNotSwept(p)}, nil
	}
	protocol, err := k.checkSweep(p)
	if err != nil {
		return Result{}, err
	}
	t := newTally()
	ending, release := k.ending(ctx)
	defer release()
	asked, began := 0, time.Now()
	for _, l := range p.Links {
		if len(l.Addresses) == 0 || ctx.Err() != nil {
			continue
		}
		before := asked
		s := &sweep{k: k, protocol: protocol, link: l, tally: t, ctx: ctx, ending: ending}
		s.progress = func(n int) {
			asked = before + n
			left := max(time.Duration(float64(p.Packets-asked)/k.o.Limits.SweepRate*float64(time.Second)), 0)
			k.progress(Progress{Devices: p.Packets, Done: asked, Questions: asked, Answered: t.sofar().Replies, Left: left})
		}
		err := s.run()
		if err != nil && ctx.Err() == nil {
			return t.result(), fmt.Errorf("search %s on %s: %w", l.Network, k.o.Interface.Name, err)
		}
	}
	r := t.result()
	r.Reasons = append(r.Reasons, reasonsNotSwept(p)...)
	if ctx.Err() != nil {
		r.Interrupted = true
		r.Reasons = append(r.Reasons, "interrupted: the search for hosts is not complete")
		return r, context.Cause(ctx)
	}
	k.searched(p, began)
	return r, nil
}

// searched notes who did not answer the search.
func (k *Keeper) searched(p SweepPlan, began time.Time) {
	k.answering.Lock()
	defer k.answering.Unlock()
	k.absent = map[netip.Addr]time.Time{}
	for _, l := range p.Links {
		for _, addr := range l.Addresses {
			if k.answers[addr].Before(began) {
				k.absent[addr] = time.Now()
			}
		}
	}
}

// isAbsent reports whether a host of the link did not answer the search and was not heard since. The system could not resolve it
// either, and would send several requests of its own in the attempt.
func (k *Keeper) isAbsent(addr netip.Addr, heard time.Time) bool {
	k.answering.Lock()
	defer k.answering.Unlock()
	since, absent := k.absent[addr]
	return absent && !heard.After(since) && !k.answers[addr].After(since)
}

const notThere = "it did not answer the search for hosts"

// NotThere are the hosts of a plan that are not asked because they did not answer the search.
func (p Plan) NotThere() []string {
	var out []string
	for _, n := range p.NotAsked {
		if n.Reason == notThere {
			out = append(out, n.Address.String())
		}
	}
	return out
}

func reasonsNotSwept(p SweepPlan) []string {
	var out []string
	for _, n := range p.NotSwept {
		out = append(out, fmt.Sprintf("not searched for hosts: %s: %s", n.Network, n.Reason))
	}
	return out
}

// checkSweep refuses a plan that this keeper cannot keep: it may come from a file.
func (k *Keeper) checkSweep(p SweepPlan) (discovery.Protocol, error) {
	protocol, ok := k.segmentProtocol(p.Protocol)
	switch {
	case k.o.Interface == nil:
		return protocol, errors.New("search for hosts: no interface was given")
	case k.o.Interface.Name != p.Interface:
		return protocol, fmt.Errorf("search for hosts: planned for %s, not for %s", p.Interface, k.o.Interface.Name)
	case !ok || protocol.Name != sweepProtocol || protocol.Segment.Transport != discovery.EtherType:
		return protocol, fmt.Errorf("search for hosts: not by %q", p.Protocol)
	}
	n := 0
	for _, l := range p.Links {
		if !slices.Contains(k.links, link{net: l.Network, own: l.From}) {
			return protocol, fmt.Errorf("search for hosts: %s with our address %s is not on %s", l.Network, l.From, p.Interface)
		}
		for _, addr := range l.Addresses {
			if reason := k.refusal(discovery.Subject{IP: addr}, resolve); reason != "" || !l.Network.Contains(addr) {
				return protocol, fmt.Errorf("search for hosts: %s %w: %s", addr, discovery.ErrOutOfScope, reason)
			}
		}
		if n += len(l.Addresses); n > k.o.Limits.SweepMax {
			return protocol, fmt.Errorf("search for hosts: more than %d addresses", k.o.Limits.SweepMax)
		}
	}
	return protocol, nil
}

// sweep is the session of the layer 2 protocol on one network of the interface.
type sweep struct {
	k        *Keeper
	protocol discovery.Protocol
	link     LinkPlan
	only     discovery.Subject // asked whether it is still there; zero: the link is searched
	tally    *tally
	progress func(asked int)
	ctx      context.Context
	ending   context.Context

	mu   sync.Mutex
	line *frameLine
	over bool
}

// run lets the asker ask.
func (s *sweep) run() error {
	target := discovery.Target{
		Subject: discovery.Subject{Site: s.k.o.Site, Segment: s.k.o.Segment}, Scope: slices.Clone(s.link.Addresses),
		Interface: s.k.o.Interface, From: s.link.From,
	}
	if !s.only.IsZero() {
		target.Subject = s.only
	}
	return s.k.await(turn{
		protocol: s.protocol.Name, address: s.link.Network.String(), ctx: s.ctx, ending: s.ending,
		ask: func() error { return s.protocol.Segment.Ask(s.ctx, s, target) }, end: s.end,
	}, s.tally)
}

// Observe takes what the asker tells itself.
func (s *sweep) Observe(o discovery.Observation) {
	o.Protocol = s.protocol.Name
	s.k.observe(o)
}

// Known knows nothing: a question to a segment is about no device in particular.
func (s *sweep) Known(discovery.Key) (string, bool) { return "", false }

// Allowed reports whether the request needs no opt-in or has one.
func (s *sweep) Allowed(request string) bool {
	r, ok := requestByName(s.protocol.Segment, request)
	return ok && s.k.mayBeSent(s.protocol.Name, r, Unknown)
}

// Dial is for protocols that ask single hosts.
func (s *sweep) Dial(context.Context) (net.Conn, error) {
	return nil, fmt.Errorf("dial for %s: it asks over %s", s.protocol.Name, s.protocol.Segment.Transport)
}

// DialOver is Dial.
func (s *sweep) DialOver(ctx context.Context, _ discovery.Transport) (net.Conn, error) {
	return s.Dial(ctx)
}

// Frames opens the interface for the protocol's EtherType. What was open is closed first.
func (s *sweep) Frames(context.Context) (net.PacketConn, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	mac := s.k.o.Interface.HardwareAddr
	if len(mac) != len(discovery.MAC{}) {
		return nil, fmt.Errorf("open %s for frames: it has no MAC address", s.k.o.Interface.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, net.ErrClosed
	}
	if s.line != nil {
		_ = s.line.Close()
	}
	conn, err := s.k.frames(s.k.o.Interface, s.protocol.Segment.Port)
	if err != nil {
		return nil, err
	}
	s.line = newFrameLine(s, conn, discovery.MAC(mac))
	return s.line, nil
}

// Broadcast is for protocols that ask over UDP.
func (s *sweep) Broadcast(context.Context) (net.PacketConn, error) {
	return nil, fmt.Errorf("broadcast for %s: it asks over %s", s.protocol.Name, s.protocol.Segment.Transport)
}

// end closes the interface; it cannot be opened after it.
func (s *sweep) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.line != nil {
		_ = s.line.Close()
	}
}
