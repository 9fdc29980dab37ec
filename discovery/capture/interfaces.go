package capture

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Interface is a network interface of this machine.
type Interface struct {
	Name      string
	MAC       discovery.MAC // zero for one without a link address
	Addresses []netip.Prefix
	Up        bool
	Kind      string // "ethernet", "loopback", "point-to-point" or "other"
}

// Interfaces lists the network interfaces of this machine in the system's order.
func Interfaces() ([]Interface, error) {
	found, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	out := make([]Interface, 0, len(found))
	for _, in := range found {
		one := Interface{Name: in.Name, Up: in.Flags&net.FlagUp != 0, Kind: "other"}
		switch {
		case in.Flags&net.FlagLoopback != 0:
			one.Kind = "loopback"
		case in.Flags&net.FlagPointToPoint != 0:
			one.Kind = "point-to-point"
		case len(in.HardwareAddr) == len(one.MAC):
			one.Kind = "ethernet"
		}
		if len(in.HardwareAddr) == len(one.MAC) {
			one.MAC = discovery.MAC(in.HardwareAddr)
		}
		addresses, err := in.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list addresses of %s: %w", in.Name, err)
		}
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				one.Addresses = append(one.Addresses, prefix)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// noInterface says that there is none of this name, and which there are.
func noInterface(name string) error {
	found, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("listen on %s: there is no such interface: %w", name, err)
	}
	var names []string
	for _, in := range found {
		names = append(names, in.Name)
	}
	return fmt.Errorf("listen on %s: there is no such interface; there are %s", name, strings.Join(names, ", "))
}
