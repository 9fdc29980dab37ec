package listen

import (
	"encoding/binary"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
)

// EtherTypes (IEEE 802 numbers) and IP protocol numbers that the walk must know.
const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	etherVLAN   = 0x8100
	etherQinQ   = 0x88a8
	etherOldQ   = 0x9100
	etherLowest = 0x0600 // what is below is the length of an IEEE 802.3 frame

	protocolTCP = 6
	protocolUDP = 17
)

const (
	maxTags       = 4 // VLAN tags of one frame
	maxExtensions = 8 // IPv6 extension headers of one packet
)

// address is an IP address as map keys hold it: IPv4 in its mapped form ::ffff:a.b.c.d. Who has no address yet (DHCP from
// 0.0.0.0, ND from ::) stands with a MAC instead, in a range of ::/8 that is assigned to nobody.
type address struct{ high, low uint64 }

const (
	mapped     = 0xffff << 32
	macAddress = 1 << 63
)

func address4(b []byte) address { return address{0, mapped | uint64(binary.BigEndian.Uint32(b))} }

func address6(b []byte) address {
	return address{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (a address) is4() bool { return a.high == 0 && a.low>>32 == 0xffff }

func (a address) less(b address) bool {
	return a.high < b.high || a.high == b.high && a.low < b.low
}

// isUnspecified reports 0.0.0.0 and ::.
func (a address) isUnspecified() bool { return a.high == 0 && (a.low == 0 || a.low == mapped) }

// isGroup reports multicast and the limited broadcast.
func (a address) isGroup() bool {
	if a.is4() {
		return a.low>>28&15 == 14 || uint32(a.low) == 0xffffffff
	}
	return a.high>>56 == 0xff
}

// isLoopback reports 127.0.0.0/8 and ::1.
func (a address) isLoopback() bool {
	return a.is4() && uint8(a.low>>24) == 127 || a.high == 0 && a.low == 1
}

// isLinkLocal reports 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291), which routers do not forward.
func (a address) isLinkLocal() bool {
	return a.is4() && uint16(a.low>>16) == 0xa9fe || a.high>>54 == 0xfe80>>6
}

// isPublic4 reports an IPv4 address outside of the private ranges (RFC 1918) and the shared one (RFC 6598).
func (a address) isPublic4() bool {
	b := uint32(a.low)
	return a.is4() && b>>24 != 10 && b>>20 != 172<<4|1 && b>>16 != 192<<8|168 && b>>22 != (100<<24|64<<16)>>22
}

// ip is the address in the form of the ground floor, invalid for one that holds a MAC.
func (a address) ip() netip.Addr {
	if _, is := a.mac(); is || a.isUnspecified() {
		return netip.Addr{}
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], a.high)
	binary.BigEndian.PutUint64(b[8:], a.low)
	return netip.AddrFrom16(b).Unmap()
}

// mac is the MAC of somebody without an address.
func (a address) mac() (discovery.MAC, bool) {
	if a.high != 0 || a.low>>48 != macAddress>>48 {
		return discovery.MAC{}, false
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], a.low)
	return discovery.MAC(b[2:]), true
}

func addressOfMAC(m discovery.MAC) address {
	return address{0, macAddress | uint64(binary.BigEndian.Uint16(m[:]))<<32 | uint64(binary.BigEndian.Uint32(m[2:]))}
}

func addressOf(ip netip.Addr) address {
	b := ip.As16()
	return address6(b[:])
}

// packet is what the headers of a frame say. It is used again for each frame.
type packet struct {
	frames int // frames that it came in: more than one for a datagram in fragments
	length int // bytes of those on the wire

	// The link.
	stationed      bool // source is the address of a station
	source, target discovery.MAC
	tags           [2]uint16 // VLAN ids, outermost first
	tagged         int
	etherType      uint16
	payload        []byte // what follows the header that was walked last

	// The network.
	from, to   address
	group      bool // it went to more than one station
	hops       uint8
	protocol   uint8
	size       int // bytes that the payload had before the capture cut the frame short
	fragmented bool
	more       bool // further fragments follow
	at         int  // of the fragment
	id         uint32

	// The transport.
	fromPort, toPort uint16
	sequence, ack    uint32
	flags            uint8
}

