package ask

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/plant/fragile"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
)

// hostilePeer answers as a script says. Each message that comes takes one instruction off it:
//
//	0       an honest answer                    5       the end of the connection, FIN
//	1 n ..  the same with n flips (where, how)  6       the end of the connection, reset
//	2 n ..  n bytes of the script               7       the honest answer again and again
//	3 n     a pause of n/4 s, then the next     8 n     the honest answer in pieces of n bytes
//	4       silence                             9       the honest answer twice
//
// An empty script is silence.
type hostilePeer struct {
	mu      sync.Mutex
	script  []byte
	paused  time.Duration
	said    int
	unasked bool // it sent more datagrams than it was asked for
}

func (h *hostilePeer) next() byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.script) == 0 {
		return 4
	}
	b := h.script[0]
	h.script = h.script[1:]
	return b
}

func (h *hostilePeer) take(n int) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	n = min(n, len(h.script))
	b := h.script[:n]
	h.script = h.script[n:]
	return b
}

// endlessly bounds what one answer repeats.
const endlessly = 200

// react gives the pieces that answer one message, and whether the connection ends behind them, and how.
func (h *hostilePeer) react(honest []byte) (pieces [][]byte, end, reset bool) {
	for {
		switch h.next() % 10 {
		case 0:
			return [][]byte{honest}, false, false
		case 1:
			b := slices.Clone(honest)
			flips := h.take(2 * int(h.next()))
			for i := 0; i+1 < len(flips) && len(b) > 0; i += 2 {
				b[int(flips[i])%len(b)] ^= flips[i+1]
			}
			return [][]byte{b}, false, false
		case 2:
			return [][]byte{h.take(int(h.next()))}, false, false
		case 3:
			pause := time.Duration(h.next()) * time.Second / 4
			h.mu.Lock()
			h.paused += pause
			h.mu.Unlock()
			time.Sleep(pause)
		case 4:
			return nil, false, false
		case 5:
			return nil, true, false
		case 6:
			return nil, true, true
		case 7:
			return slices.Repeat([][]byte{honest}, endlessly), false, false
		case 8:
			return slices.Collect(slices.Chunk(honest, 1+int(h.next()))), false, false
		case 9:
			return [][]byte{honest, honest}, false, false
		}
	}
}

func (h *hostilePeer) count(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said += n
}

// stream serves one connection; a message is whatever one read gives.
func (h *hostilePeer) stream(conn *memConn, answer func([]byte) []byte) {
	defer func() { _ = conn.Close() }()
	buffer := make([]byte, 65536)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		pieces, end, reset := h.react(answer(slices.Clone(buffer[:n])))
		for _, b := range pieces {
			if len(b) == 0 {
				continue
			}
			if _, err := conn.Write(b); err != nil {
				return
			}
			h.count(len(b))
		}
		if end {
			if reset {
				_ = conn.SetLinger(0)
			}
			return
		}
	}
}

func (h *hostilePeer) datagrams(conn *memConn, answer func([]byte) []byte) {
	buffer := make([]byte, 65536)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		pieces, _, _ := h.react(answer(slices.Clone(buffer[:n])))
		h.mu.Lock()
		h.unasked = h.unasked || len(pieces) > 1
		h.mu.Unlock()
		for _, b := range pieces {
			_, _ = conn.Write(b)
		}
	}
}

func (h *hostilePeer) serve(l *memListener, udp bool, answer func([]byte) []byte) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		running.Go(func() {
			if udp {
				h.datagrams(conn.(*memConn), answer)
				return
			}
			h.stream(conn.(*memConn), answer)
		})
	}
}

// hostAskers are the protocols that single hosts can be asked.
func hostAskers() []discovery.Protocol {
	return slices.DeleteFunc(protocols.All(), func(p discovery.Protocol) bool {
		return p.Asker == nil || p.Asker.Transport == discovery.EtherType
	})
}

