//go:build lab && linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/danomagnum/gologix"

	"github.com/walkdown-ot/walkdown/discovery/plant/fragile"
	"github.com/walkdown-ot/walkdown/inventory"
)

// The plant of the lab: two switches, each a Linux bridge with net-snmp's agent, whose LLDP-MIB lldpd fills as its subagent and whose
// BRIDGE-MIB is that of the bridge, and what hangs on them. Nobody of it but the fragile devices runs code of ours.
//
//	laptop .10 ── sw1 .1 (SNMPv3) ┬─ sw2 .2 (SNMPv2c) ── everybody else
//	                              └─ hmi .60, which answers nothing
const plantNet = "10.77.0."

// machine is a device of the plant, with what it says of itself over any protocol: "vendor | model | firmware | serial".
type machine struct {
	last      int
	name, mac string
	nameplate string
	start     func(l *lab, ns, address string)
	missing   func(l *lab) string // why this machine cannot have the device; nil: it can
}

func (m machine) address() string { return fmt.Sprint(plantNet, m.last) }

// machines are the devices behind the second switch.
func machines() []machine {
	node := func(script, port string) func(*lab, string, string) {
		return func(l *lab, ns, address string) {
			l.start(ns, "node", l.script(script), address, port, l.dir)
			l.listens(ns, ":"+port)
		}
	}
	python := func(script string, args ...string) func(*lab, string, string) {
		return func(l *lab, ns, address string) {
			l.start(ns, append([]string{"/usr/bin/python3", l.script(script), address}, args...)...)
			l.listens(ns, address+":"+args[0])
		}
	}
	list := []machine{
		{30, "plc", "00:a0:45:00:00:30", "Phoenix Contact | ILC 151 ETH | 4.42 | ", python("modbus.py", "502"), nil},
		{31, "gateway", "00:80:f4:00:00:31", "Schneider Electric | EGX150 | 05.01.00 | ", node("gateway.cjs", "502"), nil},
		{32, "machine", "00:80:f4:00:00:32", "Schneider Electric | TM251MESE | 4.0.6.41 | ", python("modbus.py", "502", "1"), nil},
		{33, "opcua", "00:01:05:00:00:33", "Beckhoff | TwinCAT OPC UA Server | 4.3.28 | ", node("opcua.cjs", "4840"), nil},
		{34, "s7", "28:63:36:00:00:34", "Siemens | CPU 315-2 PN/DP | 3.2.6 | S C-C2UR28922012", node("s7.cjs", "102"), nil},
		{35, "bacnet", "00:40:ae:00:00:35", "Delta Controls | DSC-1280E | 3.40.571848 | E2204711", node("bacnet.cjs", "47808"), nil},
		{36, "stations", "00:00:bc:00:00:36", "Rockwell Automation | 1756-ENBT | 4.3 | 0x00524d8e", stations, nil},
		{37, "web", "00:0d:56:00:00:37", "WAGO | 750-8212 |  | ", webServer, nil},
		{38, "ssh", "d4:be:d9:00:00:38", " |  |  | ", sshServer, nil},
		{40, "logix", "00:1d:9c:00:00:40", "Rockwell Automation | 1769-L33ER | 32.11 | 0x00c0ffee", logix, nil},
		{41, "old", "00:a0:f8:00:00:41", "Zebra |  |  | ", oldAgent, nil},
	}
	for _, r := range []machine{
		{last: 20, name: "moxa-etherdevice_edsg516e", mac: "00:90:e8:00:00:20", nameplate: "Moxa | EDS-G516E-T | 6.2 | "},
		{last: 21, name: "scalance_xc206-2sfp", mac: "28:63:36:00:00:21", nameplate: "Siemens | SCALANCE XC206-2SFP | 04.02.00 | VPM8190273"},
		{last: 22, name: "hirschmann_ms4128", mac: "00:80:63:fb:3a:87", nameplate: "Hirschmann | MS4128-L3E | 09.1.03 | 943009201000201022"},
		{last: 23, name: "apc_ap7900b", mac: "00:c0:b7:00:00:23", nameplate: "APC | AP7900B | 6.8.0 | ZA1732000177"},
	} {
		recording := filepath.Join(sharedFolder(), "identities", "snmprec", r.name+".snmprec")
		r.name = fmt.Sprint("sim", r.last)
		r.start = func(l *lab, ns, address string) { l.replayed(ns, address, recording) }
		r.missing = func(*lab) string {
			if _, err := os.Stat(recording); err != nil {
				return "there are no recordings of agents beside the repository"
			}
			if _, err := exec.LookPath("snmpsimd"); err != nil {
				return "snmpsim is not installed"
			}
			return ""
		}
		list = append(list, r)
	}
	return list
}

