package nd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/packet"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// EtherType is that of IPv6.
const EtherType = 0x86dd

// Echo messages of ICMPv6 (RFC 4443 section 4).
const (
	echoRequest = 128
	echoReply   = 129
)

// echoAsker sends one request:
//
//  1. echo-all-nodes, once for a segment, by opt-in: "who is there", to the group of all nodes on the link (ff02::1), from our own
//     link-local address. Stations with IPv6 may answer, which shows their link-local address beside their MAC.
func echoAsker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.EtherType,
		Port:      EtherType,
		Requests: []discovery.Request{{
			Name:   "echo-all-nodes",
			Safety: discovery.SafetyC,
			// IPv6: 8 bytes of ICMPv6, one hop, from fe80::/64 to ff02::1. ICMPv6: echo, checksum, identifier, first of a row.
			Template: discovery.MustTemplate("333300000001 ?6 86dd 60000000 0008 3a 01 fe80000000000000 ?8 ff020000000000000000000000000001 80 00 ?2 ?2 0001"),
			Max:      1,
			Yields:   []discovery.Key{discovery.KeyBinding},
			Effect:   "each station with IPv6 may answer once, and first looks for us by neighbour discovery",
		}},
		Ask: echoAll,
	}
}

// readEchoes is how long answers are read.
const readEchoes = 2 * time.Second

func echoAll(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if t.Interface == nil || len(t.Interface.HardwareAddr) != 6 {
		return errors.New("look for IPv6 neighbours: no Ethernet interface")
	}
	own, err := linkLocal(t.Interface)
	if err != nil {
		return fmt.Errorf("look for IPv6 neighbours on %s: %w", t.Interface.Name, err)
	}
	conn, err := s.Frames(ctx)
	if err != nil {
		return fmt.Errorf("look for IPv6 neighbours on %s: %w", t.Interface.Name, err)
	}
	defer func() { _ = conn.Close() }()
	frame := echoFrame(t.Interface.HardwareAddr, own)
	if _, err := conn.WriteTo(frame, &packet.Addr{HardwareAddr: frame[:6]}); err != nil {
		return fmt.Errorf("look for IPv6 neighbours on %s: %w", t.Interface.Name, err)
	}
	if err := dialogue.Gather(ctx, conn, readEchoes); err != nil {
		return fmt.Errorf("read echoes on %s: %w", t.Interface.Name, err)
	}
	return nil
}

// linkLocal is our own address on the link.
func linkLocal(ifi *net.Interface) (netip.Addr, error) {
	addrs, err := ifi.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().IsLinkLocalUnicast() && prefix.Addr().Is6() {
			return prefix.Addr().WithZone(""), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%w: it has no IPv6 address", discovery.ErrNothing)
}

// echoFrame is a whole Ethernet frame: an echo request to all nodes on the link.
func echoFrame(mac net.HardwareAddr, from netip.Addr) []byte {
	source, all := from.As16(), netip.IPv6LinkLocalAllNodes().As16()
	message := []byte{echoRequest, 0, 0, 0, mac[4], mac[5], 0, 1}
	binary.BigEndian.PutUint16(message[2:], checksum(source, all, message))
	return slices.Concat([]byte{0x33, 0x33, 0, 0, 0, 1}, mac, []byte{EtherType >> 8, EtherType & 0xff, 0x60, 0, 0, 0, 0, byte(len(message)), ProtocolNumber, 1},
		source[:], all[:], message)
}

// checksum is that of ICMPv6: the ones' complement sum over the addresses, length, protocol and message (RFC 8200 section 8.1).
func checksum(from, to [16]byte, message []byte) uint16 {
	pseudo := slices.Concat(from[:], to[:], []byte{0, 0, 0, byte(len(message)), 0, 0, 0, ProtocolNumber}, message)
	var sum uint32
	for i := 0; i+1 < len(pseudo); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(pseudo[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// echoes reads the answers: IPv6 packets. The link-local address of who sent one is its own, because no router passes it on.
func echoes(f discovery.Flow, side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	r := wire.NewReader(b)
	first := r.Uint8()
	r.Skip(5)
	next := r.Uint8()
	r.Skip(1)
	source := r.Bytes(16)
	r.Skip(16)
	kind := r.Uint8()
	switch {
	case r.Err() != nil:
		return fmt.Errorf("read ipv6 packet of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	case first>>4 != 6 || next != ProtocolNumber || kind != echoReply:
		return fmt.Errorf("ipv6 packet of protocol %d: %w", next, discovery.ErrNotMine)
	}
	from := f.Ends[side]
	from.IP = netip.AddrFrom16([16]byte(source))
	if from.MAC.IsZero() || from.MAC.IsGroup() || !from.IP.IsLinkLocalUnicast() {
		return nil
	}
	out.Observe(discovery.Observation{Time: t, Subject: from, Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, Name)}})
	return nil
}
