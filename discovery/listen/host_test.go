package listen_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

func TestHosts(t *testing.T) {
	const station = "00:1b:1b:00:00:0"
	far := func(n int) host { return at(9, fmt.Sprintf("172.16.0.%d", n), 5000).via(9, 61) }
	to := at(2, "10.0.0.2", 161)
	cases := map[string]struct {
		frames   [][]byte
		bindings []string
		routers  []string
	}{
		"public_may_be_translated": {[][]byte{udp(at(1, "54.175.48.202", 5000), to, "x"), udp(at(3, "172.15.0.1", 5000), to, "x")}, nil, nil},
		"private_ranges": {
			[][]byte{udp(at(1, "172.16.0.1", 5000), to, "x"), udp(at(3, "192.168.0.1", 5000), to, "x"), udp(at(4, "100.64.0.1", 5000), to, "x")},
			[]string{station + "1 172.16.0.1 on-link", station + "3 192.168.0.1 on-link", station + "4 100.64.0.1 on-link"},
			nil,
		},
		"on_link":         {[][]byte{udp(at(1, "10.0.0.1", 5000), to, "x"), udp(at(1, "10.0.0.1", 5001), to, "x")}, []string{station + "1 10.0.0.1 on-link"}, nil},
		"other_beginning": {[][]byte{udp(at(1, "10.0.0.1", 5000).via(1, 63), to, "x")}, nil, nil},
		"link_local": {
			[][]byte{udp(at(1, "169.254.7.7", 5000).via(1, 1), to, "x"), udp(at(1, "fe80::1", 546).via(1, 1), at(3, "ff02::1:2", 547), "x")},
			[]string{station + "1 169.254.7.7 on-link", station + "1 fe80::1 on-link"},
			nil,
		},
		"nobody": {[][]byte{udp(at(1, "0.0.0.0", 68), to, "x"), udp(at(1, "127.0.0.1", 68), to, "x"), udp(at(1, "224.0.0.1", 68), to, "x")}, nil, nil},
		"router": {
			[][]byte{udp(far(1), to, "x"), udp(far(2), to, "x"), udp(far(3), to, "x"), udp(far(4), to, "x"), udp(far(5), to, "x"), udp(at(9, "10.0.0.9", 1), to, "x")},
			nil,
			[]string{station + "9 router"},
		},
		"translator": {
			[][]byte{
				udp(at(1, "10.0.0.1", 1), to, "x"), udp(at(1, "10.0.0.3", 1), to, "x"), udp(at(1, "10.0.0.4", 1), to, "x"),
				udp(at(1, "10.0.0.5", 1), to, "x"), udp(at(1, "10.0.0.6", 1), to, "x"),
			},
			[]string{station + "1 10.0.0.1 on-link", station + "1 10.0.0.3 on-link", station + "1 10.0.0.4 on-link"},
			[]string{station + "1 router"},
		},
		"many_ipv6_of_one_network": {
			[][]byte{
				udp(at(1, "fd00::1", 1), at(2, "fd00::9", 161), "x"), udp(at(1, "fd00::2", 1), at(2, "fd00::9", 161), "x"), udp(at(1, "fd00::3", 1), at(2, "fd00::9", 161), "x"),
				udp(at(1, "fd00::4", 1), at(2, "fd00::9", 161), "x"), udp(at(1, "fd00::5", 1), at(2, "fd00::9", 161), "x"),
			},
			[]string{
				station + "1 fd00::1 on-link", station + "1 fd00::2 on-link", station + "1 fd00::3 on-link", station + "1 fd00::4 on-link",
				station + "1 fd00::5 on-link",
			},
			nil,
		},
		"two_stations": { // a duplicate address: each is told once, however often they take turns
			[][]byte{
				udp(at(1, "10.0.0.1", 1), to, "x"), udp(at(3, "10.0.0.1", 1), to, "x"), udp(at(1, "10.0.0.1", 1), to, "x"), udp(at(3, "10.0.0.1", 1), to, "x"),
			},
			[]string{station + "1 10.0.0.1 on-link", station + "3 10.0.0.1 on-link"},
			nil,
		},
		"two_vlans": {
			[][]byte{
				ethernet(to.mac, to.mac, 0x0800, ipPacket(to, at(1, "10.0.0.1", 1), 17, 0, 0, udpDatagram(to, to, nil)), 5),
				ethernet(to.mac, to.mac, 0x0800, ipPacket(to, at(1, "10.0.0.1", 1), 17, 0, 0, udpDatagram(to, to, nil)), 6),
			},
			[]string{station + "2 10.0.0.2 on-link", station + "2 10.0.0.2 on-link"},
			nil,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newEar(listen.Options{})
			e.hear(c.frames...)
			e.hear(c.frames...)
			if diff := cmp.Diff(c.bindings, e.facts(discovery.KeyBinding)); diff != "" {
				t.Errorf("bindings: %s", diff)
			}
			if diff := cmp.Diff(c.routers, e.facts(discovery.KeyRole)); diff != "" {
				t.Errorf("routers: %s", diff)
			}
			if n := len(e.facts(discovery.KeyMAC)); n != int(e.Counts().Stations) {
				t.Errorf("%d stations were told, counted %+v", n, e.Counts())
			}
		})
	}
}

