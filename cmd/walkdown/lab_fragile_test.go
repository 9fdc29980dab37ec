//go:build lab && linux

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/plant/fragile"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/inventory"
)

// The second lab is a plant of devices that are easily upset, each in a network namespace of its own behind one bridge, surveyed
// by the real binary. Beside them stands a station that answers ARP for a whole network and resets every connection to it.
const (
	fragileNet = "10.78.0." // the bench from .11 on, the mortal ones from .101 on
	proxyNet   = "10.79.0." // all of it is one station
	fragileMAC = "02:78:00:00:00:"
)

// fragileEnv tells the test's child which device of the bench it is: its name, its address, and where its report goes.
const fragileEnv = "WALKDOWN_LAB_FRAGILE"

// TestLabDevice is no test: it is a device of the bench, when the lab starts it in a namespace.
func TestLabDevice(t *testing.T) {
	name, rest, ok := strings.Cut(os.Getenv(fragileEnv), " ")
	if !ok {
		t.Skip("the lab starts it")
	}
	address, report, _ := strings.Cut(rest, " ")
	device := benchDevice(name)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	device.OnDeath(func() { _ = exec.Command("ip", "link", "set", "eth0", "down").Run() })
	done := make(chan struct{}, len(device.Protocols))
	for _, p := range protocols.All() {
		if p.Asker == nil || !slices.Contains(device.Protocols, p.Name) {
			continue
		}
		at := fmt.Sprintf("%s:%d", address, p.Asker.Port)
		if p.Asker.Transport == discovery.UDP {
			conn, err := net.ListenPacket("udp4", at)
			if err != nil {
				t.Fatal(err)
			}
			go func() { device.ServePacket(ctx, p.Name, conn); done <- struct{}{} }()
			continue
		}
		l, err := net.Listen("tcp4", at)
		if err != nil {
			t.Fatal(err)
		}
		go func() { device.Serve(ctx, p.Name, l); done <- struct{}{} }()
	}
	go device.Panel(ctx)
	<-ctx.Done()
	text, err := json.Marshal(device.Report())
	if err == nil {
		err = os.WriteFile(report, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range device.Protocols {
		<-done
	}
}

func benchDevice(name string) *fragile.Device {
	if strings.HasPrefix(name, "dying") {
		return fragile.Dying(name, 2)
	}
	if strings.HasPrefix(name, "healthy") {
		return fragile.Healthy(name, "modbus", "snmp")
	}
	for _, d := range fragile.Bench() {
		if d.Name == name {
			return d
		}
	}
	panic("no device " + name)
}

// fragileLab is the bridge, the laptop, and the devices by address.
type fragileLab struct {
	*lab
	binary  string
	ports   int
	devices map[string]string // address -> name
	stops   map[string]func() fragile.Report
}

// port plugs a namespace into the bridge.
func (l *fragileLab) port(name, mac string, addresses ...string) {
	l.t.Helper()
	l.run("ip", "netns", "add", l.ns(name))
	l.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", l.ns(name)).Run() })
	l.run("ip", "-n", l.ns(name), "link", "set", "lo", "up")
	l.run("ip", "netns", "exec", l.ns(name), "sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1")
	l.ports++
	port := fmt.Sprintf("p%d", l.ports)
	if name == "laptop" {
		port = "p-laptop"
	}
	l.run("ip", "-n", l.ns("switch"), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", l.ns(name))
	l.run("ip", "-n", l.ns("switch"), "link", "set", port, "master", "br0", "up")
	l.run("ip", "-n", l.ns(name), "link", "set", "eth0", "address", mac, "up")
	for _, a := range addresses {
		l.run("ip", "-n", l.ns(name), "addr", "add", a, "dev", "eth0")
	}
}

// device starts one of the bench at the address.
func (l *fragileLab) device(name string, last int) {
	l.t.Helper()
	address := fmt.Sprint(fragileNet, last)
	l.devices[address] = name
	l.port(name, fmt.Sprintf("%s%02x", fragileMAC, last), address+"/24")
	report := filepath.Join(l.dir, name+".json")
	cmd := exec.Command("ip", "netns", "exec", l.ns(name), os.Args[0], "-test.run", "^TestLabDevice$", "-test.v")
	cmd.Env = append(os.Environ(), fragileEnv+"="+name+" "+address+" "+report)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	}
	l.t.Cleanup(stop)
	l.stops[name] = func() fragile.Report {
		stop()
		var r fragile.Report
		text, err := os.ReadFile(report)
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			l.t.Errorf("%s: %v\n%s", name, err, out.String())
		}
		return r
	}
}

// survey runs the real binary and records what passes the laptop's port meanwhile.
func (l *fragileLab) survey(name string, args ...string) (printed string, status int, db, wire string) {
	l.t.Helper()
	db, wire = filepath.Join(l.dir, name+".db"), filepath.Join(l.dir, name+".pcap")
	l.start("switch", "tcpdump", "-i", "p-laptop", "-U", "-s", "0", "-Z", "root", "-w", wire)
	l.wait("tcpdump", func() bool { info, err := os.Stat(wire); return err == nil && info.Size() > 0 })
	began := time.Now()
	args = append([]string{"netns", "exec", l.ns("laptop"), l.binary, "survey", "-i", "eth0", "--yes", "--db", db}, args...)
	out, err := exec.Command("ip", args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		l.t.Fatal(err)
	}
	if exit != nil {
		status = exit.ExitCode()
	}
	l.t.Logf("%s: surveyed in %s, status %d\n%s", name, time.Since(began).Round(time.Second), status, out)
	time.Sleep(2 * time.Second) // tcpdump writes what it still holds
	return string(out), status, db, wire
}

func newFragileLab(t *testing.T) *fragileLab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the lab makes network namespaces, which needs root")
	}
	for _, program := range []string{"ip", "tcpdump"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the lab needs %s", program)
		}
	}
	l := &fragileLab{
		lab:     &lab{t: t, dir: t.TempDir(), tag: fmt.Sprintf("wdfrag%d", os.Getpid()%100000)},
		devices: map[string]string{}, stops: map[string]func() fragile.Report{},
	}
	l.binary = filepath.Join(l.dir, "walkdown")
	l.run("go", "build", "-o", l.binary, ".")
	l.run("ip", "netns", "add", l.ns("switch"))
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", l.ns("switch")).Run() })
	l.run("ip", "netns", "exec", l.ns("switch"), "sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
	l.run("ip", "-n", l.ns("switch"), "link", "add", "br0", "type", "bridge")
	l.run("ip", "-n", l.ns("switch"), "link", "set", "br0", "up")
	l.port("laptop", laptopMAC, fragileNet+"250/24", proxyNet+"250/24")
	return l
}

