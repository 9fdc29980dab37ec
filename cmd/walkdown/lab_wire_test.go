//go:build lab && linux

package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/inventory"
)

// onWire is what the laptop sent.
type onWire struct {
	packets   int            // all
	sentTo    map[string]int // packets to one address each
	messages  map[string]int // "address hex", how often; secrets overwritten
	resets    map[string]int
	icmp      map[string]int
	syns      map[string]int
	again     map[string]int // segments that the system repeated
	atOnce    map[string]int // connections to one address, at most
	open      map[string]map[uint16]bool
	most      int            // packets in one second,
	busiest   map[string]int // and to whom they went
	swept     map[string]int // our own ARP requests
	systemARP map[string]int // those of the system, and its answers
	unlisted  []string       // what is no listed request
	streams   map[string]*bytes.Buffer
	seen      map[string]bool
}

// frame is one frame of a capture.
type frame struct {
	gopacket.Packet
	at       time.Time
	ethernet *layers.Ethernet
}

// eachFrame reads a capture, which may end in the middle of a frame.
func eachFrame(t *testing.T, path string, do func(frame)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	reader, err := pcapgo.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, info, err := reader.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		if ethernet, ok := p.LinkLayer().(*layers.Ethernet); ok {
			do(frame{p, info.Timestamp, ethernet})
		}
	}
}

// readWire reads what the laptop sent. What its system acknowledges of devices that babble, or that say one byte at a time, is not
// counted among the packets of a second: each is the answer to a packet of the device's own.
func readWire(t *testing.T, path string, talkative ...string) *onWire {
	t.Helper()
	w := &onWire{
		sentTo: map[string]int{}, messages: map[string]int{}, resets: map[string]int{}, icmp: map[string]int{}, syns: map[string]int{}, again: map[string]int{},
		atOnce: map[string]int{}, open: map[string]map[uint16]bool{}, swept: map[string]int{}, systemARP: map[string]int{},
		streams: map[string]*bytes.Buffer{}, seen: map[string]bool{},
	}
	var sent []sentPacket
	eachFrame(t, path, func(f frame) {
		if f.ethernet.SrcMAC.String() != laptopMAC {
			w.answered(f)
			return
		}
		w.packets++
		to := f.ethernet.DstMAC.String()
		ip, isIP := f.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		if isIP {
			to = ip.DstIP.String()
		}
		segment, _ := f.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if acknowledges := segment != nil && !segment.SYN && !segment.FIN && !segment.RST && len(segment.Payload) == 0; !acknowledges || !slices.Contains(talkative, to) {
			sent = append(sent, sentPacket{f.at, to})
		}
		if !isIP {
			w.frame(f)
			return
		}
		if !ip.DstIP.IsMulticast() && to != everybody {
			w.sentTo[to]++
		}
		w.datagram(f, to)
	})
	for key, stream := range w.streams {
		if stream.Len() > 0 {
			w.unlisted = append(w.unlisted, fmt.Sprintf("to %s: a part of a message: % x", key, stream.Bytes()))
		}
	}
	w.most, w.busiest = busiestSecond(sent)
	return w
}

const everybody = "255.255.255.255"

type sentPacket struct {
	at time.Time
	to string
}

// busiestSecond is how many packets left in any one second at most, and to whom.
func busiestSecond(sent []sentPacket) (most int, to map[string]int) {
	from := 0
	for i := range sent {
		for sent[i].at.Sub(sent[from].at) >= time.Second {
			from++
		}
		if i-from+1 <= most {
			continue
		}
		most, to = i-from+1, map[string]int{}
		for _, p := range sent[from : i+1] {
			to[p.to]++
		}
	}
	return most, to
}

// frame notes a frame that is not IP's. ARP is also spoken by the system, in its own words.
func (w *onWire) frame(f frame) {
	data := f.Data()
	for _, p := range protocols.All() {
		if p.Segment == nil || p.Segment.Transport != discovery.EtherType || p.Segment.Port != uint16(f.ethernet.EthernetType) {
			continue
		}
		if _, ok := listedRequest(p.Segment, data); ok {
			if arp, ok := f.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
				if !bytes.Equal(f.ethernet.DstMAC, discovery.Broadcast[:]) {
					return // whether a device that fell silent is still there
				}
				w.swept[netip.AddrFrom4([4]byte(arp.DstProtAddress)).String()]++
				return
			}
			w.messages[f.ethernet.DstMAC.String()+" "+hex.EncodeToString(data)]++
			return
		}
	}
	if arp, ok := f.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
		w.systemARP[netip.AddrFrom4([4]byte(arp.DstProtAddress)).String()]++
		return
	}
	w.unlisted = append(w.unlisted, fmt.Sprintf("to %s: % x", f.ethernet.DstMAC, data))
}

// datagram notes an IP packet.
func (w *onWire) datagram(f frame, to string) {
	if f.Layer(layers.LayerTypeICMPv4) != nil {
		w.icmp[to]++
		return
	}
	if udp, ok := f.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
		w.message(to, uint16(udp.DstPort), udp.Payload)
	}
	tcp, ok := f.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if !ok {
		return
	}
	w.tcp(to, tcp)
	key := fmt.Sprint(to, " ", uint16(tcp.DstPort), " from ", uint16(tcp.SrcPort))
	if len(tcp.Payload) > 0 {
		once := fmt.Sprint(key, " ", tcp.Seq)
		if w.seen[once] {
			w.again[to]++
			return // the system repeats what was not acknowledged
		}
		w.seen[once] = true
	}
	if w.streams[key] == nil {
		w.streams[key] = &bytes.Buffer{}
	}
	stream := w.streams[key]
	stream.Write(tcp.Payload)
	for asker := askerAt(uint16(tcp.DstPort), stream.Bytes()); asker != nil && asker.Message != nil; {
		n, err := asker.Message(stream.Bytes())
		if err != nil || n == 0 || n > stream.Len() {
			break
		}
		w.message(to, uint16(tcp.DstPort), stream.Next(n))
	}
}

