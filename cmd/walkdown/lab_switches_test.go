//go:build lab && linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// The second lab is two switches, each a Linux bridge with net-snmp's agent, whose LLDP-MIB lldpd fills as its subagent, and whose
// BRIDGE-MIB is that of the bridge:
//
//	laptop 10.78.0.10 ── p1 sw1 10.78.0.1 (SNMPv3) p3 ── q1 sw2 10.78.0.2 (SNMPv2c) q2 ── plc 10.78.0.30
//	                     p2 ── hmi 10.78.0.20
//
// Neither the HMI nor the PLC answers any question.
type labSwitch struct {
	name, ip, mac, config string
	ports                 [][2]string // name and MAC
}

func labSwitches() []labSwitch {
	return []labSwitch{
		{"sw1", "10.78.0.1", "00:80:63:00:01:00", "createUser survey SHA-256 lab-authentic-words AES lab-private-words\nrouser survey priv\n" +
			"sysDescr Hirschmann BOBCAT\nsysObjectID .1.3.6.1.4.1.248.11.2.1.39\nsysName sw-1\n", [][2]string{{"p1", "00:80:63:00:01:01"}, {"p2", "00:80:63:00:01:02"}, {"p3", "00:80:63:00:01:03"}}},
		{"sw2", "10.78.0.2", "00:90:e8:00:02:00", "rocommunity lab-community\nsysDescr EDS-G516E\nsysObjectID .1.3.6.1.4.1.8691.7.71\nsysName sw-2\n", [][2]string{{"q1", "00:90:e8:00:02:01"}, {"q2", "00:90:e8:00:02:02"}}},
	}
}

const (
	labHMI = "00:0c:29:00:00:20"
	labPLC = "00:a0:45:00:00:30"
)

// buildSwitches makes the namespaces, the cables and the agents.
func (l *lab) buildSwitches() {
	for _, name := range []string{"sw1", "sw2", "laptop", "hmi", "plc"} {
		l.run("ip", "netns", "add", l.ns(name))
		l.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", l.ns(name)).Run() })
		l.run("ip", "-n", l.ns(name), "link", "set", "lo", "up")
	}
	for _, sw := range labSwitches() {
		l.run("ip", "-n", l.ns(sw.name), "link", "add", "br0", "address", sw.mac, "type", "bridge")
		l.run("ip", "-n", l.ns(sw.name), "link", "set", "br0", "up")
		l.run("ip", "-n", l.ns(sw.name), "addr", "add", sw.ip+"/24", "dev", "br0")
	}
	cable := func(ns, port, mac, otherNS, other, otherMAC string) {
		l.run("ip", "-n", l.ns(ns), "link", "add", port, "address", mac, "type", "veth", "peer", "name", other, "address", otherMAC, "netns", l.ns(otherNS))
		l.run("ip", "-n", l.ns(ns), "link", "set", port, "master", "br0", "up")
	}
	host := func(ns, ip string) {
		l.run("ip", "-n", l.ns(ns), "link", "set", "eth0", "up")
		l.run("ip", "-n", l.ns(ns), "addr", "add", ip+"/24", "dev", "eth0")
	}
	cable("sw1", "p1", "00:80:63:00:01:01", "laptop", "eth0", laptopMAC)
	cable("sw1", "p2", "00:80:63:00:01:02", "hmi", "eth0", labHMI)
	cable("sw1", "p3", "00:80:63:00:01:03", "sw2", "q1", "00:90:e8:00:02:01")
	l.run("ip", "-n", l.ns("sw2"), "link", "set", "q1", "master", "br0", "up")
	cable("sw2", "q2", "00:90:e8:00:02:02", "plc", "eth0", labPLC)
	host("laptop", "10.78.0.10")
	host("hmi", "10.78.0.20")
	host("plc", "10.78.0.30")
	if err := os.MkdirAll("/run/lldpd", 0o755); err != nil {
		l.t.Fatal(err)
	}
	bridge, err := filepath.Abs("../../.ci/lab/bridge.py")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, sw := range labSwitches() {
		agentx := filepath.Join(l.dir, sw.name+".agentx")
		state := filepath.Join(l.dir, sw.name+".state")
		if err := os.Mkdir(state, 0o700); err != nil {
			l.t.Fatal(err)
		}
		conf := l.file(sw.name+".conf", fmt.Sprintf("%smaster agentx\nagentXSocket %s\npass_persist .1.3.6.1.2.1.17 /usr/bin/python3 %s br0\n", sw.config, agentx, bridge))
		l.start(sw.name, "env", "SNMP_PERSISTENT_DIR="+state, "MIBS=", "snmpd", "-f", "-C", "-c", conf, "-Lo", "-p", filepath.Join(l.dir, sw.name+".pid"), "udp:"+sw.ip+":161")
		l.wait("snmpd", l.listens(sw.name, sw.ip+":161"))
		socket := filepath.Join(l.dir, sw.name+".lldpd")
		l.start(sw.name, "lldpd", "-d", "-x", "-X", agentx, "-u", socket, "-I", sw.ports[0][0][:1]+"*", "-m", sw.ip, "-S", "a switch of the lab")
		l.wait("the socket of lldpd", func() bool { _, err := os.Stat(socket); return err == nil })
		for _, setting := range []string{"lldp tx-interval 1", "lldp portidsubtype ifname", "system hostname " + sw.name} {
			l.run(append([]string{"lldpcli", "-u", socket, "configure"}, strings.Fields(setting)...)...)
		}
	}
}

