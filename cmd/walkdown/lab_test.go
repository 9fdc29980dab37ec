//go:build lab && linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/inventory"
)

// The lab is a small plant of software that is not ours, in network namespaces:
//
//	laptop 10.77.0.10 ── switch 10.77.0.2 (Linux bridge, lldpd, snmpd) ┬ modbus 10.77.0.3 (pymodbus)
//	                                                                   └ opcua  10.77.0.4 (node-opcua)
//
// It needs root, iproute2, tcpdump, snmpd, lldpd, python3-pymodbus, and the npm packages of .ci/lab in WALKDOWN_LAB.
const (
	switchIP, modbusIP, opcuaIP, laptopIP = "10.77.0.2", "10.77.0.3", "10.77.0.4", "10.77.0.10"

	switchMAC = "00:80:63:11:22:33"
	modbusMAC = "00:a0:45:44:55:66"
	opcuaMAC  = "00:01:05:77:88:99"
	laptopMAC = "00:1b:21:aa:bb:cc"
)

type lab struct {
	t   *testing.T
	dir string
	tag string
}

// ns is the full name of a namespace of this run.
func (l *lab) ns(name string) string { return l.tag + "-" + name }

func (l *lab) run(args ...string) string {
	l.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// start runs a program in a namespace until the test ends, and gives what it prints.
func (l *lab) start(ns string, args ...string) *bytes.Buffer {
	l.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("ip", append([]string{"netns", "exec", l.ns(ns)}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		l.t.Fatalf("start %s: %v", args[0], err)
	}
	l.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
	})
	return &out
}

func (l *lab) file(name, text string) string {
	l.t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// wait polls until the condition holds.
func (l *lab) wait(what string, ok func() bool) {
	l.t.Helper()
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if ok() {
			return
		}
	}
	l.t.Fatalf("%s did not happen", what)
}

func (l *lab) listens(ns, address string) func() bool {
	return func() bool {
		out, _ := exec.Command("ip", "netns", "exec", l.ns(ns), "ss", "-lntuH").Output()
		return strings.Contains(string(out), address)
	}
}

