package enip

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danomagnum/gologix"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// device answers over both transports. Its modules stand in slots; the answers to what is not there are those of a ControlLogix.
type device struct {
	datagram   string            // the body of its answer to ListIdentity; "" = silence
	register   uint32            // the status of the answer to RegisterSession
	instances  map[byte]string   // of the Identity object
	slots      map[byte]string   // the Identity object of each module
	unroutable bool              // there is no way through it
	disturbed  map[string]string // request in hex (its tail) -> CIP reply in its place; "" = silence
	left       *bool             // an UnregisterSession came
}

func (d device) datagrams(conn net.Conn) {
	buffer := make([]byte, 4096)
	for {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		if d.datagram != "" {
			_, _ = conn.Write(message(ListIdentity, maxDelay, d.datagram))
		}
	}
}

func (d device) stream(conn net.Conn) {
	head := make([]byte, headerSize)
	for {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint16(head[2:]))
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		m := parse(append(slices.Clone(head), body...))
		var answer []byte
		switch m.Command {
		case RegisterSession:
			answer = message(RegisterSession, m.Context, "0100 0000")
			binary.LittleEndian.PutUint32(answer[8:], d.register)
		case UnregisterSession:
			if m.Session == 0x11020100 {
				*d.left = true
			}
			return
		case SendRRData:
			if reply := d.cip(m.Body[16:]); reply != "" {
				answer = rr(m.Context, reply)
			}
		}
		if len(answer) > 0 {
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
}

// cip answers a request to the Identity object, of the device itself or through the connection manager.
func (d device) cip(b []byte) string {
	for tail, reply := range d.disturbed {
		if strings.HasSuffix(string(b), string(unhex(tail))) {
			return reply
		}
	}
	if Service(b[0]) == getAttributesAll {
		if value, ok := d.instances[b[5]]; ok {
			return "81 00 00 00" + value
		}
		return "81 00 05 00"
	}
	if d.unroutable {
		return "d2 00 08 00"
	}
	if value, ok := d.slots[b[len(b)-1]]; ok {
		return "81 00 00 00" + value
	}
	return "d2 00 01 01 1203" // no such link address
}

func TestAsk(t *testing.T) {
	const bridge, cpu, io16 = "1756-ENBT/A", "1756-L61/B LOGIX5561", "1756-IB16"
	datagram := "0100" + identityItem("c0000201", bridge)
	chassis := map[byte]string{0: identity(54, "11111111", cpu), 2: identity(58, "8e4d5200", bridge), 6: identity(11, "22222222", io16)}
	slots := func(n int) []string { return slices.Repeat([]string{requestSlot}, n) }
	over := func(questions ...string) []string {
		return append(append([]string{requestRegister}, questions...), requestUnregister)
	}
	itself := told("", 58, "0x00524d8e", bridge)
	for name, c := range map[string]struct {
		device  device
		known   map[discovery.Key]string
		allowed []string
		want    []string
		told    []string
		err     error
		dials   int
	}{
		"one_datagram": {device: device{datagram: datagram}, want: []string{requestListIdentity}, told: itself, dials: 1},
		"by_tcp": {
			device: device{instances: map[byte]string{1: identity(58, "8e4d5200", bridge)}},
			want:   append([]string{requestListIdentity}, over(requestIdentity)...), told: itself, dials: 2,
		},
		"garbled_datagram": {
			device: device{datagram: "0100 0c00 ff00 0100", instances: map[byte]string{1: identity(58, "8e4d5200", bridge)}},
			want:   []string{requestListIdentity}, dials: 1,
		},
		"known": {known: map[discovery.Key]string{KeyVendorID: "1", KeyProductCode: "58", KeyRevision: "16.20", KeySerial: "0x0051823f"}},
		"parts": {
			device:  device{datagram: datagram, instances: map[byte]string{2: identity(7, "33333333", "Main Control")}},
			allowed: []string{requestFurther}, want: append([]string{requestListIdentity}, over(requestFurther, requestFurther)...),
			told: append(itself, told(" cip-instance=2", 7, "0x33333333", "Main Control")...), dials: 2,
		},
		"chassis": {
			device: device{datagram: datagram, slots: chassis}, allowed: []string{requestSlot},
			want: append([]string{requestListIdentity}, over(slots(6)...)...), // slot 6 lies behind three empty ones
			told: slices.Concat(itself, told(" cip-port=1/slot=0", 54, "0x11111111", cpu), told(" cip-port=1/slot=2", 58, "0x00524d8e", bridge)), dials: 2,
		},
		"chassis_of_a_known_one": {
			device: device{slots: chassis}, allowed: []string{requestSlot},
			known: map[discovery.Key]string{KeyVendorID: "1", KeyProductCode: "58", KeyRevision: "16.20", KeySerial: "0x0051823f"},
			want:  over(slots(6)...), told: told(" cip-port=1/slot=0", 54, "0x11111111", cpu), dials: 1,
		},
		"full_chassis": {
			device: device{datagram: datagram, slots: func() map[byte]string {
				all := map[byte]string{}
				for slot := byte(0); slot < 255; slot++ {
					all[slot] = identity(11, "22222222", io16)
				}
				return all
			}()},
			allowed: []string{requestSlot}, want: append([]string{requestListIdentity}, over(slots(maxSlots)...)...), told: itself, dials: 2,
		},
		"no_chassis": {
			device: device{datagram: datagram, unroutable: true}, allowed: []string{requestSlot},
			want: append([]string{requestListIdentity}, over(slots(1)...)...), told: itself, dials: 2,
		},
		"falls_silent": {
			device: device{datagram: datagram, slots: chassis, disturbed: map[string]string{"0100 0101": ""}}, allowed: []string{requestSlot},
			want: append([]string{requestListIdentity}, over(slots(2)...)...), told: told(" cip-port=1/slot=0", 54, "0x11111111", cpu), err: discovery.ErrSilent, dials: 2,
		},
		"no_session": {
			device: device{datagram: datagram, register: 2}, allowed: []string{requestSlot}, want: []string{requestListIdentity, requestRegister},
			told: itself, err: discovery.ErrNotOffered, dials: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := false
				c.device.left = &left
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(server1)}, Port: Port},
					Serve:  c.device.stream, ServeDatagrams: c.device.datagrams, Known: c.known, Allowed: c.allowed, Timeout: time.Minute,
				})
				if !slices.Equal(got.Requests(), c.want) || got.Dials != c.dials || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("asked %q over %d connections, error %v; want %q over %d, %v", got.Requests(), got.Dials, got.Err, c.want, c.dials, c.err)
				}
				for _, line := range c.told {
					if !slices.Contains(got.Lines, line) {
						t.Errorf("%q was not told, but:\n%s", line, strings.Join(got.Lines, "\n"))
					}
				}
				if slices.Contains(c.want, requestUnregister) && !left {
					t.Error("the session was not given back")
				}
			})
		})
	}
}