// answered notes the connections that a device refused or broke off.
func (w *onWire) answered(f frame) {
	ip, ok := f.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	tcp, isTCP := f.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if ok && isTCP && tcp.RST {
		delete(w.open[ip.SrcIP.String()], uint16(tcp.DstPort))
	}
}

// tcp counts connections: ours are closed when we have sent FIN or a reset.
func (w *onWire) tcp(to string, tcp *layers.TCP) {
	if w.open[to] == nil {
		w.open[to] = map[uint16]bool{}
	}
	port := uint16(tcp.SrcPort)
	switch {
	case tcp.RST:
		w.resets[to]++
		delete(w.open[to], port)
	case tcp.SYN:
		w.syns[to]++
		w.open[to][port] = true
		w.atOnce[to] = max(w.atOnce[to], len(w.open[to]))
	case tcp.FIN:
		delete(w.open[to], port)
	}
}

// askerAt is the asker that sends to the port; of several, that of which the bytes begin with a listed request.
func askerAt(port uint16, begin []byte) *discovery.Asker {
	var first *discovery.Asker
	for _, p := range protocols.All() {
		if p.Asker == nil || p.Asker.Transport == discovery.EtherType || p.Asker.Port != port {
			continue
		}
		if first == nil {
			first = p.Asker
		}
		if p.Asker.Message == nil {
			continue
		}
		if n, err := p.Asker.Message(begin); err == nil && n > 0 && n <= len(begin) {
			if _, ok := listedRequest(p.Asker, begin[:n]); ok {
				return p.Asker
			}
		}
	}
	return first
}

// listedRequest gives the message in the form that the ledger keeps.
func listedRequest(a *discovery.Asker, message []byte) ([]byte, bool) {
	for _, r := range a.Requests {
		if secrets, ok := r.Template.Match(message); ok {
			return discovery.Redact(message, secrets), true
		}
	}
	return nil, false
}

// message notes one message in the form that the ledger keeps.
func (w *onWire) message(to string, port uint16, message []byte) {
	for _, p := range protocols.All() {
		asker := p.Asker
		if to == everybody {
			asker = p.Segment
		}
		if asker == nil || asker.Transport == discovery.EtherType || asker.Port != port {
			continue
		}
		if kept, ok := listedRequest(asker, message); ok {
			w.messages[to+" "+hex.EncodeToString(kept)]++
			return
		}
	}
	w.unlisted = append(w.unlisted, fmt.Sprintf("to %s port %d: % x", to, port, message))
}

// promised are the exceptions to what holds for every device.
type promised struct {
	endless string // a device that talks without end is reset
	dead    string // one that has died does not acknowledge our FIN
	nobody  func(address string) bool
}

// check compares the wire with the ledger, byte for byte, and with what was promised.
func (w *onWire) check(t *testing.T, ledger []inventory.LedgerEntry, but promised) {
	t.Helper()
	for _, text := range w.unlisted {
		t.Errorf("not listed: %s", text)
	}
	booked := map[string]int{}
	for _, e := range ledger {
		if e.Protocol != "arp" && e.Bytes != "" && e.Outcome != string(discovery.Skipped) && e.Outcome != string(discovery.Failed) {
			booked[e.Target+" "+e.Bytes]++
		}
	}
	total := 0
	for key, n := range w.messages {
		total += n
		if booked[key] != n {
			t.Errorf("%d times on the wire, %d times in the ledger: %s", n, booked[key], key)
		}
	}
	for key, n := range booked {
		if w.messages[key] == 0 {
			t.Errorf("%d times in the ledger and not on the wire: %s", n, key)
		}
	}
	if total == 0 {
		t.Error("nothing was sent")
	}
	for address, n := range w.resets {
		if address != but.endless {
			t.Errorf("%d resets to %s", n, address)
		}
	}
	if len(w.icmp) > 0 {
		t.Errorf("ICMP messages: %v", w.icmp)
	}
	for address, n := range w.atOnce {
		if n > 1 {
			t.Errorf("%d connections to %s at once", n, address)
		}
		if len(w.open[address]) > 0 && address != but.dead { // a FIN waits until what was sent before is acknowledged
			t.Errorf("%d connections to %s were not ended by us", len(w.open[address]), address)
		}
	}
	for address, n := range w.swept {
		if n > 1 {
			t.Errorf("%d ARP requests for %s", n, address)
		}
	}
	for _, to := range []map[string]int{w.sentTo, w.systemARP} {
		for address, n := range to {
			if but.nobody(address) {
				t.Errorf("%d packets for %s, where nobody is known", n, address)
			}
		}
	}
	if w.most > 50 {
		t.Errorf("%d packets in one second: %v", w.most, w.busiest)
	}
	t.Logf("%d messages on the wire and in the ledger; %d ARP requests of ours, %d of the system; at most %d packets in a second; SYN %v; repeated by the system %v",
		total, len(w.swept), sum(w.systemARP), w.most, w.syns, w.again)
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