// build makes the namespaces, the cables and the peers.
func (l *lab) build(peers string) {
	for _, name := range []string{"switch", "laptop", "modbus", "opcua"} {
		l.run("ip", "netns", "add", l.ns(name))
		l.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", l.ns(name)).Run() })
		l.run("ip", "-n", l.ns(name), "link", "set", "lo", "up")
	}
	l.run("ip", "-n", l.ns("switch"), "link", "add", "br0", "address", switchMAC, "type", "bridge")
	for _, host := range [][3]string{{"laptop", laptopIP, laptopMAC}, {"modbus", modbusIP, modbusMAC}, {"opcua", opcuaIP, opcuaMAC}} {
		port := "p-" + host[0]
		l.run("ip", "-n", l.ns("switch"), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", l.ns(host[0]))
		l.run("ip", "-n", l.ns("switch"), "link", "set", port, "master", "br0", "up")
		l.run("ip", "-n", l.ns(host[0]), "link", "set", "eth0", "address", host[2], "up")
		l.run("ip", "-n", l.ns(host[0]), "addr", "add", host[1]+"/24", "dev", "eth0")
	}
	l.run("ip", "-n", l.ns("switch"), "link", "set", "br0", "up")
	l.run("ip", "-n", l.ns("switch"), "addr", "add", switchIP+"/24", "dev", "br0")

	conf := l.file("snmpd.conf", `rocommunity public
sysDescr Hirschmann BOBCAT
sysObjectID .1.3.6.1.4.1.248.11.2.1.39
sysName sw-line-4
sysLocation hall 4
`)
	l.start("switch", "snmpd", "-f", "-C", "-c", conf, "-Lo", "-p", filepath.Join(l.dir, "snmpd.pid"), "udp:"+switchIP+":161")
	if err := os.MkdirAll("/run/lldpd", 0o755); err != nil {
		l.t.Fatal(err)
	}
	socket := filepath.Join(l.dir, "lldpd.socket")
	l.start("switch", "lldpd", "-d", "-u", socket, "-I", "p-laptop", "-m", switchIP, "-M", "4", "-S", "Hirschmann BOBCAT - SW: HiOS-2A-09.1.00")
	l.wait("the socket of lldpd", func() bool { _, err := os.Stat(socket); return err == nil })
	for _, setting := range []string{
		"lldp tx-interval 2", "lldp portidsubtype ifname", "system hostname sw-line-4", "inventory serial-number 942170999010101234", "inventory manufacturer Hirschmann",
		"inventory model BRS40-00169999", "inventory firmware-revision 09.1.00", "inventory software-revision 09.1.00",
	} {
		l.run(append([]string{"lldpcli", "-u", socket, "configure"}, strings.Fields(setting)...)...)
	}
	ci, err := filepath.Abs("../../.ci/lab")
	if err != nil {
		l.t.Fatal(err)
	}
	l.start("modbus", "/usr/bin/python3", filepath.Join(ci, "modbus.py"), modbusIP, "502")
	script := filepath.Join(peers, "opcua.cjs")
	text, err := os.ReadFile(filepath.Join(ci, "opcua.cjs"))
	if err == nil {
		err = os.WriteFile(script, text, 0o644)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	out := l.start("opcua", "node", script, opcuaIP, "4840", l.dir)
	defer func() {
		if l.t.Failed() {
			l.t.Log(out.String())
		}
	}()
	l.wait("snmpd", l.listens("switch", switchIP+":161"))
	l.wait("pymodbus", l.listens("modbus", modbusIP+":502"))
	l.wait("node-opcua", l.listens("opcua", ":4840"))
}

func TestLab(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the lab makes network namespaces, which needs root")
	}
	for _, program := range []string{"ip", "ss", "tcpdump", "snmpd", "lldpd", "lldpcli", "node", "/usr/bin/python3"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the lab needs %s", program)
		}
	}
	peers := os.Getenv("WALKDOWN_LAB")
	if _, err := os.Stat(filepath.Join(peers, "node_modules", "node-opcua-server")); peers == "" || err != nil {
		t.Skip("WALKDOWN_LAB names no folder with the npm packages of .ci/lab")
	}
	// Not t.TempDir: lldpcli gives up root and must still reach the socket in there.
	dir, err := os.MkdirTemp("", "walkdown-lab") //nolint:usetesting // see above
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l := &lab{t: t, dir: dir, tag: fmt.Sprintf("wdlab%d", os.Getpid()%100000)}
	binary := filepath.Join(l.dir, "walkdown")
	l.run("go", "build", "-o", binary, ".")
	l.build(peers)

	wire := filepath.Join(l.dir, "wire.pcap")
	l.start("switch", "tcpdump", "-i", "p-laptop", "-U", "-s", "0", "-Z", "root", "-w", wire)
	l.wait("tcpdump", func() bool { info, err := os.Stat(wire); return err == nil && info.Size() > 0 })
	db := filepath.Join(l.dir, "lab.db")
	began := time.Now()
	printed := l.run("ip", "netns", "exec", l.ns("laptop"), binary, "survey", "-i", "eth0", "--listen", "6s", "--ask", "10.77.0.0/24",
		"--protocols", "snmp,modbus,opcua", "--allow", "opcua", "--yes", "--db", db)
	t.Logf("surveyed in %s\n%s", time.Since(began).Round(time.Second), printed)
	time.Sleep(time.Second) // tcpdump writes what it still holds

	var assets []inventory.Asset
	if err := json.Unmarshal([]byte(l.run(binary, "assets", "--json", "--db", db)), &assets); err != nil {
		t.Fatal(err)
	}
	find := func(ip string) inventory.Asset {
		for _, a := range assets {
			for _, address := range a.Addresses {
				if address.IP == ip {
					return a
				}
			}
		}
		t.Errorf("there is no asset with %s", ip)
		return inventory.Asset{}
	}
	if len(assets) != 3 {
		t.Errorf("%d assets, want the switch, the Modbus device and the OPC UA server: %v", len(assets), assets)
	}
	same := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	sw := find(switchIP)
	same("switch: vendor", sw.Vendor, "Hirschmann")
	same("switch: model", sw.Model, "BRS40-00169999")
	same("switch: firmware", sw.FirmwareRaw, "09.1.00")
	same("switch: serial", sw.Serial, "942170999010101234")
	same("switch: name", sw.Name, "sw-line-4")
	same("switch: type", sw.Type, "switch")
	if len(sw.Neighbours) != 1 || sw.Neighbours[0].LocalPort != "p-laptop" || sw.Neighbours[0].Via != "lldp" {
		t.Errorf("switch: neighbours %v, want the laptop on p-laptop", sw.Neighbours)
	}
	plc := find(modbusIP)
	same("Modbus device: vendor", plc.Vendor, "Phoenix Contact")
	same("Modbus device: model", plc.Model, "ILC 151 ETH")
	same("Modbus device: order number", plc.OrderNumber, "2700974")
	same("Modbus device: firmware", plc.Firmware, "4.42")
	ua := find(opcuaIP)
	same("OPC UA server: vendor", ua.Vendor, "Beckhoff")
	same("OPC UA server: firmware", ua.Firmware, "4.3.28")
	for asset, keys := range map[string][]string{
		sw.ID: {"snmp.sysDescr", "lldp.system-name", "lldp.med-serial", "address.binding"}, plc.ID: {"modbus.vendor-name", "address.binding"}, ua.ID: {"opcua.manufacturer-name", "opcua.endpoint"},
	} {
		shownAs := l.run(binary, "show", asset, "--db", db)
		for _, key := range keys {
			if !strings.Contains(shownAs, key) {
				t.Errorf("%s: no evidence %s in\n%s", asset, key, shownAs)
			}
		}
	}
	var runs []inventory.Survey
	if err := json.Unmarshal([]byte(l.run(binary, "surveys", "--json", "--db", db)), &runs); err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].Outcome != "done" || runs[0].Plug.SwitchName != "sw-line-4" || runs[0].Plug.Port != "p-laptop" {
		t.Errorf("surveys: %+v", runs)
	}
	t.Logf("the ledger\n%s", l.run("sh", "-c", binary+" ledger --db "+db+" | grep -v ' arp '"))
	var ledger []inventory.LedgerEntry
	if err := json.Unmarshal([]byte(l.run(binary, "ledger", "--json", "--db", db)), &ledger); err != nil {
		t.Fatal(err)
	}
	checkWire(t, wire, ledger)
}

