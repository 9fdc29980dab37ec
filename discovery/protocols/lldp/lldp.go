// Package lldp reads the Link Layer Discovery Protocol: what a switch, phone or field device says of itself on each port.
// Standard: IEEE 802.1AB-2016, with the TLVs of IEEE 802.1Q annex D, IEEE 802.3 clause 79, ANSI/TIA-1057 (LLDP-MED) and
// IEC 61158-6-10 (PROFINET); EtherType 88CC. Bridges do not forward it, so a sensor hears its own link only.
// Heard: chassis, port, names, descriptions, management addresses, VLANs, the MED inventory. Never asked.
package lldp

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// EtherType is that of LLDP (IEEE 802.1AB-2016 clause 7.3).
const EtherType = 0x88cc

// TLV types (clause 8.4.1, table 8-1).
const (
	typeEnd = iota
	typeChassisID
	typePortID
	typeTTL
	typePortDescription
	typeSystemName
	typeSystemDescription
	typeCapabilities
	typeManagementAddress
	typeOrganization = 127
)

// maxRepeated bounds the lists of a frame: management addresses, VLANs.
const maxRepeated = 32

// Frame is what one LLDPDU says.
type Frame struct {
	Chassis           ID
	Port              ID
	TTL               uint16
	PortDescription   string
	SystemName        string
	SystemDescription string
	Capabilities      Capabilities // what it can do
	Enabled           Capabilities // what it does
	Management        []string     // addresses as text
	VLANs                          // IEEE 802.1
	Physical                       // IEEE 802.3
	MED                            // ANSI/TIA-1057
	Profinet
}

// ID names a chassis or a port. Subtype is the standard's word for the kind of name.
type ID struct{ Subtype, Text string }

// Capabilities are bits, bit 0 first (table 8-4).
type Capabilities uint16

// String names the bits that are set, separated by a comma.
func (c Capabilities) String() string {
	names := [...]string{
		"other", "repeater", "bridge", "wlan-access-point", "router", "telephone", "docsis-cable-device", "station-only",
		"c-vlan", "s-vlan", "two-port-mac-relay",
	}
	var set []string
	for bit, name := range names {
		if c&(1<<bit) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, ", ")
}

// errNoEnd says that the frame stops before the TLV that ends it (clause 8.5.1), as one that a capture cut short does.
var errNoEnd = fmt.Errorf("no end of LLDPDU: %w", io.ErrUnexpectedEOF)

// Parse reads an LLDPDU from the start of a frame's payload. A TLV that is damaged inside is passed over; what was understood is
// returned with the first error.
func Parse(payload []byte) (Frame, error) {
	var f Frame
	var first error
	r := wire.NewReader(payload)
	for count := 0; ; count++ {
		if r.Len() == 0 {
			return f, earlier(first, errNoEnd)
		}
		at := r.Offset()
		header := r.Uint16() // 7 bits of type, 9 bits of length
		kind, value := int(header>>9), r.Bytes(int(header&0x1ff))
		if r.Err() != nil {
			return f, earlier(first, fmt.Errorf("TLV at byte %d: %w", at, io.ErrUnexpectedEOF))
		}
		if count == 0 && kind != typeChassisID {
			return f, fmt.Errorf("TLV of type %d at byte 0, want the chassis id: %w", kind, discovery.ErrNotMine)
		}
		if kind == typeEnd {
			return f, first
		}
		if err := f.read(kind, wire.NewReader(value)); err != nil {
			first = earlier(first, fmt.Errorf("TLV of type %d at byte %d: %w", kind, at, err))
		}
	}
}

func earlier(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func (f *Frame) read(kind int, r wire.Reader) error {
	switch kind {
	case typeChassisID:
		return readID(&f.Chassis, r, "chassis-component", "interface-alias", "port-component", subtypeMAC, subtypeNetwork, "interface-name", "local")
	case typePortID:
		return readID(&f.Port, r, "interface-alias", "port-component", subtypeMAC, subtypeNetwork, "interface-name", "agent-circuit-id", "local")
	case typeTTL:
		f.TTL = r.Uint16()
	case typePortDescription:
		f.PortDescription = text(r.Rest())
	case typeSystemName:
		f.SystemName = text(r.Rest())
	case typeSystemDescription:
		f.SystemDescription = text(r.Rest())
	case typeCapabilities:
		able, enabled := r.Uint16(), r.Uint16()
		if r.Err() == nil {
			f.Capabilities, f.Enabled = Capabilities(able), Capabilities(enabled)
		}
	case typeManagementAddress:
		return f.readManagement(r)
	case typeOrganization:
		return f.readOrganization(r)
	}
	return r.Err()
}

// The subtypes whose value is not text.
const (
	subtypeMAC     = "mac-address"
	subtypeNetwork = "network-address"
)

// readID reads the subtype, counted from 1, and the id behind it, 1 to 255 bytes (clauses 8.5.2 and 8.5.3).
func readID(id *ID, r wire.Reader, subtypes ...string) error {
	subtype := int(r.Uint8())
	value := r.Rest()
	if r.Err() != nil {
		return r.Err()
	}
	if subtype < 1 || subtype > len(subtypes) {
		return fmt.Errorf("subtype %d of an id", subtype)
	}
	if len(value) == 0 {
		return errors.New("an id of 0 bytes")
	}
	id.Subtype = subtypes[subtype-1]
	switch {
	case id.Subtype == subtypeMAC && len(value) == 6:
		id.Text = discovery.MAC(value).String()
	case id.Subtype == subtypeNetwork:
		id.Text = networkAddress(value[0], value[1:])
	default:
		id.Text = textOrHex(value)
	}
	return nil
}

// Address family numbers (IANA) that stand before an address.
const (
	familyIPv4 = 1
	familyIPv6 = 2
	family802  = 6
)

// networkAddress is an address as people write it; of an unknown family, or of a length that the family does not have, as hex.
func networkAddress(family byte, b []byte) string {
	switch {
	case family == familyIPv4 && len(b) == 4, family == familyIPv6 && len(b) == 16:
		ip, _ := netip.AddrFromSlice(b)
		return ip.String()
	case family == family802 && len(b) == 6:
		return discovery.MAC(b).String()
	}
	return textOrHex(b)
}

// readManagement reads a length, family and address, an interface number and an object id (clause 8.5.9); the address is
// what counts here.
func (f *Frame) readManagement(r wire.Reader) error {
	address := r.Bytes(int(r.Uint8()))
	if r.Err() != nil {
		return r.Err()
	}
	if len(address) < 2 {
		return fmt.Errorf("management address of %d bytes", len(address))
	}
	name := networkAddress(address[0], address[1:])
	if ip, err := netip.ParseAddr(name); err == nil && ip.IsUnspecified() {
		return nil // a PROFINET device that has not got its address yet
	}
	if len(f.Management) < maxRepeated {
		f.Management = append(f.Management, name)
	}
	return nil
}

// text is a string, of which some devices count the terminating zero bytes in.
func text(b []byte) string { return strings.TrimRight(string(b), "\x00") }

// textOrHex is text where the bytes are printable, and hex with colons where they are not.
func textOrHex(b []byte) string {
	printable := text(b)
	if printable != "" && strings.TrimFunc(printable, func(r rune) bool { return r >= ' ' && r <= '~' }) == "" {
		return printable
	}
	return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":")
}
