package capture

import (
	"net/netip"
	"strings"
	"testing"
)

func TestGatewayOf(t *testing.T) {
	table := func(text string) (out [][]string) {
		for line := range strings.Lines(text) {
			out = append(out, strings.Fields(line))
		}
		return out
	}
	routes := table("Iface Destination Gateway Flags\neth0 0002A8C0 00000000 0001\neth1 00000000 0102A8C0 0003\neth0 00000000 FE02A8C0 0003\n")
	gateway, ok := gatewayOf(routes, "eth0")
	if !ok || gateway != netip.MustParseAddr("192.168.2.254") && gateway != netip.MustParseAddr("254.2.168.192") {
		t.Errorf("gateway %v, %v", gateway, ok)
	}
	if _, ok := gatewayOf(routes, "eth2"); ok {
		t.Error("eth2 has a gateway")
	}
	neighbours := table("IP address HW type Flags HW address Mask Device\n192.168.2.254 0x1 0x2 02:00:00:00:00:01 * eth0\n192.168.2.7 0x1 0x0 00:00:00:00:00:00 * eth0\n")
	if mac := neighbour(neighbours, "eth0", netip.MustParseAddr("192.168.2.254")); mac != "02:00:00:00:00:01" {
		t.Errorf("MAC %q", mac)
	}
	if mac := neighbour(neighbours, "eth0", netip.MustParseAddr("192.168.2.7")); mac != "" {
		t.Errorf("MAC %q of one that did not answer", mac)
	}
}