// TestLabFragile surveys the bench: none of it is upset, what is wrong is told, and the wire says the same as the ledger.
func TestLabFragile(t *testing.T) {
	l := newFragileLab(t)
	for i, d := range fragile.Bench() {
		l.device(d.Name, 11+i)
	}
	// Every address of the network is this station's, and no port of it is open: ARP is answered for all, every SYN is reset.
	l.port("proxy", "02:79:00:00:00:01")
	l.run("ip", "netns", "exec", l.ns("proxy"), "ip", "route", "add", "local", proxyNet+"0/24", "dev", "lo")
	l.run("ip", "-n", l.ns("proxy"), "route", "add", proxyNet+"250/32", "dev", "eth0")
	for address, name := range l.devices {
		l.wait(name, l.listens(name, address))
	}
	printed, status, db, wire := l.survey("bench", "--listen", "3s", "--ask", fragileNet+"0/24,"+proxyNet+"0/24", "--protocols", "snmp,modbus,opcua",
		"--allow", "opcua")
	if status != statusIncomplete {
		t.Errorf("status %d, want %d: devices were left alone", status, statusIncomplete)
	}
	for address, want := range map[string]string{
		"slower": "times its own", "crawls": "did not end the connection", "deaf": "did not end the connection", "endless": "did not end the connection",
		"mortal": "no answer in time",
	} {
		if !toldOf(printed, l.addressOf(address), want) {
			t.Errorf("nothing is said of %s: %q", address, want)
		}
	}
	for name, stop := range l.stops {
		if r := stop(); len(r.Upset) > 0 || r.AtOnce > 1 || r.Connections == 0 && r.Questions == 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	var assets []inventory.Asset
	if err := json.Unmarshal([]byte(l.run(l.binary, "assets", "--json", "--db", db)), &assets); err != nil {
		t.Fatal(err)
	}
	assets = slices.DeleteFunc(assets, func(a inventory.Asset) bool { // the bridge's own ports
		return len(a.Addresses) > 0 && !strings.HasPrefix(a.Addresses[0].IP, "10.")
	})
	if len(assets) != len(l.devices)+1 {
		t.Errorf("%d assets, want the %d of the bench and one for the station that answers for all", len(assets), len(l.devices))
	}
	var ledger []inventory.LedgerEntry
	if err := json.Unmarshal([]byte(l.run(l.binary, "ledger", "--json", "--db", db)), &ledger); err != nil {
		t.Fatal(err)
	}
	t.Log(l.run(l.binary, "ledger", "--check", "--db", db))
	w := readWire(t, wire, l.addressOf("endless"), l.addressOf("dribbles"))
	w.check(t, ledger, l.addressOf("endless"), l.addressOf("mortal"))
	for address, n := range w.sentTo {
		if strings.HasPrefix(address, proxyNet) {
			t.Errorf("%d packets to %s, behind which nobody is known", n, address)
		}
	}
}

func (l *fragileLab) addressOf(name string) string {
	for address, have := range l.devices {
		if have == name {
			return address
		}
	}
	l.t.Fatalf("no device %s", name)
	return ""
}

// toldOf reports whether a line speaks of the address and has the words.
func toldOf(printed, address, words string) bool {
	return slices.ContainsFunc(strings.Split(printed, "\n"), func(line string) bool {
		return strings.Contains(line, address+" ") && strings.Contains(line, words)
	})
}

// TestLabRunStop surveys devices of which three fall silent and are gone: the run stops before the last are asked.
func TestLabRunStop(t *testing.T) {
	l := newFragileLab(t)
	for i := range 3 {
		l.device(fmt.Sprintf("dying-%d", i), 101+i)
	}
	for i := range 12 {
		l.device(fmt.Sprintf("healthy-%d", i), 110+i)
	}
	for address, name := range l.devices {
		l.wait(name, l.listens(name, address))
	}
	printed, status, _, _ := l.survey("stop", "--listen", "3s", "--ask", fragileNet+"96/27", "--protocols", "modbus")
	if status != statusIncomplete || !strings.Contains(printed, "stopped") {
		t.Errorf("status %d, want %d and the word that the run was stopped", status, statusIncomplete)
	}
	asked := 0
	for name, stop := range l.stops {
		r := stop()
		if len(r.Upset) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if strings.HasPrefix(name, "healthy") && r.Connections > 0 {
			asked++
		}
	}
	if asked == 12 {
		t.Error("every device was asked, although three had fallen silent")
	}
	t.Logf("%d of 12 healthy devices were asked before the stop", asked)
}

// etherTypeProfinet is that of the frames by which a whole segment is asked.
const etherTypeProfinet = 0x8892

// onWire is what the laptop sent.
type onWire struct {
	sentTo   map[string]int // packets, by address
	messages map[string]int // "address hex", how often; secrets overwritten
	resets   map[string]int
	icmp     map[string]int
	syns     map[string]int
	again    map[string]int // segments that the system repeated
	atOnce   map[string]int // connections to one address, at most
	open     map[string]map[uint16]bool
	most     int            // packets in one second,
	busiest  map[string]int // and to whom they went
	arps     map[string]int
}

// readWire reads what the laptop sent. What its system acknowledges of devices that babble, or that say one byte at a time, is not
// counted among the packets of a second: each is the answer to a packet of the device's own.
func readWire(t *testing.T, path string, talkative ...string) onWire {
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
	w := onWire{
		sentTo: map[string]int{}, messages: map[string]int{}, resets: map[string]int{}, icmp: map[string]int{}, syns: map[string]int{}, again: map[string]int{},
		atOnce: map[string]int{}, open: map[string]map[uint16]bool{}, arps: map[string]int{},
	}
	type packet struct {
		at time.Time
		to string
	}
	var sent []packet
	streams, seen := map[string]*bytes.Buffer{}, map[string]bool{}
	for {
		data, info, err := reader.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		ethernet, ok := p.LinkLayer().(*layers.Ethernet)
		if !ok {
			continue
		}
		if ethernet.SrcMAC.String() != laptopMAC {
			w.answered(p)
			continue
		}
		ip, isIP := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		segment, _ := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if acknowledges := segment != nil && !segment.SYN && !segment.FIN && !segment.RST && len(segment.Payload) == 0; !acknowledges || !slices.Contains(talkative, ip.DstIP.String()) {
			to := ethernet.DstMAC.String()
			if isIP {
				to = ip.DstIP.String()
			}
			sent = append(sent, packet{info.Timestamp, to})
		}
		if ethernet.EthernetType == etherTypeProfinet {
			w.messages[ethernet.DstMAC.String()+" "+hex.EncodeToString(data)]++
		}
		if arp, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
			w.arps[netip.AddrFrom4([4]byte(arp.DstProtAddress)).String()]++
		}
		if !isIP {
			continue
		}
		to := ip.DstIP.String()
		if ip.DstIP.IsMulticast() {
			continue
		}
		w.sentTo[to]++
		if p.Layer(layers.LayerTypeICMPv4) != nil {
			w.icmp[to]++
			continue
		}
		if udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
			w.message(t, to, uint16(udp.DstPort), udp.Payload)
		}
		tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if !ok {
			continue
		}
		w.tcp(to, tcp)
		key := fmt.Sprint(to, " ", tcp.SrcPort)
		if len(tcp.Payload) > 0 {
			once := fmt.Sprint(key, " ", tcp.Seq)
			if seen[once] {
				w.again[to]++
				continue // the system repeats what was not acknowledged
			}
			seen[once] = true
		}
		if streams[key] == nil {
			streams[key] = &bytes.Buffer{}
		}
		streams[key].Write(tcp.Payload)
		for asker := askerAt(uint16(tcp.DstPort)); asker != nil && asker.Asker.Message != nil; {
			n, err := asker.Asker.Message(streams[key].Bytes())
			if err != nil || n == 0 {
				break
			}
			w.message(t, to, uint16(tcp.DstPort), streams[key].Next(n))
		}
		if streams[key].Len() > 0 {
			t.Errorf("to %s port %d: a part of a message: % x", to, tcp.DstPort, streams[key].Bytes())
		}
	}
	from := 0
	for i := range sent {
		for sent[i].at.Sub(sent[from].at) >= time.Second {
			from++
		}
		if i-from+1 <= w.most {
			continue
		}
		w.most, w.busiest = i-from+1, map[string]int{}
		for _, p := range sent[from : i+1] {
			w.busiest[p.to]++
		}
	}
	return w
}

