package ask

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mdlayher/packet"

	"github.com/walkdown-ot/walkdown/discovery"
)

// groupLine is the metered socket of a question to a link: frames, or UDP datagrams. What is written must be a listed request
// and, as a frame, speak for us alone; a datagram goes to everybody on the link and nowhere else. Who answers is read by the
// protocol's own decoder.
type groupLine struct {
	s   *segment
	mac discovery.MAC
	*packetSocket

	sending sync.Mutex

	// The mu of the socket guards these too.
	last    *exchange // what was asked last, until the next or the end
	answers map[string]int
	taps    map[string]*tap
}

// maxAnswerers bounds the stations whose answers to one question are read.
const maxAnswerers = 8192

func newGroupLine(s *segment, conn net.PacketConn) *groupLine {
	c := &groupLine{s: s, packetSocket: newPacketSocket(s.ctx, conn, s.k.o.Limits.Answer), answers: map[string]int{}, taps: map[string]*tap{}}
	copy(c.mac[:], s.k.o.Interface.HardwareAddr)
	return c
}

func (c *groupLine) isFrames() bool { return c.s.protocol.Segment.Transport == discovery.EtherType }

// WriteTo lets one listed message out when the rate allows it.
func (c *groupLine) WriteTo(message []byte, _ net.Addr) (int, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	request, err := c.charge(message)
	if err != nil {
		c.refuse(request, err)
		return 0, err
	}
	if err := errors.Join(c.s.k.questions.Wait(c.s.ctx), c.s.k.packets.Wait(c.s.ctx), c.s.k.o.Windows.closed(c.s.k.now())); err != nil {
		return 0, fmt.Errorf("send %s: %w", request.Name, err)
	}
	now := time.Now()
	e := &exchange{left: now}
	e.Exchange = discovery.Exchange{
		Time: now.UTC(), Target: c.target(message), Port: c.s.protocol.Segment.Port, Protocol: c.s.protocol.Name, Request: request.Name,
		Bytes: slices.Clone(message),
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, net.ErrClosed
	}
	before := c.last
	c.last = e
	c.mu.Unlock()
	c.settle(before)
	if _, err := c.conn.WriteTo(message, c.everybody(message)); err != nil {
		c.mu.Lock()
		c.last = nil
		c.mu.Unlock()
		c.record(e, discovery.Failed, err.Error())
		return 0, fmt.Errorf("send %s: %w", request.Name, err)
	}
	return len(message), nil
}

// charge gives the request that the message is. A frame must bear our own address, or it would move us in the switches' tables.
func (c *groupLine) charge(message []byte) (discovery.Request, error) {
	if c.isFrames() && (len(message) < ethernetHeader || !bytes.Equal(message[6:12], c.mac[:]) || message[0]&1 == 0) {
		return discovery.Request{}, fmt.Errorf("a frame that is not from us to a group: %w", discovery.ErrNotListed)
	}
	return c.s.charge(message)
}

// everybody is where a message goes.
func (c *groupLine) everybody(message []byte) net.Addr {
	if c.isFrames() {
		return &packet.Addr{HardwareAddr: slices.Clone(net.HardwareAddr(message[:6]))}
	}
	return &net.UDPAddr{IP: net.IPv4bcast, Port: int(c.s.protocol.Segment.Port)}
}

// target is the group in the ledger.
func (c *groupLine) target(message []byte) discovery.Subject {
	subject := discovery.Subject{Site: c.s.k.o.Site, Segment: c.s.k.o.Segment}
	if c.isFrames() {
		subject.MAC = discovery.MAC(message[:6])
	} else {
		subject.IP = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	return subject
}

// refuse writes down a message that was not sent.
func (c *groupLine) refuse(request discovery.Request, err error) {
	name := request.Name
	if name == "" {
		name = notListed
		c.s.k.log.Error("a message was refused", "protocol", c.s.protocol.Name, "err", err)
		c.s.tally.trouble(c.s.protocol.Name, "a message that is in no list of requests was refused", c.s.plan.Network.String())
	}
	e := &exchange{}
	e.Exchange = discovery.Exchange{
		Time: time.Now().UTC(), Target: discovery.Subject{Site: c.s.k.o.Site, Segment: c.s.k.o.Segment}, Protocol: c.s.protocol.Name, Request: name,
	}
	c.record(e, discovery.Skipped, err.Error())
}

// ReadFrom gives the next answer. Without a deadline of the asker it waits as long as for any answer.
func (c *groupLine) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.read(b)
	if err == nil {
		c.take(b[:n], from)
	}
	return n, from, err
}