func TestLabSwitches(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the lab makes network namespaces, which needs root")
	}
	for _, program := range []string{"ip", "ss", "tcpdump", "snmpd", "lldpd", "lldpcli"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the lab needs %s", program)
		}
	}
	dir, err := os.MkdirTemp("", "walkdown-lab") //nolint:usetesting // lldpd gives up root and must still reach the socket in there
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l := &lab{t: t, dir: dir, tag: fmt.Sprintf("wdsw%d", os.Getpid()%100000)}
	binary := filepath.Join(l.dir, "walkdown")
	l.run("go", "build", "-o", binary, ".")
	l.buildSwitches()
	wire := filepath.Join(l.dir, "wire.pcap")
	l.start("laptop", "tcpdump", "-i", "eth0", "-U", "-s", "0", "-Z", "root", "-w", wire)
	l.wait("tcpdump", func() bool { info, err := os.Stat(wire); return err == nil && info.Size() > 0 })
	config := l.file("walkdown.yaml", "snmp:\n  communities: [lab-community]\n"+
		"  users: [{name: survey, auth: SHA-256, auth_password: lab-authentic-words, priv: AES, priv_password: lab-private-words}]\n")
	if err := os.Chmod(config, 0o600); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(l.dir, "lab.db")
	began := time.Now()
	printed := l.run("ip", "netns", "exec", l.ns("laptop"), binary, "survey", "-i", "eth0", "--listen", "5s", "--ask", "10.78.0.0/27", "--protocols", "snmp", "--yes", "--db", db, "--config", config)
	t.Logf("surveyed in %s\n%s", time.Since(began).Round(time.Second), printed)
	time.Sleep(time.Second) // tcpdump writes what it still holds
	for _, ip := range []string{"10.78.0.1", "10.78.0.2"} {
		t.Logf("%s", l.run("sh", "-c", binary+" show "+ip+" --db "+db+" | sed '/^Evidence/,$d'"))
	}
	t.Logf("%s", l.run("sh", "-c", binary+" ledger --db "+db+" | grep -v ' arp '"))
	var assets []inventory.Asset
	if err := json.Unmarshal([]byte(l.run(binary, "assets", "--json", "--db", db)), &assets); err != nil {
		t.Fatal(err)
	}
	find := func(mac string) inventory.Asset {
		for _, a := range assets {
			if slices.ContainsFunc(a.Addresses, func(x inventory.Address) bool { return x.MAC == mac }) {
				return a
			}
		}
		t.Errorf("there is no asset with %s", mac)
		return inventory.Asset{}
	}
	sw1, sw2, plc, hmi := find("00:80:63:00:01:00"), find("00:90:e8:00:02:00"), find(labPLC), find(labHMI)
	if len(assets) != 4 {
		t.Errorf("%d assets, want two switches, the HMI and the PLC", len(assets))
	}
	wired := func(a inventory.Asset, want inventory.Neighbour) {
		t.Helper()
		if !slices.Contains(a.Neighbours, want) {
			t.Errorf("%s: neighbours %v, want %v", a.Name, a.Neighbours, want)
		}
	}
	wired(sw1, inventory.Neighbour{LocalPort: "p3", Asset: sw2.ID, RemotePort: "q1", Via: "lldp"})
	wired(sw2, inventory.Neighbour{LocalPort: "q1", Asset: sw1.ID, RemotePort: "p3", Via: "lldp"})
	wired(sw2, inventory.Neighbour{LocalPort: "q2", Asset: plc.ID, Via: "fdb"})
	wired(sw1, inventory.Neighbour{LocalPort: "p2", Asset: hmi.ID, Via: "fdb"})
	wired(plc, inventory.Neighbour{Asset: sw2.ID, RemotePort: "q2", Via: "fdb"})
	if len(sw1.Neighbours) != 3 || len(sw2.Neighbours) != 2 || len(plc.Neighbours) != 1 || len(hmi.Neighbours) != 1 {
		t.Errorf("neighbours of the switches %v and %v, of the PLC %v, of the HMI %v", sw1.Neighbours, sw2.Neighbours, plc.Neighbours, hmi.Neighbours)
	}
	var ports []string
	for _, p := range slices.Concat(sw1.Ports, sw2.Ports) {
		ports = append(ports, p.Name)
	}
	if !slices.Equal(ports, []string{"lo", "br0", "p1", "p2", "p3", "lo", "br0", "q1", "q2"}) {
		t.Errorf("ports %v", ports)
	}
	checkSNMP(t, wire, db, binary, l)
}

