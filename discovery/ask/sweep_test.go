package ask

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The layer 2 protocol of these tests: ARP, with its request in the template as the real one has it.

func arpProtocol(ask askFunc) discovery.Protocol {
	if ask == nil {
		ask = askARP
	}
	return discovery.Protocol{
		Name: "arp",
		Decode: discovery.Stateless(func(f discovery.Flow, side discovery.Side, _ time.Time, b []byte, out discovery.Sink) error {
			if len(b) < 28 || b[7] != arpReply {
				return errors.New("not an answer")
			}
			subject := f.Ends[side]
			subject.IP = netip.AddrFrom4([4]byte(b[14:18]))
			out.Observe(discovery.Observation{Subject: subject, Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "arp")}})
			return nil
		}),
		Segment: &discovery.Asker{
			Transport: discovery.EtherType, Port: etherTypeARP,
			Requests: []discovery.Request{{
				Name: "resolve", Safety: discovery.SafetyA1, Max: 1,
				Template: discovery.MustTemplate("ffffffffffff ?6 0806 0001 0800 06 04 0001 ?6 ?4 000000000000 ?4 000000000000000000000000000000000000"),
			}, {
				Name: "still-there", Safety: discovery.SafetyB, Max: 1,
				Template: discovery.MustTemplate("?6 ?6 0806 0001 0800 06 04 0001 ?6 ?4 000000000000 ?4 000000000000000000000000000000000000"),
			}},
			Ask: ask,
		},
	}
}

func arpBytes(to, from discovery.MAC, operation uint16, sender discovery.MAC, senderAddr netip.Addr, target discovery.MAC, targetAddr netip.Addr) []byte {
	b := slices.Concat(to[:], from[:], []byte{8, 6, 0, 1, 8, 0, 6, 4}, binary.BigEndian.AppendUint16(nil, operation), sender[:], senderAddr.AsSlice(), target[:], targetAddr.AsSlice())
	return append(b, make([]byte, 18)...)
}

func arpAsk(own discovery.MAC, from, target netip.Addr) []byte {
	return arpBytes(discovery.Broadcast, own, arpRequest, own, from, discovery.MAC{}, target)
}

// askARP asks for each address and reads for a second.
func askARP(ctx context.Context, s discovery.Session, t discovery.Target) error {
	conn, err := s.Frames(ctx)
	if err != nil {
		return err
	}
	if t.Subject.IP.IsValid() {
		own := discovery.MAC(t.Interface.HardwareAddr)
		if _, err := conn.WriteTo(arpBytes(t.Subject.MAC, own, arpRequest, own, t.From, discovery.MAC{}, t.Subject.IP), nil); err != nil {
			return err
		}
		t.Scope = nil
	}
	for _, ip := range t.Scope {
		if _, err := conn.WriteTo(arpAsk(discovery.MAC(t.Interface.HardwareAddr), t.From, ip), nil); err != nil {
			return err
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	buffer := make([]byte, 2000)
	for {
		if _, _, err := conn.ReadFrom(buffer); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return ctx.Err()
			}
			return err
		}
	}
}

// cable is a link without a socket.
type cable struct {
	mu       sync.Mutex
	sent     [][]byte
	times    []time.Time
	answer   func(frame []byte) [][]byte
	frames   chan []byte
	deadline chan struct{}
	timer    *time.Timer
	closed   chan struct{}
}

func newCable(answer func([]byte) [][]byte) *cable {
	return &cable{answer: answer, frames: make(chan []byte, 5000), deadline: make(chan struct{}), closed: make(chan struct{})}
}

func (w *cable) WriteTo(b []byte, _ net.Addr) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, slices.Clone(b))
	w.times = append(w.times, time.Now())
	for _, frame := range w.answer(b) {
		w.frames <- frame
	}
	return len(b), nil
}

func (w *cable) ReadFrom(b []byte) (int, net.Addr, error) {
	w.mu.Lock()
	deadline := w.deadline
	w.mu.Unlock()
	select {
	case f := <-w.frames:
		return copy(b, f), nil, nil
	case <-deadline:
		return 0, nil, os.ErrDeadlineExceeded
	case <-w.closed:
		return 0, nil, net.ErrClosed
	}
}

func (w *cable) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil && !w.timer.Stop() {
		w.deadline = make(chan struct{})
	}
	deadline := w.deadline
	w.timer = time.AfterFunc(time.Until(t), func() { close(deadline) })
	return nil
}

func (w *cable) Close() error                                        { close(w.closed); return nil }
func (w *cable) LocalAddr() net.Addr                                 { return nil }
func (w *cable) SetDeadline(t time.Time) error                       { return w.SetReadDeadline(t) }
func (w *cable) SetWriteDeadline(time.Time) error                    { return nil }
func (w *cable) open(*net.Interface, uint16) (net.PacketConn, error) { return w, nil }

var (
	us    = discovery.MAC{2, 0, 0, 0, 0, 1}
	them  = discovery.MAC{0x28, 0x63, 0x36, 0xaa, 0xbb, 0xcc}
	other = discovery.MAC{0x28, 0x63, 0x36, 0xaa, 0xbb, 0xdd}
)

