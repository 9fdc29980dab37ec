package ask

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The protocol of these tests: a length of two bytes, then a word. "Q..." asks, "S" sets up, "L" and a password logs in;
// "A..." answers, "!" is not understood.

const framed = 2

func word(text string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
}

func wordLength(b []byte) (int, error) {
	if len(b) < framed {
		return 0, nil
	}
	n := framed + int(binary.BigEndian.Uint16(b))
	if n > 4000 {
		return 0, fmt.Errorf("a word of %d bytes at byte 0", n)
	}
	if len(b) < n {
		return 0, nil
	}
	return n, nil
}

type wordDecoder struct{ flow discovery.Flow }

func (d *wordDecoder) Feed(side discovery.Side, _ time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	n, err := wordLength(b)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		if d.flow.Transport == discovery.UDP {
			return 0, io.ErrUnexpectedEOF
		}
		return 0, nil
	}
	text := string(b[framed:n])
	switch {
	case text == "panic":
		panic("the decoder of the test")
	case text == "" || side == discovery.Server && text[0] != 'A':
		return n, fmt.Errorf("%q at byte 2", text)
	}
	out.Observe(discovery.Observation{
		Facts: []discovery.Fact{discovery.NewFact("word.said", text)},
		Talks: []discovery.Conversation{{Client: d.flow.Ends[0], Server: d.flow.Ends[1]}},
	})
	return n, nil
}

type askFunc = func(context.Context, discovery.Session, discovery.Target) error

func wordProtocol(name string, transport discovery.Transport, ask askFunc) discovery.Protocol {
	return discovery.Protocol{
		Name:   name,
		Decode: func(f discovery.Flow) discovery.Decoder { return &wordDecoder{flow: f} },
		Asker: &discovery.Asker{
			Transport: transport,
			Port:      4000,
			Requests: []discovery.Request{
				{Name: "hello", Safety: discovery.SafetyB, Template: discovery.MustTemplate("u16( 53 )"), Max: 10, Setup: true, Effect: "none: opens a session"},
				{Name: "login", Safety: discovery.SafetyB, Template: discovery.MustTemplate("u16( 4c secret*20 )"), Max: 3},
				{Name: "question", Safety: discovery.SafetyB, Template: discovery.MustTemplate("u16( 51 *20 )"), Max: 30, Effect: "none: reads a word"},
				{Name: "risky", Safety: discovery.SafetyC, Template: discovery.MustTemplate("u16( 52 )"), Max: 1},
			},
			Message: wordLength,
			Ask:     ask,
		},
	}
}

// exchangeWord writes one word and reads one.
func exchangeWord(conn net.Conn, text string) (string, error) {
	if _, err := conn.Write(word(text)); err != nil {
		return "", err
	}
	return readWord(conn)
}

func readWord(conn io.Reader) (string, error) {
	if _, ok := conn.(*datagram); ok {
		buffer := make([]byte, 4096)
		n, err := conn.Read(buffer)
		return string(buffer[min(framed, n):n]), err
	}
	var head [framed]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return "", err
	}
	body := make([]byte, binary.BigEndian.Uint16(head[:]))
	_, err := io.ReadFull(conn, body)
	return string(body), err
}

// askWords dials once and asks each word.
func askWords(texts ...string) askFunc {
	return func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
		conn, err := s.Dial(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		for _, text := range texts {
			if _, err := exchangeWord(conn, text); err != nil {
				return err
			}
		}
		return nil
	}
}

// answerAll answers each word with "A" and the word.
func answerAll(conn net.Conn) {
	for {
		text, err := readWord(conn)
		if err != nil {
			return
		}
		if _, err := conn.Write(word("A" + text)); err != nil {
			return
		}
	}
}

// notebook keeps what the keeper tells.
type notebook struct {
	mu           sync.Mutex
	observations []discovery.Observation
	ledger       []discovery.Exchange
}

func (n *notebook) Observe(o discovery.Observation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.observations = append(n.observations, o)
}

func (n *notebook) exchange(e discovery.Exchange) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ledger = append(n.ledger, e)
}

// lines are the ledger's requests and outcomes.
func (n *notebook) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, e := range n.ledger {
		out = append(out, e.Request+" "+string(e.Outcome))
	}
	return out
}

