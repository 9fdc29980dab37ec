package ask

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ether is a network in memory that ends connections as TCP does, so that a test may have its own clock: FIN and RST are told
// apart, who closes with something unread resets, and who writes to a closed end is reset.
type ether struct {
	mu        sync.Mutex
	listeners map[string]*memListener // by "network address:port"
	hosts     map[netip.Addr]bool     // that are there: a port without a listener is closed, other hosts are silent
	packets   []sentPacket            // that left us, in order
	halfOpen  int                     // connections that we broke off while they came about
	open      map[netip.Addr]int      // connections whose near end is open
	most      int
	resolved  map[netip.Addr]bool
}

// sentPacket is one that the near side sent.
type sentPacket struct {
	at   time.Time
	to   string
	what string // "syn", "ack", "data", "fin", "rst", "udp", "arp", "icmp"
	data []byte
}

func newEther() *ether {
	return &ether{listeners: map[string]*memListener{}, hosts: map[netip.Addr]bool{}, open: map[netip.Addr]int{}, resolved: map[netip.Addr]bool{}}
}

func (e *ether) sent(to, what string, data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.packets = append(e.packets, sentPacket{time.Now(), to, what, data})
}

// left are the packets that left us: all, or those of the kinds named.
func (e *ether) left(kinds ...string) []sentPacket {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(kinds) == 0 {
		return slices.Clone(e.packets)
	}
	return slices.DeleteFunc(slices.Clone(e.packets), func(p sentPacket) bool { return !slices.Contains(kinds, p.what) })
}

// atOnce is how many connections to one address were open at a time, at most, those counted that we only still held.
func (e *ether) atOnce() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.most
}

// opened notes that a connection came about, or that its near end is closed.
func (e *ether) opened(address string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	host := netip.MustParseAddrPort(address).Addr()
	e.open[host] += n
	e.most = max(e.most, e.open[host])
}

func (e *ether) brokenOff() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.halfOpen
}

// listen opens a port of a host.
func (e *ether) listen(address string) *memListener {
	return e.listenNetwork("tcp", address)
}

func (e *ether) listenNetwork(network, address string) *memListener {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := &memListener{address: address, queue: make(chan *memConn, 64), closed: make(chan struct{})}
	e.listeners[network+" "+address] = l
	e.hosts[netip.MustParseAddrPort(address).Addr()] = true
	return l
}

// unplug takes a host off the network: it is silent from now on.
func (e *ether) unplug(host netip.Addr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.hosts, host)
}

// isThere reports whether a host would answer ARP.
func (e *ether) isThere(host netip.Addr) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.hosts[host]
}

func (e *ether) there(address string) (host bool, l *memListener, udp *memListener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.hosts[netip.MustParseAddrPort(address).Addr()], e.listeners["tcp "+address], e.listeners["udp "+address]
}

// resolve is the system's own ARP request for whom it has not spoken to before.
func (e *ether) resolve(address string) {
	host := netip.MustParseAddrPort(address).Addr()
	e.mu.Lock()
	known := e.resolved[host]
	e.resolved[host] = true
	e.mu.Unlock()
	if !known {
		e.sent(address, "arp", nil)
	}
}

// dial is the Keeper's dial.
func (e *ether) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, l, udp := e.there(address)
	if strings.HasPrefix(network, "udp") {
		e.resolve(address)
		near, far := e.pair(address, true)
		if host && udp != nil {
			udp.queue <- far
		} else if host {
			near.refused = true
		}
		return near, nil
	}
	e.resolve(address)
	e.sent(address, "syn", nil)
	if !host {
		<-ctx.Done()
		e.mu.Lock()
		e.halfOpen++
		e.mu.Unlock()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	near, far := e.pair(address, false)
	select {
	case l.queue <- far:
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	e.sent(address, "ack", nil)
	e.opened(address, 1)
	return near, nil
}

func (e *ether) pair(address string, datagrams bool) (near, far *memConn) {
	mu := &sync.Mutex{}
	near = &memConn{ether: e, address: address, near: true, datagrams: datagrams, mu: mu, wake: sync.NewCond(mu)}
	far = &memConn{ether: e, address: address, datagrams: datagrams, mu: mu, wake: near.wake}
	near.peer, far.peer = far, near
	return near, far
}

// memListener gives the far ends of connections.
type memListener struct {
	address string
	queue   chan *memConn
	closed  chan struct{}
	once    sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memListener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(l.address))
}

// memConn is one end of a connection. The lock and its condition are shared by both.
type memConn struct {
	ether     *ether
	address   string // of the far end
	near      bool   // ours
	datagrams bool
	refused   bool // a datagram to a closed port
	linger0   bool
	mu        *sync.Mutex
	wake      *sync.Cond
	peer      *memConn

	inbox    [][]byte
	size     int
	ended    bool // the peer sent FIN
	acked    bool // we have read it
	finished bool // we sent FIN
	broken   bool // it was reset
	closed   bool
	deadline time.Time
	timer    *time.Timer
}

// mostUnread is how much waits unread before the writer has to wait.
const mostUnread = 64 << 10

