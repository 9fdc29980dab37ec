package ask

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// linger0 breaks the connection off by a reset, as only a device does; walkdown never.
func linger0(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name     string
		serve    func(net.Conn)
		ask      askFunc
		outcome  ItemOutcome
		ledger   []string
		service  bool
		distress string
		puzzled  string
	}{
		{
			name: "answered", serve: answerAll, ask: askWords("S", "Q1", "Q2"), outcome: ItemAnswered, service: true,
			ledger: []string{"hello answered", "question answered", "question answered"},
		},
		{
			name: "reset_at_first", serve: func(c net.Conn) { _, _ = readWord(c); linger0(c) }, ask: askWords("Q1", "Q2"),
			outcome: ItemReset, ledger: []string{"question reset"},
		},
		{
			name: "reset_after_answers", serve: func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write(word("A")); _, _ = readWord(c); linger0(c) },
			ask: askWords("Q1", "Q2"), outcome: ItemDistress, service: true, distress: "reset by the device to question",
			ledger: []string{"question answered", "question reset", "question skipped", "login skipped"},
		},
		{
			name: "fin_after_answers", serve: func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write(word("A")); _, _ = readWord(c); _ = c.Close() },
			ask: askWords("Q1", "Q2"), outcome: ItemDistress, service: true, distress: "closed by the device to question",
			ledger: []string{"question answered", "question reset", "question skipped", "login skipped"},
		},
		{
			name: "silent", serve: func(net.Conn) {}, ask: askWords("Q1", "Q2"), outcome: ItemSilent, ledger: []string{"question silent"},
		},
		{
			name: "silent_after_answers", serve: func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write(word("A")) },
			ask: askWords("Q1", "Q2"), outcome: ItemDistress, service: true, distress: "no answer in time to question",
			ledger: []string{"question answered", "question silent", "question skipped", "login skipped"},
		},
		{
			name: "silent_after_set_up", serve: func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write(word("A")) },
			ask: askWords("S", "Q1"), outcome: ItemSilent, ledger: []string{"hello answered", "question silent"},
		},
		{
			name: "garbage", serve: func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write(word("!?")) }, ask: askWords("Q1"),
			outcome: ItemNotUnderstood, ledger: []string{"question garbage"}, puzzled: `word: "!?" at byte 2`,
		},
		{
			name: "another_protocol", serve: func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write([]byte("SSH-2.0-x\r\n")) },
			ask: askWords("Q1"), outcome: ItemNotUnderstood, ledger: []string{"question garbage"}, puzzled: "word: a word of 21333 bytes at byte 0",
		},
		{
			name: "cut_short", serve: func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write(word("Answer")[:4]); _ = c.Close() },
			ask: askWords("Q1"), outcome: ItemNotUnderstood, ledger: []string{"question garbage"}, puzzled: "word: the answer is cut short",
		},
		{
			name: "decoder_panics", serve: func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write(word("panic")) }, ask: askWords("Q1"),
			outcome: ItemNotUnderstood, ledger: []string{"question garbage"}, puzzled: "word: the decoder failed: the decoder of the test",
		},
		{
			name: "one_byte_at_a_time", ask: askWords("Q1"), outcome: ItemAnswered, service: true, ledger: []string{"question answered"},
			serve: func(c net.Conn) {
				_, _ = readWord(c)
				for _, b := range word("Answer") {
					_, _ = c.Write([]byte{b})
					time.Sleep(time.Millisecond)
				}
			},
		},
		{
			name: "not_listed", serve: answerAll, ask: askWords("Q1", "X"), outcome: ItemFailed, service: true,
			ledger: []string{"question answered", "not listed skipped"},
		},
		{
			name: "class_c_not_allowed", serve: answerAll, ask: askWords("R"), outcome: ItemFailed, ledger: []string{"not listed skipped"},
		},
		{
			name: "asker_gives_up", serve: answerAll, outcome: ItemFailed,
			ask: func(context.Context, discovery.Session, discovery.Target) error { return errTest },
		},
		{
			name: "asker_panics", serve: answerAll, outcome: ItemFailed,
			ask: func(context.Context, discovery.Session, discovery.Target) error { panic("a library") },
		},
		{
			name: "nothing_to_ask", serve: answerAll, outcome: ItemNothing,
			ask: func(context.Context, discovery.Session, discovery.Target) error { return nil },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeak(t)
			device := tcpPeer(t, c.serve)
			second := wordProtocol("other", discovery.TCP, func(context.Context, discovery.Session, discovery.Target) error { return nil })
			second.Asker.Requests = second.Asker.Requests[1:3]
			slices.Reverse(second.Asker.Requests)
			k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, c.ask), second}, Limits: quick(), Survey: "s-1", Sensor: "eth9"})
			r := mustRun(t, k, device.host(Controller, "word", "other"))
			item := r.Devices[0].Items[0]
			if item.Outcome != c.outcome {
				t.Errorf("outcome %q (%s), want %q", item.Outcome, item.Reason, c.outcome)
			}
			wantLines(t, book, c.ledger...)
			if got := book.facts(discovery.KeyService); (len(got) == 1) != c.service {
				t.Errorf("services %q", got)
			}
			if got := strings.Join(book.facts(discovery.KeyDistress), ""); !strings.Contains(got, c.distress) || (got == "") != (c.distress == "") {
				t.Errorf("distress %q, want %q", got, c.distress)
			}
			if got := strings.Join(book.facts(discovery.KeyNotUnderstood), ""); got != c.puzzled {
				t.Errorf("not understood %q, want %q", got, c.puzzled)
			}
			for _, o := range book.observations {
				if o.Mode != discovery.Asked || o.Survey != "s-1" || o.Sensor != "eth9" || o.Protocol != "word" || o.Time.IsZero() || o.Subject != r.Devices[0].Subject || len(o.Talks) > 0 {
					t.Errorf("observation %+v", o)
				}
			}
			for _, e := range book.ledger {
				if e.Survey != "s-1" || e.Target != r.Devices[0].Subject || e.Port != device.addr.Port() || e.Time.IsZero() || (e.Outcome == discovery.Answered) != (e.RTT > 0) && e.Outcome != discovery.Garbage {
					t.Errorf("ledger line %+v", e)
				}
			}
		})
	}
}

