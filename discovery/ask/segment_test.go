package ask

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// crowd is a protocol that asks a segment: one word to all, and a risky one.
func crowd(transport discovery.Transport, messages ...string) discovery.Protocol {
	p := wordProtocol("crowd", discovery.UDP, nil)
	p.Asker = nil
	p.Segment = &discovery.Asker{
		Transport: transport, Port: 4000,
		Requests: []discovery.Request{
			{Name: "who", Safety: discovery.SafetyA1, Template: discovery.MustTemplate("u16( 51 *20 )"), Max: 2},
			{Name: "risky", Safety: discovery.SafetyC, Template: discovery.MustTemplate("u16( 52 )"), Max: 1},
		},
		Ask: func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
			open := s.Broadcast
			if transport == discovery.EtherType {
				open = s.Frames
			}
			conn, err := open(ctx)
			if err != nil {
				return err
			}
			for _, m := range messages {
				if _, err := conn.WriteTo([]byte(m), nil); err != nil {
					return err
				}
			}
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			buffer := make([]byte, 2000)
			for {
				if _, _, err := conn.ReadFrom(buffer); err != nil {
					return ctx.Err()
				}
			}
		},
	}
	return p
}

// hall is a link on which stations answer datagrams.
type hall struct {
	*cable
	from map[string]net.Addr // by the answer
	to   []string
}

func (h *hall) WriteTo(b []byte, to net.Addr) (int, error) {
	h.to = append(h.to, to.String())
	return h.cable.WriteTo(b, to)
}

func (h *hall) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := h.cable.ReadFrom(b)
	if err != nil {
		return n, nil, err
	}
	return n, h.from[string(b[:n])], nil
}

func segmentKeeper(t *testing.T, p discovery.Protocol, h *hall, o Options) (*Keeper, *notebook) {
	t.Helper()
	o.Protocols, o.Site, o.Segment = []discovery.Protocol{p}, "s", "g"
	if o.Scope == nil {
		o.Scope = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	}
	k, book := newKeeper(t, o)
	k.o.Interface = &net.Interface{Name: "eth9", HardwareAddr: us[:]}
	k.links = []link{{net: netip.MustParsePrefix("10.0.0.0/24"), own: addr("10.0.0.1")}}
	k.own = []netip.Addr{addr("10.0.0.1")}
	k.frames = func(*net.Interface, uint16) (net.PacketConn, error) { return h, nil }
	k.broadcast = func(context.Context, *net.Interface, netip.Addr, uint16) (net.PacketConn, error) { return h, nil }
	return k, book
}

func TestSegmentIsAskedByBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := map[string]net.Addr{
			string(word("A1")):     &net.UDPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 4000},
			string(word("A2")):     &net.UDPAddr{IP: net.IPv4(10, 0, 0, 8), Port: 5000},
			string(word("Aself")):  &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 4000},
			string(word("Aaway")):  &net.UDPAddr{IP: net.IPv4(10, 9, 9, 9), Port: 4000},
			string(word("!wrong")): &net.UDPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 4000},
		}
		answers := func([]byte) [][]byte {
			return [][]byte{word("A1"), word("A1"), word("A2"), word("Aself"), word("Aaway"), word("!wrong")}
		}
		h := &hall{cable: newCable(answers), from: from}
		k, book := segmentKeeper(t, crowd(discovery.UDP, string(word("Qall"))), h, Options{})
		plan := k.Plan(nil)
		if len(plan.Segments) != 1 || len(plan.Segments[0].Requests) != 1 || plan.Totals.Questions != 2 {
			t.Fatalf("plan %+v", plan)
		}
		if n := plan.NotAsked; len(n) != 1 || n[0].Request != "risky" || !strings.Contains(n[0].Reason, "--allow risky") {
			t.Errorf("not asked %+v", n)
		}
		r, err := k.Segment(t.Context(), plan.Segments[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(h.to, []string{"255.255.255.255:4000"}) {
			t.Errorf("sent to %v", h.to)
		}
		wantLines(t, book, "who answered")
		var told []string
		for _, o := range book.observations {
			for _, f := range o.Facts {
				told = append(told, o.Subject.IP.String()+" "+f.Value)
			}
		}
		want := []string{"10.0.0.7 A1", "10.0.0.7 udp/4000 crowd", "10.0.0.7 A1", "10.0.0.8 A2"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if r.Counts.Answered != 2 || len(r.Troubles) != 1 {
			t.Errorf("result %+v", r)
		}
	})
}

func TestFramesToASegmentSpeakForUsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		group := discovery.MAC{1, 0x0e, 0xcf}
		frame := func(to, from discovery.MAC) string {
			return string(to[:]) + string(from[:]) + "\x40\x00" + string(word("Q"))
		}
		for name, c := range map[string]struct {
			frame string
			left  bool
		}{
			"ours":        {frame(group, us), true},
			"another's":   {frame(group, them), false},
			"to one":      {frame(them, us), false},
			"a short one": {"\x01", false},
		} {
			h := &hall{cable: newCable(func([]byte) [][]byte { return nil })}
			p := crowd(discovery.EtherType, c.frame)
			p.Segment.Requests[0].Template = discovery.MustTemplate("?12 4000 u16( 51 )")
			k, book := segmentKeeper(t, p, h, Options{})
			_, err := k.Segment(t.Context(), k.Plan(nil).Segments[0], nil)
			if left := len(h.to) == 1; left != c.left || c.left != (err == nil) {
				t.Errorf("%s: left %v, error %v", name, left, err)
			}
			if c.left {
				wantLines(t, book, "who silent")
			} else {
				wantLines(t, book, notListed+" skipped")
			}
		}
	})
}

func TestASegmentThatMayNotBeReachedWhole(t *testing.T) {
	triconex := discovery.MAC{0x00, 0xe0, 0xa1, 1, 2, 3} // HIMA
	exclude := func(text string) Exclusions {
		e, err := ParseExclusions(text)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for name, c := range map[string]struct {
		o     Options
		hosts []Host
		want  string
	}{
		"all of it":            {Options{}, nil, ""},
		"an address excluded":  {Options{Exclude: exclude("10.0.0.99")}, nil, "10.0.0.99, which is excluded"},
		"elsewhere excluded":   {Options{Exclude: exclude("10.0.1.99")}, nil, ""},
		"a MAC excluded":       {Options{Exclude: exclude("00:80:f4")}, nil, "MACs are excluded"},
		"half of it in scope":  {Options{Scope: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/25")}}, nil, "does not hold all of it"},
		"more than it":         {Options{Scope: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}, nil, ""},
		"a safety system":      {Options{}, []Host{{Subject: discovery.Subject{IP: addr("10.0.0.50"), MAC: triconex}}}, "safety system 10.0.0.50"},
		"a safety system away": {Options{}, []Host{{Subject: discovery.Subject{IP: addr("10.0.5.50"), MAC: triconex}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hall{cable: newCable(func([]byte) [][]byte { return nil })}
			k, _ := segmentKeeper(t, crowd(discovery.UDP, string(word("Q"))), h, c.o)
			plan := k.Plan(c.hosts)
			if planned := len(plan.Segments) == 1; planned != (c.want == "") {
				t.Fatalf("planned %v", planned)
			}
			if c.want == "" {
				return
			}
			if !slices.ContainsFunc(plan.NotAsked, func(n NotAsked) bool { return n.Protocol == "crowd" && strings.Contains(n.Reason, c.want) }) {
				t.Errorf("no reason %q in %+v", c.want, plan.NotAsked)
			}
			// A plan from a file, or from before the safety system was known, is held against the same rules.
			stale := SegmentPlan{
				Interface: "eth9", Protocol: "crowd", Network: k.links[0].net, From: k.links[0].own,
				Requests: []Planned{{Name: "who", Template: "u16( 51 *20 )", AtMost: 1}},
			}
			if _, err := k.Segment(t.Context(), stale, c.hosts); err == nil || len(h.to) > 0 {
				t.Errorf("it was asked all the same: %v", h.to)
			}
		})
	}
}

func TestASegmentIsAskedNoMoreThanPlanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{cable: newCable(func([]byte) [][]byte { return nil })}
		q := string(word("Q"))
		k, book := segmentKeeper(t, crowd(discovery.UDP, q, q, q), h, Options{})
		_, err := k.Segment(t.Context(), k.Plan(nil).Segments[0], nil)
		if err == nil || len(h.to) != 2 {
			t.Errorf("%d left, error %v", len(h.to), err)
		}
		wantLines(t, book, "who silent", "who skipped", "who silent")
		for i := 1; i < len(h.times); i++ {
			if d := h.times[i].Sub(h.times[i-1]); d < 100*time.Millisecond-time.Microsecond {
				t.Errorf("two within %s, at 10 a second", d)
			}
		}
	})
}