// checkWire proves on the wire what the documents promise: every message that the laptop sent is a listed request and stands in
// the ledger, a device has at most one connection at a time, each was closed in order, and nobody else was spoken to.
func checkWire(t *testing.T, path string, ledger []inventory.LedgerEntry) {
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
	askers, segments := map[uint16]discovery.Protocol{}, map[uint16]discovery.Protocol{}
	for _, p := range protocols.All() {
		if p.Asker != nil {
			askers[p.Asker.Port] = p
		}
		if p.Segment != nil {
			segments[p.Segment.Port] = p
		}
	}
	listedBy := func(asker *discovery.Asker, message []byte) bool {
		for _, r := range asker.Requests {
			if _, ok := r.Template.Match(message); ok {
				return true
			}
		}
		return false
	}
	listed := func(p discovery.Protocol, message []byte) bool { return listedBy(p.Asker, message) }
	everybody := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	laptop := netip.MustParseAddr(laptopIP)
	streams := map[gopacket.Flow]*bytes.Buffer{}
	open := map[netip.Addr]map[uint16]bool{}
	sent, arps, kernel := 0, 0, 0
	perSecond := map[int64]int{}
	for {
		data, info, err := reader.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packet := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		ethernet, _ := packet.LinkLayer().(*layers.Ethernet)
		if ethernet == nil {
			continue
		}
		ours := ethernet.SrcMAC.String() == laptopMAC
		if ours {
			perSecond[info.Timestamp.Unix()]++
		}
		if question, ok := packet.Layer(layers.LayerTypeARP).(*layers.ARP); ok && ours && question.Operation == layers.ARPRequest && bytes.Equal(ethernet.DstMAC, discovery.Broadcast[:]) {
			switch who := netip.AddrFrom4([4]byte(question.DstProtAddress)); {
			case listedBy(segments[uint16(ethernet.EthernetType)].Segment, data):
				arps++
			case who == netip.MustParseAddr(switchIP) || who == netip.MustParseAddr(modbusIP) || who == netip.MustParseAddr(opcuaIP):
				kernel++ // the system resolves whom it connects to, in its own words
			default:
				t.Errorf("an ARP request that is not listed: % x", data)
			}
		}
		// The system speaks ARP and IPv6 in its own words too.
		if p, ok := segments[uint16(ethernet.EthernetType)]; ok && ours && ethernet.EthernetType != layers.EthernetTypeARP && ethernet.EthernetType != layers.EthernetTypeIPv6 {
			if !listedBy(p.Segment, data) {
				t.Errorf("a frame of %s that is not listed: % x", p.Name, data)
			}
			sent++
		}
		ip, ok := packet.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		if !ok {
			continue
		}
		from, _ := netip.AddrFromSlice(ip.SrcIP.To4())
		to, _ := netip.AddrFromSlice(ip.DstIP.To4())
		if from == laptop && !to.IsMulticast() && to != everybody && to != netip.MustParseAddr(switchIP) && to != netip.MustParseAddr(modbusIP) && to != netip.MustParseAddr(opcuaIP) {
			t.Errorf("a packet to %s, where nobody is", to)
		}
		if tcp, ok := packet.Layer(layers.LayerTypeTCP).(*layers.TCP); ok {
			peer, port := to, uint16(tcp.SrcPort)
			if to == laptop {
				peer, port = from, uint16(tcp.DstPort)
			}
			if open[peer] == nil {
				open[peer] = map[uint16]bool{}
			}
			if from == laptop && tcp.RST {
				t.Errorf("a reset to %s", to)
			}
			if from == laptop && tcp.SYN {
				open[peer][port] = true
				if len(open[peer]) > 1 {
					t.Errorf("%d connections to %s at once", len(open[peer]), peer)
				}
			}
			if tcp.FIN || tcp.RST {
				delete(open[peer], port)
			}
			if from == laptop && len(tcp.Payload) > 0 {
				p, ok := askers[uint16(tcp.DstPort)]
				if !ok {
					t.Errorf("bytes to %s port %d", to, tcp.DstPort)
					continue
				}
				flow := packet.TransportLayer().TransportFlow()
				if streams[flow] == nil {
					streams[flow] = &bytes.Buffer{}
				}
				streams[flow].Write(tcp.Payload)
				for {
					n, err := p.Asker.Message(streams[flow].Bytes())
					if err != nil || n == 0 || n > streams[flow].Len() {
						break
					}
					if message := streams[flow].Next(n); !listed(p, message) {
						t.Errorf("%s: a message that is not listed: % x", p.Name, message)
					}
					sent++
				}
			}
		}
		if udp, ok := packet.Layer(layers.LayerTypeUDP).(*layers.UDP); ok && from == laptop && !to.IsMulticast() {
			p, ok := askers[uint16(udp.DstPort)]
			if to == everybody {
				if p, ok = segments[uint16(udp.DstPort)]; !ok || !listedBy(p.Segment, udp.Payload) {
					t.Errorf("a broadcast to port %d that is not listed: % x", udp.DstPort, udp.Payload)
				}
			} else if !ok || !listed(p, udp.Payload) {
				t.Errorf("a datagram that is not listed to %s port %d: % x", to, udp.DstPort, udp.Payload)
			}
			sent++
		}
	}
	for peer, ports := range open {
		if len(ports) > 0 {
			t.Errorf("%d connections to %s were left open", len(ports), peer)
		}
	}
	booked := 0
	for _, entry := range ledger {
		if entry.Protocol != "arp" && entry.Bytes != "" && entry.Outcome != string(discovery.Skipped) {
			booked++
		}
	}
	if sent == 0 || sent != booked {
		t.Errorf("%d messages on the wire, %d in the ledger", sent, booked)
	}
	most := 0
	for _, n := range perSecond {
		most = max(most, n)
	}
	if most > 50 {
		t.Errorf("%d packets in one second", most)
	}
	if arps != 253 || kernel > 6 {
		t.Errorf("%d ARP requests of the sweep, want one for each other address of the /24; %d of the system", arps, kernel)
	}
	t.Logf("%d messages, %d ARP requests, at most %d packets in a second", sent, arps, most)
}
