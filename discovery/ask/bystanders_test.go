package ask

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// hearPoll feeds a second of an HMI that polls the device every 200 ms. Where the device is silent, the HMI waits.
func hearPoll(w *Watch, device netip.Addr, now time.Time, silent bool) {
	p := discovery.Pulse{
		Client: addr("10.0.0.9"), Server: device, Transport: discovery.TCP, Port: 502, Protocol: "modbus", Last: now, Open: 1,
		Intervals: ms(200, 200, 201, 199, 200), Answers: ms(5, 6, 5, 5, 7),
	}
	if silent {
		p.Intervals, p.Answers, p.Waiting, p.Repeats = ms(200), nil, true, 1
	}
	w.Hear(p)
}

func TestSilenced(t *testing.T) {
	device := addr("10.0.0.5")
	for _, c := range []struct {
		name                string
		alive, silent, rest int // seconds that it answers, that it does not, and that nothing is heard
		asked               bool
		want                bool
	}{
		{"answers", 20, 0, 0, false, false},
		{"silent", 10, 3, 0, false, true},
		{"its_last_poll_waits", 10, 1, 3, false, true},
		{"not_for_long", 10, 2, 0, false, false},
		{"its_client_left", 10, 0, 20, false, false},
		{"never_answered", 0, 20, 0, false, false},
		{"is_asked", 10, 5, 0, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, now := NewWatch(Limits{}), time.Unix(1000, 0)
			since := now
			if c.asked {
				w.begin(device)
			}
			for i := range c.alive + c.silent + c.rest {
				now = now.Add(time.Second)
				if i < c.alive+c.silent {
					hearPoll(w, device, now, i >= c.alive)
				}
				w.Tick(now)
			}
			if got := w.silenced(since); (len(got) > 0) != c.want || c.want && !strings.Contains(got[device], "10.0.0.9 polls it every 200ms") {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if got := w.silenced(now.Add(time.Hour)); len(got) != 0 {
				t.Errorf("silent before the run: %v", got)
			}
		})
	}
}

// Devices that nobody asks stop a run too, when they fall silent while it asks others.
func TestBystandersStopARun(t *testing.T) {
	for name, dying := range map[string]int{"all_live": 0, "three_fall_silent": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				watch := NewWatch(Limits{})
				s, k, _ := newStreet(t, 40, 0, 0, true, Options{Watch: watch})
				ended := make(chan struct{})
				hear := func(silent int) {
					now := time.Now()
					for i := range 5 {
						hearPoll(watch, netip.AddrFrom4([4]byte{10, 0, 0, byte(200 + i)}), now, i < silent)
					}
					watch.Tick(now)
				}
				for range 10 {
					time.Sleep(time.Second)
					hear(0)
				}
				go func() {
					for {
						select {
						case <-ended:
							return
						case <-time.After(time.Second):
							hear(dying)
						}
					}
				}()
				r, err := k.Run(t.Context(), k.Plan(s.devices))
				close(ended)
				if err != nil {
					t.Fatal(err)
				}
				if stopped := r.Stopped != ""; stopped != (dying > 0) || stopped && len(r.Devices) == 40 {
					t.Errorf("stopped %q after %d devices; %q", r.Stopped, len(r.Devices), r.Reasons)
				}
			})
		})
	}
}