func TestClosedPortIsNotOffered(t *testing.T) {
	noLeak(t)
	gone := tcpPeer(t, answerAll)
	var asked error
	p := wordProtocol("word", discovery.TCP, func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
		_, asked = s.Dial(ctx)
		if _, again := s.Dial(ctx); !errors.Is(again, discovery.ErrNotOffered) {
			t.Errorf("tried again: %v", again)
		}
		return asked
	})
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: quick()})
	h := gone.host(Unknown, "word")
	h.Ports["word"] = 1 // nothing listens there
	r := mustRun(t, k, h)
	if !errors.Is(asked, discovery.ErrNotOffered) || r.Devices[0].Items[0].Outcome != ItemNotOffered {
		t.Errorf("got %v, %+v", asked, r.Devices[0])
	}
	wantLines(t, book, "tcp-connect refused")
	if r.Counts.Refused != 1 || r.Counts.Questions != 0 || r.Counts.Asked != 1 || r.Counts.Answered != 0 {
		t.Errorf("counts %+v", r.Counts)
	}
}

// What is written in pieces leaves whole; what is not listed does not leave at all, and the connection ends with a FIN.
func TestOnlyListedBytesLeave(t *testing.T) {
	noLeak(t)
	var got bytes.Buffer
	device := tcpPeer(t, func(c net.Conn) { _, _ = io.Copy(&got, c) })
	p := wordProtocol("word", discovery.TCP, func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
		conn, err := s.Dial(ctx)
		if err != nil {
			return err
		}
		for _, b := range word("Q-in-pieces") {
			if _, err := conn.Write([]byte{b}); err != nil {
				return err
			}
		}
		both := append(word("Qsecond"), word("W5=1")...)
		n, err := conn.Write(both)
		if n != len(word("Qsecond")) || !errors.Is(err, discovery.ErrNotListed) {
			t.Errorf("wrote %d, %v", n, err)
		}
		if _, err := conn.Write(word("Qthird")); !errors.Is(err, discovery.ErrNotListed) {
			t.Errorf("after the refusal: %v", err)
		}
		return nil // even if the asker hides it
	})
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: quick()})
	r := mustRun(t, k, device.host(Controller, "word"))
	device.end()
	if want := append(word("Q-in-pieces"), word("Qsecond")...); !bytes.Equal(got.Bytes(), want) {
		t.Errorf("left: %q, want %q", got.Bytes(), want)
	}
	if device.ended[0] != nil {
		t.Errorf("the connection ended with %v", device.ended[0])
	}
	if r.Devices[0].Items[0].Outcome != ItemFailed || len(r.Troubles) != 1 {
		t.Errorf("result %+v", r)
	}
	for _, e := range book.ledger {
		if e.Request == notListed && (e.Bytes != nil || e.Outcome != discovery.Skipped) {
			t.Errorf("kept of what was refused: %+v", e)
		}
	}
}