// FuzzHostilePeer lets a hostile device answer anything, at any time, to every asker that there is: nothing panics, nothing but
// listed messages leaves, the budgets of questions, connections, bytes and time hold, one connection is open at a time, nothing
// is reset that could be ended, and every message that left stands in the ledger. No clock is waited for.
func FuzzHostilePeer(f *testing.F) {
	for i := range hostAskers() {
		which := uint8(i)
		f.Add(which, uint8(0), make([]byte, 60))                                                 // honest to the end
		f.Add(which, uint8(1), append(make([]byte, 6), 5))                                       // then FIN
		f.Add(which, uint8(4), []byte{0, 5})                                                     // FIN to the second message
		f.Add(which, uint8(2), append(make([]byte, 3), 6, 0, 0))                                 // a reset, then honest
		f.Add(which, uint8(3), []byte{0, 3, 40, 0, 0, 3, 255, 0, 3, 255, 0})                     // slower and slower
		f.Add(which, uint8(4), append([]byte{0, 0, 7}, make([]byte, 20)...))                     // endless
		f.Add(which, uint8(0), []byte{1, 3, 0, 1, 7, 255, 9, 255, 0, 0, 1, 1, 12, 128, 9, 8, 1}) // flips, twice, in bytes
		f.Add(which, uint8(0), append([]byte{2, 27}, "HTTP/1.1 400 Bad Request\r\n"...))
	}
	askers := hostAskers()
	f.Fuzz(func(t *testing.T, which, class uint8, script []byte) {
		if len(script) > 1<<12 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			p := askers[int(which)%len(askers)]
			askHostile(t, p, Class(class%5), script)
		})
	})
}

func askHostile(t *testing.T, p discovery.Protocol, class Class, script []byte) {
	limits := DefaultLimits()
	limits.Received = 16 << 10
	k, book := newKeeper(t, Options{
		Protocols: []discovery.Protocol{p}, Limits: limits, Allow: []string{allowAll},
		Credentials: []discovery.Credential{{Protocol: "snmp", Kind: "community", Secret: "public"}},
	})
	e := newEther()
	k.dial = e.dial
	at := netip.AddrPortFrom(addr("10.0.0.5"), p.Asker.Port).String()
	peer := &hostilePeer{script: script}
	answer := fragile.Speak(p.Name)
	l := e.listenNetwork(p.Asker.Transport.String(), at)
	served := make(chan struct{})
	go func() {
		defer close(served)
		peer.serve(l, p.Asker.Transport == discovery.UDP, answer)
	}()
	h := host("10.0.0.5", class, p.Name)
	h.Units = []uint8{1, 2}
	started := time.Now()
	r := mustRun(t, k, h)
	took := time.Since(started)
	time.Sleep(10 * time.Minute) // what was not ended shows
	_ = l.Close()
	<-served

	budget := limits.Class(class)
	for _, item := range r.Devices[0].Items {
		if item.Outcome == ItemFailed {
			t.Errorf("%s: %s; %q", item.Outcome, item.Reason, book.lines())
		}
		if item.Questions > budget.Questions {
			t.Errorf("%d questions", item.Questions)
		}
	}
	if n := len(e.left("syn")); n > budget.Connections {
		t.Errorf("%d connections", n)
	}
	if n := e.atOnce(); n > 1 {
		t.Errorf("%d connections at once", n)
	}
	if most := limits.Device + limits.Linger + limits.Close + limits.Answer; took > most {
		t.Errorf("it took %s", took)
	}
	if n := e.brokenOff(); n > 0 {
		t.Errorf("%d connections were left half open", n)
	}
	if rude := e.left("rst", "icmp"); len(rude) > 0 && peer.said < limits.Received && peer.paused < limits.Answer && !peer.unasked {
		t.Errorf("%d packets that nobody asked for, the first a %s", len(rude), rude[0].what)
	}
	messages := checkLeft(t, p, class, e.left("data", "udp"))
	written := 0
	for _, line := range book.ledger {
		if line.Outcome != discovery.Skipped && line.Outcome != discovery.Failed && line.Request != discovery.ConnectRequest {
			written++
		}
	}
	if written != messages {
		t.Errorf("%d messages left, %d stand in the ledger: %q", messages, written, book.lines())
	}
}

// checkLeft counts the messages that left and fails on one that is not listed. Each write is one message.
func checkLeft(t *testing.T, p discovery.Protocol, class Class, left []sentPacket) int {
	t.Helper()
	for _, packet := range left {
		listed := slices.ContainsFunc(p.Asker.Requests, func(r discovery.Request) bool {
			_, ok := r.Template.Match(packet.data)
			return ok
		})
		if !listed {
			t.Fatalf("left, not listed: %x", packet.data)
		}
	}
	return len(left)
}
