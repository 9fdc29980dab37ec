package ask

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/mdlayher/packet"
)

// openFrames opens the interface for whole Ethernet frames of one EtherType.
func openFrames(ifi *net.Interface, etherType uint16) (net.PacketConn, error) {
	conn, err := packet.Listen(ifi, packet.Raw, int(etherType), nil)
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("open %s for frames: the right CAP_NET_RAW is missing: %w", ifi.Name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s for frames: %w", ifi.Name, err)
	}
	return conn, nil
}

// framesSupported says why frames of an EtherType cannot be sent here: they can, given the right.
func framesSupported(uint16) error { return nil }