func TestSecretsAreOverwritten(t *testing.T) {
	device := tcpPeer(t, answerAll)
	k, book := newKeeper(t, Options{
		Protocols:   []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Lhunter2", "Lb", "Lc", "Ld"))},
		Credentials: []discovery.Credential{{Protocol: "word", Kind: "password", Secret: "hunter2"}},
		Limits:      quick(),
	})
	mustRun(t, k, device.host(Controller, "word"))
	wantLines(t, book, "login answered", "login answered", "login answered", "login skipped")
	if got := string(book.ledger[0].Bytes); got != "\x00\x08Lxxxxxxx" {
		t.Errorf("ledger has %q", got)
	}
	if got := string(book.ledger[3].Bytes); got != "\x00\x02Lx" {
		t.Errorf("ledger has %q of what was skipped", got)
	}
}

func TestBudgetOfTheDeviceHoldsOverProtocols(t *testing.T) {
	device := tcpPeer(t, answerAll)
	limits := quick()
	limits.Controller.Questions = 3
	a := wordProtocol("a", discovery.TCP, askWords("S", "Q1", "Q2"))
	b := wordProtocol("b", discovery.TCP, askWords("S", "Q3", "Q4", "Q5"))
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{a, b}, Limits: limits})
	plan := k.Plan([]Host{device.host(Controller, "a", "b")})
	if plan.Totals.Questions != 3 {
		t.Errorf("planned %d questions", plan.Totals.Questions)
	}
	r, err := k.Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, book, "hello answered", "question answered", "question answered", "hello answered", "question answered", "question skipped")
	if len(r.Reasons) != 1 || !strings.Contains(r.Reasons[0], "budget") || r.Counts.Questions != 3 || r.Counts.Skipped != 1 {
		t.Errorf("result %+v", r)
	}
}

func TestOneConnectionAtATime(t *testing.T) {
	noLeak(t)
	device := tcpPeer(t, answerAll)
	twice := func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
		for range 2 {
			conn, err := s.Dial(ctx)
			if err != nil {
				return err
			}
			if _, err := exchangeWord(conn, "Q"); err != nil {
				return err
			}
		}
		return nil // and leaves the second one open
	}
	limits := quick()
	limits.Controller.Connections = 3
	k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("a", discovery.TCP, twice), wordProtocol("b", discovery.TCP, twice)}, Limits: limits})
	r := mustRun(t, k, device.host(Controller, "a", "b"))
	device.end()
	if device.most != 1 || device.conns != 3 {
		t.Errorf("%d connections, %d at once", device.conns, device.most)
	}
	for _, err := range device.ended {
		if err != nil {
			t.Errorf("a connection ended with %v", err)
		}
	}
	if len(r.Reasons) != 1 || !strings.Contains(r.Reasons[0], "not asked all of b: the budget") {
		t.Errorf("reasons %q", r.Reasons)
	}
}

