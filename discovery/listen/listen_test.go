package listen_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

func TestConversation(t *testing.T) {
	e := newEar(listen.Options{Site: "plant", Segment: "cell", Sensor: "eth0", Survey: "s-1"})
	hmi, plc := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 502)
	for port := range uint16(3) { // three connections are one conversation
		c := hmi.on(50000 + port)
		e.hear(tcp(c, plc, syn, 100, 0, ""), tcp(plc, c, syn|ack, 300, 101, ""), tcp(c, plc, ack|psh, 101, 301, "question"), tcp(plc, c, ack|psh, 301, 109, "answer"))
	}
	e.Flush()
	e.now = start.Add(time.Second)
	e.hear(tcp(hmi, plc, ack|psh, 109, 307, "question"))
	e.Flush()
	e.Flush()
	var talks []discovery.Conversation
	for _, o := range e.told {
		if o.Survey != "s-1" || o.Sensor != "eth0" || o.Mode != discovery.Heard || o.Subject.Site != "plant" || o.Subject.Segment != "cell" {
			t.Errorf("incomplete: %+v", o)
		}
		talks = append(talks, o.Talks...)
	}
	client := discovery.Subject{Site: "plant", Segment: "cell", MAC: hmi.mac, IP: hmi.ip}
	server := discovery.Subject{Site: "plant", Segment: "cell", MAC: plc.mac, IP: plc.ip}
	want := []discovery.Conversation{
		{
			Client: client, Server: server, Transport: discovery.TCP, Port: 502, Packets: 12, Bytes: 3 * (4*54 + 8 + 6), Answered: true,
			First: start, Last: start, Frequency: "one-off",
		},
		{
			Client: client, Server: server, Transport: discovery.TCP, Port: 502, Packets: 1, Bytes: 62, Answered: true,
			First: start, Last: e.now, Frequency: "one-off",
		},
	}
	if diff := cmp.Diff(want, talks, cmp.Comparer(func(a, b discovery.Subject) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestWho_is_client(t *testing.T) {
	chats := chat(discovery.Port{Transport: discovery.TCP, Number: 40404})
	a, b := at(1, "10.0.0.1", 0), at(2, "10.0.0.2", 0)
	group := host{discovery.Broadcast, a.ip, 0, 64}
	group.ip = at(0, "10.0.0.255", 0).ip
	cases := map[string]struct {
		frames [][]byte
		server host
		reply  bool // heard from the server
	}{
		"syn":                {[][]byte{tcp(a.on(80), b.on(50000), syn, 1, 0, "")}, b.on(50000), false},
		"syn_ack":            {[][]byte{tcp(a.on(80), b.on(50000), syn|ack, 1, 1, "")}, a.on(80), true},
		"syn_after_guess":    {[][]byte{tcp(a.on(80), b.on(50000), ack, 1, 1, ""), tcp(a.on(80), b.on(50000), syn, 9, 0, "")}, b.on(50000), false},
		"listed_port":        {[][]byte{tcp(a.on(40404), b.on(502), ack, 1, 1, "x")}, a.on(40404), true},
		"well_known_port":    {[][]byte{tcp(a.on(4840), b.on(900), ack, 1, 1, "x")}, a.on(4840), true},
		"low_port":           {[][]byte{udp(a.on(900), b.on(5000), "x")}, a.on(900), true},
		"first_speaker":      {[][]byte{udp(a.on(7001), b.on(7002), "x")}, b.on(7002), false},
		"same_port":          {[][]byte{udp(a.on(47808), b.on(47808), "x")}, b.on(47808), false},
		"group":              {[][]byte{udp(a.on(161), group.on(7002), "x")}, group.on(7002), false},
		"acknowledged":       {[][]byte{tcp(a.on(50000), b.on(502), ack, 1, 1, "x")}, b.on(502), true},
		"multicast":          {[][]byte{udp(a.on(5353), at(3, "224.0.0.251", 5353), "x")}, at(3, "224.0.0.251", 5353), false},
		"answer_before_syn":  {[][]byte{tcp(a.on(502), b.on(50000), syn|ack, 7, 2, ""), tcp(b.on(50000), a.on(502), syn, 1, 0, "")}, a.on(502), true},
		"vlan_and_group_mac": {[][]byte{ethernet(a.mac, discovery.Broadcast, 0x0800, ipPacket(a, group, 17, 0, 0, udpDatagram(a.on(68), group.on(67), nil)), 7)}, group.on(67), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newEar(listen.Options{Protocols: []discovery.Protocol{chats}})
			e.hear(c.frames...)
			e.Flush()
			talks := e.talks()
			last := talks[len(talks)-1]
			if last.Server.IP != c.server.ip || last.Port != c.server.port || last.Answered != c.reply {
				t.Errorf("told %+v", last)
			}
		})
	}
}

func TestDHCP_clients_are_told_apart(t *testing.T) {
	e := newEar(listen.Options{})
	to := host{discovery.Broadcast, at(0, "255.255.255.255", 0).ip, 67, 64}
	e.hear(udp(at(1, "0.0.0.0", 68), to, "discover"), udp(at(2, "0.0.0.0", 68), to, "discover"))
	e.Flush()
	talks := e.talks()
	if len(talks) != 2 || talks[0].Client.MAC == talks[1].Client.MAC || talks[0].Client.IP.IsValid() || talks[0].Server.IP != to.ip {
		t.Errorf("told %+v", talks)
	}
}

func TestEvery_link_type(t *testing.T) {
	a, b := at(1, "10.0.0.1", 5000), at(2, "10.0.0.2", 161)
	packet := ipPacket(a, b, 17, 0, 0, udpDatagram(a, b, []byte("hello")))
	a6, b6 := at(1, "fd00::1", 5000), at(2, "fd00::2", 161)
	packet6 := ipPacket(a6, b6, 17, 0, 0, udpDatagram(a6, b6, []byte("hello")))
	cooked := slices.Concat([]byte{0, 0, 0, 1, 0, 6}, a.mac[:], []byte{0, 0, 8, 0}, packet)
	cooked2 := slices.Concat([]byte{0x08, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6}, a.mac[:], []byte{0, 0}, packet)
	snap := slices.Concat([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, packet)
	extended := func(headers ...byte) []byte { // extension headers between the IPv6 header and UDP
		out := slices.Concat(packet6[:40], headers, packet6[40:])
		binary.BigEndian.PutUint16(out[4:], uint16(len(out)-40))
		out[6] = 0
		return out
	}
	options := slices.Concat([]byte{0x46}, packet[1:20], []byte{1, 1, 1, 0}, packet[20:])
	binary.BigEndian.PutUint16(options[2:], uint16(len(options)))
	cases := map[string]struct {
		frame discovery.Frame
		vlan  uint16
		mac   bool
	}{
		"ethernet":       {discovery.Frame{Link: discovery.LinkEthernet, Data: ethernet(a.mac, b.mac, 0x0800, packet)}, 0, true},
		"padded":         {discovery.Frame{Link: discovery.LinkEthernet, Data: append(ethernet(a.mac, b.mac, 0x0800, packet), make([]byte, 40)...)}, 0, true},
		"ipv4_options":   {discovery.Frame{Link: discovery.LinkEthernet, Data: ethernet(a.mac, b.mac, 0x0800, options)}, 0, true},
		"tagged":         {discovery.Frame{Link: discovery.LinkEthernet, Data: ethernet(a.mac, b.mac, 0x0800, packet, 0xe007)}, 7, true},
		"priority":       {discovery.Frame{Link: discovery.LinkEthernet, Data: ethernet(a.mac, b.mac, 0x0800, packet, 0xe000)}, 0, true},
		"qinq":           {discovery.Frame{Link: discovery.LinkEthernet, Data: ethernet(a.mac, b.mac, 0x0800, packet, 9, 7)}, 7, true},
		"tag_outside":    {discovery.Frame{Link: discovery.LinkEthernet, VLAN: [2]uint16{7}, Data: ethernet(a.mac, b.mac, 0x0800, packet)}, 7, true},
		"tag_both":       {discovery.Frame{Link: discovery.LinkEthernet, VLAN: [2]uint16{9}, Data: ethernet(a.mac, b.mac, 0x0800, packet, 7)}, 7, true},
		"snap":           {discovery.Frame{Link: discovery.LinkEthernet, Data: ethernet(a.mac, b.mac, uint16(len(snap)), snap)}, 0, true},
		"sll":            {discovery.Frame{Link: discovery.LinkLinuxSLL, Data: cooked}, 0, true},
		"sll2":           {discovery.Frame{Link: discovery.LinkLinuxSLL2, Data: cooked2}, 0, true},
		"raw":            {discovery.Frame{Link: discovery.LinkRaw, Data: packet}, 0, false},
		"raw_ipv4":       {discovery.Frame{Link: discovery.LinkIPv4, Data: packet}, 0, false},
		"raw_ipv6":       {discovery.Frame{Link: discovery.LinkIPv6, Data: packet6}, 0, false},
		"null":           {discovery.Frame{Link: discovery.LinkNull, Data: append([]byte{2, 0, 0, 0}, packet...)}, 0, false},
		"null_swapped":   {discovery.Frame{Link: discovery.LinkNull, Data: append([]byte{0, 0, 0, 2}, packet...)}, 0, false},
		"loop_ipv6":      {discovery.Frame{Link: discovery.LinkLoop, Data: append([]byte{0, 0, 0, 24}, packet6...)}, 0, false},
		"ipv6":           {discovery.Frame{Link: discovery.LinkEthernet, Data: ethernet(a.mac, b.mac, 0x86dd, packet6)}, 0, true},
		"ipv6_extension": {discovery.Frame{Link: discovery.LinkEthernet, Data: ethernet(a.mac, b.mac, 0x86dd, extended(60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0))}, 0, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newEar(listen.Options{Protocols: []discovery.Protocol{echo()}})
			c.frame.Time = start
			e.Frame(&c.frame)
			e.Flush()
			talks := e.talks()
			if len(talks) != 1 || talks[0].Port != 161 || talks[0].Client.VLAN != c.vlan || talks[0].Client.MAC.IsZero() == c.mac {
				t.Errorf("told %+v, counted %+v", talks, e.Counts())
			}
			if said := e.facts(keySaid); len(said) != 1 || said[0][len(said[0])-5:] != "hello" {
				t.Errorf("said %q", said)
			}
			for n := range len(c.frame.Data) { // cut by the capture: no panic
				e.Frame(&discovery.Frame{Time: start, Link: c.frame.Link, VLAN: c.frame.VLAN, Length: len(c.frame.Data), Data: c.frame.Data[:n]})
			}
		})
	}
}

// echo is a protocol that says its datagrams again.
func echo() discovery.Protocol {
	return discovery.Protocol{
		Name: "echo", Ports: []discovery.Port{{Transport: discovery.UDP, Number: 161}},
		Decode: discovery.Stateless(func(_ discovery.Flow, _ discovery.Side, _ time.Time, b []byte, out discovery.Sink) error {
			out.Observe(discovery.Observation{Facts: []discovery.Fact{discovery.NewFact(keySaid, string(b))}})
			return nil
		}),
	}
}

func TestOwn_frames_are_no_evidence(t *testing.T) {
	a, b := at(1, "10.0.0.1", 5000), at(2, "10.0.0.2", 161)
	e := newEar(listen.Options{Own: []discovery.MAC{a.mac}})
	e.hear(udp(a, b, "x"), udp(b, a, "y"), ethernet(a.mac, b.mac, 0x88cc, []byte("x")))
	e.Flush()
	if len(e.told) != 0 || e.Counts().Own != 3 {
		t.Errorf("told %v, counted %+v", e.told, e.Counts())
	}
}

func TestLayer2(t *testing.T) {
	made := 0
	protocol := func(name string, mine byte) discovery.Protocol {
		return discovery.Protocol{
			Name: name, Ports: []discovery.Port{{Transport: discovery.EtherType, Number: 0x8892}, {Transport: discovery.EtherType, Number: 0x2000}},
			Decode: func(f discovery.Flow) discovery.Decoder {
				made++
				return discovery.Stateless(func(f discovery.Flow, _ discovery.Side, _ time.Time, b []byte, out discovery.Sink) error {
					if len(b) == 0 || b[0] != mine {
						return discovery.ErrNotMine
					}
					out.Observe(discovery.Observation{Facts: []discovery.Fact{discovery.NewFact(keySaid, fmt.Sprint(name, " ", f.Ports[discovery.Server], " ", f.Ends[discovery.Client].VLAN))}})
					return nil
				})(f)
			},
		}
	}
	e := newEar(listen.Options{Protocols: []discovery.Protocol{protocol("first", 1), protocol("second", 2)}})
	a := at(1, "10.0.0.1", 0).mac
	group := discovery.MAC{1, 0x0e, 0xcf}
	cdp := []byte{0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0, 1}
	e.hear(ethernet(a, group, 0x8892, []byte{1}), ethernet(a, group, 0x8892, []byte{2}, 5), ethernet(a, group, 0x8892, []byte{3}), ethernet(a, group, 0x8892, []byte{1}),
		ethernet(a, group, uint16(len(cdp)), cdp), ethernet(a, group, 0x88a4, nil), ethernet(a, group, 3, []byte{0x42, 0x42, 3}))
	var got []string
	for _, o := range e.told {
		for _, f := range o.Facts {
			if f.Key == keySaid {
				got = append(got, o.Protocol+": "+f.Value+" by "+o.Subject.MAC.String())
			}
		}
	}
	by := " by " + a.String()
	want := []string{"first: first 34962 0" + by, "second: second 34962 5" + by, "first: first 34962 0" + by, "first: first 8192 0" + by}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if made != 5 || e.Counts().Unknown != 2 || len(e.Troubles()) != 0 {
		t.Errorf("%d decoders, counted %+v, troubles %v", made, e.Counts(), e.Troubles())
	}
	if talks := e.talks(); len(talks) != 0 {
		t.Errorf("told %v", talks)
	}
}

func TestLayer3(t *testing.T) {
	protocol := discovery.Protocol{
		Name: "neighbour", Ports: []discovery.Port{{Transport: discovery.IP, Number: 58}},
		Decode: discovery.Stateless(func(f discovery.Flow, _ discovery.Side, _ time.Time, b []byte, out discovery.Sink) error {
			end := f.Ends[discovery.Client]
			out.Observe(discovery.Observation{Facts: []discovery.Fact{discovery.NewFact(keySaid, fmt.Sprintf("%s/%d %s %s %d %x", f.Transport, f.Ports[discovery.Server], end.MAC, end.IP, end.VLAN, b))}})
			return nil
		}),
	}
	e := newEar(listen.Options{Protocols: []discovery.Protocol{protocol}})
	a, all := at(1, "fe80::1", 0), at(99, "ff02::1", 0)
	packet := func(from host, next byte, payload ...byte) []byte { return ipPacket(from, all, next, 0, 0, payload) }
	send := func(from host, ip []byte, tags ...uint16) {
		e.hear(ethernet(from.mac, all.mac, 0x86dd, ip, tags...))
	}
	near := a.via(1, 255)
	send(near, packet(near, 58, 1))
	send(near, packet(near, 58, 2), 7)
	send(near, packet(near, 0, 58, 0, 5, 2, 0, 0, 1, 0, 3)) // behind a hop-by-hop header
	none := near
	none.ip = netip.IPv6Unspecified()
	send(none, packet(none, 58, 4))
	send(a, packet(a, 58, 5))       // a router may have sent it on
	send(near, packet(near, 59, 6)) // of no protocol
	want := []string{
		"00:1b:1b:00:00:01 fe80::1 ip/58 00:1b:1b:00:00:01 fe80::1 0 01",
		"00:1b:1b:00:00:01 fe80::1 ip/58 00:1b:1b:00:00:01 fe80::1 7 02",
		"00:1b:1b:00:00:01 fe80::1 ip/58 00:1b:1b:00:00:01 fe80::1 0 03",
		"00:1b:1b:00:00:01 ip/58 00:1b:1b:00:00:01 invalid IP 0 04",
	}
	if diff := cmp.Diff(want, e.facts(keySaid)); diff != "" {
		t.Error(diff)
	}
	if talks := e.talks(); len(talks) != 0 || len(e.Troubles()) != 0 {
		t.Errorf("told %v, troubles %v", talks, e.Troubles())
	}
}

func TestFragments(t *testing.T) {
	a, b := at(1, "10.0.0.1", 5000), at(2, "10.0.0.2", 161)
	data := make([]byte, 3000)
	for i := range data {
		data[i] = 'a' + byte(i%26)
	}
	whole := udpDatagram(a, b, data)
	piece := func(from, to int) []byte {
		field := uint16(from / 8)
		if to < len(whole) {
			field |= 0x2000
		}
		return ethernet(a.mac, b.mac, 0x0800, ipPacket(a, b, 17, field, 77, whole[from:to]))
	}
	a6, b6 := at(1, "fd00::1", 5000), at(2, "fd00::2", 161)
	whole6 := udpDatagram(a6, b6, data)
	piece6 := func(from, to int) []byte {
		field := uint16(from)
		if to < len(whole6) {
			field |= 1
		}
		header := binary.BigEndian.AppendUint16([]byte{17, 0}, field)
		return ethernet(a.mac, b.mac, 0x86dd, ipPacket(a6, b6, 44, 0, 0, slices.Concat(header, []byte{0, 0, 0, 9}, whole6[from:to])))
	}
	n := len(whole)
	cases := map[string]struct {
		frames [][]byte
		whole  bool
	}{
		"in_order":     {[][]byte{piece(0, 1480), piece(1480, 2960), piece(2960, n)}, true},
		"backwards":    {[][]byte{piece(2960, n), piece(1480, 2960), piece(0, 1480)}, true},
		"twice":        {[][]byte{piece(0, 1480), piece(0, 1480), piece(1480, n)}, true},
		"overlap":      {[][]byte{piece(0, 1480), piece(1472, 2960), piece(1480, n)}, false},
		"two_ends":     {[][]byte{piece(1480, n), piece(1480, n-8), piece(0, 1480)}, true}, // the second end is no end
		"hole":         {[][]byte{piece(0, 1480), piece(2960, n)}, false},
		"ipv6":         {[][]byte{piece6(1480, n), piece6(0, 1480)}, true},
		"ipv6_atomic":  {[][]byte{piece6(0, n)}, true},
		"ipv6_overlap": {[][]byte{piece6(1472, n), piece6(0, 1480)}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newEar(listen.Options{Protocols: []discovery.Protocol{echo()}})
			if name == "two_ends" {
				c.frames[1][14+6] &^= 0x20
				c.whole = false
			}
			e.hear(c.frames...)
			e.Flush()
			said := e.facts(keySaid)
			if c.whole != (len(said) == 1) || c.whole && said[0][len(said[0])-len(data):] != string(data) {
				t.Fatalf("said %d things", len(said))
			}
			if !c.whole {
				return
			}
			if talks := e.talks(); len(talks) != 1 || talks[0].Packets != uint64(len(c.frames)) {
				t.Errorf("told %+v", talks)
			}
		})
	}
}