// vlan is the id of the innermost tag: the network that the station itself is in.
func (p *packet) vlan() uint16 {
	if p.tags[1] != 0 {
		return p.tags[1]
	}
	return p.tags[0]
}

func (p *packet) tag(id uint16) {
	id &= 0xfff
	if id == 0 { // a priority tag belongs to no VLAN
		return
	}
	p.tags[min(p.tagged, 1)] = id
	p.tagged++
}

// link walks the header of the link. It reports false when the frame is cut inside it.
func (p *packet) link(f *discovery.Frame) bool {
	p.tag(f.VLAN[0])
	p.tag(f.VLAN[1])
	b := f.Data
	switch f.Link {
	case discovery.LinkEthernet:
		if len(b) < 14 {
			return false
		}
		p.target, p.source = discovery.MAC(b), discovery.MAC(b[6:])
		p.group = p.target.IsGroup()
		p.etherType, p.payload = binary.BigEndian.Uint16(b[12:]), b[14:]
	case discovery.LinkLinuxSLL:
		if len(b) < 16 {
			return false
		}
		p.cooked(b[1], int(binary.BigEndian.Uint16(b[4:])), b[6:])
		p.etherType, p.payload = binary.BigEndian.Uint16(b[14:]), b[16:]
	case discovery.LinkLinuxSLL2:
		if len(b) < 20 {
			return false
		}
		p.cooked(b[10], int(b[11]), b[12:])
		p.etherType, p.payload = binary.BigEndian.Uint16(b), b[20:]
	case discovery.LinkNull, discovery.LinkLoop:
		if len(b) < 4 {
			return false
		}
		return p.raw(b[4:]) // the family's number differs between systems, the packet's version does not
	default:
		return p.raw(b)
	}
	p.stationed = !p.source.IsZero() && !p.source.IsGroup()
	return p.behind()
}

// cooked takes the sender from Linux's own header: the kind of the packet (1 broadcast, 2 multicast), and an address.
func (p *packet) cooked(kind byte, size int, b []byte) {
	p.group = kind == 1 || kind == 2
	if size == len(p.source) {
		p.source = discovery.MAC(b)
	}
}

func (p *packet) raw(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	p.payload = b
	switch b[0] >> 4 {
	case 4:
		p.etherType = etherIPv4
	case 6:
		p.etherType = etherIPv6
	}
	return true
}

// behind walks VLAN tags and the LLC/SNAP header of an IEEE 802.3 frame.
func (p *packet) behind() bool {
	for range maxTags {
		if p.etherType != etherVLAN && p.etherType != etherQinQ && p.etherType != etherOldQ {
			break
		}
		if len(p.payload) < 4 {
			return false
		}
		p.tag(binary.BigEndian.Uint16(p.payload))
		p.etherType, p.payload = binary.BigEndian.Uint16(p.payload[2:]), p.payload[4:]
	}
	if p.etherType >= etherLowest {
		return true
	}
	b := p.payload[:min(int(p.etherType), len(p.payload))]
	if p.etherType == 4 { // Linux cooked: "an LLC header follows", not a length
		b = p.payload
	}
	p.etherType = 0
	// BACnet has a service access point of its own (135-2020 annex G); a protocol lists it as the two of the LLC header.
	if len(b) >= 3 && b[0] == 0x82 && b[1] == 0x82 && b[2] == 3 {
		p.etherType, p.payload = 0x8282, b[3:]
		return true
	}
	if len(b) < 8 || b[0] != 0xaa || b[1] != 0xaa || b[2] != 3 {
		return true // LLC of something else: spanning tree, IS-IS, IPX
	}
	// The protocol id of SNAP is an EtherType where the organisation is 0 (RFC 1042) or 0000F8 (802.1H). Cisco's own ids
	// (00000C: CDP is 2000) and Cimetrics' (001090: MS/TP is 1) collide with no EtherType in use, so a protocol lists them as
	// such.
	switch [3]byte(b[3:]) {
	case [3]byte{}, [3]byte{0, 0, 0xf8}, [3]byte{0, 0, 0x0c}, [3]byte{0, 0x10, 0x90}:
		p.etherType, p.payload = binary.BigEndian.Uint16(b[6:]), b[8:]
	}
	return true
}

