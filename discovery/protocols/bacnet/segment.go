package bacnet

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// whoIsAsker sends one request:
//
//  1. who-is, once for each range of device instances, as a local broadcast (clause 16.10): each device whose instance lies in the range
//     says I-Am. A broadcast manager (BBMD) on the link passes it on to the other subnets, which is why it is of class C.
func whoIsAsker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      Port,
		LocalPort: Port, // I-Am is a broadcast to this port
		Requests: []discovery.Request{{
			Name:   "who-is",
			Safety: discovery.SafetyC,
			// Virtual link: Original-Broadcast-NPDU. Network layer: version 1, nothing expected. Who-Is, with the two ends of a range.
			Template: discovery.MustTemplate("81 0b u16+4( 01 00 10 08 one( 09 ? | 0a ?2 | 0b ?3 ) one( 19 ? | 1a ?2 | 1b ?3 ) )"),
			Max:      len(instanceRanges()),
			Yields:   []discovery.Key{KeyDeviceInstance, KeyVendorID},
			Effect:   "each device in the range answers with a broadcast; a BBMD forwards the question to other subnets",
		}},
		Ask: askWhoIs,
	}
}

// instanceRanges cut the device instances so that a large site does not answer all at once.
func instanceRanges() [][2]uint32 {
	return [][2]uint32{{0, 999}, {1_000, 9_999}, {10_000, 99_999}, {100_000, 4_194_302}}
}

// readWhoIs is how long the answers to one range are waited for.
const readWhoIs = 2 * time.Second

func askWhoIs(ctx context.Context, s discovery.Session, _ discovery.Target) error {
	conn, err := s.Broadcast(ctx)
	if err != nil {
		return fmt.Errorf("who-is: %w", err)
	}
	defer func() { _ = conn.Close() }()
	for _, r := range instanceRanges() {
		if _, err := conn.WriteTo(whoIsMessage(r[0], r[1]), &net.UDPAddr{IP: net.IPv4bcast, Port: Port}); err != nil {
			return fmt.Errorf("who-is %d to %d: %w", r[0], r[1], err)
		}
		if err := dialogue.Gather(ctx, conn, readWhoIs); err != nil {
			return fmt.Errorf("read I-Am: %w", err)
		}
	}
	return nil
}

// whoIsMessage is a whole datagram. The ends of the range are context tags 0 and 1 (clause 20.2.4): an unsigned number in as few bytes
// as hold it.
func whoIsMessage(low, high uint32) []byte {
	message := []byte{linkIPv4, originalBroadcast, 0, 0, 1, 0, unconfirmedRequest << 4, whoIs}
	message = appendContextUnsigned(message, 0, low)
	message = appendContextUnsigned(message, 1, high)
	message[3] = byte(len(message))
	return message
}

// appendContextUnsigned appends a context tag below 15 with an unsigned number below 2^24.
func appendContextUnsigned(b []byte, tag byte, n uint32) []byte {
	switch {
	case n < 1<<8:
		return append(b, tag<<4|0x09, byte(n))
	case n < 1<<16:
		return append(b, tag<<4|0x0a, byte(n>>8), byte(n))
	}
	return append(b, tag<<4|0x0b, byte(n>>16), byte(n>>8), byte(n))
}
