//go:build !linux && !windows

package ask

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// broadcastFrom is the address that the socket is bound to: it chooses the interface.
func broadcastFrom(from netip.Addr) string { return from.String() }

// prepareBroadcast lets the socket broadcast.
func prepareBroadcast(fd uintptr, _ *net.Interface, share bool) error {
	if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		return fmt.Errorf("allow broadcasts: %w", err)
	}
	if share {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return fmt.Errorf("share the port: %w", err)
		}
	}
	return nil
}