func sweepKeeper(t *testing.T, ask askFunc, w *cable, scope string) (*Keeper, *notebook) {
	t.Helper()
	prefixes, err := ParseScope(scope)
	if err != nil {
		t.Fatal(err)
	}
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{arpProtocol(ask)}, Scope: prefixes, Site: "s", Segment: "g"})
	onLink(k, netip.MustParsePrefix("10.0.0.0/24"), addr("10.0.0.1"))
	k.frames = w.open
	return k, book
}

// onLink gives the keeper an interface with one network and our own address there.
func onLink(k *Keeper, network netip.Prefix, own netip.Addr) {
	k.o.Interface = &net.Interface{Name: "eth9", HardwareAddr: us[:]}
	k.links, k.own = []link{{net: network, own: own}}, []netip.Addr{own}
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCable(func(frame []byte) [][]byte {
			f, err := parseARPFrame(frame)
			if err != nil {
				t.Errorf("left: %x", frame)
			}
			answer := func(from discovery.MAC) []byte {
				return arpBytes(us, from, arpReply, from, f.targetAddr, us, f.senderAddr)
			}
			switch f.targetAddr {
			case addr("10.0.0.4"):
				return [][]byte{answer(them)}
			case addr("10.0.0.5"): // two stations have the address
				return [][]byte{answer(them), answer(other)}
			case addr("10.0.0.6"): // others talk to each other
				return [][]byte{arpBytes(other, them, arpReply, them, addr("10.0.0.6"), other, addr("10.0.0.9")), arpAsk(them, addr("10.0.0.6"), addr("10.0.0.1")), {1, 2, 3}}
			case addr("10.0.0.3"): // an answer that was not asked for
				return [][]byte{arpBytes(us, them, arpReply, them, addr("10.0.0.200"), us, addr("10.0.0.1"))}
			}
			return nil
		})
		k, book := sweepKeeper(t, nil, w, "10.0.0.0/29")
		started := time.Now()
		r, err := k.Sweep(t.Context(), k.PlanSweep(nil))
		if err != nil {
			t.Fatal(err)
		}
		wantLines(t, book, "resolve answered", "resolve answered", "resolve silent", "resolve silent", "resolve silent")
		var bound []string
		for _, o := range book.observations {
			if o.Mode != discovery.Asked || o.Protocol != "arp" || o.Subject.Site != "s" || o.Subject.Segment != "g" {
				t.Errorf("observation %+v", o)
			}
			bound = append(bound, o.Subject.IP.String()+" "+o.Subject.MAC.String())
		}
		want := []string{"10.0.0.4 " + them.String(), "10.0.0.5 " + them.String(), "10.0.0.5 " + other.String()}
		if !slices.Equal(bound, want) {
			t.Errorf("bound %q, want %q", bound, want)
		}
		for i := 1; i < len(w.times); i++ {
			if d := w.times[i].Sub(w.times[i-1]); d < 50*time.Millisecond-time.Microsecond {
				t.Errorf("two frames within %s", d)
			}
		}
		if took := time.Since(started); took > 2*time.Second {
			t.Errorf("took %s", took)
		}
		if r.Counts.Questions != 5 || r.Counts.Replies != 2 || r.Counts.Silent != 3 || r.Counts.Answered != 2 {
			t.Errorf("counts %+v", r.Counts)
		}
	})
}

// Who does not answer the search is asked nothing, named or not, unless it was heard since: the system would search for it again, in
// its own words and several times.
func TestWhoDoesNotAnswerTheSearchIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCable(func(frame []byte) [][]byte {
			f, err := parseARPFrame(frame)
			if err != nil || f.targetAddr != addr("10.0.0.4") {
				return nil
			}
			return [][]byte{arpBytes(us, them, arpReply, them, f.targetAddr, us, f.senderAddr)}
		})
		k, book := sweepKeeper(t, nil, w, "10.0.0.0/29")
		k.o.Protocols = append(k.o.Protocols, wordProtocol("word", discovery.UDP, askWords("Q")))
		k.dial = func(context.Context, string, string) (net.Conn, error) { return nil, errTest }
		hosts := []Host{host("10.0.0.4", Controller, "word"), host("10.0.0.5", Controller, "word"), host("10.0.0.6", Controller, "word")}
		planned := k.Plan(hosts)
		if _, err := k.Sweep(t.Context(), k.PlanSweep(nil)); err != nil {
			t.Fatal(err)
		}
		hosts[2].Heard = time.Now().Add(time.Second)
		plan := k.Plan(hosts)
		if len(plan.Devices) != 2 || plan.Devices[0].Address != addr("10.0.0.4") || plan.Devices[1].Address != addr("10.0.0.6") {
			t.Errorf("planned %+v", plan.Devices)
		}
		before := len(book.ledger)
		planned.Devices = planned.Devices[1:2] // a plan that was signed off before
		if _, err := k.Run(t.Context(), planned); err != nil {
			t.Fatal(err)
		}
		for _, e := range book.ledger[before:] {
			if e.Outcome != discovery.Skipped || e.Note != notThere {
				t.Errorf("ledger %+v", e)
			}
		}
		if len(book.ledger) == before {
			t.Error("the ledger says nothing")
		}
	})
}

