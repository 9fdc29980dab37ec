package fragile

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The questions of a client.
const (
	readBasic     = "\x00\x01\x00\x00\x00\x05\xff\x2b\x0e\x01\x00"
	readRegister  = "\x00\x02\x00\x00\x00\x06\xff\x03\x00\x00\x00\x01"
	writeRegister = "\x00\x03\x00\x00\x00\x06\xff\x06\x00\x00\x00\x01"
)

// careless is a client that does what clients must not do.
type careless struct {
	t    *testing.T
	addr string
}

func (c careless) dial() *net.TCPConn {
	c.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(c.t.Context(), "tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// say writes, and reads what comes within a while.
func (c careless) say(conn net.Conn, text string) []byte {
	c.t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	buffer := make([]byte, 4096)
	n, _ := conn.Read(buffer)
	return buffer[:n]
}

// end closes in order.
func (c careless) end(conn *net.TCPConn) {
	_ = conn.CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

func serve(t *testing.T, d *Device) careless {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.Serve(ctx, d.Protocols[0], l) }()
	go d.Panel(ctx)
	t.Cleanup(func() { cancel(); <-done })
	return careless{t, l.Addr().String()}
}

func find(t *testing.T, name string) *Device {
	t.Helper()
	for _, d := range Bench() {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no device %q", name)
	return nil
}

// TestCarelessClientsUpset proves that the bench can tell: each weakness is hit once, and shows.
func TestCarelessClientsUpset(t *testing.T) {
	for _, c := range []struct {
		name, device, reason string
		do                   func(careless)
	}{
		{"reset_leaks", "two-slots", "a connection was reset", func(c careless) {
			conn := c.dial()
			c.say(conn, readBasic)
			reset(conn)
		}},
		{"slots_run_out", "two-slots", "turned away", func(c careless) {
			for range 2 {
				conn := c.dial()
				c.say(conn, readBasic)
			}
			c.say(c.dial(), readBasic)
		}},
		{"empty_connect", "four-slots", "nothing was asked", func(c careless) { c.end(c.dial()) }},
		{"panel_thrown_out", "panel", "operator panel was thrown out", func(c careless) {
			time.Sleep(pollEvery)
			c.say(c.dial(), readBasic)
			c.say(c.dial(), readBasic)
		}},
		{"too_fast", "rate", "more than 5 questions", func(c careless) {
			conn := c.dial()
			for range 6 {
				c.say(conn, readBasic)
			}
		}},
		{"second_connection", "jealous", "a second client connected", func(c careless) {
			c.say(c.dial(), readBasic)
			c.say(c.dial(), readBasic)
		}},
		{"panel_waits", "jealous", "a poll of its operator panel took", func(c careless) {
			c.say(c.dial(), readBasic)
			c.say(c.dial(), readBasic)
		}},
		{"unknown_function", "reboots", "it does not know", func(c careless) { c.say(c.dial(), writeRegister) }},
		{"reset_amid_answer", "crawls", "a connection was reset", func(c careless) {
			conn := c.dial()
			c.say(conn, readBasic)
			reset(conn)
		}},
		{"asked_again_after_nonsense", "noise", "asked again", func(c careless) {
			conn := c.dial()
			c.say(conn, readBasic)
			c.say(conn, readBasic)
		}},
		{"asked_again_after_a_break", "breaks", "asked again", func(c careless) {
			c.say(c.dial(), readBasic)
			c.say(c.dial(), readBasic)
		}},
		{"deaf_runs_out", "deaf", "turned away", func(c careless) {
			time.Sleep(pollEvery)
			conn := c.dial()
			c.say(conn, readBasic)
			_ = conn.CloseWrite()
			time.Sleep(100 * time.Millisecond)
			c.say(c.dial(), readBasic)
		}},
		{"not_the_protocol", "alike", "cannot read", func(c careless) { c.say(c.dial(), "GET / HTTP/1.0\r\n\r\n") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := find(t, c.device)
			d.temper.stall = time.Second
			c.do(serve(t, d))
			for end := time.Now().Add(4 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				got := strings.Join(d.Report().Upset, "; ")
				if strings.Contains(got, c.reason) {
					return
				}
				if time.Now().After(end) {
					t.Fatalf("upset by %q, want %q", got, c.reason)
				}
			}
		})
	}
}

// TestCarefulClientsDoNot asks each device that is in good health one question in order.
func TestCarefulClientsDoNot(t *testing.T) {
	for _, name := range []string{"two-slots", "four-slots", "panel", "rate", "jealous", "reboots", "dribbles", "alike"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := find(t, name)
			c := serve(t, d)
			conn := c.dial()
			var got []byte
			for range 3 {
				got = append(got, c.say(conn, readRegister)...)
			}
			c.end(conn)
			report := d.Report()
			if len(report.Upset) > 0 || report.Questions != 3 || report.Connections != 1 || report.Open != 0 {
				t.Errorf("%+v", report)
			}
			if name != "dribbles" && string(got[len(got)-11:]) != "\x00\x02\x00\x00\x00\x05\xff\x03\x02\x00\x00" {
				t.Errorf("answered % x", got)
			}
		})
	}
}

// TestSlower grows to a collapse.
func TestSlower(t *testing.T) {
	d := newDevice("slower", temper{work: time.Millisecond, slower: 10}, "modbus")
	for range 4 {
		d.effort(false)
	}
	if len(d.Report().Upset) > 0 {
		t.Errorf("%q", d.Report().Upset)
	}
	d.effort(false)
	if upset := d.Report().Upset; len(upset) != 1 || !strings.Contains(upset[0], "collapsed") {
		t.Errorf("%q", upset)
	}
}
