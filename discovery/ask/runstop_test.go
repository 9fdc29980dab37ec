package ask

import (
	"context"
	"fmt"
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

// street is devices on one link, 10.0.0.10 and up, of which some fall silent after their first answer and some of these are
// gone from the link as well.
type street struct {
	l       *lab
	devices []Host
	frames  [][]byte // that were sent
	mu      sync.Mutex
}

func station(i int) (netip.Addr, discovery.MAC) {
	return netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + i)}), discovery.MAC{0x28, 0x63, 0x36, 0, 0, byte(10 + i)}
}

// newStreet has n devices; the first silent of them answer only once, and the first gone of those do not answer ARP.
func newStreet(t *testing.T, n, silent, gone int, onLink bool, o Options) (*street, *Keeper, *notebook) {
	t.Helper()
	s := &street{l: &lab{}}
	s.l.handle = func(address string, conn net.Conn) {
		i := int(netip.MustParseAddrPort(address).Addr().As4()[3]) - 10
		for answered := 0; ; answered++ {
			text, err := readNoted(conn)
			if err != nil {
				return
			}
			if i < silent && answered > 0 {
				continue
			}
			if _, err := conn.Write(word("A" + text)); err != nil {
				return
			}
		}
	}
	o.Protocols = []discovery.Protocol{wordProtocol("word", discovery.TCP, askWords("Q1", "Q2", "Q3")), arpProtocol(nil)}
	o.Limits = DefaultLimits()
	o.Limits.Devices = 1
	k, book := newKeeper(t, o)
	k.dial = s.l.dial
	if onLink {
		k.o.Interface = &net.Interface{Name: "eth9", HardwareAddr: us[:]}
		k.links = []link{{net: netip.MustParsePrefix("10.0.0.0/24"), own: addr("10.0.0.1")}}
		k.frames = func(*net.Interface, uint16) (net.PacketConn, error) {
			return newCable(func(frame []byte) [][]byte {
				f, err := parseARPFrame(frame)
				if err != nil {
					t.Error(err)
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				s.frames = append(s.frames, slices.Clone(frame))
				i := int(f.targetAddr.As4()[3]) - 10
				at, mac := station(i)
				if f.to != mac {
					t.Errorf("asked %s for %s", f.to, f.targetAddr)
				}
				if i < gone {
					return nil
				}
				return [][]byte{arpBytes(us, mac, arpReply, mac, at, us, addr("10.0.0.1"))}
			}), nil
		}
	}
	for i := range n {
		at, mac := station(i)
		h := host(at.String(), Controller, "word")
		h.Subject.MAC = mac
		s.devices = append(s.devices, h)
	}
	return s, k, book
}

func TestRunStop(t *testing.T) {
	for _, c := range []struct {
		name            string
		silent, gone    int
		onLink          bool
		reached, checks int // devices, ARP requests
		paused, stopped bool
	}{
		{"nobody_falls_silent", 0, 0, true, 6, 0, false, false},
		{"silent_but_there", 4, 0, true, 6, 4, false, false},
		{"one_is_gone", 1, 1, true, 6, 1, false, false},
		{"two_pause", 2, 2, true, 6, 2, true, false},
		{"three_stop", 4, 4, true, 3, 3, true, true},
		{"three_stop_behind_a_router", 4, 4, false, 3, 0, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var notices []string
				s, k, book := newStreet(t, 6, c.silent, c.gone, c.onLink, Options{Notice: func(text string) { notices = append(notices, text) }})
				plan := k.Plan(s.devices)
				began := time.Now()
				r, err := k.Run(t.Context(), plan)
				took := time.Since(began)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Devices) != c.reached || len(s.frames) != c.checks {
					t.Errorf("%d devices were reached and %d ARP requests sent; want %d and %d", len(r.Devices), len(s.frames), c.reached, c.checks)
				}
				if (r.Stopped != "") != c.stopped || r.Interrupted {
					t.Errorf("stopped: %q, interrupted %v", r.Stopped, r.Interrupted)
				}
				if c.stopped && !strings.Contains(strings.Join(r.Reasons, "; "), "3 devices fell silent while devices were asked: 10.0.0.10, 10.0.0.11, 10.0.0.12; 3 of 6 devices were not asked") {
					t.Errorf("reasons %q", r.Reasons)
				}
				if paused := took > time.Minute; paused != c.paused {
					t.Errorf("took %s", took)
				}
				if told := strings.Contains(strings.Join(notices, "; "), "paused for 1m0s: 2 devices fell silent"); told != c.paused {
					t.Errorf("notices %q", notices)
				}
				if n := len(book.facts(discovery.KeyDistress)); n != min(c.silent, c.reached) {
					t.Errorf("%d devices are said to be in distress", n)
				}
				checked := 0
				for _, line := range book.lines() {
					if strings.HasPrefix(line, "still-there ") {
						checked++
					}
				}
				if checked != c.checks {
					t.Errorf("%d checks stand in the ledger", checked)
				}
			})
		})
	}
}

// A device of which nothing was heard lately is not missed.
func TestSilenceOfTheUnknownIsNoSign(t *testing.T) {
	for _, c := range []struct {
		name  string
		heard time.Duration
		want  int // ARP requests
	}{{"never", 0, 0}, {"long_ago", 11 * time.Minute, 0}, {"just_now", 9 * time.Minute, 1}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, k, _ := newStreet(t, 1, 0, 1, true, Options{})
				s.l.handle = func(_ string, conn net.Conn) { _, _ = readNoted(conn); _, _ = readNoted(conn) }
				if c.heard > 0 {
					s.devices[0].Heard = time.Now().Add(-c.heard)
				}
				mustRun(t, k, s.devices...)
				if len(s.frames) != c.want {
					t.Errorf("%d ARP requests, want %d", len(s.frames), c.want)
				}
			})
		})
	}
}

// Not more than two devices behind one switch port are asked at once, whatever the number of places; the others go on.
func TestTwoBehindOnePort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		busy, most := map[string]int{}, map[string]int{}
		behind := func(addr netip.Addr) string {
			if last := addr.As4()[3]; last < 20 {
				return fmt.Sprint("sw-1 port ", last%2)
			}
			return ""
		}
		p := wordProtocol("word", discovery.UDP, func(ctx context.Context, _ discovery.Session, target discovery.Target) error {
			mu.Lock()
			port := behind(target.Subject.IP)
			busy[port]++
			busy["all"]++
			most[port], most["all"] = max(most[port], busy[port]), max(most["all"], busy["all"])
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy[port]--
			busy["all"]--
			mu.Unlock()
			return ctx.Err()
		})
		k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{p}})
		var hosts []Host
		for i := range 12 {
			h := host(netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + i)}).String(), Controller, "word")
			h.Behind = behind(h.Subject.IP)
			hosts = append(hosts, h)
		}
		r := mustRun(t, k, hosts...)
		if len(r.Devices) != 12 || most["sw-1 port 0"] != 2 || most["sw-1 port 1"] != 2 || most[""] != 2 || most["all"] != 6 {
			t.Errorf("at most %v at once, %d devices", most, len(r.Devices))
		}
	})
}