// The server of gologix is one that is not ours. It answers over TCP alone.
func TestAskGologix(t *testing.T) {
	probe, err := net.Listen("tcp4", "127.0.0.1:44818")
	if err != nil {
		t.Skipf("the server listens on a fixed port: %v", err)
	}
	_ = probe.Close()
	server := gologix.NewServer(gologix.NewRouter())
	server.Logger = slog.New(slog.DiscardHandler)
	server.Attributes[1], server.Attributes[6], server.Attributes[7] = int16(1), uint32(0x51823f), "1756-L73/B"
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }() // it cannot be stopped
	var got discoverytest.Answers
	for range 50 {
		got = discoverytest.Asked(t, Protocol(), discoverytest.Peer{
			Target:  discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(server1)}, Port: Port},
			Address: "127.0.0.1:44818", Allowed: []string{requestSlot},
		})
		if got.Err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Skipf("the server does not run: %v", err)
		case <-time.After(100 * time.Millisecond): // it may not listen yet
		}
	}
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	for _, fact := range []string{
		"vendor-id = 1", "device-type = 14", "product-code = 1", "revision = 18.20", "serial = 0x0051823f", "product-name = 1756-L73/B",
	} {
		for _, about := range []string{server1 + ": enip.", server1 + " cip-port=1/slot=0: enip."} {
			if !slices.Contains(got.Lines, about+fact) {
				t.Errorf("%s was not told, but:\n%s", about+fact, strings.Join(got.Lines, "\n"))
			}
		}
	}
	if want := append([]string{requestListIdentity, requestRegister, requestIdentity}, slices.Repeat([]string{requestSlot}, maxSlots)...); !slices.Equal(got.Requests(), append(want, requestUnregister)) {
		t.Errorf("asked %q", got.Requests())
	}
}