// fragileOnes are the devices of the bench that stand in the plant: upset by a second connection, by a question too many in a second,
// by questions that nobody of the plant asks, by a connection that is not ended.
func fragileOnes() []string {
	return []string{"two-slots", "one-slot", "four-slots", "rate", "jealous"}
}

const fragileFrom = 51

const gologixName = "gologix"

// serveGologix is a CompactLogix as the server of gologix plays it.
func serveGologix(t *testing.T) {
	server := gologix.NewServer(gologix.NewRouter())
	server.Attributes[1], server.Attributes[2], server.Attributes[3], server.Attributes[4] = int16(1), int16(14), int16(0x6c), int16(0x0b20)
	server.Attributes[6], server.Attributes[7] = uint32(0x00c0ffee), "1769-L33ER/A LOGIX5333ER"
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
}

func logix(l *lab, ns, address string) {
	l.start(ns, "env", fragileEnv+"="+gologixName+" "+address+" none", os.Args[0], "-test.run", "^TestLabDevice$")
	l.listens(ns, ":44818")
}

func stations(l *lab, ns, address string) {
	l.start(ns, "/usr/bin/python3", l.script("broadcast.py"), "eth0", address)
	l.listens(ns, ":44818")
}

// replayed is snmpsim with a recording, without the tables of stations that stand elsewhere.
func (l *lab) replayed(ns, address, recording string) {
	l.t.Helper()
	text, err := os.ReadFile(recording)
	if err != nil {
		l.t.Fatal(err)
	}
	var kept bytes.Buffer
	for line := range strings.Lines(string(text)) {
		if !slices.ContainsFunc([]string{
			"1.3.6.1.2.1.17.4.", "1.3.6.1.2.1.17.7.", "1.0.8802.1.1.2.1.4.", "1.3.6.1.2.1.4.22.", "1.3.6.1.2.1.4.35.",
		}, func(table string) bool { return strings.HasPrefix(line, table) }) {
			kept.WriteString(line)
		}
	}
	l.file(ns+"/public.snmprec", kept.String())
	data := filepath.Join(l.dir, ns)
	l.run("chmod", "-R", "a+rwX", data) // snmpsim gives up root and keeps its index there
	l.start(ns, "snmpsimd", "--data-dir="+data, "--cache-dir="+data, "--agent-udpv4-endpoint="+address+":161", "--process-user=nobody", "--process-group=nogroup")
	l.listens(ns, address+":161")
}

// snmpd starts net-snmp's agent.
func (l *lab) snmpd(ns, address, config string) {
	l.t.Helper()
	state := filepath.Join(l.dir, ns+".state")
	if err := os.Mkdir(state, 0o700); err != nil {
		l.t.Fatal(err)
	}
	conf := l.file(ns+".conf", config)
	l.start(ns, "env", "SNMP_PERSISTENT_DIR="+state, "MIBS=", "snmpd", "-f", "-C", "-c", conf, "-Lo", "-p", filepath.Join(l.dir, ns+".pid"), "udp:"+address+":161")
	l.listens(ns, address+":161")
}

