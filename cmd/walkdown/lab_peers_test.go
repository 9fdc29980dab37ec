//go:build lab && linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

// TestLabPeers surveys further software that is not ours, each in a namespace of its own behind a bridge: the S7 server of snap7, a
// BACnet controller on the codec of @bacnet-js/client, nginx with a page and a certificate, OpenSSH, and stations on scapy's codecs that
// answer broadcasts. It needs root, iproute2, nginx,
// sshd, and the npm packages of .ci/lab in WALKDOWN_LAB.
func TestLabPeers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the lab makes network namespaces, which needs root")
	}
	for _, program := range []string{"ip", "ss", "node", "nginx", "openssl", "/usr/sbin/sshd", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the lab needs %s", program)
		}
	}
	peers := os.Getenv("WALKDOWN_LAB")
	if _, err := os.Stat(filepath.Join(peers, "node_modules", "node-snap7")); peers == "" || err != nil {
		t.Skip("WALKDOWN_LAB names no folder with the npm packages of .ci/lab")
	}
	l := &lab{t: t, dir: t.TempDir(), tag: fmt.Sprintf("wdpeer%d", os.Getpid()%100000)}
	binary := filepath.Join(l.dir, "walkdown")
	l.run("go", "build", "-o", binary, ".")
	l.hosts([][3]string{
		{"laptop", "10.78.0.10", laptopMAC},
		{"s7", "10.78.0.3", "28:63:36:11:22:33"},
		{"bacnet", "10.78.0.4", "00:40:ae:11:22:33"},
		{"web", "10.78.0.5", "00:0d:56:11:22:33"},
		{"broadcast", "10.78.0.6", "00:00:bc:11:22:33"},
	})
	for _, peer := range [][]string{{"s7", "10.78.0.3", "102"}, {"bacnet", "10.78.0.4", "47808"}} {
		script := filepath.Join(peers, peer[0]+".cjs")
		text, err := os.ReadFile(filepath.Join("../../.ci/lab", peer[0]+".cjs"))
		if err == nil {
			err = os.WriteFile(script, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		l.start(peer[0], "node", script, peer[1], peer[2])
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import scapy.all").Run(); err != nil {
		t.Skip("the lab needs python3-scapy")
	}
	script, err := filepath.Abs("../../.ci/lab/broadcast.py")
	if err != nil {
		t.Fatal(err)
	}
	stations := l.start("broadcast", "/usr/bin/python3", script, "eth0", "10.78.0.6")
	l.web()
	l.wait("scapy", l.listens("broadcast", ":44818"))
	defer func() {
		if t.Failed() {
			t.Log(stations.String())
		}
	}()
	for _, peer := range [][2]string{{"s7", "10.78.0.3:102"}, {"bacnet", "10.78.0.4:47808"}, {"web", "10.78.0.5:80"}, {"web", "10.78.0.5:443"}, {"web", "10.78.0.5:22"}} {
		l.wait(peer[1], l.listens(peer[0], peer[1]))
	}

	db := filepath.Join(l.dir, "peers.db")
	printed := l.run("ip", "netns", "exec", l.ns("laptop"), binary, "survey", "-i", "eth0", "--listen", "1s", "--ask", "10.78.0.0/24",
		"--try", "s7:10.78.0.3,bacnet:10.78.0.4,http:10.78.0.5,tls:10.78.0.5,ssh:10.78.0.5", "--allow", "http,tls,ssh", "--yes", "--db", db)
	t.Logf("%s\n%s", printed, l.run("sh", "-c", binary+" ledger --db "+db+" | grep -v ' arp '"))
	var assets []inventory.Asset
	if err := json.Unmarshal([]byte(l.run(binary, "assets", "--json", "--db", db)), &assets); err != nil {
		t.Fatal(err)
	}
	identities := map[string]string{}
	for _, a := range assets {
		for _, address := range a.Addresses {
			identities[address.IP] = strings.Join([]string{a.Vendor, a.Model, a.OrderNumber, a.Serial, a.Firmware}, " | ")
		}
	}
	for ip, want := range map[string]string{
		"10.78.0.3": "Siemens | CPU 315-2 PN/DP | 6ES7 315-2EH14-0AB0 | S C-C2UR28922012 | 3.2.6",
		"10.78.0.4": "Delta Controls | DSC-1280E |  | E2204711 | 3.40.571848",
		"10.78.0.6": "Rockwell Automation | 1756-ENBT | 1756-ENBT | 0x00524d8e | 4.3",
	} {
		if identities[ip] != want {
			t.Errorf("%s: got %q, want %q", ip, identities[ip], want)
		}
	}
	shown := l.run(binary, "show", "10.78.0.5", "--db", db)
	for _, want := range []string{"Press 3", "CN=press-3", "SSH-2.0-OpenSSH", "nginx"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is missing in\n%s", want, shown)
		}
	}
	var ledger []inventory.LedgerEntry
	if err := json.Unmarshal([]byte(l.run(binary, "ledger", "--json", "--db", db)), &ledger); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, e := range ledger {
		if e.Protocol != "arp" {
			counts[e.Protocol+" "+e.Outcome]++
		}
	}
	for what, want := range map[string]int{"s7 answered": 4, "bacnet answered": 1, "http answered": 1, "ssh answered": 1} {
		if counts[what] != want {
			t.Errorf("%s: %d times, want %d; all: %v", what, counts[what], want, counts)
		}
	}
	for what := range counts {
		if !strings.HasSuffix(what, " answered") && what != "snmp refused" { // which is likely for the maker of the CPU
			t.Errorf("not answered: %v", counts)
		}
	}
}

