// Package fragile is a bench of devices that are easily upset: what careless questions have done to real ones, as servers that
// remember whether it was done to them, and why. It is for tests, in process and on the wire. It only listens; it never dials.
//
// Each device is a server of its own over a net.Listener, or a net.PacketConn where it speaks by datagrams. It answers real
// messages of its protocols (Modbus/TCP function 43/14, an OPC UA server with an anonymous session, the SNMPv2c system group),
// but what is asked beside that, too fast, too often, over too many connections, or without an orderly end, upsets it. The
// tempers stand in temper.go and the list of devices in bench.go.
//
// A device that was upset is what a survey must never leave behind. A device that is in bad health by itself (it falls silent,
// grows slower, answers nonsense) is what a survey must notice, tell, and leave alone; it is upset only by whoever goes on.
package fragile

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// Device is one of the bench. Its servers share its connection slots, its processor and its memory of what was done to it.
type Device struct {
	Name      string
	Protocols []string // that it speaks: "modbus", "opcua", "snmp"

	temper temper
	cpu    chan struct{} // holds one token: a device does one thing at a time

	mu      sync.Mutex
	report  Report
	slots   []*slot // taken, the oldest first
	recent  []time.Time
	slowed  time.Duration // what the last answer took
	strange int           // answers that made no sense
	dead    bool
	onDeath []func()
}

// Report is what became of a device.
type Report struct {
	Name        string        `json:"name"`
	Upset       []string      `json:"upset"` // what upset it, in order; empty = it is well
	Connections int           `json:"connections"`
	AtOnce      int           `json:"at_once"` // connections of clients at the same time, at most
	Open        int           `json:"open"`    // slots that clients hold now, those that leaked counted
	Setup       int           `json:"setup"`   // messages of set-up and tear-down
	Questions   int           `json:"questions"`
	Polls       int           `json:"polls"` // of its own operator panel
	WorstPoll   time.Duration `json:"worst_poll"`
	Dead        bool          `json:"dead"` // it has fallen silent for good
}

// NothingAsked upsets every device: a slot was taken for nothing.
const NothingAsked = "a connection was opened and nothing was asked"

// maxUpset bounds the reasons that are kept.
const maxUpset = 100

func newDevice(name string, t temper, protocols ...string) *Device {
	t.fill()
	return &Device{Name: name, Protocols: protocols, temper: t, cpu: make(chan struct{}, 1), report: Report{Name: name}}
}

// Report is what became of the device until now.
func (d *Device) Report() Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.report
	r.Upset = slices.Clone(r.Upset)
	r.Dead = d.dead
	for _, s := range d.slots {
		if !s.panel {
			r.Open++
		}
	}
	return r
}

// OnDeath calls f when the device falls silent for good, so that a test can take it off the network.
func (d *Device) OnDeath(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onDeath = append(d.onDeath, f)
}

// Panel is the operator panel that belongs to the device: it holds a connection and polls every half second until the context
// ends. Only a device of that temper has one; for others Panel returns at once.
func (d *Device) Panel(ctx context.Context) {
	if d.temper.panel {
		d.poll(ctx)
	}
}

// Serve answers on a listener for one of the protocols until the context ends. Connections are taken as they come; what the
// device makes of them is its temper. Serve returns when all that it started has ended.
func (d *Device) Serve(ctx context.Context, protocol string, l net.Listener) {
	var running sync.WaitGroup
	defer running.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed) || ctx.Err() != nil:
			if conn != nil {
				_ = conn.Close()
			}
			return
		case err != nil:
			continue // it was gone again before it was taken
		}
		running.Go(func() {
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			d.connection(ctx, conn, newSpeech(protocol))
		})
	}
}

// ServePacket answers datagrams until the context ends.
func (d *Device) ServePacket(ctx context.Context, protocol string, conn net.PacketConn) {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	speech := newSpeech(protocol)
	buffer := make([]byte, 65536)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		reply, _ := d.answer(ctx, speech, slices.Clone(buffer[:n]))
		if len(reply) > 0 && ctx.Err() == nil {
			_, _ = conn.WriteTo(reply, from)
		}
	}
}

// upset notes what upset the device. The caller does not hold mu.
func (d *Device) upset(reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.upsetNow(reason)
}

func (d *Device) upsetNow(reason string) {
	if len(d.report.Upset) < maxUpset {
		d.report.Upset = append(d.report.Upset, reason)
	}
}

// die makes the device silent for good.
func (d *Device) die() {
	d.mu.Lock()
	first := !d.dead
	d.dead = true
	calls := d.onDeath
	d.mu.Unlock()
	if first {
		for _, f := range calls {
			f()
		}
	}
}

func (d *Device) isDead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}
