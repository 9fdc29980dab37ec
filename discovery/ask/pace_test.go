package ask

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// lab is a network without sockets, so that a test may have its own clock: each dial gives one end of a pipe.
type lab struct {
	mu      sync.Mutex
	arrived map[string][]arrival // by address
	handle  func(address string, conn net.Conn)
}

type arrival struct {
	at   time.Time
	text string // "" = a connection
}

// pipe pretends to half-close.
type pipe struct{ net.Conn }

func (p pipe) CloseWrite() error { return p.Close() }

func (l *lab) dial(_ context.Context, _, address string) (net.Conn, error) {
	near, far := net.Pipe()
	l.note(address, "")
	go func() {
		defer func() { _ = far.Close() }()
		l.handle(address, noted{far, l, address})
	}()
	return pipe{near}, nil
}

func (l *lab) note(address, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.arrived == nil {
		l.arrived = map[string][]arrival{}
	}
	l.arrived[address] = append(l.arrived[address], arrival{time.Now(), text})
}

// noted notes when each message comes.
type noted struct {
	net.Conn
	lab     *lab
	address string
}

func (n noted) Read(b []byte) (int, error) {
	read, err := n.Conn.Read(b)
	if read > framed {
		n.lab.note(n.address, string(b[framed:read]))
	}
	return read, err
}

// readNoted reads a whole word at once, as a pipe gives it.
func readNoted(conn net.Conn) (string, error) {
	buffer := make([]byte, 4096)
	n, err := conn.Read(buffer)
	if err != nil {
		return "", err
	}
	return string(buffer[framed:n]), nil
}

func answerAfter(d time.Duration) func(string, net.Conn) {
	return func(_ string, conn net.Conn) {
		for {
			text, err := readNoted(conn)
			if err != nil {
				return
			}
			time.Sleep(d)
			if _, err := conn.Write(word("A" + text)); err != nil {
				return
			}
		}
	}
}

// gaps are the times between the messages that begin with one of the letters; "" stands for connections.
func (l *lab) gaps(address string, letters ...string) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []time.Duration
	var last time.Time
	for _, a := range l.arrived[address] {
		if !slices.Contains(letters, a.text[:min(1, len(a.text))]) {
			continue
		}
		if !last.IsZero() {
			out = append(out, a.at.Sub(last))
		}
		last = a.at
	}
	return out
}

func TestGapsOfTheClasses(t *testing.T) {
	for class, gap := range map[Class]time.Duration{
		Infrastructure: 200 * time.Millisecond,
		Computer:       500 * time.Millisecond,
		Controller:     time.Second,
		Unknown:        time.Second,
		Gateway:        2 * time.Second,
	} {
		t.Run(class.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lab{handle: answerAfter(10 * time.Millisecond)}
				k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("S", "S", "Q1", "Q2", "Q3", "Q4"))}})
				k.dial = l.dial
				mustRun(t, k, host("10.0.0.5", class, "word"))
				gaps := l.gaps("10.0.0.5:4000", "Q")
				if len(gaps) != 3 {
					t.Fatalf("%d gaps; ledger %q", len(gaps), book.lines())
				}
				for _, got := range gaps {
					if got < gap || got > gap+gap/10+time.Millisecond {
						t.Errorf("gap %s, want %s to %s", got, gap, gap+gap/10)
					}
				}
				for _, got := range l.gaps("10.0.0.5:4000", "S", "Q") {
					if got < 100*time.Millisecond {
						t.Errorf("gap %s to or from a set-up message", got)
					}
				}
			})
		})
	}
}

func TestSlowDevicesGetLongerGaps(t *testing.T) {
	for _, c := range []struct{ rtt, gap time.Duration }{
		{50 * time.Millisecond, 200 * time.Millisecond},
		{150 * time.Millisecond, 300 * time.Millisecond},
		{400 * time.Millisecond, time.Second},
		{900 * time.Millisecond, 1800 * time.Millisecond},
	} {
		t.Run(c.rtt.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lab{handle: answerAfter(c.rtt)}
				k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q1", "Q2", "Q3"))}})
				k.dial, k.random = l.dial, func() float64 { return 0 }
				mustRun(t, k, host("10.0.0.5", Infrastructure, "word"))
				for _, got := range l.gaps("10.0.0.5:4000", "Q") {
					if got != c.gap {
						t.Errorf("gap %s, want %s", got, c.gap)
					}
				}
			})
		})
	}
}

func TestPauseBetweenConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{handle: answerAfter(0)}
		k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{
			wordProtocol("a", discovery.TCP, askWords("Q")), wordProtocol("b", discovery.TCP, askWords("Q")), wordProtocol("c", discovery.TCP, askWords("Q")),
		}})
		k.dial = l.dial
		mustRun(t, k, host("10.0.0.5", Controller, "a", "b", "c"))
		gaps := l.gaps("10.0.0.5:4000", "")
		if len(gaps) != 2 || gaps[0] < 2*time.Second || gaps[1] < 2*time.Second {
			t.Errorf("pauses %v", gaps)
		}
	})
}

// A library that sets half a second before it writes must get it after the wait for the pace, and no more than the limit.
func TestDeadlinesRunFromWhenTheBytesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{handle: answerAfter(300 * time.Millisecond)}
		ask := func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
			conn, err := s.Dial(ctx)
			if err != nil {
				return err
			}
			for i := range 3 {
				_ = conn.SetDeadline(time.Now().Add(500 * time.Millisecond))
				if _, err := exchangeWord(conn, fmt.Sprint("Q", i)); err != nil {
					return fmt.Errorf("question %d: %w", i, err)
				}
			}
			return nil
		}
		k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, ask)}})
		k.dial = l.dial
		mustRun(t, k, host("10.0.0.5", Controller, "word"))
		wantLines(t, book, "question answered", "question answered", "question answered")
	})
	synctest.Test(t, func(t *testing.T) {
		l := &lab{handle: answerAfter(time.Hour)}
		ask := func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
			conn, err := s.Dial(ctx)
			if err != nil {
				return err
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			started := time.Now()
			_, err = exchangeWord(conn, "Q")
			if took := time.Since(started); took < 3*time.Second || took > 3100*time.Millisecond {
				t.Errorf("waited %s for the answer", took)
			}
			return err
		}
		k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, ask)}})
		k.dial = l.dial
		mustRun(t, k, host("10.0.0.5", Controller, "word"))
		wantLines(t, book, "question silent")
		time.Sleep(2 * time.Hour) // the peer wakes up and goes
	})
}

// Forty devices, eight at once: never more than ten questions and connects in any second, each device at its own gap, and
// about as long as the plan says.
func TestOverallRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{handle: answerAfter(20 * time.Millisecond)}
		p := wordProtocol("word", discovery.TCP, askWords("S", "Q1", "Q2", "Q3", "Q4"))
		p.Asker.Requests = []discovery.Request{p.Asker.Requests[0], p.Asker.Requests[2]}
		p.Asker.Requests[0].Max, p.Asker.Requests[1].Max = 1, 4
		k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{p}})
		k.dial = l.dial
		var hosts []Host
		for i := range 40 {
			hosts = append(hosts, host(fmt.Sprintf("10.0.0.%d", i+1), Controller, "word"))
		}
		plan := k.Plan(hosts)
		started := time.Now()
		r, err := k.Run(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(started)
		var all []time.Time
		for address := range l.arrived {
			for _, a := range l.arrived[address] {
				if !strings.HasPrefix(a.text, "S") {
					all = append(all, a.at)
				}
			}
		}
		slices.SortFunc(all, time.Time.Compare)
		for i := 10; i < len(all); i++ {
			if d := all[i].Sub(all[i-10]); d < time.Second-time.Microsecond {
				t.Errorf("11 within %s", d)
			}
		}
		if len(all) != 200 || r.Counts.Questions != 160 || r.Counts.Setup != 40 {
			t.Errorf("%d questions and connects, counts %+v", len(all), r.Counts)
		}
		t.Logf("40 devices, 4 questions each: planned %.1f s, took %s", plan.Totals.Seconds, took.Round(100*time.Millisecond))
		if took.Seconds() < plan.Totals.Seconds/2 || took.Seconds() > plan.Totals.Seconds*2 {
			t.Errorf("planned %.1f s, took %s", plan.Totals.Seconds, took)
		}
	})
}

func TestTimeForOneDeviceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{handle: answerAfter(0)}
		ask := func(ctx context.Context, _ discovery.Session, _ discovery.Target) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, ask)}})
		k.dial = l.dial
		started := time.Now()
		r := mustRun(t, k, host("10.0.0.5", Controller, "word"))
		if took := time.Since(started); took != 15*time.Minute || r.Interrupted {
			t.Errorf("took %s, %+v", took, r)
		}
	})
}