// hosts makes a bridge and a namespace behind it for each name, address and MAC.
func (l *lab) hosts(hosts [][3]string) {
	add := func(name string) {
		l.run("ip", "netns", "add", l.ns(name))
		l.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", l.ns(name)).Run() })
		l.run("ip", "-n", l.ns(name), "link", "set", "lo", "up")
	}
	add("bridge")
	l.run("ip", "-n", l.ns("bridge"), "link", "add", "br0", "type", "bridge")
	for _, host := range hosts {
		add(host[0])
		port := "p-" + host[0]
		l.run("ip", "-n", l.ns("bridge"), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", l.ns(host[0]))
		l.run("ip", "-n", l.ns("bridge"), "link", "set", port, "master", "br0", "up")
		l.run("ip", "-n", l.ns(host[0]), "link", "set", "eth0", "address", host[2], "up")
		l.run("ip", "-n", l.ns(host[0]), "addr", "add", host[1]+"/24", "dev", "eth0")
	}
	l.run("ip", "-n", l.ns("bridge"), "link", "set", "br0", "up")
}

// web starts nginx and sshd.
func (l *lab) web() {
	key, cert := filepath.Join(l.dir, "key.pem"), filepath.Join(l.dir, "cert.pem")
	l.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/O=ACME/CN=press-3", "-keyout", key, "-out", cert)
	page := filepath.Join(l.dir, "page")
	if err := os.Mkdir(page, 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.file("page/index.html", "<html><head><title>Press 3</title></head></html>")
	conf := l.file("nginx.conf", fmt.Sprintf(`daemon off; user root; pid %[1]s/nginx.pid; error_log stderr;
events {}
http {
	access_log off;
	server { listen 10.78.0.5:80; root %[1]s/page; }
	server { listen 10.78.0.5:443 ssl; ssl_certificate %[2]s; ssl_certificate_key %[3]s; root %[1]s/page; }
}
`, l.dir, cert, key))
	l.start("web", "nginx", "-c", conf, "-e", "stderr")
	host := filepath.Join(l.dir, "hostkey")
	l.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host)
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.start("web", "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", host, "-o", "ListenAddress=10.78.0.5", "-o", "PidFile=none")
}
