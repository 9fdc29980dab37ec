package ask

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// arpFrame is what the pace-keeper itself must know of an ARP frame, beside the protocol's own parser: nobody else's word
// counts for whether a frame may leave. Layout (RFC 826 in an Ethernet frame): destination 6, source 6, EtherType 2, hardware
// and protocol type 2 + 2, their lengths 1 + 1, operation 2, sender MAC 6, sender IP 4, target MAC 6, target IP 4.
type arpFrame struct {
	to, from   discovery.MAC // of the frame
	operation  uint16
	sender     discovery.MAC
	senderAddr netip.Addr
	targetAddr netip.Addr
}

const (
	etherTypeARP   = 0x0806
	ethernetHeader = 14
	arpRequest     = 1
	arpReply       = 2
)

var errNotARP = errors.New("not an ARP frame")

func parseARPFrame(frame []byte) (arpFrame, error) {
	r := wire.NewReader(frame)
	var f arpFrame
	copy(f.to[:], r.Bytes(6))
	copy(f.from[:], r.Bytes(6))
	etherType := r.Uint16()
	r.Skip(2)
	protocol, hardwareLen, protocolLen := r.Uint16(), r.Uint8(), r.Uint8()
	f.operation = r.Uint16()
	copy(f.sender[:], r.Bytes(6))
	f.senderAddr, _ = netip.AddrFromSlice(r.Bytes(4))
	r.Skip(6)
	f.targetAddr, _ = netip.AddrFromSlice(r.Bytes(4))
	switch {
	case r.Err() != nil:
		return arpFrame{}, fmt.Errorf("%w: %w", errNotARP, r.Err())
	case etherType != etherTypeARP || protocol != 0x0800 || hardwareLen != 6 || protocolLen != 4:
		return arpFrame{}, errNotARP
	}
	return f, nil
}

// checkOurs refuses a frame that is no request, or that speaks for anybody but us: a borrowed or missing sender makes devices
// believe that their address is taken.
func (f arpFrame) checkOurs(mac discovery.MAC, own netip.Addr) error {
	switch {
	case f.operation != arpRequest:
		return fmt.Errorf("an ARP frame of operation %d: %w", f.operation, discovery.ErrNotListed)
	case f.from != mac || f.sender != mac || f.senderAddr != own:
		return fmt.Errorf("an ARP request from %s, %s, %s: %w", f.from, f.sender, f.senderAddr, discovery.ErrNotListed)
	case f.targetAddr == own:
		return fmt.Errorf("an ARP request for our own address: %w", discovery.ErrNotListed)
	}
	return nil
}
