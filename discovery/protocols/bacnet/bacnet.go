// Package bacnet reads BACnet: what the controllers of a building say of themselves, and what lives behind its routers.
// Standard: ANSI/ASHRAE 135-2020, with annex J (BACnet/IP) and annex U (BACnet/IPv6); UDP 47808 (BAC0) and, recognised by its
// first bytes, any other port. BACnet on Ethernet (clause 7) and MS/TP frames (clause 9) that a converter has put on Ethernet
// are read where the listener delivers them.
// Heard: device instances, vendors, names, models, versions and serial numbers, which networks a router leads to, who reads,
// writes and controls.
// Asked: the properties that name a device; by opt-in which networks a router leads to, and who is there.
package bacnet

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Port is BAC0, the usual UDP port of BACnet/IP (clause J.1.2) and BACnet/IPv6.
const Port = 47808

// BACnet on Ethernet has no EtherType. These stand for it.
const (
	// SAP is the pair of IEEE 802.2 service access points of clause 7.1; the NPDU follows the control byte.
	SAP = 0x8282
	// MSTP is the SNAP protocol id 0001 of the organisation 00-10-90 (Cimetrics), under which its converters put the frames of
	// an MS/TP bus on Ethernet; the MAC addresses are then made of the stations' numbers.
	MSTP = 0x0001
)

// Kinds of virtual link control: the first byte of a datagram.
const (
	linkIPv4 = 0x81 // clause J.2
	linkIPv6 = 0x82 // clause U.2
)

// Functions of BACnet/IP (clause J.2).
const (
	result = iota
	writeBroadcastTable
	readBroadcastTable
	broadcastTable
	forwardedNPDU
	registerForeignDevice
	readForeignTable
	foreignTable
	deleteForeignDevice
	distributeBroadcast
	originalUnicast
	originalBroadcast
	secured // until 135-2016
)

// Functions of BACnet/IPv6 (clause U.2) that carry an NPDU.
const (
	unicast6    = 0x01
	broadcast6  = 0x02
	forwarded6  = 0x08
	distribute6 = 0x0c
)

// link is what a datagram says to the virtual link.
type link struct {
	function int            // of BACnet/IP; those of BACnet/IPv6 are translated
	origin   netip.AddrPort // who said what is forwarded
	body     []byte         // the NPDU, or a table
}

// hasNPDU reports whether the body is a message of the network layer.
func (l link) hasNPDU() bool {
	return l.function == forwardedNPDU || l.function >= distributeBroadcast && l.function <= originalBroadcast
}

// parseLink reads the header of a datagram. What a capture has cut short is returned with the error, as far as it is there.
func parseLink(b []byte) (link, error) {
	if len(b) == 0 {
		return link{}, fmt.Errorf("empty datagram: %w", discovery.ErrNotMine)
	}
	r := wire.NewReader(b)
	kind, function, length := r.Uint8(), int(r.Uint8()), int(r.Uint16())
	switch {
	case kind != linkIPv4 && kind != linkIPv6:
		return link{}, fmt.Errorf("virtual link of type %#02x: %w", kind, discovery.ErrNotMine)
	case r.Err() != nil:
		return link{}, r.Err()
	case function > secured || length < r.Offset():
		return link{}, fmt.Errorf("virtual link function %#02x with length %d: %w", function, length, discovery.ErrNotMine)
	}
	var cut error
	if length > len(b) {
		cut = fmt.Errorf("%d bytes of a datagram of %d: %w", len(b), length, io.ErrUnexpectedEOF)
		length = len(b)
	}
	body := r.Sub(length - r.Offset())
	l := link{function: function}
	if kind == linkIPv6 {
		l.readIPv6(function, &body)
	} else if function == forwardedNPDU {
		l.origin = originator(&body, 4)
	}
	if body.Err() != nil {
		return link{function: result}, body.Err()
	}
	if l.function == forwardedNPDU && !isHost(l.origin.Addr()) {
		return link{}, fmt.Errorf("message of function %#02x forwarded for %s", function, l.origin)
	}
	l.body = body.Rest()
	return l, cut
}

// readIPv6 passes over the virtual addresses (3 bytes each) and translates the function. What carries no NPDU is taken for a
// result, which says nothing.
func (l *link) readIPv6(function int, body *wire.Reader) {
	body.Skip(3) // the sender's, or the originator's
	switch function {
	case unicast6:
		body.Skip(3) // the destination's
		l.function = originalUnicast
	case broadcast6:
		l.function = originalBroadcast
	case forwarded6:
		l.origin = originator(body, 16)
		l.function = forwardedNPDU
	case distribute6:
		l.function = distributeBroadcast
	default:
		l.function = result
	}
}

// originator reads a B/IP address: an IP address of size bytes, and a port (clauses J.1.2, U.5).
func originator(r *wire.Reader, size int) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(r.Bytes(size))
	return netip.AddrPortFrom(ip, r.Uint16())
}

// isHost reports whether an address can be one device's.
func isHost(ip netip.Addr) bool {
	return ip.IsValid() && !ip.IsUnspecified() && !ip.IsMulticast() && !ip.IsLoopback() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// MS/TP frame types that carry an NPDU (clause 9.3).
const (
	dataExpectingReply    = 5
	dataNotExpectingReply = 6
)

// mstpNPDU is the NPDU of an MS/TP frame as the converters put it on Ethernet, nil for a frame that carries none. The frame is
// that of clause 9.3 with 3 bytes in place of its preamble (the time since the frame before, and 80), as seen in captures.
func mstpNPDU(b []byte) ([]byte, error) {
	r := wire.NewReader(b)
	r.Skip(3)
	kind := r.Uint8()
	r.Skip(2) // destination and source
	length := int(r.Uint16())
	r.Skip(1) // checksum of the header
	if r.Err() != nil {
		return nil, r.Err()
	}
	if kind != dataExpectingReply && kind != dataNotExpectingReply {
		return nil, nil
	}
	if length > r.Len() {
		return r.Rest(), fmt.Errorf("%d bytes of an MS/TP frame of %d: %w", len(b), length+r.Offset(), io.ErrUnexpectedEOF)
	}
	return r.Bytes(length), nil
}

// claims looks for a header whose length is the datagram's, with a sound message behind it.
func claims(first []byte) bool {
	if len(first) < 4 || int(first[2])<<8|int(first[3]) != len(first) {
		return false
	}
	l, err := parseLink(first)
	if err != nil {
		return false
	}
	if !l.hasNPDU() {
		return first[0] == linkIPv4 && l.hasSoundLength()
	}
	n, err := parseNPDU(l.body)
	return err == nil && n.isSound()
}

// hasSoundLength reports whether a message that carries no NPDU is as long as its function makes it.
func (l link) hasSoundLength() bool {
	switch n := len(l.body); l.function {
	case result, registerForeignDevice:
		return n == 2
	case readBroadcastTable, readForeignTable:
		return n == 0
	case writeBroadcastTable, broadcastTable, foreignTable:
		return n%tableEntryLen == 0
	case deleteForeignDevice:
		return n == 6
	}
	return false
}
