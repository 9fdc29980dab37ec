package ask

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/windows"
)

// broadcastFrom is the address that the socket is bound to: it chooses the interface, and Windows hears broadcasts on it too.
func broadcastFrom(from netip.Addr) string { return from.String() }

// prepareBroadcast lets the socket broadcast.
func prepareBroadcast(fd uintptr, _ *net.Interface, share bool) error {
	if err := windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, windows.SO_BROADCAST, 1); err != nil {
		return fmt.Errorf("allow broadcasts: %w", err)
	}
	if share {
		if err := windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, windows.SO_REUSEADDR, 1); err != nil {
			return fmt.Errorf("share the port: %w", err)
		}
	}
	return nil
}
