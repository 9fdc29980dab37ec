package capture

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Sizes of the pcap format (tcpdump.org/manpages/pcap-savefile.5).
const (
	pcapHeader = 24 // magic u32, major u16, minor u16, zone u32, accuracy u32, snap length u32, link type u32
	pcapRecord = 16 // seconds u32, fraction u32, captured length u32, length u32
)

// pcap reads the records of a pcap file.
type pcap struct {
	order binary.ByteOrder
	unit  int64 // nanoseconds of one unit of the fraction
	link  discovery.LinkType
	// unread are the bytes of the frame that was delivered last: they stay in the window until the next one is asked for.
	unread int
}

// newPcap reads the header of a file, pcapHeader bytes that begin with one of the four magics. The snap length in it is not
// believed: writers exist that exceed their own.
func newPcap(head []byte) *pcap {
	p := &pcap{order: binary.LittleEndian, unit: 1000}
	if head[0] == 0xa1 {
		p.order = binary.BigEndian
	}
	if p.order.Uint32(head) == 0xa1b23c4d {
		p.unit = 1
	}
	// The upper half says whether frames carry a checksum; listen cuts what stands behind a packet anyway.
	p.link = discovery.LinkType(p.order.Uint32(head[20:]) & 0xffff)
	return p
}

func (p *pcap) next(s *fileSource, f *discovery.Frame) error {
	if err := s.skip(p.unread); err != nil {
		return err
	}
	p.unread = 0
	head, err := s.peek(pcapRecord)
	if err != nil {
		return err
	}
	seconds, fraction := int64(p.order.Uint32(head)), int64(p.order.Uint32(head[4:]))
	captured, length := p.order.Uint32(head[8:]), p.order.Uint32(head[12:])
	if captured > MaxFrame {
		return fmt.Errorf("a frame of %d bytes, more than %d", captured, MaxFrame)
	}
	n := pcapRecord + int(captured)
	record, err := whole(s.peek(n))
	if err != nil {
		return err
	}
	p.unread = n
	f.Time = time.Unix(seconds, fraction*p.unit).UTC()
	f.Link = p.link
	f.VLAN = [2]uint16{}
	f.Data = record[pcapRecord:n:n]
	f.Length = onWire(length, captured)
	return nil
}

func (p *pcap) dropped() uint64 { return 0 }

// onWire is the length of a frame on the wire: some writers leave it 0, and hostile ones name any number.
func onWire(length, captured uint32) int {
	return int(min(max(length, captured), MaxFrame))
}
