//go:build !linux && !windows

package ask

import (
	"errors"
	"fmt"
	"net"
	"runtime"
)

// openFrames says that this system cannot send frames yet.
func openFrames(ifi *net.Interface, etherType uint16) (net.PacketConn, error) {
	return nil, fmt.Errorf("open %s for frames: %w", ifi.Name, framesSupported(etherType))
}

// framesSupported says why frames of an EtherType cannot be sent here.
func framesSupported(uint16) error {
	return fmt.Errorf("%s is not driven yet: %w", runtime.GOOS, errors.ErrUnsupported)
}
