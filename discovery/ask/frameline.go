package ask

import (
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

// frameLine is the metered socket of a sweep. Each frame must be a listed request, speak for us alone, and ask for an address
// of the plan; whose answer came is read from the frames that are addressed to us.
type frameLine struct {
	s   *sweep
	mac discovery.MAC
	*packetSocket

	sending sync.Mutex

	// The mu of the socket guards these too.
	counts  map[allotment]int
	awaited map[netip.Addr]*exchange
	asked   int
}

// allotment is what Request.Max counts on a link.
type allotment struct {
	request string
	addr    netip.Addr
}

func newFrameLine(s *sweep, conn net.PacketConn, mac discovery.MAC) *frameLine {
	return &frameLine{s: s, mac: mac, packetSocket: newPacketSocket(s.ctx, conn, s.k.o.Limits.Answer), counts: map[allotment]int{}, awaited: map[netip.Addr]*exchange{}}
}

// WriteTo lets one listed frame out when the rate allows it. It goes to the destination that stands in the frame.
func (c *frameLine) WriteTo(frame []byte, _ net.Addr) (int, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	request, addr, err := c.charge(frame)
	if err != nil {
		c.refuse(err)
		return 0, err
	}
	if err := c.s.k.sweeping.Wait(c.s.ctx); err != nil {
		return 0, fmt.Errorf("send %s: %w", request.Name, err)
	}
	if err := errors.Join(c.s.k.packets.Wait(c.s.ctx), c.s.k.o.Windows.closed(c.s.k.now())); err != nil {
		return 0, fmt.Errorf("send %s: %w", request.Name, err)
	}
	now := time.Now()
	e := &exchange{left: now}
	e.Exchange = discovery.Exchange{
		Time: now.UTC(), Target: c.subject(addr), Port: c.s.protocol.Segment.Port, Protocol: c.s.protocol.Name,
		Request: request.Name, Bytes: slices.Clone(frame),
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, net.ErrClosed
	}
	overdue := c.overdue(now)
	c.awaited[addr] = e
	c.asked++
	asked := c.asked
	c.mu.Unlock()
	c.settle(overdue, discovery.Silent, "")
	if _, err := c.conn.WriteTo(frame, &packet.Addr{HardwareAddr: slices.Clone(net.HardwareAddr(frame[:6]))}); err != nil {
		c.mu.Lock()
		delete(c.awaited, addr)
		c.mu.Unlock()
		c.settle([]*exchange{e}, discovery.Failed, err.Error())
		return 0, fmt.Errorf("send %s: %w", request.Name, err)
	}
	c.s.progress(asked)
	return len(frame), nil
}

// charge gives the request that the frame is and the address that it asks for.
func (c *frameLine) charge(frame []byte) (discovery.Request, netip.Addr, error) {
	f, err := parseARPFrame(frame)
	if err != nil {
		return discovery.Request{}, netip.Addr{}, fmt.Errorf("%w: %w", discovery.ErrNotListed, err)
	}
	if err := f.checkOurs(c.mac, c.s.link.From); err != nil {
		return discovery.Request{}, netip.Addr{}, err
	}
	if _, planned := slices.BinarySearchFunc(c.s.link.Addresses, f.targetAddr, netip.Addr.Compare); !planned {
		return discovery.Request{}, netip.Addr{}, fmt.Errorf("%s %w: it is not in the plan", f.targetAddr, discovery.ErrOutOfScope)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.s.protocol.Segment.Requests {
		if _, ok := r.Template.Match(frame); !ok || !c.s.Allowed(r.Name) || (r.Name == stillThereRequest) != (f.to == c.s.only.MAC && !f.to.IsZero()) {
			continue
		}
		key := allotment{r.Name, f.targetAddr}
		if c.counts[key] >= r.Max {
			return r, f.targetAddr, fmt.Errorf("%s for %s: at most %d times: %w", r.Name, f.targetAddr, r.Max, discovery.ErrBudget)
		}
		c.counts[key]++
		return r, f.targetAddr, nil
	}
	return discovery.Request{}, netip.Addr{}, fmt.Errorf("a frame of %d bytes: %w", len(frame), discovery.ErrNotListed)
}

// refuse writes down a frame that was not sent.
func (c *frameLine) refuse(err error) {
	c.s.k.log.Error("a frame was refused", "protocol", c.s.protocol.Name, "err", err)
	c.s.tally.trouble(c.s.protocol.Name, "a frame was refused: "+err.Error(), c.s.link.Network.String())
	e := &exchange{}
	e.Exchange = discovery.Exchange{Time: time.Now().UTC(), Target: c.subject(netip.Addr{}), Protocol: c.s.protocol.Name, Request: notListed}
	c.settle([]*exchange{e}, discovery.Skipped, err.Error())
}

func (c *frameLine) subject(addr netip.Addr) discovery.Subject {
	return discovery.Subject{Site: c.s.k.o.Site, Segment: c.s.k.o.Segment, IP: addr}
}

// ReadFrom gives the next frame. Without a deadline of the asker it waits as long as for an answer.
func (c *frameLine) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.read(b)
	if err == nil {
		c.take(b[:n])
	}
	return n, from, err
}

// take decodes an answer to us. What others say to each other is the listener's to hear.
func (c *frameLine) take(frame []byte) {
	f, err := parseARPFrame(frame)
	if err != nil || f.operation != arpReply || f.to != c.mac || f.from == c.mac {
		return
	}
	c.mu.Lock()
	ours := false
	for _, r := range c.s.protocol.Segment.Requests {
		ours = ours || c.counts[allotment{r.Name, f.senderAddr}] > 0
	}
	e := c.awaited[f.senderAddr]
	delete(c.awaited, f.senderAddr)
	c.mu.Unlock()
	if !ours {
		return
	}
	c.s.k.heardFrom(f.senderAddr)
	now := time.Now()
	flow := discovery.Flow{Transport: discovery.EtherType, Ports: [2]uint16{discovery.Server: c.s.protocol.Segment.Port}}
	flow.Ends[discovery.Client] = discovery.Subject{Site: c.s.k.o.Site, Segment: c.s.k.o.Segment, MAC: f.from}
	flow.Ends[discovery.Server] = discovery.Subject{Site: c.s.k.o.Site, Segment: c.s.k.o.Segment, MAC: f.to}
	problem := newTap(c.s.protocol, flow, c.s.Observe).feed(discovery.Client, now, frame[ethernetHeader:])
	if problem != nil {
		c.s.tally.trouble(c.s.protocol.Name, problem.Error(), f.senderAddr.String())
	}
	if e == nil {
		return // a second answer, or a late one
	}
	e.RTT = max(now.Sub(e.left), 1)
	c.s.tally.device(false, true, false)
	if problem != nil {
		c.settle([]*exchange{e}, discovery.Garbage, problem.Error())
		return
	}
	c.settle([]*exchange{e}, discovery.Answered, "")
}

// overdue takes what is awaited for too long off the list. The caller holds mu.
func (c *frameLine) overdue(now time.Time) []*exchange {
	var out []*exchange
	for addr, e := range c.awaited {
		if now.Sub(e.left) >= c.s.k.o.Limits.Answer {
			out = append(out, e)
			delete(c.awaited, addr)
		}
	}
	return out
}

// settle writes what came of requests into the ledger, in the order in which they left.
func (c *frameLine) settle(done []*exchange, outcome discovery.Outcome, note string) {
	slices.SortFunc(done, func(a, b *exchange) int { return a.left.Compare(b.left) })
	for _, e := range done {
		e.Outcome, e.Note = outcome, note
		if outcome != discovery.Skipped {
			c.s.tally.device(true, false, false)
		}
		c.s.tally.count(e.Exchange)
		c.s.k.record(e.Exchange)
	}
}

// Close closes the socket. What is still awaited was silent.
func (c *frameLine) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	var rest []*exchange
	for _, e := range c.awaited {
		rest = append(rest, e)
	}
	c.awaited = nil
	c.mu.Unlock()
	c.stop()
	err := c.conn.Close()
	c.settle(rest, discovery.Silent, "")
	return err
}
