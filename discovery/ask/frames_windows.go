package ask

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/walkdown-ot/walkdown/discovery"
)

// openFrames resolves addresses by the system, which needs neither a driver nor rights. It sends no other frames.
func openFrames(ifi *net.Interface, etherType uint16) (net.PacketConn, error) {
	if err := framesSupported(etherType); err != nil {
		return nil, fmt.Errorf("open %s for frames: %w", ifi.Name, err)
	}
	sendARP := windows.NewLazySystemDLL("iphlpapi.dll").NewProc("SendARP")
	if err := sendARP.Find(); err != nil {
		return nil, fmt.Errorf("open %s for frames: %w", ifi.Name, err)
	}
	return newResolver(func(ip, from netip.Addr) (discovery.MAC, error) { return resolveBySystem(sendARP, ip, from) }), nil
}

// framesSupported says why frames of an EtherType cannot be sent here.
func framesSupported(etherType uint16) error {
	if etherType != etherTypeARP {
		return fmt.Errorf("Windows sends frames only with a driver, which walkdown does not drive yet: %w", errors.ErrUnsupported)
	}
	return nil
}

// resolveBySystem calls SendARP(destination, source, buffer, length), which asks on the link from the source address and waits for
// the answer; addresses are in network byte order (learn.microsoft.com, iphlpapi.h).
func resolveBySystem(sendARP *windows.LazyProc, ip, from netip.Addr) (discovery.MAC, error) {
	var buffer [8]byte
	size := uint32(len(buffer))
	to, source := ip.As4(), from.As4()
	result, _, _ := sendARP.Call(uintptr(binary.LittleEndian.Uint32(to[:])), uintptr(binary.LittleEndian.Uint32(source[:])),
		uintptr(unsafe.Pointer(&buffer[0])), uintptr(unsafe.Pointer(&size)))
	if result != 0 {
		return discovery.MAC{}, fmt.Errorf("resolve %s: %w", ip, windows.Errno(result))
	}
	if size != uint32(len(discovery.MAC{})) {
		return discovery.MAC{}, fmt.Errorf("resolve %s: a hardware address of %d bytes", ip, size)
	}
	return discovery.MAC(buffer[:6]), nil
}
