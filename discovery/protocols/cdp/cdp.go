// Package cdp reads the Cisco Discovery Protocol: what a switch, router, phone or access point says of itself on each port.
// Written from the published description of the protocol (Cisco, "Cisco Discovery Protocol", versions 1 and 2) and, for the TLVs that
// it does not tell, from captures of devices. SNAP, organisation 00000C, protocol 2000, to 01-00-0C-CC-CC-CC. Bridges of other
// makers forward it, Cisco's do not. Heard: names, platform, software, port, addresses, VLANs, serial number. Never asked.
package cdp

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/ber"
)

// ProtocolID is that of CDP under Cisco's organisation in SNAP, which package listen gives out like an EtherType.
const ProtocolID = 0x2000

// TLV types.
const (
	typeDeviceID          = 0x0001
	typeAddresses         = 0x0002
	typePortID            = 0x0003
	typeCapabilities      = 0x0004
	typeVersion           = 0x0005
	typePlatform          = 0x0006
	typePrefixes          = 0x0007
	typeHello             = 0x0008
	typeVTPDomain         = 0x0009
	typeNativeVLAN        = 0x000a
	typeDuplex            = 0x000b
	typeVoiceVLAN         = 0x000e
	typeMTU               = 0x0011
	typeSystemName        = 0x0014
	typeSystemObjectID    = 0x0015
	typeManagementAddress = 0x0016
	typeLocation          = 0x0017
	typeEnergyWise        = 0x001d
	typeSerial            = 0x1001 // of access points
)

// maxRepeated bounds the lists of a frame: addresses, prefixes.
const maxRepeated = 32

// Frame is what one announcement says.
type Frame struct {
	DeviceID       string
	Addresses      []netip.Addr
	PortID         string
	Capabilities   Capabilities
	Version        string // of the software, several lines
	Platform       string
	Prefixes       []netip.Prefix // networks of a router of on-demand routing
	VTPDomain      string
	NativeVLAN     uint16 // 0 = not said
	Duplex         string // "half" or "full"
	VoiceVLAN      uint16 // 0 = not said
	MTU            uint32
	SystemName     string
	SystemObjectID string // dotted
	Management     []netip.Addr
	Location       string
	SwitchMAC      discovery.MAC // of the chassis
	Model          string
	Hardware       string
	Serial         string
}

// Capabilities are bits, bit 0 first.
type Capabilities uint32

// String names the bits that are set, separated by a comma.
func (c Capabilities) String() string {
	names := [...]string{
		"router", "transparent-bridge", "source-route-bridge", "switch", "host", "igmp-filter", "repeater", "telephone", "remotely-managed",
		"cvta", "two-port-mac-relay",
	}
	var set []string
	for bit, name := range names {
		if c&(1<<bit) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, ", ")
}

// Parse reads an announcement from the start of the SNAP payload. A TLV that is damaged inside is passed over; what was
// understood is returned with the first error. There is no mark at the end, so a frame that was cut short between two TLVs shows
// by its checksum alone.
func Parse(payload []byte) (Frame, error) {
	var f Frame
	var first error
	r := wire.NewReader(payload)
	version := r.Uint8()
	r.Skip(1) // time to live
	sum := r.Uint16()
	if r.Err() != nil {
		return f, fmt.Errorf("header of %d bytes: %w", len(payload), io.ErrUnexpectedEOF)
	}
	if version != 1 && version != 2 {
		return f, fmt.Errorf("version %d at byte 0: %w", version, discovery.ErrNotMine)
	}
	for r.Len() > 0 {
		at := r.Offset()
		kind, size := r.Uint16(), int(r.Uint16())
		if r.Err() == nil && kind == 0 && size == 0 {
			payload = payload[:at] // padding of the link
			break
		}
		value := r.Sub(size - 4)
		if r.Err() != nil {
			return f, earlier(first, fmt.Errorf("TLV at byte %d: %w", at, io.ErrUnexpectedEOF))
		}
		if err := f.read(kind, value); err != nil {
			first = earlier(first, fmt.Errorf("TLV of type %#04x at byte %d: %w", kind, at, err))
		}
	}
	if first == nil && sum != 0 && !sumsUp(payload) {
		first = fmt.Errorf("checksum %#04x at byte 2 is not that of %d bytes", sum, len(payload))
	}
	return f, first
}

