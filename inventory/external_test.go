package inventory_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

// named is a fact of a name about an address.
func named(ip string, key discovery.Key, value string) inventory.Evidence {
	return inventory.Evidence{Subject: discovery.Subject{Site: "works", Segment: "default", IP: netip.MustParseAddr(ip)}, Mode: discovery.Heard, Fact: discovery.NewFact(key, value), First: monday, Last: monday}
}

func TestExternal(t *testing.T) {
	things := devices(
		"a-1 default 10.0.1.5 plc L1 mac=28:63:36:00:00:01 name=press",
		"a-2 default 10.0.1.6 engineering-workstation L2 mac=28:63:36:00:00:02",
		"a-3 default 10.0.1.9 cellular-router L3.5 mac=28:63:36:00:00:03",
		"a-4 default 10.0.1.10 gateway mac=28:63:36:00:00:04",
		"a-5 default 10.77.9.20",    // heard through the router alone
		"a-6 default 198.51.100.30", // a server on the internet of which facts are known
	)
	things[1].Protocols = []string{"dns", "tls"}
	things[1].Services = []inventory.Service{{Transport: "tcp", Port: 3389}, {Transport: "tcp", Port: 5900, Protocol: "modbus"}}
	things[3].Vendor, things[3].Family = "HMS", "Ewon"
	from := &exporterstest.Inventory{
		Things: things,
		Talks: talks(
			"a-1 10.0.1.5 > a-2 10.0.1.6 tcp 502 modbus cyclic read",
			"a-1 10.0.1.5 > - 10.0.1.77 tcp 502 modbus cyclic read", // nobody's address in its own network
			"a-2 10.0.1.6 > - 198.51.100.7 tcp 5938 - cyclic",
			"a-2 10.0.1.6 > - 198.51.100.8 tcp 443 tls sporadic",
			"a-2 10.0.1.6 > - 198.51.100.9 tcp 443 tls periodic",
			"a-2 10.0.1.6 > a-6 198.51.100.30 tcp 443 tls one-off",
			"- 203.0.113.5 > a-1 10.0.1.5 tcp 502 modbus one-off write",
			"a-1 10.0.1.5 > - 203.0.113.5 udp 123 - periodic",
			"a-5 10.77.9.20 > a-1 10.0.1.5 tcp 502 modbus periodic read",
			"- 10.55.0.3 > a-1 10.0.1.5 tcp 22 ssh one-off",
			"- 203.0.113.6 > - 203.0.113.7 tcp 80 http one-off", // neither end is ours
		),
		Proofs: map[string][]inventory.Evidence{
			"a-2": {named("10.0.1.6", "dns.looked-up", "Router9.TeamViewer.com."), named("10.0.1.6", "dns.looked-up", "device.vpn.talk2m.com"), named("10.0.1.6", "dns.looked-up", "example.org")},
			"a-6": {named("198.51.100.30", "tls.certificate-subject", "CN=hub-7.azure-devices.net,O=Microsoft Corporation")},
		},
	}
	list, err := inventory.External(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	ids := map[string]bool{}
	for _, d := range list {
		got = append(got, fmt.Sprintf("%s %s %s %s [%s] %s %s %s", d.Asset, d.Kind, d.Direction, d.Peer, d.Operator, strings.Join(d.Addresses, ","), strings.Join(d.Services, ","), d.Frequency))
		if ids[d.ID] || !strings.HasPrefix(d.ID, "x-") {
			t.Errorf("id %q", d.ID)
		}
		ids[d.ID] = true
		if d.Product != "" && len(d.Evidence) == 0 {
			t.Errorf("nothing says why %s is %s", d.Peer, d.Product)
		}
	}
	want := []string{
		"a-1 internet both 203.0.113.5 [] 203.0.113.5 tcp/502 modbus,udp/123 periodic",
		"a-1 network in 10.55.0.3 [] 10.55.0.3 tcp/22 ssh one-off",
		"a-1 network in 10.77.9.20 [] 10.77.9.20 tcp/502 modbus periodic",
		"a-2 internet out 198.51.100.8 [] 198.51.100.8 tcp/443 tls sporadic",
		"a-2 internet out 198.51.100.9 [] 198.51.100.9 tcp/443 tls periodic",
		"a-2 internet out TeamViewer [] 198.51.100.7 tcp/5938 cyclic",
		"a-2 internet out hub-7.azure-devices.net [Microsoft Azure IoT] 198.51.100.30 tcp/443 tls one-off",
		"a-2 name out Ewon Talk2M []   ",
		"a-2 name out example.org []   ",
		"a-2 service listens Remote Desktop []  tcp/3389 ",
		"a-3 device listens cellular-router []   ",
		"a-4 device listens Ewon Talk2M []   ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The looked-up name belongs to the row of the conversation, and a partner stays with its row.
	for _, d := range list {
		if d.Peer == "TeamViewer" {
			if diff := cmp.Diff([]string{"router9.teamviewer.com"}, d.Names); diff != "" {
				t.Error(diff)
			}
			again, err := inventory.External(t.Context(), registered{from, map[string]map[string]string{d.ID: {"partner": "Press Builder Ltd"}}})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range again {
				if (e.ID == d.ID) != (e.Annotations["partner"] == "Press Builder Ltd") {
					t.Errorf("%+v", e)
				}
			}
		}
	}
}

// A scope makes a network the site's, although nobody of it was identified.
func TestExternalByScope(t *testing.T) {
	from := &exporterstest.Inventory{
		Things: devices("a-1 default 10.0.1.5 plc mac=28:63:36:00:00:01"),
		Talks:  talks("- 10.77.9.20 > a-1 10.0.1.5 tcp 502 modbus periodic read"),
	}
	for _, c := range []struct {
		scope string
		want  int
	}{{"", 1}, {"10.77.0.0/16", 0}, {"10.77.9.20/32", 1}} {
		from.Runs = []inventory.Survey{{ID: "s-1", Scope: []string{c.scope}}}
		list, err := inventory.External(t.Context(), from)
		if err != nil || len(list) != c.want {
			t.Errorf("%q: %d dependencies, %v", c.scope, len(list), err)
		}
	}
}

// An asset that talks to the whole internet does not fill the register.
func TestExternalIsBounded(t *testing.T) {
	from := &exporterstest.Inventory{Things: devices("a-1 default 10.0.1.5 workstation mac=28:63:36:00:00:01")}
	for n := range 5000 {
		from.Talks = append(from.Talks, talk(fmt.Sprintf("a-1 10.0.1.5 > - 198.51.%d.%d tcp 80 http one-off read", n>>8, n&255)))
	}
	list, err := inventory.External(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	bytes := uint64(0)
	for _, d := range list {
		bytes += d.Bytes
	}
	if len(list) > 300 || bytes != 5000*1000 {
		t.Errorf("%d rows, %d bytes", len(list), bytes)
	}
}
