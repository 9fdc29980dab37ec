package arp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/packet"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// asker sends one of two requests:
//
//  1. resolve, once for each address of the scope: "who has it, tell me", to the broadcast address, from our own address.
//     The station that has the address answers from its ARP table's code; everybody else ignores it.
//  2. still-there, when the target is one station: the same question to its own MAC alone, when it had been there and fell silent.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.EtherType,
		Port:      EtherType,
		Requests: []discovery.Request{{
			Name:     resolve,
			Safety:   discovery.SafetyA1,
			Template: discovery.MustTemplate("ffffffffffff ?6 0806 0001 0800 06 04 0001 ?6 ?4 000000000000 ?4 000000000000000000000000000000000000"),
			Max:      1,
			Yields:   []discovery.Key{discovery.KeyBinding},
			Effect:   "none: the station that has the address answers, as it does for every neighbour",
		}, {
			Name:     stillThere,
			Safety:   discovery.SafetyB,
			Template: discovery.MustTemplate("?6 ?6 0806 0001 0800 06 04 0001 ?6 ?4 000000000000 ?4 000000000000000000000000000000000000"),
			Max:      1,
			Yields:   []discovery.Key{discovery.KeyBinding},
			Effect:   "none: the station answers, as it does for every neighbour; sent only when it had been there and fell silent",
		}},
		Ask: ask,
	}
}

// The names of the requests.
const (
	resolve    = "resolve"
	stillThere = "still-there"
)

// How long answers are read: between two requests, only so that the socket's buffer stays empty; after the last one, long enough
// for a slow station.
const (
	readBetween = 5 * time.Millisecond
	readAfter   = time.Second
)

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if t.Interface == nil || len(t.Interface.HardwareAddr) != 6 || !t.From.Is4() {
		return errors.New("resolve by arp: no Ethernet interface with an IPv4 address of its own")
	}
	conn, err := s.Frames(ctx)
	if err != nil {
		return fmt.Errorf("resolve by arp on %s: %w", t.Interface.Name, err)
	}
	defer func() { _ = conn.Close() }()
	if t.Subject.IP.IsValid() {
		return check(ctx, conn, t)
	}
	for _, ip := range t.Scope {
		// A request for our own address would be an announcement, which can upset whoever has it too.
		if ip == t.From || !ip.Is4() {
			continue
		}
		frame, err := request(discovery.Broadcast, t.Interface.HardwareAddr, t.From, ip)
		if err == nil {
			_, err = conn.WriteTo(frame, &packet.Addr{HardwareAddr: frame[:6]})
		}
		if err == nil {
			err = dialogue.Gather(ctx, conn, readBetween)
		}
		if err != nil {
			return fmt.Errorf("resolve %s by arp: %w", ip, err)
		}
	}
	if err := dialogue.Gather(ctx, conn, readAfter); err != nil {
		return fmt.Errorf("read arp answers on %s: %w", t.Interface.Name, err)
	}
	return nil
}

// check asks one station by its MAC.
func check(ctx context.Context, conn net.PacketConn, t discovery.Target) error {
	if t.Subject.MAC.IsZero() || t.Subject.MAC.IsGroup() || !t.Subject.IP.Is4() || t.Subject.IP == t.From {
		return fmt.Errorf("look for %s by arp: it is no other station's address", t.Subject)
	}
	frame, err := request(t.Subject.MAC, t.Interface.HardwareAddr, t.From, t.Subject.IP)
	if err == nil {
		_, err = conn.WriteTo(frame, &packet.Addr{HardwareAddr: frame[:6]})
	}
	if err == nil {
		err = dialogue.Gather(ctx, conn, readAfter)
	}
	if err != nil {
		return fmt.Errorf("look for %s by arp: %w", t.Subject, err)
	}
	return nil
}

// request is a whole Ethernet frame of the least length, 60 bytes without its checksum.
func request(to discovery.MAC, from net.HardwareAddr, fromIP, ip netip.Addr) ([]byte, error) {
	p, err := arp.NewPacket(arp.OperationRequest, from, fromIP, make(net.HardwareAddr, 6), ip)
	if err != nil {
		return nil, err
	}
	payload, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	frame := slices.Concat(to[:], from, []byte{EtherType >> 8, EtherType & 0xff}, payload)
	return append(frame, make([]byte, 60-len(frame))...), nil
}
