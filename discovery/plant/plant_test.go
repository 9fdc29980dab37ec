package plant

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// start gives a running plant, or skips where the system has no such addresses.
func start(t *testing.T) *Plant {
	t.Helper()
	p, err := Start(t.Context())
	if missing := new(AddressError); errors.As(err, &missing) {
		t.Skipf("%v; %s", err, missing.Hint())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func at(t *testing.T, p *Plant, addr netip.Addr, protocol string) netip.AddrPort {
	t.Helper()
	port := p.port(addr, protocol)
	if port == 0 {
		t.Fatalf("%s has no port for %s", addr, protocol)
	}
	return netip.AddrPortFrom(addr, port)
}

func TestStartAndCloseLeaveNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	var said strings.Builder
	log.SetOutput(&said)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })

	began := time.Now()
	p := start(t)
	if took := time.Since(began); took > 10*time.Second { // a second where nothing else runs
		t.Errorf("start took %v", took)
	}
	// An idle connection to each server must not hold Close up.
	var open []net.Conn
	for _, d := range p.Devices() {
		for protocol, port := range d.Ports {
			if protocol == "snmp" {
				continue
			}
			conn, err := net.Dial("tcp", netip.AddrPortFrom(d.Addr, port).String())
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, conn)
		}
	}
	if len(open) != 3 {
		t.Errorf("%d TCP servers, want 3", len(open))
	}
	closing := time.Now()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(closing); took > 500*time.Millisecond {
		t.Errorf("close took %v", took)
	}
	for _, conn := range open {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a connection outlived the plant")
		}
		_ = conn.Close()
	}
	if err := p.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	for range 50 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
	if said.Len() > 0 {
		t.Errorf("wrote to the standard log: %q", said.String())
	}
}

func TestContextEndsThePlant(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(ctx)
	if err != nil {
		t.Skip(err)
	}
	cancel()
	ended := make(chan struct{})
	go func() {
		p.running.Wait() // without Close: it returns when nothing listens any more
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("still listening after the context ended")
	}
}

func TestTwoPlantsRunSideBySide(t *testing.T) {
	first, second := start(t), start(t)
	for _, d := range first.Devices() {
		for protocol, port := range d.Ports {
			if other := second.port(d.Addr, protocol); other == port || other == 0 {
				t.Errorf("%s %s: ports %d and %d", d.Name, protocol, port, other)
			}
		}
	}
}

func TestScopeHoldsTheServersOnly(t *testing.T) {
	var got []string
	for _, prefix := range start(t).Scope() {
		got = append(got, prefix.String())
	}
	if want := "127.77.0.2/32 127.77.0.3/32 127.77.0.4/32 127.77.0.5/32"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAFullDeviceClosesFurtherConnections(t *testing.T) {
	p := start(t)
	addr := at(t, p, plcAddr, "modbus").String()
	for range maxConnections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one connection too many: %v, want EOF", err)
	}
}

func TestAddressErrorHints(t *testing.T) {
	_, err := atPort(netip.MustParseAddr("192.0.2.1"), 0, func(at string) (net.Listener, error) { return net.Listen("tcp", at) })
	missing := new(AddressError)
	if !errors.As(err, &missing) {
		t.Fatalf("got %v, want an *AddressError", err)
	}
	if !strings.Contains(missing.Hint(), "sudo") || !strings.Contains(missing.Error(), "192.0.2.1") {
		t.Errorf("%v; %s", missing, missing.Hint())
	}
}
