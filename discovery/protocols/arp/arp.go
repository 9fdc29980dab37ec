// Package arp reads and asks the Address Resolution Protocol: which MAC an IPv4 address has on this link.
// Standard: RFC 826 (with RFC 5227 for probes and announcements); EtherType 0806.
// Heard: the sender of a request, an answer or an announcement binds its MAC and its IP together.
// Asked: one broadcast request for each address of the scope.
package arp

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// EtherType is that of ARP (RFC 826).
const EtherType = 0x0806

// Operation is what a packet is for.
type Operation uint16

// The operations of RFC 826.
const (
	Request Operation = 1
	Reply   Operation = 2
)

// Packet is an ARP packet for IPv4 over Ethernet, 28 bytes: hardware type 2, protocol type 2, the lengths of both addresses
// 1 + 1, operation 2, sender MAC 6, sender IP 4, target MAC 6, target IP 4.
type Packet struct {
	Operation Operation
	SenderMAC discovery.MAC
	SenderIP  netip.Addr
	TargetMAC discovery.MAC
	TargetIP  netip.Addr
}

// Field values of IPv4 over Ethernet, and over the other IEEE 802 networks.
const (
	hardwareEthernet = 1
	hardwareIEEE802  = 6
	protocolIPv4     = 0x0800
)

// Parse reads a packet from the start of a frame's payload; what follows is padding. The error wraps io.ErrUnexpectedEOF when
// the packet is cut short, or names the field that is not that of IPv4 over Ethernet.
func Parse(payload []byte) (Packet, error) {
	r := wire.NewReader(payload)
	hardware, protocol := r.Uint16(), r.Uint16()
	hardwareLen, protocolLen := r.Uint8(), r.Uint8()
	operation := Operation(r.Uint16())
	if r.Err() == nil {
		switch {
		case hardware != hardwareEthernet && hardware != hardwareIEEE802:
			return Packet{}, fmt.Errorf("read arp packet: hardware type %d at byte 0", hardware)
		case protocol != protocolIPv4:
			return Packet{}, fmt.Errorf("read arp packet: protocol type %#04x at byte 2", protocol)
		case hardwareLen != 6 || protocolLen != 4:
			return Packet{}, fmt.Errorf("read arp packet: addresses of %d and %d bytes at byte 4", hardwareLen, protocolLen)
		case operation != Request && operation != Reply:
			return Packet{}, fmt.Errorf("read arp packet: operation %d at byte 6", operation)
		}
	}
	p := Packet{Operation: operation}
	copy(p.SenderMAC[:], r.Bytes(6))
	p.SenderIP = address(r.Bytes(4))
	copy(p.TargetMAC[:], r.Bytes(6))
	p.TargetIP = address(r.Bytes(4))
	if r.Err() != nil {
		return Packet{}, fmt.Errorf("read arp packet of %d bytes: %w", len(payload), io.ErrUnexpectedEOF)
	}
	return p, nil
}

func address(b []byte) netip.Addr {
	ip, _ := netip.AddrFromSlice(b)
	return ip
}

// IsProbe reports whether the sender only asks if its future address is free (RFC 5227 section 2.1.1): it has none yet.
func (p Packet) IsProbe() bool { return p.SenderIP.IsUnspecified() }

// errForeignSender says that a packet speaks for another station than the one that sent its frame.
var errForeignSender = errors.New("the sender named at byte 8 is not the station that sent the frame")

// checkSender says why the packet binds nothing, although it is no probe. A frame sent on another station's behalf (proxy ARP
// in an access point, a spoofed answer) would put two devices' addresses together, so it counts as trouble instead.
func (p Packet) checkSender(source discovery.MAC) error {
	switch ip := p.SenderIP; {
	case p.SenderMAC.IsZero() || p.SenderMAC.IsGroup():
		return fmt.Errorf("read arp packet: sender %x at byte 8 is no station", [6]byte(p.SenderMAC))
	case !source.IsZero() && source != p.SenderMAC:
		return fmt.Errorf("read arp packet: %w", errForeignSender)
	case ip.IsMulticast() || ip.As4()[0] == 0 || ip.As4()[0] >= 240:
		return fmt.Errorf("read arp packet: %s at byte 14 is no host's address", ip)
	}
	return nil
}