// oldAgent is net-snmp's agent where only SNMPv1 has access.
func oldAgent(l *lab, ns, address string) {
	l.snmpd(ns, address, `com2sec ro default public
group old v1 ro
view all included .1
access old "" v1 noauth exact all none none
sysDescr ZebraNet PrintServer
sysObjectID .1.3.6.1.4.1.10642.1.1
sysName printer-7
`)
}

func webServer(l *lab, ns, address string) {
	key, cert := filepath.Join(l.dir, "key.pem"), filepath.Join(l.dir, "cert.pem")
	l.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/O=ACME/CN=press-3", "-keyout", key, "-out", cert)
	l.file("page/index.html", "<html><head><title>WAGO 750-8212 PFC200</title></head></html>")
	conf := l.file("nginx.conf", fmt.Sprintf(`daemon off; user root; pid %[1]s/nginx.pid; error_log stderr;
events {}
http {
	access_log off;
	server { listen %[4]s:80; root %[1]s/page; }
	server { listen %[4]s:443 ssl; ssl_certificate %[2]s; ssl_certificate_key %[3]s; root %[1]s/page; }
}
`, l.dir, cert, key, address))
	l.start(ns, "nginx", "-c", conf, "-e", "stderr")
	l.listens(ns, address+":443")
}

func sshServer(l *lab, ns, address string) {
	host := filepath.Join(l.dir, "hostkey")
	l.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host)
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.start(ns, "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", host, "-o", "ListenAddress="+address, "-o", "PidFile=none")
	l.listens(ns, address+":22")
}

const (
	sw1MAC, sw2MAC = "00:80:63:00:01:00", "00:90:e8:00:02:00"
	hmiMAC         = "00:0c:29:00:00:60"

	sw1Config = "createUser survey SHA-256 lab-authentic-words AES lab-private-words\nrouser survey priv\n" +
		"sysDescr Hirschmann BOBCAT\nsysObjectID .1.3.6.1.4.1.248.11.2.1.39\nsysName sw-1\n"
	sw2Config = "rocommunity public\nsysDescr EDS-G516E\nsysObjectID .1.3.6.1.4.1.8691.7.71\nsysName sw-2\n"
)

// switchOn gives a bridge an address, the agents of a switch, and what lldpd says of its nameplate.
func (l *lab) switchOn(ns, address, config string, nameplate ...string) {
	l.t.Helper()
	l.run("ip", "-n", l.ns(ns), "addr", "add", address+"/24", "dev", "br0")
	agentx := filepath.Join(l.dir, ns+".agentx")
	l.snmpd(ns, address, fmt.Sprintf("%smaster agentx\nagentXSocket %s\npass_persist .1.3.6.1.2.1.17 /usr/bin/python3 %s br0\n", config, agentx, l.script("bridge.py")))
	if err := os.MkdirAll("/run/lldpd", 0o755); err != nil {
		l.t.Fatal(err)
	}
	socket := filepath.Join(l.dir, ns+".lldpd")
	l.start(ns, "lldpd", "-d", "-x", "-X", agentx, "-u", socket, "-I", "p*", "-m", address, "-M", "4", "-S", "a switch of the lab")
	l.wait("the socket of lldpd", func() bool { _, err := os.Stat(socket); return err == nil })
	for _, setting := range append([]string{"lldp tx-interval 1", "lldp portidsubtype ifname", "system hostname " + ns}, nameplate...) {
		l.run(append([]string{"lldpcli", "-u", socket, "configure"}, strings.Fields(setting)...)...)
	}
}