// answered notes the connections that a device refused or broke off.
func (w *onWire) answered(p gopacket.Packet) {
	ip, ok := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	tcp, isTCP := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
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

func askerAt(port uint16) *discovery.Protocol {
	for _, p := range protocols.All() {
		if p.Asker != nil && p.Asker.Transport != discovery.EtherType && p.Asker.Port == port {
			return &p
		}
	}
	return nil
}

// message notes one message in the form that the ledger keeps.
func (w *onWire) message(t *testing.T, to string, port uint16, message []byte) {
	t.Helper()
	p := askerAt(port)
	if p == nil {
		t.Errorf("bytes to %s port %d", to, port)
		return
	}
	for _, r := range p.Asker.Requests {
		if secrets, ok := r.Template.Match(message); ok {
			w.messages[to+" "+hex.EncodeToString(discovery.Redact(message, secrets))]++
			return
		}
	}
	t.Errorf("%s: a message to %s that is not listed: % x", p.Name, to, message)
}

// check compares the wire with the ledger, byte for byte, and with what was promised.
func (w *onWire) check(t *testing.T, ledger []inventory.LedgerEntry, endless, dead string) {
	t.Helper()
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
	for address, n := range w.resets {
		if address != endless {
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
		if len(w.open[address]) > 0 && address != dead { // a FIN waits until what was sent before is acknowledged
			t.Errorf("%d connections to %s were not ended by us", len(w.open[address]), address)
		}
	}
	if w.most > 50 {
		t.Errorf("%d packets in one second: %v", w.most, w.busiest)
	}
	t.Logf("%d messages on the wire and in the ledger; at most %d packets in a second; SYN %v; repeated by the system %v", total, w.most, w.syns, w.again)
}
