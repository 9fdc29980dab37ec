package profinet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/mdlayher/packet"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// identifyAsker sends one request:
//
//  1. identify-all, once for a segment: "who are you all", to the multicast address of DCP. Each station waits for its turn, which it
//     makes of its MAC and the response delay factor, and answers with its name, type, ids and addresses. Devices are built to be asked
//     this by every controller that starts and every engineering tool.
func identifyAsker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.EtherType,
		Port:      EtherType,
		Requests: []discovery.Request{{
			Name:   "identify-all",
			Safety: discovery.SafetyA1,
			// The factor is 1 to 6400 (0x1900): a device divides by it.
			Template: discovery.MustTemplate("010ecf000000 ?6 8892 fefe 05 00 ?4 one( 00 01-ff | 01-18 ? | 19 00 ) 0004 ffff 0000 " + padding),
			Max:      1,
			Yields:   []discovery.Key{KeyNameOfStation, KeyTypeOfStation, KeyVendorID, KeyDeviceID, KeyRole, KeyIPAddress, discovery.KeyBinding},
			Effect:   "none: each station answers once, in a turn of its own",
		}},
		Ask: identifyAll,
	}
}

// padding fills the frame up to the least length, 60 bytes without its checksum.
const padding = "000000000000000000000000000000000000000000000000000000000000"

// Response delay (IEC 61158-6-10 clause 4.3.1.4.5): a station waits (the low 16 bits of its MAC modulo the factor) times delayUnit.
const (
	leastFactor = 1
	mostFactor  = 6400
	delayUnit   = 10 * time.Millisecond
	// readAfter is how long answers are read beyond the last turn.
	readAfter = time.Second
	dcpLength = 60
)

func identifyAll(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if t.Interface == nil || len(t.Interface.HardwareAddr) != 6 {
		return errors.New("identify by dcp: no Ethernet interface")
	}
	conn, err := s.Frames(ctx)
	if err != nil {
		return fmt.Errorf("identify by dcp on %s: %w", t.Interface.Name, err)
	}
	defer func() { _ = conn.Close() }()
	factor := min(max(t.Stations, leastFactor), mostFactor)
	frame := identifyFrame(t.Interface.HardwareAddr, transaction(t.Interface.HardwareAddr), uint16(factor))
	if _, err := conn.WriteTo(frame, &packet.Addr{HardwareAddr: frame[:6]}); err != nil {
		return fmt.Errorf("identify by dcp on %s: %w", t.Interface.Name, err)
	}
	if err := dialogue.Gather(ctx, conn, time.Duration(factor)*delayUnit+readAfter); err != nil {
		return fmt.Errorf("read dcp answers on %s: %w", t.Interface.Name, err)
	}
	return nil
}

// identifyFrame is a whole Ethernet frame: the header of DCP (see ParseStation) with one block, 255/255, which stands for all.
func identifyFrame(from net.HardwareAddr, xid uint32, factor uint16) []byte {
	frame := slices.Concat([]byte{0x01, 0x0e, 0xcf, 0, 0, 0}, from, []byte{EtherType >> 8, EtherType & 0xff, frameIdentify >> 8, frameIdentify & 0xff, serviceIdentify, typeRequest})
	frame = binary.BigEndian.AppendUint32(frame, xid)
	frame = binary.BigEndian.AppendUint16(frame, factor)
	frame = append(frame, 0, 4, 0xff, 0xff, 0, 0)
	return append(frame, make([]byte, dcpLength-len(frame))...)
}

// transaction is the number by which answers are told from those to others; the MAC's last bytes are as good as any.
func transaction(mac net.HardwareAddr) uint32 { return binary.BigEndian.Uint32(mac[2:]) }
