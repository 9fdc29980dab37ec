package ask

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// A sweep by the system's own resolving finds the same hosts as one by frames.
func TestSweepByTheSystemsResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, book := sweepKeeper(t, nil, newCable(nil), "10.0.0.0/29")
		var asked []netip.Addr
		k.frames = func(*net.Interface, uint16) (net.PacketConn, error) {
			return newResolver(func(ip, from netip.Addr) (discovery.MAC, error) {
				if from != addr("10.0.0.1") {
					t.Errorf("resolved from %s", from)
				}
				if ip == addr("10.0.0.4") {
					time.Sleep(20 * time.Millisecond)
					return them, nil
				}
				time.Sleep(900 * time.Millisecond) // the system gives up
				return discovery.MAC{}, errTest
			}), nil
		}
		if _, err := k.Sweep(t.Context(), k.PlanSweep(nil)); err != nil {
			t.Fatal(err)
		}
		wantLines(t, book, "resolve answered", "resolve silent", "resolve silent", "resolve silent", "resolve silent")
		for _, o := range book.observations {
			asked = append(asked, o.Subject.IP)
			if o.Subject.MAC != them {
				t.Errorf("bound to %s", o.Subject.MAC)
			}
		}
		if !slices.Equal(asked, []netip.Addr{addr("10.0.0.4")}) {
			t.Errorf("found %v", asked)
		}
	})
}

func TestTheResolverSendsNothingElse(t *testing.T) {
	c := newResolver(func(netip.Addr, netip.Addr) (discovery.MAC, error) {
		t.Error("it resolved")
		return discovery.MAC{}, nil
	})
	answer := arpBytes(us, them, arpReply, them, addr("10.0.0.4"), us, addr("10.0.0.1"))
	for _, frame := range [][]byte{nil, make([]byte, 60), answer} {
		if _, err := c.WriteTo(frame, nil); err == nil {
			t.Errorf("written: % x", frame)
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(-time.Second))
	if _, _, err := c.ReadFrom(make([]byte, 100)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read after the deadline: %v", err)
	}
}
