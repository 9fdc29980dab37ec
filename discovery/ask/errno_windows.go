package ask

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isRefused reports whether the port is closed: RST to a SYN. ICMP port unreachable to a datagram comes as a reset.
func isRefused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }

// isReset reports whether the other end broke the connection off.
func isReset(err error) bool {
	return errors.Is(err, windows.WSAECONNRESET) || errors.Is(err, windows.WSAECONNABORTED) || errors.Is(err, windows.WSAESHUTDOWN)
}

// isUnreachable reports whether nobody took the packet, as far as this machine or a router could tell.
func isUnreachable(err error) bool {
	return errors.Is(err, windows.WSAEHOSTUNREACH) || errors.Is(err, windows.WSAENETUNREACH) || errors.Is(err, windows.WSAETIMEDOUT)
}