func earlier(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// sumsUp checks the Internet checksum (RFC 1071). Of an odd number of bytes, Cisco's devices add the last one as if it stood in
// the lower half of its word, and those above 7f as a negative number; others pad it as the RFC says.
func sumsUp(b []byte) bool {
	sum := uint32(0)
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 0 {
		return fold(sum) == 0xffff
	}
	last := uint32(b[len(b)-1])
	low := last
	if last > 0x7f {
		low += 0xfeff // the sign, less the carry that it gives
	}
	return fold(sum+last<<8) == 0xffff || fold(sum+low) == 0xffff
}

// fold adds the carries back in.
func fold(sum uint32) uint32 {
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return sum
}

func (f *Frame) read(kind uint16, r wire.Reader) error {
	switch kind {
	case typeDeviceID:
		f.DeviceID = textOrHex(r.Rest())
	case typeAddresses:
		return readAddresses(&f.Addresses, r)
	case typePortID:
		f.PortID = text(r.Rest())
	case typeCapabilities:
		f.Capabilities = Capabilities(r.Uint32())
	case typeVersion:
		f.Version = text(r.Rest())
	case typePlatform:
		f.Platform = text(r.Rest())
	case typePrefixes:
		return f.readPrefixes(r)
	case typeHello:
		f.readHello(r)
	case typeVTPDomain:
		f.VTPDomain = text(r.Rest())
	case typeNativeVLAN:
		f.NativeVLAN = r.Uint16()
	case typeDuplex:
		if full := r.Uint8(); r.Err() == nil {
			f.Duplex = [...]string{"half", "full"}[full&1]
		}
	case typeVoiceVLAN:
		r.Skip(1)
		f.VoiceVLAN = r.Uint16()
	case typeMTU:
		f.MTU = r.Uint32()
	case typeSystemName:
		f.SystemName = text(r.Rest())
	case typeSystemObjectID:
		return f.readObjectID(r)
	case typeManagementAddress:
		return readAddresses(&f.Management, r)
	case typeLocation:
		r.Skip(1) // its kind
		f.Location = text(r.Rest())
	case typeEnergyWise:
		f.readEnergyWise(r)
	case typeSerial:
		f.Serial = text(r.Rest())
	}
	return r.Err()
}

// readAddresses reads a count of addresses, each with the protocol it is of: a type and a length, an id; then its length.
func readAddresses(list *[]netip.Addr, r wire.Reader) error {
	const nlpid, llc = 1, 2
	for count := r.Uint32(); count > 0 && r.Err() == nil; count-- {
		kind := r.Uint8()
		protocol := string(r.Bytes(int(r.Uint8())))
		address := r.Bytes(int(r.Uint16()))
		known := kind == nlpid && protocol == "\xcc" && len(address) == 4 ||
			kind == llc && strings.HasSuffix(protocol, "\x86\xdd") && len(address) == 16
		if ip, ok := netip.AddrFromSlice(address); ok && known && !ip.IsUnspecified() && len(*list) < maxRepeated {
			*list = append(*list, ip)
		}
	}
	return r.Err()
}

// readPrefixes reads networks of 4 bytes and the length of their mask; 4 bytes alone are a hub's default gateway.
func (f *Frame) readPrefixes(r wire.Reader) error {
	for r.Len() > 4 {
		ip, bits := netip.AddrFrom4([4]byte(r.Bytes(4))), r.Uint8()
		if bits > 32 {
			return fmt.Errorf("mask of %d bits", bits)
		}
		if len(f.Prefixes) < maxRepeated {
			f.Prefixes = append(f.Prefixes, netip.PrefixFrom(ip, int(bits)).Masked())
		}
	}
	return nil
}

// readHello takes the MAC of the switch out of the hello of Cisco's cluster management; other hellos are not known.
func (f *Frame) readHello(r wire.Reader) {
	if string(r.Bytes(5)) != "\x00\x00\x0c\x01\x12" {
		return
	}
	r.Skip(18) // addresses and state of the cluster, MAC of its commander
	if mac := r.Bytes(6); mac != nil {
		f.SwitchMAC = discovery.MAC(mac)
	}
}

// readEnergyWise takes the nameplate out of EnergyWise's TLV: from byte 28 on, model (16 bytes), 2 bytes, hardware version (3),
// serial number (11). Source: captures.
func (f *Frame) readEnergyWise(r wire.Reader) {
	r.Skip(28)
	model := text(r.Bytes(16))
	r.Skip(2)
	hardware, serial := text(r.Bytes(3)), text(r.Bytes(11))
	if r.Err() == nil {
		f.Model, f.Hardware = model, hardware
		if f.Serial == "" {
			f.Serial = serial
		}
	}
}

// readObjectID reads an object id in BER.
func (f *Frame) readObjectID(r wire.Reader) error {
	elements := ber.NewReader(r.Rest())
	id := elements.Expect(ber.ObjectID)
	if elements.Err() != nil {
		return elements.Err()
	}
	dotted, err := id.OID()
	f.SystemObjectID = dotted
	return err
}

// text is a string, of which some devices count terminating zero bytes in.
func text(b []byte) string { return strings.TrimRight(string(b), "\x00") }

// textOrHex is text where the bytes are printable, and hex with colons where they are not: a MAC, in some access points.
func textOrHex(b []byte) string {
	printable := text(b)
	if printable != "" && strings.TrimFunc(printable, func(r rune) bool { return r >= ' ' && r <= '~' }) == "" {
		return printable
	}
	return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":")
}
