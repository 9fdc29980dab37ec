package ask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The table of defaults, row by row: each number stands in DefaultLimits, and what it is for is tried where another test does
// not do so already.
func TestTableOfDefaults(t *testing.T) {
	l := DefaultLimits()
	per := func(c Class) string {
		limits := l.Class(c)
		return fmt.Sprintf("%s gap, %d questions, %d connections, %s between", limits.Gap, limits.Questions, limits.Connections, limits.Pause)
	}
	for _, row := range []struct{ name, got, want string }{
		{"switch_router_firewall_ap", per(Infrastructure), "200ms gap, 400 questions, 8 connections, 1s between"},
		{"core", fmt.Sprint(l.questions(Infrastructure, true), " questions"), "1500 questions"},
		{"slow_infrastructure", fmt.Sprintf("%s once RTT > %s or %g x its own", l.SlowGap, l.SlowRTT, l.SlowFactor), "1s once RTT > 300ms or 3 x its own"},
		{"server_hmi_pc", per(Computer), "500ms gap, 30 questions, 6 connections, 1s between"},
		{"controller", per(Controller), "1s gap, 20 questions, 3 connections, 2s between"},
		{"drive_io_meter", per(Field), "1s gap, 20 questions, 3 connections, 2s between"},
		{"unknown", per(Unknown), "1s gap, 20 questions, 3 connections, 2s between"},
		{"serial_or_mstp_gateway", per(Gateway), "2s gap, 16 questions, 3 connections, 2s between"},
		{
			"overall", fmt.Sprintf("%g questions/s, %d devices, %d behind one port, jitter %g, ARP %g/s", l.Rate, l.Devices, l.AtOnePort, l.Jitter, l.SweepRate),
			"10 questions/s, 8 devices, 2 behind one port, jitter 0.1, ARP 20/s",
		},
		{"handshake_frames", l.SetupGap.String(), "100ms"},
		{"packets", fmt.Sprint(l.Packets), "50"},
		{"time_outs", fmt.Sprintf("%s connect, %s answer, %d UDP retry", l.Connect, l.Answer, l.UDPRetries), "3s connect, 3s answer, 1 UDP retry"},
		{
			"run_stop", fmt.Sprintf("within %s: %d pause, %d stop", l.Recent, l.PauseAt, l.StopAt),
			"within 10m0s: 2 pause, 3 stop",
		},
		{"closing", fmt.Sprintf("%s, %s after an interrupt", l.Close, l.Stop), "2s, 800ms after an interrupt"},
		{"repeat", l.Repeat.String(), "24h0m0s"},
		{"never_swept", fmt.Sprintf("/%d, %d addresses", l.SweepBits, l.SweepMax), "/22, 1024 addresses"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.got != row.want {
				t.Errorf("%s, want %s", row.got, row.want)
			}
		})
	}
}

// Every preset keeps the rules: the budgets are those of the gentle pace, nothing is quicker to a controller, and one device never
// gets two connections.
func TestPresets(t *testing.T) {
	gentle := DefaultLimits()
	for _, name := range []string{"whisper", "gentle", "brisk"} {
		t.Run(name, func(t *testing.T) {
			l, err := Preset(name)
			if err != nil || l.Name != name || l.check() != nil {
				t.Fatalf("%v, %+v", err, l)
			}
			if l.Packets > 50 || l.SweepRate > 20 {
				t.Errorf("%d packets and %g ARP requests a second", l.Packets, l.SweepRate)
			}
			for _, c := range discovery.Classes() {
				limits, want := l.Class(c), gentle.Class(c)
				if limits.Questions != want.Questions || limits.Connections != want.Connections || limits.SlowAnswers != want.SlowAnswers {
					t.Errorf("%s: budgets %+v", c, limits)
				}
				if careful := c != Infrastructure && c != Computer; careful && (limits.Gap < want.Gap || limits.Pause < want.Pause) {
					t.Errorf("%s: quicker than gentle: %+v", c, limits)
				}
			}
			if l.SlowFactor != gentle.SlowFactor || l.HeardResets != gentle.HeardResets || l.StopAt != gentle.StopAt || l.Repeat != gentle.Repeat || l.Close != gentle.Close {
				t.Errorf("a rule is another: %+v", l)
			}
		})
	}
	if l, err := Preset(""); err != nil || l.Name != "gentle" {
		t.Errorf("the default is %q, %v", l.Name, err)
	}
	if _, err := Preset("hasty"); err == nil {
		t.Error("a pace of any name")
	}
}

