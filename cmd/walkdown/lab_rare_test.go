//go:build lab && linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

// TestLabRarePeers surveys software that is not ours for protocols that plants and buildings have fewer of: the responder of Avahi (mDNS)
// and a KNX router of knxd. It needs root, iproute2, avahi-daemon and knxd.
func TestLabRarePeers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the lab makes network namespaces, which needs root")
	}
	for _, program := range []string{"ip", "ss", "avahi-daemon", "knxd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the lab needs %s", program)
		}
	}
	l := &lab{t: t, dir: t.TempDir(), tag: fmt.Sprintf("wdrare%d", os.Getpid()%100000)}
	binary := filepath.Join(l.dir, "walkdown")
	l.run("go", "build", "-o", binary, ".")
	l.hosts([][3]string{{"laptop", "10.76.0.10", laptopMAC}, {"mdns", "10.76.0.3", "00:0d:56:11:22:33"}, {"knx", "10.76.0.4", "00:0e:8c:11:22:33"}})
	for _, peer := range []string{"mdns", "knx"} {
		l.run("ip", "-n", l.ns(peer), "route", "add", "224.0.0.0/4", "dev", "eth0")
	}
	services := filepath.Join(l.dir, "services")
	if err := os.Mkdir(services, 0o755); err != nil {
		t.Fatal(err)
	}
	l.file("services/http.service", `<?xml version="1.0" standalone='no'?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>Press 3</name><service><type>_http._tcp</type><port>8080</port><txt-record>model=HMI 7</txt-record></service></service-group>`)
	config := l.file("avahi.conf", "[server]\nhost-name=press-3\nuse-ipv6=no\nenable-dbus=no\nallow-interfaces=eth0\n[publish]\npublish-workstation=no\n")
	// The folder of its services is built in, and so is that of its process id: both are other ones in the namespace's own mounts.
	responder := l.start("mdns", "sh", "-c", "mount --bind "+services+" /etc/avahi/services && mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon && "+
		"exec avahi-daemon -f "+config+" --no-drop-root --no-chroot --no-rlimits")
	router := l.start("knx", "knxd", "-n", "hall 4", "-e", "0.0.1", "-E", "0.0.2:8", "-D", "-T", "-R", "-S", "-b", "dummy:")
	l.wait("avahi", l.listens("mdns", ":5353"))
	l.wait("knxd", l.listens("knx", ":3671"))
	defer func() {
		if t.Failed() {
			t.Log(responder.String(), router.String())
		}
	}()

	db := filepath.Join(l.dir, "rare.db")
	printed := l.run("ip", "netns", "exec", l.ns("laptop"), binary, "ask", "--ask", "10.76.0.3/32,10.76.0.4/32", "--protocols", "mdns,knx",
		"--try", "mdns:10.76.0.3,knx:10.76.0.4", "--allow", "mdns,knx", "--yes", "--db", db)
	t.Logf("%s\n%s", printed, l.run(binary, "ledger", "--db", db))
	var assets []inventory.Asset
	if err := json.Unmarshal([]byte(l.run(binary, "assets", "--json", "--db", db)), &assets); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"10.76.0.3": "press-3.local", "10.76.0.4": "hall 4"}
	for _, asset := range assets {
		for _, address := range asset.Addresses {
			if name, ok := want[address.IP]; ok && (asset.Name == name || slices.Contains(asset.Names, name)) {
				delete(want, address.IP)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("without their names: %v; there are %+v", want, assets)
	}
	for _, address := range []string{"10.76.0.3", "10.76.0.4"} {
		shown := l.run(binary, "show", address, "--db", db)
		for _, fact := range map[string][]string{
			"10.76.0.3": {"_http._tcp 8080 Press 3", "_http._tcp model=HMI 7"}, "10.76.0.4": {"0.0.1", "core 1, device management 1, tunnelling 1, routing 1"},
		}[address] {
			if !strings.Contains(shown, fact) {
				t.Errorf("%s: %q is missing in\n%s", address, fact, shown)
			}
		}
	}
}
