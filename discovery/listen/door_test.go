package listen_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

// madeUp is a host of a flood: its addresses are made of a number.
func madeUp(n uint32) host {
	var mac discovery.MAC
	binary.BigEndian.PutUint32(mac[2:], n)
	mac[1] = 0x60
	return host{mac, netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), uint16(n), 64}
}

// flood sends a datagram of each of so many made-up hosts to one of the plant, all within a second.
func (e *ear) flood(from, n int, to host) {
	began := e.now
	for i := range n {
		e.now = began.Add(time.Duration(i) * time.Second / time.Duration(n))
		e.hear(udp(madeUp(uint32(from+i)), to, "x"))
	}
	e.now = began.Add(time.Second)
	e.Flush()
}

// subjects counts who was told of.
func (e *ear) subjects() int {
	set := map[discovery.Subject]bool{}
	for _, o := range e.told {
		set[o.Subject] = true
		for _, c := range o.Talks {
			set[c.Client], set[c.Server] = true, true
		}
	}
	return len(set)
}

func (e *ear) tells(ip string) bool {
	return slices.ContainsFunc(e.told, func(o discovery.Observation) bool {
		return o.Subject.IP.String() == ip && slices.ContainsFunc(o.Facts, func(f discovery.Fact) bool { return f.Key == discovery.KeyBinding })
	})
}

func TestAFloodIsNotTold(t *testing.T) {
	e := newEar(listen.Options{Protocols: []discovery.Protocol{chat(discovery.Port{Transport: discovery.UDP, Number: 7000}, discovery.Port{Transport: discovery.UDP, Number: 7001})}})
	plant, victim := at(1, "192.168.0.1", 40000), at(2, "192.168.0.2", 7000)
	e.hear(udp(plant, victim, "#before"))
	e.flood(0, 100_000, victim)
	if n := e.subjects(); n < 10_000 || n > 30_000 {
		t.Errorf("%d addresses were told", n)
	}
	after := len(e.told)

	// Who comes during the flood and talks to somebody is told, and so is who is heard again and again; what they said waited for them.
	talks, calls := at(3, "192.168.0.3", 40001), at(4, "192.168.0.4", 40002)
	e.hear(udp(talks, victim, "#hello"), udp(calls, at(99, "192.168.0.255", 7001), "#I am"))
	e.flood(100_000, 5000, victim)
	if e.tells("192.168.0.3") || e.tells("192.168.0.4") {
		t.Error("a newcomer was told at once")
	}
	e.hear(udp(victim, talks, "#yes"), udp(talks, victim, "#good"), udp(calls, at(99, "192.168.0.255", 7001), "#I am"))
	e.flood(105_000, 5000, victim)
	e.hear(udp(calls, at(99, "192.168.0.255", 7001), "#I am"))
	e.flood(110_000, 5000, victim)
	for _, ip := range []string{"192.168.0.3", "192.168.0.4"} {
		if !e.tells(ip) {
			t.Errorf("%s is not told of", ip)
		}
	}
	if said := e.said(); !slices.Contains(said, "192.168.0.3 hello") || !slices.Contains(said, "192.168.0.4 I am") {
		t.Errorf("said %q", said)
	}
	if n := len(e.told) - after; n > 100 {
		t.Errorf("%d observations were told of a flood that was known", n)
	}
	shed := e.Counts().Shed
	if shed.Newcomers < 150_000 || shed.Untold < shed.Newcomers {
		t.Errorf("%+v", shed)
	}

	// A day later there is room for as many as a day brings.
	e.told, e.now = nil, e.now.Add(24*time.Hour)
	e.hear(udp(at(5, "192.168.0.5", 40003), victim, "#new"))
	if !e.tells("192.168.0.5") {
		t.Error("a newcomer was not told of")
	}
}

// TestALargePlantIsTold has 10,000 hosts that come at once, and talk one way only.
func TestALargePlantIsTold(t *testing.T) {
	e := newEar(listen.Options{})
	e.flood(1, 10_000, at(2, "192.168.0.2", 7000))
	if shed := e.Counts().Shed; shed.Newcomers > 0 || shed.Untold > 0 {
		t.Errorf("%+v", shed)
	}
}

// TestLinesOfALongRun has a Listener run for simulated weeks, with connections that come and go, and holds its memory.
func TestLinesOfALongRun(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates weeks")
	}
	l := quiet()
	now, told := start, 0
	hear := func(b []byte) {
		l.Frame(&discovery.Frame{Time: now, Link: discovery.LinkEthernet, Length: len(b), Data: b})
	}
	hour := func(h int) {
		for i := range 2000 {
			a, b := at(byte(i%40+1), fmt.Sprintf("10.0.0.%d", i%40+1), uint16(1024+(h*2000+i)%60000)), at(byte(i%9+100), fmt.Sprintf("10.0.1.%d", i%9+1), chatPort.Number)
			seq := uint32(h*2000 + i)
			hear(tcp(a, b, syn, seq, 0, ""))
			hear(tcp(b, a, syn|ack, seq, seq+1, ""))
			hear(tcp(a, b, ack|psh, seq+1, seq+1, "#"+strings.Repeat("y", 60)+"\n"))
			hear(tcp(a, b, ack|fin, seq+63, seq+1, ""))
			if i%3 > 0 { // the others are never closed
				hear(tcp(b, a, ack|fin, seq+1, seq+64, ""))
			}
			now = now.Add(1800 * time.Millisecond)
			if i%20 == 0 {
				l.Flush()
				told++
			}
		}
	}
	for h := range 24 {
		hour(h)
	}
	before := heap()
	for h := range 24 * 10 {
		hour(24 + h)
	}
	after := heap()
	counts := l.Counts()
	t.Logf("%d KiB, then %d KiB after ten days; counted %+v", before>>10, after>>10, counts)
	if int64(after)-int64(before) > 2<<20 {
		t.Errorf("%d KiB more are held after ten days", (after-before)>>10)
	}
	if counts.Shed.Flows+counts.Shed.Conversations+counts.Shed.Sessions+counts.Shed.Newcomers+counts.Shed.Untold > 0 {
		t.Errorf("shed %+v", counts.Shed)
	}
}
