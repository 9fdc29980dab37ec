//go:build !linux

package ask

import "syscall"

// bindTo does nothing: here the socket's own address, which is that of the interface, decides.
func bindTo(string) func(network, address string, c syscall.RawConn) error { return nil }
