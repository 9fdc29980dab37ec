package discovery

import "time"

// LinkType says how a frame begins; the numbers are those of pcap (LINKTYPE_*, tcpdump.org/linktypes.html).
type LinkType uint16

// The link types that walkdown reads.
const (
	LinkNull      LinkType = 0   // BSD loopback: address family, 4 bytes in the byte order of the capturing machine
	LinkEthernet  LinkType = 1   // IEEE 802.3
	LinkRaw12     LinkType = 12  // an IP packet, as some systems number it
	LinkRaw14     LinkType = 14  // an IP packet, as OpenBSD numbers it
	LinkRaw       LinkType = 101 // an IP packet
	LinkLoop      LinkType = 108 // OpenBSD loopback: address family, big endian
	LinkLinuxSLL  LinkType = 113 // Linux "cooked", version 1: 16 bytes of header
	LinkIPv4      LinkType = 228 // an IPv4 packet
	LinkIPv6      LinkType = 229 // an IPv6 packet
	LinkLinuxSLL2 LinkType = 276 // Linux "cooked", version 2: 20 bytes of header
)

// Frame is one captured frame. Data is valid until the next frame is read; whoever keeps bytes of it copies them.
type Frame struct {
	Time   time.Time // UTC
	Link   LinkType
	VLAN   [2]uint16 // tags (12 bits) that the capture delivered outside of Data, outermost first; 0 = none
	Length int       // bytes on the wire; more than len(Data) when the capture cut the frame short
	Data   []byte
}