// A device that never closes its side is not waited for for ever, and is not reset as long as nothing unread comes from it.
func TestClosingIsBounded(t *testing.T) {
	stop := make(chan struct{})
	device := tcpPeer(t, func(c net.Conn) { _, _ = readWord(c); _, _ = c.Write(word("A")); <-stop })
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q"))}, Limits: quick()})
	started := time.Now()
	mustRun(t, k, device.host(Controller, "word"))
	if took := time.Since(started); took < 200*time.Millisecond || took > 900*time.Millisecond {
		t.Errorf("took %s", took)
	}
	close(stop)
	wantLines(t, book, "question answered")
}

func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		ask   askFunc
	}{
		{"waiting_for_an_answer", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, askWords("Q1")},
		{"waiting_for_the_pace", answerAll, askWords("Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8", "Q9")},
		{"never_closes", func(c net.Conn) { time.Sleep(1500 * time.Millisecond) }, askWords("Q1")},
		{"stuck_asker", answerAll, func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
			_, _ = s.Dial(ctx)
			time.Sleep(1500 * time.Millisecond)
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeak(t)
			device := tcpPeerAt(t, "0.0.0.0:0", c.serve)
			var hosts []Host
			for ip := addr("127.0.0.1"); len(hosts) < 12; ip = ip.Next() {
				h := host(ip.String(), Controller, "word")
				h.Ports = map[string]uint16{"word": device.addr.Port()}
				hosts = append(hosts, h)
			}
			limits := DefaultLimits()
			limits.Rate = 100
			k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, c.ask)}, Limits: limits})
			ctx, cancel := context.WithCancel(t.Context())
			var cancelled atomic.Int64
			time.AfterFunc(400*time.Millisecond, func() { cancelled.Store(time.Now().UnixNano()); cancel() })
			r, err := k.Run(ctx, k.Plan(hosts))
			took := time.Since(time.Unix(0, cancelled.Load()))
			if !errors.Is(err, context.Canceled) || !r.Interrupted || len(r.Reasons) == 0 {
				t.Errorf("got %v, %+v", err, r)
			}
			if took > time.Second {
				t.Errorf("returned %s after the interrupt", took)
			}
			for _, e := range book.ledger {
				if e.Time.After(time.Unix(0, cancelled.Load()).Add(100 * time.Millisecond)) {
					t.Errorf("%s left %s after the interrupt", e.Request, e.Time.Sub(time.Unix(0, cancelled.Load())))
				}
			}
		})
	}
}

// After an interrupt the protocol's farewell still leaves, and a connection that is on its way is not left half open.
func TestInterruptEndsInOrder(t *testing.T) {
	t.Run("farewell", func(t *testing.T) {
		noLeak(t)
		var got bytes.Buffer
		device := tcpPeer(t, func(c net.Conn) { _, _ = io.Copy(&got, c) })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ask := func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
			conn, err := s.Dial(ctx)
			if err != nil {
				return err
			}
			time.AfterFunc(50*time.Millisecond, cancel)
			_, err = exchangeWord(conn, "Q")
			if _, err := conn.Write(word("Q2")); err == nil {
				t.Error("a question left after the interrupt")
			}
			if _, err := conn.Write(word("S")); err != nil {
				t.Errorf("the farewell: %v", err)
			}
			return err
		}
		limits := quick()
		limits.Answer = 10 * time.Second
		k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, ask)}, Limits: limits})
		_, err := k.Run(ctx, k.Plan([]Host{device.host(Controller, "word")}))
		device.end()
		if want := append(word("Q"), word("S")...); !errors.Is(err, context.Canceled) || !bytes.Equal(got.Bytes(), want) || device.ended[0] != nil {
			t.Errorf("got %v, the device got %q and the end %v", err, got.Bytes(), device.ended)
		}
	})
	t.Run("connecting", func(t *testing.T) {
		noLeak(t)
		device := tcpPeer(t, answerAll)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("S", "Q"))}, Limits: quick()})
		k.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			cancel()
			time.Sleep(100 * time.Millisecond)
			return k.dialPlain(ctx, network, address)
		}
		_, err := k.Run(ctx, k.Plan([]Host{device.host(Controller, "word")}))
		device.end()
		if !errors.Is(err, context.Canceled) || device.conns != 1 || device.ended[0] != nil {
			t.Errorf("got %v; %d connections, ended with %v", err, device.conns, device.ended)
		}
		wantLines(t, book)
	})
}

