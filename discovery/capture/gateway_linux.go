package capture

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
)

// GatewayMAC is the MAC of the default gateway behind an interface, as the kernel's tables have it; empty when there is none
// or it was not met yet. Nothing is sent. The tables are /proc/net/route and /proc/net/arp (proc_pid_net(5)).
func GatewayMAC(ifname string) string {
	gateway, ok := gatewayOf(lines("/proc/net/route"), ifname)
	if !ok {
		return ""
	}
	return neighbour(lines("/proc/net/arp"), ifname, gateway)
}

// gatewayOf finds the default route in lines of: interface, destination, gateway, ... (hex in the machine's byte order).
func gatewayOf(table [][]string, ifname string) (netip.Addr, bool) {
	for _, f := range table {
		if len(f) < 3 || f[0] != ifname || f[1] != "00000000" {
			continue
		}
		b, err := hex.DecodeString(f[2])
		if err != nil || len(b) != 4 {
			continue
		}
		var raw [4]byte
		binary.NativeEndian.PutUint32(raw[:], binary.BigEndian.Uint32(b))
		if ip := netip.AddrFrom4(raw); !ip.IsUnspecified() {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// neighbour finds a MAC in lines of: IP, hardware type, flags, MAC, mask, interface.
func neighbour(table [][]string, ifname string, ip netip.Addr) string {
	for _, f := range table {
		if len(f) >= 6 && f[0] == ip.String() && f[5] == ifname && f[3] != "00:00:00:00:00:00" {
			return f[3]
		}
	}
	return ""
}

func lines(path string) [][]string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // only read
	var out [][]string
	for in := bufio.NewScanner(file); in.Scan(); {
		out = append(out, strings.Fields(in.Text()))
	}
	return out
}