func TestVirtual_MAC_is_bound_to_nothing(t *testing.T) {
	router := at(1, "10.0.0.1", 5000)
	router.mac, router.hops = discovery.MAC{0, 0, 0x5e, 0, 1, 7}, 255
	e := newEar(listen.Options{})
	e.hear(udp(router, at(2, "10.0.0.2", 161), "x"))
	if got := e.facts(discovery.KeyBinding); got != nil {
		t.Errorf("bound %v", got)
	}
}

// TestRouter_MAC_never_sticks follows who the ends of conversations are said to be.
func TestRouter_MAC_never_sticks(t *testing.T) {
	e := newEar(listen.Options{})
	local := at(2, "10.0.0.2", 161)
	for n := range byte(6) {
		e.hear(udp(at(9, fmt.Sprintf("10.9.0.%d", n+1), 5000), local, "x")) // it does not count down
	}
	e.Flush()
	for _, c := range e.talks() {
		if !c.Client.MAC.IsZero() {
			t.Errorf("client %v %v", c.Client.MAC, c.Client.IP)
		}
	}
}

func TestBinding_by_a_protocol(t *testing.T) {
	teller := discovery.Protocol{
		Name: "teller", Ports: []discovery.Port{{Transport: discovery.EtherType, Number: 0x0806}},
		Decode: discovery.Stateless(func(f discovery.Flow, _ discovery.Side, _ time.Time, _ []byte, out discovery.Sink) error {
			out.Observe(discovery.Observation{
				Subject: discovery.Subject{MAC: f.Ends[discovery.Client].MAC, IP: at(1, "10.0.0.1", 0).ip},
				Facts:   []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "arp")},
			})
			return nil
		}),
	}
	e := newEar(listen.Options{Protocols: []discovery.Protocol{teller}})
	a := at(1, "10.0.0.1", 5000).via(1, 33) // its hops prove nothing
	e.hear(udp(a, at(2, "10.0.0.2", 161), "x"))
	e.hear(ethernet(a.mac, discovery.Broadcast, 0x0806, []byte("x")))
	e.hear(udp(a.via(7, 64), at(2, "10.0.0.2", 161), "x")) // somebody else's frame does not change what ARP said
	e.Flush()
	if talks := e.talks(); len(talks) != 1 || talks[0].Client.MAC != a.mac {
		t.Errorf("told %+v", talks)
	}
}

func TestAddress_without_conversation(t *testing.T) {
	a, b := at(1, "10.0.0.1", 0).via(1, 33), at(2, "10.0.0.2", 0)
	ping := ethernet(a.mac, b.mac, 0x0800, ipPacket(a, b, 1, 0, 0, []byte{8, 0, 0, 0, 0, 0, 0, 0}))
	e := newEar(listen.Options{})
	e.hear(ping, ping)
	e.Flush()
	if got := e.facts(discovery.KeyIP); len(got) != 1 || got[0] != "10.0.0.1 10.0.0.1" {
		t.Errorf("told %v", got)
	}
}