func TestPlanIsCheckedBeforeAnythingIsSent(t *testing.T) {
	device := tcpPeer(t, answerAll)
	for _, c := range []struct {
		name   string
		spoil  func(*Plan)
		reason string
	}{
		{"out_of_scope", func(p *Plan) { p.Devices[0].Address = addr("10.9.9.9") }, "outside the scope"},
		{"twice", func(p *Plan) { p.Devices = append(p.Devices, p.Devices[0]) }, "stands twice"},
		{"protocol_twice", func(p *Plan) { p.Devices[0].Items = append(p.Devices[0].Items, p.Devices[0].Items[0]) }, "stands twice"},
		{"unknown_protocol", func(p *Plan) { p.Devices[0].Items[0].Protocol = "telnet" }, "is not asked"},
		{"unknown_request", func(p *Plan) { p.Devices[0].Items[0].Requests[0].Name = "reboot" }, "is not listed"},
		{"other_bytes", func(p *Plan) { p.Devices[0].Items[0].Requests[0].Template = "*500" }, "another form"},
		{"class_c", func(p *Plan) {
			p.Devices[0].Items[0].Requests[0] = Planned{Name: "risky", Template: "u16( 52 )", AtMost: 1}
		}, "class C"},
		{"no_port", func(p *Plan) { p.Devices[0].Items[0].Port = 0 }, "no port"},
		{"unit", func(p *Plan) { p.Devices[0].Items[0].Units = []int{300} }, "unit 300"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q"))}, Limits: quick()})
			plan := k.Plan([]Host{device.host(Controller, "word")})
			c.spoil(&plan)
			_, err := k.Run(t.Context(), plan)
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want %q", err, c.reason)
			}
		})
	}
	device.end()
	if device.conns > 0 {
		t.Errorf("%d connections", device.conns)
	}
}

// A plan in which a request stands less often than its protocol lists it is kept.
func TestSignedPlanIsKept(t *testing.T) {
	device := tcpPeer(t, answerAll)
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q1", "Q2", "Q3"))}, Limits: quick()})
	plan := k.Plan([]Host{device.host(Controller, "word")})
	for i, r := range plan.Devices[0].Items[0].Requests {
		if r.Name == "question" {
			plan.Devices[0].Items[0].Requests[i].AtMost = 2
		}
	}
	if _, err := k.Run(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	wantLines(t, book, "question answered", "question answered", "question skipped")
}

func TestDeviceThatTalksForEver(t *testing.T) {
	noLeak(t)
	device := tcpPeer(t, func(c net.Conn) {
		_, _ = readWord(c)
		for {
			if _, err := c.Write(bytes.Repeat(word("A"), 1000)); err != nil {
				return
			}
		}
	})
	limits := quick()
	limits.Received = 100_000
	k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
		conn, err := s.Dial(ctx)
		if err != nil {
			return err
		}
		if _, err := conn.Write(word("Q")); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, conn)
		return err
	})}, Limits: limits})
	r := mustRun(t, k, device.host(Controller, "word"))
	if !strings.Contains(r.Devices[0].Items[0].Reason, "more than 100000 bytes") {
		t.Errorf("got %+v", r.Devices[0])
	}
}
