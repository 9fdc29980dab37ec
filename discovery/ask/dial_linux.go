package ask

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindTo keeps a socket on the interface, whatever the routes say.
func bindTo(name string) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		if outer := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), name) }); outer != nil {
			return outer
		}
		if errors.Is(err, unix.EPERM) {
			return fmt.Errorf("ask over %s: the right CAP_NET_RAW is missing: %w", name, err)
		}
		return err
	}
}
