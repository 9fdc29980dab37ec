package plant

import (
	"encoding/binary"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/walkdown-ot/walkdown/discovery"
)

// recorder collects frames as they would have been heard.
type recorder struct {
	start  time.Time
	frames []discovery.Frame
}

// shortest is the least length of an Ethernet frame without its checksum; what is shorter is padded on the wire.
const shortest = 60

func (r *recorder) add(at time.Duration, parts ...gopacket.SerializableLayer) {
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, options, parts...); err != nil {
		panic(err) // all that goes in stands in this package
	}
	data := slices.Clone(buffer.Bytes())
	for len(data) < shortest {
		data = append(data, 0)
	}
	r.frames = append(r.frames, discovery.Frame{
		Time: r.start.Add(at).UTC(), Link: discovery.LinkEthernet, Length: len(data), Data: data,
	})
}

func ethernet(from, to discovery.MAC, kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr(from[:]), DstMAC: net.HardwareAddr(to[:]), EthernetType: kind}
}

func (r *recorder) arpRequest(at time.Duration, mac discovery.MAC, ip, wanted netip.Addr) {
	r.arp(at, layers.ARPRequest, mac, ip, discovery.Broadcast, discovery.MAC{}, wanted)
}

func (r *recorder) arpReply(at time.Duration, mac discovery.MAC, ip netip.Addr, to discovery.MAC, toIP netip.Addr) {
	r.arp(at, layers.ARPReply, mac, ip, to, to, toIP)
}

func (r *recorder) arp(at time.Duration, operation uint16, mac discovery.MAC, ip netip.Addr, to, target discovery.MAC, targetIP netip.Addr) {
	r.add(at, ethernet(mac, to, layers.EthernetTypeARP), &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation:       operation,
		SourceHwAddress: mac[:], SourceProtAddress: ip.AsSlice(),
		DstHwAddress: target[:], DstProtAddress: targetIP.AsSlice(),
	})
}

// lldpSpeaker is what a device announces (IEEE 802.1AB-2016 clause 8.5; the inventory of ANSI/TIA-1057 section 10.2.6).
type lldpSpeaker struct {
	mac              discovery.MAC
	addr             netip.Addr
	port, portDescr  string
	name, descr      string
	capable, enabled uint16
	med              map[byte]string
}

// The bits of the system capabilities.
const (
	lldpBridge  = 1 << 2
	lldpStation = 1 << 7
)

// The subtypes of the LLDP-MED inventory.
const (
	medHardware = 5
	medFirmware = 6
	medSerial   = 8
	medMaker    = 9
	medModel    = 10
)

func (r *recorder) lldp(at time.Duration, s lldpSpeaker) {
	nearest := discovery.MAC{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}
	var b []byte
	tlv := func(kind uint16, parts ...[]byte) {
		value := slices.Concat(parts...)
		b = binary.BigEndian.AppendUint16(b, kind<<9|uint16(len(value)))
		b = append(b, value...)
	}
	tlv(1, []byte{4}, s.mac[:])       // chassis id: MAC address
	tlv(2, []byte{7}, []byte(s.port)) // port id: locally assigned
	tlv(3, []byte{0, 120})            // time to live in seconds
	tlv(4, []byte(s.portDescr))
	tlv(5, []byte(s.name))
	tlv(6, []byte(s.descr))
	tlv(7, binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, s.capable), s.enabled))
	tlv(8, []byte{5, 1}, s.addr.AsSlice(), []byte{2, 0, 0, 0, 1, 0}) // IPv4, on interface 1, no object id
	for _, subtype := range slices.Sorted(maps.Keys(s.med)) {
		tlv(127, []byte{0x00, 0x12, 0xbb, subtype}, []byte(s.med[subtype]))
	}
	tlv(0)
	r.add(at, ethernet(s.mac, nearest, layers.EthernetTypeLinkLayerDiscovery), gopacket.Payload(b))
}

// end is one side of a TCP connection.
type end struct {
	mac  discovery.MAC
	addr netip.Addr
	port uint16
}

// conversation is a TCP connection as its segments pass.
type conversation struct {
	client, server end
	hops           uint8 // routers that the client's packets have passed
	sent, received uint32
}

// connect records the handshake.
func (r *recorder) connect(at time.Duration, c conversation) *conversation {
	c.sent, c.received = 0x77000000, 0x88000000
	c.segment(r, at, true, &layers.TCP{SYN: true}, nil)
	c.sent++
	c.segment(r, at+time.Millisecond, false, &layers.TCP{SYN: true, ACK: true}, nil)
	c.received++
	c.segment(r, at+2*time.Millisecond, true, &layers.TCP{ACK: true}, nil)
	return &c
}

// exchange records a request, its answer four milliseconds later, and the acknowledgement.
func (c *conversation) exchange(r *recorder, at time.Duration, request, reply []byte) {
	c.segment(r, at, true, &layers.TCP{PSH: true, ACK: true}, request)
	c.sent += uint32(len(request))
	c.segment(r, at+4*time.Millisecond, false, &layers.TCP{PSH: true, ACK: true}, reply)
	c.received += uint32(len(reply))
	c.segment(r, at+5*time.Millisecond, true, &layers.TCP{ACK: true}, nil)
}

func (c *conversation) segment(r *recorder, at time.Duration, fromClient bool, tcp *layers.TCP, payload []byte) {
	from, to := c.server, c.client
	ttl := uint8(64)
	tcp.Seq, tcp.Ack = c.received, c.sent
	if fromClient {
		from, to = c.client, c.server
		ttl -= c.hops
		tcp.Seq, tcp.Ack = c.sent, c.received
	}
	if !tcp.ACK {
		tcp.Ack = 0
	}
	tcp.SrcPort, tcp.DstPort, tcp.Window = layers.TCPPort(from.port), layers.TCPPort(to.port), 8192
	ip := &layers.IPv4{
		Version: 4, TTL: ttl, Flags: layers.IPv4DontFragment, Protocol: layers.IPProtocolTCP,
		SrcIP: from.addr.AsSlice(), DstIP: to.addr.AsSlice(),
	}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		panic(err) // an IPv4 layer is one
	}
	r.add(at, ethernet(from.mac, to.mac, layers.EthernetTypeIPv4), ip, tcp, gopacket.Payload(payload))
}
