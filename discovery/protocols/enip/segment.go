package enip

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// listIdentityAsker sends one request:
//
//  1. list-identity, once for a segment, as a broadcast on the link: each device waits for a random part of the time that it is given
//     (the first two bytes of the sender context, volume 2 section 2-4.2.2), and answers with its Identity object.
func listIdentityAsker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      Port,
		Requests: []discovery.Request{{
			Name:     "list-identity-broadcast",
			Safety:   discovery.SafetyA1,
			Template: discovery.MustTemplate("6300 0000 00000000 00000000 ?2 000000000000 00000000"),
			Max:      1,
			Yields:   []discovery.Key{KeyVendorID, KeyDeviceType, KeyProductCode, KeyRevision, KeySerial, KeyProductName, KeyState, KeySocketAddress},
			Effect:   "none: each device answers once, within the time that it is given",
		}},
		Ask: listIdentities,
	}
}

// The time that devices are given to answer a broadcast in.
const (
	usualDelay  = 500 * time.Millisecond
	crowdDelay  = 5 * time.Second
	crowd       = 100 // stations
	answersLate = time.Second
)

func listIdentities(ctx context.Context, s discovery.Session, t discovery.Target) error {
	conn, err := s.Broadcast(ctx)
	if err != nil {
		return fmt.Errorf("list identities: %w", err)
	}
	defer func() { _ = conn.Close() }()
	delay := usualDelay
	if t.Stations > crowd {
		delay = crowdDelay
	}
	message := make([]byte, headerSize)
	binary.LittleEndian.PutUint16(message, uint16(ListIdentity))
	binary.LittleEndian.PutUint16(message[12:], uint16(delay.Milliseconds()))
	if _, err := conn.WriteTo(message, &net.UDPAddr{IP: net.IPv4bcast, Port: Port}); err != nil {
		return fmt.Errorf("list identities: %w", err)
	}
	if err := dialogue.Gather(ctx, conn, delay+answersLate); err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	return nil
}