// facts are the values told under the key.
func (n *notebook) facts(key discovery.Key) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, o := range n.observations {
		for _, f := range o.Facts {
			if f.Key == key {
				out = append(out, f.Value)
			}
		}
	}
	return out
}

func newKeeper(t testing.TB, o Options) (*Keeper, *notebook) {
	t.Helper()
	book := &notebook{}
	if o.Out == nil {
		o.Out = book
	}
	if o.Ledger == nil {
		o.Ledger = book.exchange
	}
	if o.Scope == nil {
		o.Scope = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/24"), netip.MustParsePrefix("10.0.0.0/24")}
	}
	k, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return k, book
}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// host has E4 for every protocol named.
func host(address string, class Class, protocols ...string) Host {
	h := Host{Subject: discovery.Subject{Site: "s", Segment: "g", IP: netip.MustParseAddr(address)}, Class: class, Evidence: map[string]discovery.Grade{}}
	for _, p := range protocols {
		h.Evidence[p] = discovery.GradeNamed
	}
	return h
}

// peer is a device on loopback. Its counts are complete after end.
type peer struct {
	addr  netip.AddrPort
	mu    sync.Mutex
	open  int
	most  int // connections at once
	conns int
	end   func()
	ended []error // what the read at the end of each connection gave; nil = FIN
}

// tcpPeer serves each connection until it ends. The handler leaves the end of the connection to the peer by returning.
func tcpPeer(t testing.TB, handle func(net.Conn)) *peer {
	t.Helper()
	return tcpPeerAt(t, "127.0.0.1:0", handle)
}

func tcpPeerAt(t testing.TB, address string, handle func(net.Conn)) *peer {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{addr: addrPort(listener.Addr())}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(conn, handle) })
		}
	})
	p.end = func() {
		_ = listener.Close()
		serving.Wait()
	}
	t.Cleanup(p.end)
	return p
}

func (p *peer) serve(conn net.Conn, handle func(net.Conn)) {
	defer func() { _ = conn.Close() }()
	p.mu.Lock()
	p.conns++
	p.open++
	p.most = max(p.most, p.open)
	p.mu.Unlock()
	handle(conn)
	_, err := io.Copy(io.Discard, conn)
	p.mu.Lock()
	p.open--
	p.ended = append(p.ended, err)
	p.mu.Unlock()
}

// host is the peer as the planner sees it.
func (p *peer) host(class Class, protocols ...string) Host {
	h := host(p.addr.Addr().String(), class, protocols...)
	h.Ports = map[string]uint16{}
	for _, name := range protocols {
		h.Ports[name] = p.addr.Port()
	}
	return h
}

// quick is the pace of tests on real sockets.
func quick() Limits {
	l := DemoLimits()
	for _, c := range []*ClassLimits{&l.Infrastructure, &l.Computer, &l.Controller, &l.Gateway} {
		c.Gap, c.Pause = time.Millisecond, time.Millisecond
	}
	l.Rate, l.Packets = 10_000, 1_000_000
	l.SetupGap = time.Millisecond
	l.Answer, l.Connect, l.Close = 200*time.Millisecond, 500*time.Millisecond, 200*time.Millisecond
	l.Linger = 200 * time.Millisecond
	return l
}

// noLeak fails the test when goroutines that it started are still there at its end.
func noLeak(t testing.TB) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		deadline := time.Now().Add(2 * time.Second)
		for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
			time.Sleep(5 * time.Millisecond)
		}
		if now := runtime.NumGoroutine(); now > before {
			buffer := make([]byte, 1<<16)
			t.Errorf("%d goroutines more than before:\n%s", now-before, buffer[:runtime.Stack(buffer, true)])
		}
	})
}

func mustRun(t testing.TB, k *Keeper, hosts ...Host) Result {
	t.Helper()
	r, err := k.Run(t.Context(), k.Plan(hosts))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantLines(t testing.TB, book *notebook, want ...string) {
	t.Helper()
	if got := book.lines(); !slices.Equal(got, want) {
		t.Errorf("ledger:\ngot  %q\nwant %q", got, want)
	}
}

var errTest = errors.New("the asker of the test")