// take decodes what a station says to us or to everybody. What others say to each other is the listener's to hear.
func (c *groupLine) take(message []byte, from net.Addr) {
	subject := discovery.Subject{Site: c.s.k.o.Site, Segment: c.s.k.o.Segment}
	side := discovery.Server
	port := c.s.protocol.Segment.Port
	if c.isFrames() {
		if len(message) < ethernetHeader || !bytes.Equal(message[:6], c.mac[:]) && message[0]&1 == 0 {
			return
		}
		subject.MAC = discovery.MAC(message[6:12])
		if subject.MAC == c.mac || subject.MAC.IsGroup() {
			return
		}
		message, side = message[ethernetHeader:], discovery.Client // on layer 2 the sender is the client
	} else {
		at := addrPort(from)
		if !c.s.plan.Network.Contains(at.Addr()) || slices.Contains(c.s.k.own, at.Addr()) {
			return
		}
		subject.IP, port = at.Addr(), at.Port()
	}
	now := time.Now()
	key := subject.String()
	c.mu.Lock()
	t := c.taps[key]
	if t == nil && len(c.taps) < maxAnswerers {
		flow := discovery.Flow{Transport: c.s.protocol.Segment.Transport}
		flow.Ends[side], flow.Ports[discovery.Server] = subject, port
		if !c.isFrames() {
			flow.Ends[discovery.Client] = discovery.Subject{Site: c.s.k.o.Site, Segment: c.s.k.o.Segment, IP: c.s.plan.From}
		}
		t = newTap(c.s.protocol, flow, c.s.Observe)
		c.taps[key] = t
	}
	c.mu.Unlock()
	if t == nil {
		c.s.tally.trouble(c.s.protocol.Name, fmt.Sprintf("more than %d stations answered", maxAnswerers), key)
		return
	}
	problem := t.feed(side, now, message)
	if errors.Is(problem, discovery.ErrNotMine) {
		return
	}
	c.answered(key, subject, port, now, problem)
}

// answered notes an answer, and that the station serves the protocol where it was asked for a port.
func (c *groupLine) answered(key string, subject discovery.Subject, port uint16, now time.Time, problem error) {
	c.mu.Lock()
	c.answers[key]++
	first := c.answers[key] == 1
	if c.last != nil && c.last.RTT == 0 {
		c.last.RTT = max(now.Sub(c.last.left), 1)
	}
	c.mu.Unlock()
	if problem != nil {
		c.s.tally.trouble(c.s.protocol.Name, problem.Error(), key)
		return
	}
	if !first {
		return
	}
	c.s.tally.device(false, true, false)
	if !c.isFrames() && port == c.s.protocol.Segment.Port {
		c.s.Observe(discovery.Observation{Subject: subject, Facts: []discovery.Fact{
			discovery.NewFact(discovery.KeyService, fmt.Sprintf("%s/%d %s", c.s.protocol.Segment.Transport, port, c.s.protocol.Name)),
		}})
	}
}

// settle writes what came of a question into the ledger.
func (c *groupLine) settle(done *exchange) {
	if done == nil {
		return
	}
	c.mu.Lock()
	stations := len(c.answers)
	c.mu.Unlock()
	if stations == 0 {
		c.record(done, discovery.Silent, "nobody answered")
		return
	}
	c.record(done, discovery.Answered, fmt.Sprintf("by %d stations so far", stations))
}

func (c *groupLine) record(e *exchange, outcome discovery.Outcome, note string) {
	e.Outcome, e.Note = outcome, note
	c.s.tally.count(e.Exchange)
	c.s.k.record(e.Exchange)
}

// Close closes the socket, and settles what was asked last.
func (c *groupLine) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	rest := c.last
	c.last = nil
	c.mu.Unlock()
	c.stop()
	err := c.conn.Close()
	c.settle(rest)
	return err
}
