//go:build lab && linux

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/inventory"
)

// TestLabRarePeers surveys software that is not ours for protocols that plants and buildings have fewer of: the responder of Avahi (mDNS)
// and a KNX router of knxd. It needs root, iproute2, avahi-daemon and knxd.
func TestLabRarePeers(t *testing.T) {
	l := newLab(t, "avahi-daemon", "knxd")
	l.bridge("switch", "")
	l.host("switch", "laptop", laptopMAC, "10.76.0.10/24")
	l.host("switch", "mdns", "00:0d:56:11:22:33", "10.76.0.3/24")
	l.host("switch", "knx", "00:0e:8c:11:22:33", "10.76.0.4/24")
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
	responder, _ := l.start("mdns", "sh", "-c", "mount --bind "+services+" /etc/avahi/services && mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon && "+
		"exec avahi-daemon -f "+config+" --no-drop-root --no-chroot --no-rlimits")
	router, _ := l.start("knx", "knxd", "-n", "hall 4", "-e", "0.0.1", "-E", "0.0.2:8", "-D", "-T", "-R", "-S", "-b", "dummy:")
	l.listens("mdns", ":5353")
	l.listens("knx", ":3671")
	defer func() {
		if t.Failed() {
			t.Log(responder.String(), router.String())
		}
	}()

	db := filepath.Join(l.dir, "rare.db")
	printed := l.run("ip", "netns", "exec", l.ns("laptop"), l.binary, "ask", "--ask", "10.76.0.3/32,10.76.0.4/32", "--protocols", "mdns,knx",
		"--try", "mdns:10.76.0.3,knx:10.76.0.4", "--allow", "mdns,knx", "--yes", "--db", db)
	t.Logf("%s\n%s", printed, l.run(l.binary, "ledger", "--db", db))
	var assets []inventory.Asset
	if err := json.Unmarshal([]byte(l.run(l.binary, "assets", "--json", "--db", db)), &assets); err != nil {
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
		shown := l.run(l.binary, "show", address, "--db", db)
		for _, fact := range map[string][]string{
			"10.76.0.3": {"_http._tcp 8080 Press 3", "_http._tcp model=HMI 7"}, "10.76.0.4": {"0.0.1", "core 1, device management 1, tunnelling 1, routing 1"},
		}[address] {
			if !strings.Contains(shown, fact) {
				t.Errorf("%s: %q is missing in\n%s", address, fact, shown)
			}
		}
	}
}