// Whatever is sent at whatever preset, set-up, tear-down and acknowledgements of long answers counted: never more than fifty
// packets leave in a second.
func TestPacketsPerSecond(t *testing.T) {
	for _, name := range []string{"whisper", "gentle", "brisk"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limits, err := Preset(name)
				if err != nil {
					t.Fatal(err)
				}
				var mu sync.Mutex
				var packets []time.Time
				sent := func(n int) {
					mu.Lock()
					defer mu.Unlock()
					for range n {
						packets = append(packets, time.Now())
					}
				}
				long := strings.Repeat("x", 4000)
				l := &lab{handle: func(_ string, conn net.Conn) {
					for {
						text, err := readNoted(conn)
						if err != nil {
							return
						}
						answer := "A"
						if text[0] == 'Q' {
							answer += long
						}
						if _, err := conn.Write(word(answer)); err != nil {
							return
						}
					}
				}}
				// The most set-up that a protocol may have, all devices computers.
				p := wordProtocol("word", discovery.TCP, askWords("S", "S", "S", "S", "S", "S", "Q1", "S", "S", "S", "S", "Q2"))
				k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: limits, Ledger: func(e discovery.Exchange) {
					sent(packetsPerMessage)
					if !e.Setup {
						sent(1) // the acknowledgement of the second two segments comes with the answer
					}
				}})
				k.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					sent(packetsPerConnection / 2)
					return l.dial(ctx, network, address)
				}
				var hosts []Host
				for i := range 24 {
					hosts = append(hosts, host(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}).String(), Computer, "word"))
				}
				mustRun(t, k, hosts...)
				slices.SortFunc(packets, time.Time.Compare)
				most := 0
				from := 0
				for i, at := range packets {
					for at.Sub(packets[from]) >= time.Second {
						from++
					}
					most = max(most, i-from+1)
				}
				t.Logf("at most %d packets in a second of %d", most, len(packets))
				if most > limits.Packets {
					t.Errorf("%d packets in a second, at most %d may be", most, limits.Packets)
				}
			})
		})
	}
}

// An interrupt ends everything within a second, whatever the run is at. The clock is false, so the times are exact.
func TestInterruptAtEveryPhase(t *testing.T) {
	never := func(_ string, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for _, c := range []struct {
		name   string
		handle func(string, net.Conn)
		dial   func(context.Context) error // instead of the pipe
		texts  []string
		hold   func(*Keeper) // before the run
		after  time.Duration // the interrupt
	}{
		{name: "connecting", dial: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, texts: []string{"Q1"}, after: 500 * time.Millisecond},
		{name: "set_up", handle: never, texts: []string{"S"}, after: 500 * time.Millisecond},
		{name: "question", handle: never, texts: []string{"Q1"}, after: 500 * time.Millisecond},
		{name: "pace", handle: answerAfter(time.Millisecond), texts: []string{"Q1", "Q2", "Q3"}, after: 500 * time.Millisecond},
		{name: "packets", handle: answerAfter(time.Millisecond), texts: []string{"Q1", "Q2"}, hold: func(k *Keeper) { k.packets.ReserveN(time.Now(), 10) }, after: 20 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lab{handle: c.handle}
				k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords(c.texts...))}})
				k.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if c.dial != nil {
						return nil, c.dial(ctx)
					}
					return l.dial(ctx, network, address)
				}
				if c.hold != nil {
					c.hold(k)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var interrupted time.Time
				time.AfterFunc(c.after, func() { interrupted = time.Now(); cancel() })
				var hosts []Host
				for i := range 12 {
					hosts = append(hosts, host(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}).String(), Controller, "word"))
				}
				r, err := k.Run(ctx, k.Plan(hosts))
				if took := time.Since(interrupted); took > time.Second {
					t.Errorf("it ended %s after the interrupt", took)
				}
				if !errors.Is(err, context.Canceled) || !r.Interrupted {
					t.Errorf("got %v, %+v", err, r)
				}
			})
		})
	}
	t.Run("search", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			k, _ := sweepKeeper(t, nil, newCable(func([]byte) [][]byte { return nil }), "10.0.0.0/24")
			interruptedWithin(t, func(ctx context.Context) { _, _ = k.Sweep(ctx, k.PlanSweep(nil)) })
		})
	})
	t.Run("still_there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, k, _ := newStreet(t, 1, 0, 1, true, Options{})
			interruptedWithin(t, func(ctx context.Context) { k.stillThere(ctx, s.devices[0].Subject) })
		})
	})
	t.Run("pause_of_the_run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			paused := false
			s, k, _ := newStreet(t, 6, 2, 2, true, Options{Notice: func(text string) { paused = paused || strings.HasPrefix(text, "paused") }})
			ctx, cancel := context.WithCancel(t.Context())
			var interrupted time.Time
			time.AfterFunc(40*time.Second, func() { interrupted = time.Now(); cancel() })
			_, err := k.Run(ctx, k.Plan(s.devices))
			if took := time.Since(interrupted); !paused || !errors.Is(err, context.Canceled) || took > time.Second {
				t.Errorf("paused %v; it ended %s after the interrupt with %v", paused, took, err)
			}
		})
	})
	t.Run("window", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			windows, err := ParseWindows([]string{time.Now().Add(5*time.Hour).Format("15:04") + "-" + time.Now().Add(6*time.Hour).Format("15:04")})
			if err != nil {
				t.Fatal(err)
			}
			k, _ := newKeeper(t, Options{Windows: windows})
			interruptedWithin(t, func(ctx context.Context) { _ = k.AwaitWindow(ctx, func(time.Time) {}) })
		})
	})
}

// interruptedWithin interrupts after half a second and wants the end within another one.
func interruptedWithin(t *testing.T, do func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(500*time.Millisecond, cancel)
	began := time.Now()
	do(ctx)
	if took := time.Since(began); took < 500*time.Millisecond || took > 1500*time.Millisecond {
		t.Errorf("it ended after %s", took)
	}
}