// Nothing leaves but a listed request that speaks for us alone and asks for an address of the plan, once.
func TestSweepRefusesFrames(t *testing.T) {
	own, from, target := us, addr("10.0.0.1"), addr("10.0.0.4")
	sound := arpAsk(own, from, target)
	for _, c := range []struct {
		name  string
		frame []byte
		err   error
	}{
		{"borrowed_ip", arpAsk(own, addr("10.0.0.9"), target), discovery.ErrNotListed},
		{"no_sender", arpAsk(own, addr("0.0.0.0"), target), discovery.ErrNotListed},
		{"borrowed_mac", arpAsk(them, from, target), discovery.ErrNotListed},
		{"borrowed_frame", arpBytes(discovery.Broadcast, them, arpRequest, own, from, discovery.MAC{}, target), discovery.ErrNotListed},
		{"gratuitous", arpAsk(own, from, from), discovery.ErrNotListed},
		{"answer", arpBytes(discovery.Broadcast, own, arpReply, own, from, discovery.MAC{}, target), discovery.ErrNotListed},
		{"not_in_the_plan", arpAsk(own, from, addr("10.0.0.99")), discovery.ErrOutOfScope},
		{"other_protocol", append(slices.Clone(sound[:12]), 0x88, 0x92, 0, 0), discovery.ErrNotListed},
		{"padded_with_words", append(slices.Clone(sound[:42]), []byte("eighteen bytes ...")...), discovery.ErrNotListed},
		{"short", sound[:20], discovery.ErrNotListed},
		{"twice", sound, discovery.ErrBudget},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newCable(func([]byte) [][]byte { return nil })
				ask := func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
					conn, err := s.Frames(ctx)
					if err != nil {
						return err
					}
					if _, err := conn.WriteTo(sound, nil); err != nil {
						t.Errorf("the sound frame: %v", err)
					}
					_, err = conn.WriteTo(c.frame, nil)
					return err
				}
				k, book := sweepKeeper(t, ask, w, "10.0.0.0/29")
				r, err := k.Sweep(t.Context(), k.PlanSweep(nil))
				if !errors.Is(err, c.err) || len(w.sent) != 1 {
					t.Errorf("got %v, %d frames left", err, len(w.sent))
				}
				wantLines(t, book, notListed+" skipped", "resolve silent")
				if r.Counts.Skipped != 1 || len(r.Troubles) != 1 {
					t.Errorf("result %+v", r)
				}
			})
		})
	}
}

func TestSweepPlanIsChecked(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(*SweepPlan)
		reason string
	}{
		{"interface", func(p *SweepPlan) { p.Interface = "eth0" }, "planned for eth0"},
		{"protocol", func(p *SweepPlan) { p.Protocol = "dcp" }, "not by"},
		{"own_address", func(p *SweepPlan) { p.Links[0].From = addr("10.0.0.3") }, "is not on eth9"},
		{"out_of_scope", func(p *SweepPlan) { p.Links[0].Addresses = []netip.Addr{addr("10.0.0.99")} }, "outside the scope"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, _ := sweepKeeper(t, nil, newCable(nil), "10.0.0.0/29")
			plan := k.PlanSweep(nil)
			c.spoil(&plan)
			if _, err := k.Sweep(t.Context(), plan); err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want %q", err, c.reason)
			}
		})
	}
}

func TestSweepInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCable(func([]byte) [][]byte { return nil })
		k, _ := sweepKeeper(t, nil, w, "10.0.0.0/24")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		started := time.Now()
		r, err := k.Sweep(ctx, k.PlanSweep(nil))
		if took := time.Since(started); !errors.Is(err, context.Canceled) || !r.Interrupted || took > 1100*time.Millisecond || len(w.sent) > 21 {
			t.Errorf("got %v, %+v, after %s, %d frames", err, r, took, len(w.sent))
		}
	})
}

func TestSweepWithoutInterface(t *testing.T) {
	k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{arpProtocol(nil)}})
	r, err := k.Sweep(t.Context(), k.PlanSweep(nil))
	if err != nil || len(r.Reasons) != 2 || !strings.Contains(r.Reasons[0], "no interface") {
		t.Errorf("got %+v, %v", r, err)
	}
}

func FuzzARPFrame(f *testing.F) {
	f.Add(arpAsk(us, addr("10.0.0.1"), addr("10.0.0.4")))
	f.Fuzz(func(t *testing.T, frame []byte) {
		p, err := parseARPFrame(frame)
		if err == nil && p.checkOurs(us, addr("10.0.0.1")) == nil && (discovery.MAC(frame[6:12]) != us || discovery.MAC(frame[22:28]) != us) {
			t.Errorf("%x speaks for somebody else", frame)
		}
	})
}