// checkSNMP proves on the wire that each SNMP request is in the list and in the ledger, that none writes, and that no credential is
// in the inventory.
func checkSNMP(t *testing.T, path, db, binary string, l *lab) {
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
	var requests []discovery.Request
	for _, p := range protocols.All() {
		if p.Name == "snmp" {
			requests = p.Asker.Requests
		}
	}
	sent := 0
	for {
		data, _, err := reader.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packet := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		udp, ok := packet.Layer(layers.LayerTypeUDP).(*layers.UDP)
		if !ok || udp.DstPort != 161 {
			continue
		}
		sent++
		if !slices.ContainsFunc(requests, func(r discovery.Request) bool { _, ok := r.Template.Match(udp.Payload); return ok }) {
			t.Errorf("a datagram that is not listed: % x", udp.Payload)
		}
	}
	var ledger []inventory.LedgerEntry
	if err := json.Unmarshal([]byte(l.run(binary, "ledger", "--json", "--db", db)), &ledger); err != nil {
		t.Fatal(err)
	}
	booked := 0
	for _, entry := range ledger {
		if entry.Protocol == "snmp" && entry.Bytes != "" && entry.Outcome != string(discovery.Skipped) {
			booked++
		}
	}
	if sent == 0 || sent != booked {
		t.Errorf("%d SNMP messages on the wire, %d in the ledger", sent, booked)
	}
	files, err := filepath.Glob(db + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"lab-community", "lab-authentic-words", "lab-private-words", "survey\x04"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds the secret %q", filepath.Base(name), secret)
			}
		}
	}
	t.Logf("%d SNMP messages", sent)
}