// network walks an IP header. It reports false when the header is cut or contradicts itself.
func (p *packet) network() bool {
	p.frames = 1
	if p.etherType == etherIPv4 {
		return p.ipv4()
	}
	return p.ipv6()
}

func (p *packet) ipv4() bool {
	b := p.payload
	if len(b) < 20 || b[0]>>4 != 4 {
		return false
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // left to the network card by a sender that captured itself
		total = len(b)
	}
	if header < 20 || header > len(b) || total < header {
		return false
	}
	p.hops, p.protocol = b[8], b[9]
	p.from, p.to = address4(b[12:]), address4(b[16:])
	p.ends()
	offset := binary.BigEndian.Uint16(b[6:])
	p.more, p.at = offset&0x2000 != 0, int(offset&0x1fff)*8
	p.fragmented = p.more || p.at > 0
	p.id = uint32(binary.BigEndian.Uint16(b[4:]))
	p.size = total - header
	p.payload = b[header:min(total, len(b))] // what follows is padding of the link
	return true
}

func (p *packet) ipv6() bool {
	b := p.payload
	if len(b) < 40 || b[0]>>4 != 6 {
		return false
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size == 0 { // as for IPv4; jumbograms do not occur
		size = len(b) - 40
	}
	p.protocol, p.hops = b[6], b[7]
	p.from, p.to = address6(b[8:]), address6(b[24:])
	p.ends()
	p.size = size
	p.payload = b[40:min(40+size, len(b))]
	return p.extensions()
}

// ends settles what the addresses mean.
func (p *packet) ends() {
	p.group = p.group || p.to.isGroup()
	if p.from.isUnspecified() && p.stationed {
		p.from = addressOfMAC(p.source)
	}
}

// extensions walks IPv6 extension headers up to the transport or a fragment (RFC 8200 section 4).
func (p *packet) extensions() bool {
	for range maxExtensions {
		b := p.payload
		n := 0
		switch p.protocol {
		case 0, 43, 60, 135, 139, 140: // hop-by-hop, routing, destination options, mobility, HIP, shim6
			if len(b) < 8 {
				return false
			}
			n = (int(b[1]) + 1) * 8
		case 51: // authentication (RFC 4302)
			if len(b) < 8 {
				return false
			}
			n = (int(b[1]) + 2) * 4
		case 44: // fragment
			if len(b) < 8 || p.fragmented {
				return false
			}
			offset := binary.BigEndian.Uint16(b[2:])
			p.more, p.at = offset&1 != 0, int(offset&^7)
			p.fragmented = p.more || p.at > 0 // one that is whole is an "atomic fragment" (RFC 6946)
			p.id = binary.BigEndian.Uint32(b[4:])
			n = 8
		default:
			return true
		}
		if n > len(b) {
			return false
		}
		p.protocol, p.payload = b[0], b[n:]
		p.size -= n
		if p.fragmented {
			return true
		}
	}
	return false
}

// ports is what came of the walk over the transport header.
type ports uint8

const (
	malformed ports = iota
	ported          // UDP or TCP
	portless
)

// TCP flags.
const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagPSH = 8
	flagACK = 16
)

// transport walks a UDP or TCP header. The payload is then the application's data.
func (p *packet) transport() ports {
	b := p.payload
	header := 0
	switch p.protocol {
	case protocolUDP:
		if len(b) < 8 {
			return malformed
		}
		header = 8
		if n := int(binary.BigEndian.Uint16(b[4:])); n >= header && n < p.size {
			p.size = n
		}
	case protocolTCP:
		if len(b) < 20 {
			return malformed
		}
		header = int(b[12]>>4) * 4
		if header < 20 || header > len(b) && len(b) >= p.size { // options that the capture has cut off are no loss
			return malformed
		}
		p.sequence, p.ack, p.flags = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), b[13]
	default:
		return portless
	}
	p.fromPort, p.toPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	p.size = max(p.size-header, 0)
	p.payload = after(b, header)
	p.payload = p.payload[:min(len(p.payload), p.size)]
	return ported
}