// buildPlant makes the plant and gives the devices that this machine can have.
func buildPlant(t *testing.T) (*lab, []machine) {
	t.Helper()
	l := newLab(t, "tcpdump", "snmpd", "lldpd", "lldpcli", "node", "nginx", "openssl", "/usr/sbin/sshd", "ssh-keygen", "/usr/bin/python3")
	l.python("scapy.all", "pymodbus.server")
	l.script("s7.cjs") // skips without the npm packages
	l.bridge("sw-1", sw1MAC)
	l.bridge("sw-2", sw2MAC)
	l.run("ip", "-n", l.ns("sw-1"), "link", "add", "p-up", "address", "00:80:63:00:01:03", "type", "veth", "peer", "name", "p-down", "address", "00:90:e8:00:02:01", "netns", l.ns("sw-2"))
	l.run("ip", "-n", l.ns("sw-1"), "link", "set", "p-up", "master", "br0", "up")
	l.run("ip", "-n", l.ns("sw-2"), "link", "set", "p-down", "master", "br0", "up")
	l.host("sw-1", "laptop", laptopMAC, plantNet+"10/24")
	l.host("sw-1", "hmi", hmiMAC, plantNet+"60/24")
	l.switchOn("sw-1", plantNet+"1", sw1Config, "inventory serial-number 942170999010101234", "inventory manufacturer Hirschmann", "inventory model BRS40-00169999",
		"inventory firmware-revision 09.1.00", "inventory software-revision 09.1.00")
	l.switchOn("sw-2", plantNet+"2", sw2Config)
	var have []machine
	for _, m := range machines() {
		if m.missing != nil {
			if reason := m.missing(l); reason != "" {
				t.Logf("%s is not in the lab: %s", m.address(), reason)
				continue
			}
		}
		l.host("sw-2", m.name, m.mac, m.address()+"/24")
		m.start(l, m.name, m.address())
		have = append(have, m)
	}
	for i, name := range fragileOnes() {
		l.host("sw-2", name, fmt.Sprintf("02:77:00:00:00:%02x", fragileFrom+i), fmt.Sprint(plantNet, fragileFrom+i, "/24"))
	}
	return l, have
}

// fragileStart starts the fragile devices afresh.
func (l *lab) fragileStart() (stop func() map[string]fragile.Report) {
	l.t.Helper()
	stops := map[string]func() fragile.Report{}
	for i, name := range fragileOnes() {
		stops[name] = l.fragile(name, fmt.Sprint(plantNet, fragileFrom+i))
	}
	return func() map[string]fragile.Report {
		out := map[string]fragile.Report{}
		for name, stop := range stops {
			out[name] = stop()
		}
		return out
	}
}

