//go:build !windows

package ask

import (
	"errors"
	"syscall"
)

// isRefused reports whether the port is closed: RST to a SYN, or ICMP port unreachable to a datagram.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// isReset reports whether the other end broke the connection off.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// isUnreachable reports whether nobody took the packet, as far as this machine or a router could tell.
func isUnreachable(err error) bool {
	return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.ETIMEDOUT)
}
