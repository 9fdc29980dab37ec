package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng section 4). What is not listed is passed over.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockPacket     = 2 // obsolete, still written by old tools
	blockSimple     = 3
	blockStatistics = 5
	blockEnhanced   = 6
)

// Options of blocks.
const (
	optionResolution = 9  // interface: exponent of the time unit
	optionOffset     = 14 // interface: seconds to add to each time
	optionIfDrop     = 5  // statistics: frames that the interface lost
	optionOSDrop     = 7  // statistics: frames that the system lost
)

const (
	maxInterfaces = 4096         // of one section
	maxOptions    = 64 << 10     // bytes of options that are looked at
	lastSecond    = 253402300799 // of the year 9999
)

// pcapng reads the blocks of a pcapng file.
type pcapng struct {
	order      binary.ByteOrder // of the section; nil before the first one
	interfaces []ngInterface    // of the section
	lost       uint64           // of the sections before
	rest       int64            // bytes of the block still to be passed over, its trailing length included
	length     uint32           // of the block
	last       time.Time        // of the last frame
}

type ngInterface struct {
	link   discovery.LinkType
	snap   uint32
	unit   uint64 // time units in a second
	offset int64  // seconds
	lost   uint64
}

var errBlockLength = errors.New("a block of impossible length")

func (p *pcapng) next(s *fileSource, f *discovery.Frame) error {
	for {
		if err := p.finish(s); err != nil {
			return err
		}
		kind, err := p.begin(s)
		if err != nil {
			return err
		}
		switch kind {
		case blockSection:
			err = p.section(s)
		case blockInterface:
			err = p.describe(s)
		case blockStatistics:
			err = p.statistics(s)
		case blockEnhanced, blockPacket, blockSimple:
			return p.packet(s, f, kind)
		}
		if err != nil {
			return err
		}
	}
}

func (p *pcapng) dropped() uint64 {
	sum := p.lost
	for i := range p.interfaces {
		sum += p.interfaces[i].lost
	}
	return sum
}

// finish passes the rest of a block over and checks that its length stands at its end as at its start.
func (p *pcapng) finish(s *fileSource) error {
	if p.rest == 0 {
		return nil
	}
	for p.rest > 4 {
		n := int(min(p.rest-4, 1<<30))
		if err := s.skip(n); err != nil {
			return err
		}
		p.rest -= int64(n)
	}
	tail, err := whole(s.peek(4))
	if err != nil {
		return err
	}
	if n := p.order.Uint32(tail); n != p.length {
		return fmt.Errorf("a block whose length is %d at its start and %d at its end", p.length, n)
	}
	p.rest = 0
	return s.skip(4)
}

// begin reads type and length of a block (and the byte order of a section) and passes them over.
func (p *pcapng) begin(s *fileSource) (uint32, error) {
	head, err := s.peek(8)
	if err != nil {
		return 0, err
	}
	// The type of a section reads the same in both orders, so that the order can be found.
	if binary.BigEndian.Uint32(head) == blockSection {
		head, err = whole(s.peek(12))
		if err != nil {
			return 0, err
		}
		switch binary.BigEndian.Uint32(head[8:]) {
		case 0x1a2b3c4d:
			p.order = binary.BigEndian
		case 0x4d3c2b1a:
			p.order = binary.LittleEndian
		default:
			return 0, fmt.Errorf("a section of unknown byte order % x", head[8:12])
		}
	}
	p.length = p.order.Uint32(head[4:])
	if p.length < 12 || p.length%4 != 0 {
		return 0, fmt.Errorf("%w: %d", errBlockLength, p.length)
	}
	p.rest = int64(p.length)
	return p.order.Uint32(head), p.take(s, 8)
}

// take passes n bytes of the block over.
func (p *pcapng) take(s *fileSource, n int) error {
	p.rest -= int64(n)
	return s.skip(n)
}

// body gives the next n bytes of the block, or fewer when the block ends before them and least allows it.
func (p *pcapng) body(s *fileSource, least, n int) ([]byte, error) {
	left := p.rest - 4
	if left < int64(least) {
		return nil, fmt.Errorf("%w: %d", errBlockLength, p.length)
	}
	return whole(s.peek(int(min(left, int64(n)))))
}

func (p *pcapng) section(s *fileSource) error {
	b, err := p.body(s, 16, 16)
	if err != nil {
		return err
	}
	if major := p.order.Uint16(b[4:]); major != 1 {
		return fmt.Errorf("a section of pcapng version %d", major)
	}
	p.lost = p.dropped()
	p.interfaces = p.interfaces[:0]
	return nil
}