func (c *memConn) sent(what string, data []byte) {
	if c.near {
		c.ether.sent(c.address, what, data)
	}
}

func (c *memConn) fail(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
}

func (c *memConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
			return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
		case c.refused && c.datagrams:
			c.refused = false
			return 0, c.fail("read", syscall.ECONNREFUSED)
		case c.broken:
			return 0, c.fail("read", syscall.ECONNRESET)
		case len(c.inbox) > 0:
			n := copy(b, c.inbox[0])
			if c.inbox[0] = c.inbox[0][n:]; len(c.inbox[0]) == 0 || c.datagrams {
				c.inbox = c.inbox[1:]
			}
			c.size -= n
			c.wake.Broadcast()
			return n, nil
		case c.ended || c.datagrams && c.peer.closed:
			if c.ended && !c.acked {
				c.acked = true
				c.sent("ack", nil)
			}
			return 0, io.EOF
		}
		c.wake.Wait()
	}
}

func (c *memConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	data := append([]byte(nil), b...)
	if c.datagrams {
		if c.closed {
			return 0, net.ErrClosed
		}
		c.sent("udp", data)
		if c.refused {
			return len(b), nil // the ICMP message comes with the next read
		}
		if c.peer.closed {
			c.peer.sent("icmp", data) // port unreachable
		} else {
			c.peer.inbox = append(c.peer.inbox, data)
			c.wake.Broadcast()
		}
		return len(b), nil
	}
	for c.peer.size >= mostUnread && !c.closed && !c.broken && !c.peer.closed {
		c.wake.Wait()
	}
	switch {
	case c.closed || c.finished:
		return 0, net.ErrClosed
	case c.broken:
		return 0, c.fail("write", syscall.EPIPE)
	}
	c.sent("data", data)
	if c.peer.closed { // nobody is there any more: the answer is a reset
		c.broken = true
		c.peer.sent("rst", nil)
		c.wake.Broadcast()
		return len(b), nil
	}
	c.peer.inbox = append(c.peer.inbox, data)
	c.peer.size += len(data)
	c.peer.sent("ack", nil)
	c.wake.Broadcast()
	return len(b), nil
}

// CloseWrite sends FIN.
func (c *memConn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.finished {
		return net.ErrClosed
	}
	c.finish()
	return nil
}

func (c *memConn) finish() {
	if !c.finished && !c.broken {
		c.finished, c.peer.ended = true, true
		c.sent("fin", nil)
		c.wake.Broadcast()
	}
}

// Close sends FIN, or a reset when something is unread.
func (c *memConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	if c.near && !c.datagrams {
		c.ether.opened(c.address, -1)
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	switch {
	case c.datagrams:
	case (len(c.inbox) > 0 || c.linger0) && !c.broken:
		c.peer.broken = true
		c.peer.inbox = nil
		c.sent("rst", nil)
	default:
		c.finish()
	}
	c.wake.Broadcast()
	return nil
}

// SetLinger with 0 makes Close a reset.
func (c *memConn) SetLinger(seconds int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linger0 = seconds == 0
	return nil
}

func (c *memConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.deadline = t
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		c.timer = time.AfterFunc(wait, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.wake.Broadcast()
		})
	}
	c.wake.Broadcast()
	return nil
}

func (c *memConn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }
func (c *memConn) LocalAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("10.0.0.254:40000"))
}

func (c *memConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.address))
}

// memSocket is the far end of all datagrams to one port.
type memSocket struct {
	listener *memListener
	once     sync.Once
	got      chan memDatagram
	closed   chan struct{}
}

type memDatagram struct {
	data []byte
	from *memConn
}

// memAddr is whom to answer.
type memAddr struct{ conn *memConn }

func (memAddr) Network() string  { return "udp" }
func (a memAddr) String() string { return "near" }

func (e *ether) listenPacket(address string) *memSocket {
	s := &memSocket{listener: e.listenNetwork("udp", address), got: make(chan memDatagram, 64), closed: make(chan struct{})}
	go func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			go s.receive(conn.(*memConn))
		}
	}()
	return s
}

func (s *memSocket) receive(c *memConn) {
	buffer := make([]byte, 65536)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		select {
		case s.got <- memDatagram{append([]byte(nil), buffer[:n]...), c}:
		case <-s.closed:
			return
		}
	}
}

func (s *memSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-s.got:
		return copy(b, d.data), memAddr{d.from}, nil
	case <-s.closed:
		return 0, nil, net.ErrClosed
	}
}

func (s *memSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(memAddr)
	if !ok {
		return 0, errors.New("nobody's address")
	}
	return a.conn.Write(b)
}

func (s *memSocket) Close() error {
	s.once.Do(func() {
		close(s.closed)
		_ = s.listener.Close()
	})
	return nil
}

func (s *memSocket) LocalAddr() net.Addr              { return s.listener.Addr() }
func (s *memSocket) SetDeadline(time.Time) error      { return nil }
func (s *memSocket) SetReadDeadline(time.Time) error  { return nil }
func (s *memSocket) SetWriteDeadline(time.Time) error { return nil }