// TestLabPlant surveys the plant with the real binary: everything is found, nothing is upset, and the wire holds what the ledger says
// and nothing else.
func TestLabPlant(t *testing.T) {
	l, have := buildPlant(t)
	upset := l.fragileStart()
	s := l.surveyPlant("plant", plantArgs()...)
	for name, r := range upset() {
		if len(r.Upset) > 0 || r.AtOnce > 1 || r.Connections == 0 && r.Questions == 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if s.status != 0 {
		t.Errorf("status %d", s.status)
	}
	assets := listed[inventory.Asset](l, s, "assets")
	t.Logf("%s\n%s", l.run(l.binary, "assets", "--db", s.db), l.run("sh", "-c", l.binary+" ledger --db "+s.db+" | grep -v ' arp '"))
	if want := len(have) + len(fragileOnes()) + 3; len(assets) != want {
		t.Errorf("%d assets, want %d", len(assets), want)
	}
	found := map[string]inventory.Asset{}
	for _, a := range assets {
		for _, address := range a.Addresses {
			found[address.IP] = a
		}
	}
	have = append(have, machine{last: 1, nameplate: "Hirschmann | BRS40-00169999 | 09.1.00 | 942170999010101234"}, machine{last: 2, nameplate: "Moxa | EDS-G516E |  | "})
	for _, m := range have {
		a := found[m.address()]
		if got := strings.Join([]string{a.Vendor, a.Model, a.Firmware, a.Serial}, " | "); got != m.nameplate {
			t.Errorf("%s: got %q, want %q", m.address(), got, m.nameplate)
		}
	}
	checkParts(t, found)
	checkCables(t, found)
	w := readWire(t, s.wire)
	w.check(t, listed[inventory.LedgerEntry](l, s, "ledger"), promised{nobody: func(address string) bool { return found[address].ID == "" && address != plantNet+"10" }})
	if len(w.swept) != 253 {
		t.Errorf("%d addresses were swept, want each other one of the /24", len(w.swept))
	}
	l.checkSecrets(s.db)
	runs := listed[inventory.Survey](l, s, "surveys")
	if len(runs) != 1 || runs[0].Plug.SwitchName != "sw-1" || runs[0].Plug.Port != laptopPort {
		t.Errorf("surveys: %+v", runs)
	}
	t.Log(l.run(l.binary, "ledger", "--check", "--db", s.db))
	l.besideNmap(s, found)
}

// plantArgs are those of a person who knows that there are Modbus devices without an evidence of it, where web and SSH servers stand, and
// which units a gateway has. All else is found by what the devices and the switches tell.
func plantArgs() []string {
	at := func(protocol string, last int) string { return fmt.Sprint(protocol, ":", plantNet, last) }
	return []string{
		"--protocols", "snmp,modbus", "--try", strings.Join([]string{at("http", 37), at("tls", 37), at("ssh", 38)}, ","),
		"--units", "1-2@" + plantNet + "31", "--allow", "http,tls,ssh,opcua",
	}
}

// surveyPlant surveys the whole network of the plant.
func (l *lab) surveyPlant(name string, args ...string) surveyed {
	l.t.Helper()
	config := l.file("walkdown.yaml", "snmp:\n  communities: [public]\n"+
		"  users: [{name: survey, auth: SHA-256, auth_password: lab-authentic-words, priv: AES, priv_password: lab-private-words}]\n")
	if err := os.Chmod(config, 0o600); err != nil {
		l.t.Fatal(err)
	}
	return l.survey("sw-1", name, append([]string{"--listen", "5s", "--ask", plantNet + "0/24", "--config", config}, args...)...)
}

// checkParts looks for the meters behind the gateway.
func checkParts(t *testing.T, found map[string]inventory.Asset) {
	t.Helper()
	var units []string
	for _, part := range found[plantNet+"31"].Components {
		units = append(units, strings.Join([]string{part.Path, part.Vendor, part.Model, part.Firmware}, " | "))
	}
	slices.Sort(units)
	if want := []string{"modbus-unit=1 | Schneider Electric | METSEPM5560 | 01.04.02", "modbus-unit=2 | Schneider Electric | A9MEM3155 | 02.10"}; !slices.Equal(units, want) {
		t.Errorf("units behind the gateway: got %q, want %q", units, want)
	}
}

// checkCables looks for what hangs on which port.
func checkCables(t *testing.T, found map[string]inventory.Asset) {
	t.Helper()
	sw1, sw2, plc, hmi := found[plantNet+"1"], found[plantNet+"2"], found[plantNet+"30"], found[plantNet+"60"]
	wired := func(a inventory.Asset, want inventory.Neighbour) {
		t.Helper()
		if !slices.Contains(a.Neighbours, want) {
			t.Errorf("%s: neighbours %v, want %v", a.Name, a.Neighbours, want)
		}
	}
	wired(sw1, inventory.Neighbour{LocalPort: "p-up", Asset: sw2.ID, RemotePort: "p-down", Via: "lldp"})
	wired(sw2, inventory.Neighbour{LocalPort: "p-down", Asset: sw1.ID, RemotePort: "p-up", Via: "lldp"})
	wired(sw1, inventory.Neighbour{LocalPort: "p2", Asset: hmi.ID, Via: "fdb"})
	if len(plc.Neighbours) != 1 || plc.Neighbours[0].Asset != sw2.ID || plc.Neighbours[0].Via != "fdb" {
		t.Errorf("neighbours of the PLC: %v", plc.Neighbours)
	}
}

// checkSecrets looks for passwords in the inventory.
func (l *lab) checkSecrets(db string) {
	l.t.Helper()
	files, err := filepath.Glob(db + "*")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, secret := range []string{"lab-authentic-words", "lab-private-words", "survey\x04"} {
			if bytes.Contains(b, []byte(secret)) {
				l.t.Errorf("%s holds the secret %q", filepath.Base(name), secret)
			}
		}
	}
}