func (p *pcapng) describe(s *fileSource) error {
	b, err := p.body(s, 8, maxOptions)
	if err != nil {
		return err
	}
	if len(p.interfaces) == maxInterfaces {
		return fmt.Errorf("more than %d interfaces", maxInterfaces)
	}
	in := ngInterface{link: discovery.LinkType(p.order.Uint16(b)), snap: p.order.Uint32(b[4:]), unit: 1e6}
	bad := false
	p.options(b[8:], func(code uint16, value []byte) {
		switch {
		case code == optionResolution && len(value) >= 1:
			in.unit, bad = unitOf(value[0])
		case code == optionOffset && len(value) >= 8:
			in.offset = int64(p.order.Uint64(value))
		}
	})
	if bad {
		return fmt.Errorf("interface %d: a time resolution that is finer than 64 bits hold", len(p.interfaces))
	}
	p.interfaces = append(p.interfaces, in)
	return nil
}

// unitOf reads if_tsresol: a negative power of ten, or of two when the upper bit is set.
func unitOf(resolution byte) (unit uint64, bad bool) {
	exponent := resolution & 0x7f
	if resolution&0x80 != 0 {
		return 1 << (exponent & 63), exponent > 63
	}
	unit = 1
	for range min(exponent, 19) {
		unit *= 10
	}
	return unit, exponent > 19
}

func (p *pcapng) statistics(s *fileSource) error {
	b, err := p.body(s, 12, maxOptions)
	if err != nil {
		return err
	}
	at := p.order.Uint32(b)
	if uint64(at) >= uint64(len(p.interfaces)) {
		return nil // of no use, and of no harm
	}
	lost := uint64(0)
	p.options(b[12:], func(code uint16, value []byte) {
		if (code == optionIfDrop || code == optionOSDrop) && len(value) >= 8 {
			lost = max(lost, p.order.Uint64(value))
		}
	})
	p.interfaces[at].lost = lost // a running total: the last one counts
	return nil
}

// options walks the options of a block, as far as they are whole.
func (p *pcapng) options(b []byte, each func(code uint16, value []byte)) {
	for len(b) >= 4 {
		code, n := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
		if code == 0 || n > len(b)-4 {
			return
		}
		each(code, b[4:4+n])
		b = b[min(4+(n+3)&^3, len(b)):]
	}
}

func (p *pcapng) packet(s *fileSource, f *discovery.Frame, kind uint32) error {
	size := 20 // interface u32, time high u32, time low u32, captured u32, length u32
	if kind == blockSimple {
		size = 4 // length u32
	}
	head, err := p.body(s, size, size)
	if err != nil {
		return err
	}
	at, captured, length := uint32(0), uint32(0), uint32(0)
	switch kind {
	case blockSimple:
		length = p.order.Uint32(head)
		captured = length
	case blockPacket: // interface u16 and a drop count u16 stand where the other has its interface
		at = uint32(p.order.Uint16(head))
	default:
		at = p.order.Uint32(head)
	}
	if uint64(at) >= uint64(len(p.interfaces)) {
		return fmt.Errorf("a frame of interface %d, but only %d are described", at, len(p.interfaces))
	}
	in := &p.interfaces[at]
	if kind == blockSimple {
		if in.snap != 0 {
			captured = min(captured, in.snap)
		}
	} else {
		p.last = in.time(uint64(p.order.Uint32(head[4:]))<<32 | uint64(p.order.Uint32(head[8:])))
		captured, length = p.order.Uint32(head[12:]), p.order.Uint32(head[16:])
	}
	if captured > MaxFrame {
		return fmt.Errorf("a frame of %d bytes, more than %d", captured, MaxFrame)
	}
	if err := p.take(s, size); err != nil {
		return err
	}
	data, err := p.body(s, int(captured), int(captured))
	if err != nil {
		return err
	}
	f.Time = p.last // a simple packet has no time of its own: that of the frame before is the best guess
	f.Link = in.link
	f.VLAN = [2]uint16{}
	f.Data = data[:captured:captured]
	f.Length = onWire(length, captured)
	return nil
}

// time turns a time stamp into UTC, kept within the years that text can hold.
func (in *ngInterface) time(stamp uint64) time.Time {
	high, low := bits.Mul64(stamp%in.unit, 1e9)
	nanoseconds, _ := bits.Div64(high, low, in.unit)
	seconds := int64(min(stamp/in.unit, lastSecond)) + min(max(in.offset, -lastSecond), lastSecond)
	return time.Unix(min(max(seconds, 0), lastSecond), int64(nanoseconds)).UTC()
}
