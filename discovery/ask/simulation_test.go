package ask

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/plant/fragile"
)

// simulated is a plant in memory, surveyed on a clock that is not waited for.
type simulated struct {
	t    *testing.T
	ctx  context.Context
	e    *ether
	wire *cable
	k    *Keeper
	book *notebook

	devices []*fragile.Device
}

// newSimulated makes a plant whose devices answer ARP in the first network of the scope, on which the laptop is.
func newSimulated(t *testing.T, limits Limits, scope string) *simulated {
	t.Helper()
	s := &simulated{t: t, ctx: t.Context(), e: newEther()}
	prefixes, err := ParseScope(scope)
	if err != nil {
		t.Fatal(err)
	}
	o := benchOptions(limits)
	o.Protocols = append(o.Protocols, arpProtocol(nil))
	o.Scope = prefixes
	s.k, s.book = newKeeper(t, o)
	s.wire = newCable(func(frame []byte) [][]byte {
		f, err := parseARPFrame(frame)
		if err != nil || !s.e.isThere(f.targetAddr) {
			return nil
		}
		mac := discovery.MAC{0x02, 0x99}
		copy(mac[2:], f.targetAddr.AsSlice())
		return [][]byte{arpBytes(f.from, mac, arpReply, mac, f.targetAddr, f.from, f.senderAddr)}
	})
	s.k.dial, s.k.frames = s.e.dial, s.wire.open
	onLink(s.k, prefixes[0], prefixes[0].Addr().Next())
	return s
}

// add plugs a device in.
func (s *simulated) add(at netip.Addr, class Class, protocols ...string) Host {
	d := fragile.Healthy(at.String(), protocols...)
	for _, name := range protocols {
		plug(s.ctx, s.e, d, name, at)
	}
	s.devices = append(s.devices, d)
	return host(at.String(), class, protocols...)
}

// servers plugs n OPC UA servers in, of which most messages are set-up and tear-down.
func (s *simulated) servers(n int) []Host {
	var hosts []Host
	for i := range n {
		hosts = append(hosts, s.add(netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + i)}), Computer, "opcua"))
	}
	return hosts
}

// network plugs n devices into a /24: a switch, a few servers, and field devices of the three protocols.
func (s *simulated) network(third byte, n int) []Host {
	var hosts []Host
	for i := range n {
		at := netip.AddrFrom4([4]byte{10, 0, third, byte(10 + i)})
		switch {
		case i == 0:
			hosts = append(hosts, s.add(at, Infrastructure, "snmp"))
		case i%10 == 1:
			hosts = append(hosts, s.add(at, Computer, "opcua", "snmp"))
		case i%3 == 0:
			hosts = append(hosts, s.add(at, Controller, "opcua", "modbus"))
		default:
			hosts = append(hosts, s.add(at, Unknown, "modbus", "snmp"))
		}
	}
	return hosts
}

// survey finds and asks, and tells how long it took.
func (s *simulated) survey(hosts []Host) (took time.Duration, r Result) {
	s.t.Helper()
	started := time.Now()
	if _, err := s.k.Sweep(s.ctx, s.k.PlanSweep(nil)); err != nil {
		s.t.Fatal(err)
	}
	r, err := s.k.Run(s.ctx, s.k.Plan(hosts))
	if err != nil {
		s.t.Fatal(err)
	}
	return time.Since(started), r
}

// busiest is the most packets that left within any second, ARP included.
func (s *simulated) busiest() int {
	var all []time.Time
	for _, p := range s.e.left() {
		all = append(all, p.at)
	}
	s.wire.mu.Lock()
	all = append(all, s.wire.times...)
	s.wire.mu.Unlock()
	slices.SortFunc(all, time.Time.Compare)
	most, from := 0, 0
	for to := range all {
		for all[to].Sub(all[from]) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

func (s *simulated) tell(what string, took time.Duration, r Result, most time.Duration) {
	s.t.Helper()
	busiest := s.busiest()
	s.t.Logf("%-8s %-40s %8s  %d questions, %d set-up messages, at most %d packets in a second",
		s.k.o.Limits.Name, what, took.Round(time.Second), r.Counts.Questions, r.Counts.Setup, busiest)
	if busiest > s.k.o.Limits.Packets {
		s.t.Errorf("%s: %d packets in one second, want at most %d", what, busiest, s.k.o.Limits.Packets)
	}
	if s.k.o.Limits.Name != paceGentle {
		return
	}
	if took > most {
		s.t.Errorf("%s took %s, want at most %s", what, took, most)
	}
	if busiest > 50 {
		s.t.Errorf("%s: %d packets in one second, want at most 50", what, busiest)
	}
}

// TestSimulatedPlants prints how long surveys take and how many packets leave, at each pace, and holds the gentle one to what
// the plant was promised. Every device is one that would be upset by carelessness.
func TestSimulatedPlants(t *testing.T) {
	for _, limits := range presets() {
		for _, c := range []struct {
			name, scope string
			networks    int // 0: OPC UA servers alone
			devices     int
			most        time.Duration
		}{
			{"a /24 with 40 devices", "10.0.0.0/24", 1, 40, 150 * time.Second},
			{"40 OPC UA servers", "10.0.0.0/24", 0, 40, 2 * time.Minute},
			{"six /24 with 300 devices", "10.0.0.0/24,10.0.1.0/24,10.0.2.0/24,10.0.3.0/24,10.0.4.0/24,10.0.5.0/24", 6, 50, 15 * time.Minute},
		} {
			t.Run(limits.Name+"/"+c.name, func(t *testing.T) {
				if testing.Short() && limits.Name != paceGentle {
					t.Skip("many timers")
				}
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					s := newSimulated(t, limits, c.scope)
					s.ctx = ctx
					var hosts []Host
					for n := range c.networks {
						hosts = append(hosts, s.network(byte(n), c.devices)...)
					}
					if c.networks == 0 {
						hosts = s.servers(c.devices)
					}
					took, r := s.survey(hosts)
					s.tell(c.name, took, r, c.most)
					if r.Counts.Answered != len(hosts) || len(r.Reasons) > 0 {
						t.Errorf("%d devices answered, want %d: %q", r.Counts.Answered, len(hosts), r.Reasons)
					}
					for _, d := range s.devices {
						if upset := d.Report().Upset; len(upset) > 0 {
							t.Errorf("%s: %q", d.Name, upset)
						}
					}
				})
			})
		}
	}
}
