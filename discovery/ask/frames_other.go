//go:build !linux

package ask

import (
	"errors"
	"fmt"
	"net"
	"runtime"
)

// openFrames says that this system cannot send frames yet.
func openFrames(ifi *net.Interface, _ uint16) (net.PacketConn, error) {
	return nil, fmt.Errorf("open %s for frames on %s: %w", ifi.Name, runtime.GOOS, errors.ErrUnsupported)
}
