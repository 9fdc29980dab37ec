package listen_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

// TestFlood sends a million frames of as many stations, addresses and ports, a part of them streams with holes and fragments.
func TestFlood(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	told := uint64(0)
	limits := listen.Limits{Flows: 4096, Conversations: 4096, Stations: 4096, Addresses: 4096, Sessions: 1024, Unread: 1 << 20, Held: 1 << 20, Datagrams: 128}
	l := listen.New(listen.Options{
		Protocols: []discovery.Protocol{chat(chatPort)}, Limits: limits,
		Out: discovery.SinkFunc(func(o discovery.Observation) {
			for _, c := range o.Talks {
				told += c.Packets
			}
		}),
	})
	random := rand.New(rand.NewPCG(1, 2))
	word := func() uint32 { return random.Uint32() }
	before := heap()
	data := "#" + string(bytes.Repeat([]byte("x"), 400))
	sent := uint64(0)
	for i := range n {
		var raw [4]byte
		binary.BigEndian.PutUint32(raw[:], word()|0x0a000000)
		a := host{discovery.MAC{0, byte(word()), byte(word()), byte(word()), byte(word()), byte(word())}, netip.AddrFrom4(raw), uint16(word()), 64}
		b := at(2, "10.0.0.2", 7000)
		var frame []byte
		switch i % 4 {
		case 0:
			frame = tcp(a, b, ack, word(), word(), data) // a line without end
		case 1:
			frame = tcp(a, b.on(uint16(word())), syn, word(), 0, "")
		case 2:
			frame = ethernet(a.mac, b.mac, 0x0800, ipPacket(a, b, 17, 0x2000, uint16(word()), []byte(data[:400])))
			sent-- // a datagram that is never whole takes part in no conversation
		default:
			frame = udp(a, b.on(uint16(word())), data)
		}
		sent++
		l.Frame(&discovery.Frame{Time: start.Add(time.Duration(i) * time.Millisecond), Link: discovery.LinkEthernet, Length: len(frame), Data: frame})
	}
	after := heap()
	l.Flush()
	t.Logf("%d MiB held, counted %+v", (int64(after)-int64(before))>>20, l.Counts())
	if grown := int64(after) - int64(before); grown > 32<<20 {
		t.Errorf("%d MiB are held", grown>>20)
	}
	shed := l.Counts().Shed
	for what, n := range map[string]uint64{
		"flows": shed.Flows, "conversations": shed.Conversations, "stations": shed.Stations, "addresses": shed.Addresses, "sessions": shed.Sessions,
		"datagrams": shed.Datagrams,
	} {
		if n == 0 {
			t.Errorf("no %s were shed", what)
		}
	}
	if told+shed.UntoldPackets != sent {
		t.Errorf("%d packets were told of %d, %d were shed", told, sent, shed.UntoldPackets)
	}
	if shed.Newcomers < uint64(n)/2 || shed.Untold == 0 {
		t.Errorf("%d newcomers were shed, with %d observations", shed.Newcomers, shed.Untold)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestDefault_limits_hold keeps the worst case of the defaults within what their comment says.
func TestDefault_limits_hold(t *testing.T) {
	if testing.Short() {
		t.Skip("fills the tables")
	}
	l := listen.New(listen.Options{Out: discovery.SinkFunc(func(discovery.Observation) {})})
	before := heap()
	for i := range uint32(200_000) {
		raw := [4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}
		a := host{discovery.MAC{0, 1, raw[0], raw[1], raw[2], raw[3]}, netip.AddrFrom4(raw), 5000, 64}
		for k := range 2 {
			b := udp(a, at(2, "10.0.0.2", 161), "x")
			l.Frame(&discovery.Frame{Time: start.Add(time.Duration(k) * time.Second), Link: discovery.LinkEthernet, Length: len(b), Data: b})
		}
	}
	grown := (int64(heap()) - int64(before)) >> 20
	t.Logf("%d MiB held, counted %+v", grown, l.Counts())
	if grown > 200 {
		t.Errorf("%d MiB are held", grown)
	}
}

// mixed is traffic of a plant that no protocol of the test reads.
func mixed() []discovery.Frame {
	var out []discovery.Frame
	add := func(b []byte) {
		out = append(out, discovery.Frame{Time: start.Add(time.Duration(len(out)) * time.Millisecond), Link: discovery.LinkEthernet, Length: len(b), Data: b})
	}
	for n := range byte(50) {
		a, b := at(n+1, "10.0.0.1", 50000), at(n+100, "10.0.1.1", 502)
		raw := a.ip.As4()
		raw[3] = n + 1
		a.ip = netip.AddrFrom4(raw)
		add(tcp(a, b, ack|psh, 1, 1, "a question of a client"))
		add(tcp(b, a, ack|psh, 1, 23, "and the answer of a server, which is longer"))
		add(tcp(a, b, ack, 23, 44, ""))
		add(udp(a.on(2222), b.on(2222), "cyclic data of some input or output"))
		add(udp(at(n+1, "fe80::1", 5353), at(99, "ff02::fb", 5353), "a question to all"))
		add(ethernet(a.mac, b.mac, 0x8892, []byte("cyclic data of PROFINET"), 7))
		add(ethernet(a.mac, discovery.Broadcast, 38, []byte{0x42, 0x42, 3}))
		add(ethernet(a.mac, b.mac, 0x0800, ipPacket(a, b, 1, 0, 0, []byte("a ping")), 5))
	}
	return out
}

func quiet() *listen.Listener {
	return listen.New(listen.Options{
		Protocols: []discovery.Protocol{chat(chatPort)}, Out: discovery.SinkFunc(func(discovery.Observation) {}), Own: []discovery.MAC{{2, 2, 2, 2, 2, 2}},
	})
}

func TestAllocates_nothing_for_uninteresting_frames(t *testing.T) {
	frames, l := mixed(), quiet()
	for range 100 { // the sample of intervals is full
		for i := range frames {
			l.Frame(&frames[i])
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		for i := range frames {
			l.Frame(&frames[i])
		}
	}); n != 0 {
		t.Errorf("%v allocations in %d frames", n, len(frames))
	}
}

func BenchmarkUninteresting(b *testing.B) {
	frames, l := mixed(), quiet()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l.Frame(&frames[n%len(frames)])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
}

func BenchmarkPlant(b *testing.B) {
	paths, _ := filepath.Glob(filepath.Join(sharedCaptures(b), "plant-*.pcap"))
	var frames []discovery.Frame
	for _, path := range paths {
		source, err := capture.OpenFile(path)
		if err != nil {
			b.Fatal(err)
		}
		for {
			var f discovery.Frame
			if source.Next(&f) != nil {
				break
			}
			f.Data = bytes.Clone(f.Data)
			frames = append(frames, f)
		}
		if err := source.Close(); err != nil {
			b.Fatal(err)
		}
	}
	l := quiet()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l.Frame(&frames[n%len(frames)])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
}

func FuzzFrame(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	for i, frame := range mixed()[:8] {
		f.Add(uint16(1), uint16(i), frame.Data)
	}
	a, b := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 7000)
	f.Add(uint16(1), uint16(0), tcp(a, b, ack|psh, 1, 1, "#one\n#bad\n"))
	f.Add(uint16(1), uint16(0), ethernet(a.mac, b.mac, 0x0800, ipPacket(a, b, 47, 0, 0, append([]byte{0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0x14, 0, 10, 0, 0, 0, 3}, udp(a, b, "#one")...))))
	f.Add(uint16(1), uint16(0), udp(a, b.on(4789), "\x08\x00\x00\x00\x00\x00\x2a\x00"+string(udp(a, b, "#one"))))
	f.Add(uint16(1), uint16(0), udp(a, b.on(37008), "\x01\x00\x00\x01\x0a\x01\xc5\x01"+string(udp(a, b, "#one"))))
	f.Add(uint16(113), uint16(0), make([]byte, 60))
	f.Add(uint16(276), uint16(0), make([]byte, 60))
	f.Fuzz(func(t *testing.T, link, vlan uint16, data []byte) {
		l := listen.New(listen.Options{Protocols: []discovery.Protocol{chat(chatPort), echo()}, Out: discovery.SinkFunc(func(o discovery.Observation) {
			if o.Subject.IsZero() {
				t.Errorf("nobody said %+v", o)
			}
		})})
		// The bytes are one frame, and also several: each begins with its length.
		frame := discovery.Frame{Time: start, Link: discovery.LinkType(link), VLAN: [2]uint16{vlan}, Length: len(data), Data: data}
		l.Frame(&frame)
		for rest := data; len(rest) > 1; {
			n := min(int(rest[0]), len(rest)-1)
			frame.Data, rest = rest[1:1+n], rest[1+n:]
			frame.Time = frame.Time.Add(time.Second)
			l.Frame(&frame)
		}
		l.Flush()
	})
}
