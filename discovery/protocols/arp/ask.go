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

// asker sends one request:
//
//  1. resolve, once for each address of the scope: "who has it, tell me", to the broadcast address, from our own address.
//     The station that has the address answers from its ARP table's code; everybody else ignores it.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.EtherType,
		Port:      EtherType,
		Requests: []discovery.Request{{
			Name:     "resolve",
			Safety:   discovery.SafetyA1,
			Template: discovery.MustTemplate("ffffffffffff ?6 0806 0001 0800 06 04 0001 ?6 ?4 000000000000 ?4 000000000000000000000000000000000000"),
			Max:      1,
			Yields:   []discovery.Key{discovery.KeyBinding},
			Effect:   "none: the station that has the address answers, as it does for every neighbour",
		}},
		Ask: ask,
	}
}

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
	for _, ip := range t.Scope {
		// A request for our own address would be an announcement, which can upset whoever has it too.
		if ip == t.From || !ip.Is4() {
			continue
		}
		frame, err := request(t.Interface.HardwareAddr, t.From, ip)
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

// request is a whole Ethernet frame of the least length, 60 bytes without its checksum.
func request(from net.HardwareAddr, fromIP, ip netip.Addr) ([]byte, error) {
	p, err := arp.NewPacket(arp.OperationRequest, from, fromIP, make(net.HardwareAddr, 6), ip)
	if err != nil {
		return nil, err
	}
	payload, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	frame := slices.Concat(discovery.Broadcast[:], from, []byte{EtherType >> 8, EtherType & 0xff}, payload)
	return append(frame, make([]byte, 60-len(frame))...), nil
}
