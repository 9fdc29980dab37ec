package ask

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// broadcastFrom is the address that the socket is bound to. One that is bound to its own address would not hear broadcasts;
// the interface that it is bound to keeps strangers out.
func broadcastFrom(netip.Addr) string { return "0.0.0.0" }

// prepareBroadcast binds the socket to the interface and lets it broadcast.
func prepareBroadcast(fd uintptr, ifi *net.Interface, share bool) error {
	if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		return fmt.Errorf("allow broadcasts: %w", err)
	}
	if share {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return fmt.Errorf("share the port: %w", err)
		}
	}
	if err := unix.BindToDevice(int(fd), ifi.Name); err != nil {
		return fmt.Errorf("bind to %s: %w", ifi.Name, err)
	}
	return nil
}
