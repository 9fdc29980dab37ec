package snmp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/ber"
)

// The keys of the announcements that switches keep of their neighbours. They are those of LLDP and CDP: the neighbour said it,
// the switch passes it on.
const (
	keyChassisID         discovery.Key = "lldp.chassis-id"
	keyChassisIDSubtype  discovery.Key = "lldp.chassis-id-subtype"
	keyPortID            discovery.Key = "lldp.port-id"
	keyPortIDSubtype     discovery.Key = "lldp.port-id-subtype"
	keyPortDescription   discovery.Key = "lldp.port-description"
	keySystemName        discovery.Key = "lldp.system-name"
	keySystemDescription discovery.Key = "lldp.system-description"
	keyCapabilities      discovery.Key = "lldp.capabilities"
	keyManagementAddress discovery.Key = "lldp.management-address"
	keyMEDHardware       discovery.Key = "lldp.med-hardware"
	keyMEDFirmware       discovery.Key = "lldp.med-firmware"
	keyMEDSoftware       discovery.Key = "lldp.med-software"
	keyMEDSerial         discovery.Key = "lldp.med-serial"
	keyMEDManufacturer   discovery.Key = "lldp.med-manufacturer"
	keyMEDModel          discovery.Key = "lldp.med-model"
	keyMEDAssetID        discovery.Key = "lldp.med-asset-id"

	keyCDPDeviceID discovery.Key = "cdp.device-id"
	keyCDPAddress  discovery.Key = "cdp.address"
	keyCDPPortID   discovery.Key = "cdp.port-id"
	keyCDPVersion  discovery.Key = "cdp.version"
	keyCDPPlatform discovery.Key = "cdp.platform"
)

// retold are the keys of neighbours' announcements.
func retold() []discovery.Key {
	return []discovery.Key{
		keyChassisID, keyChassisIDSubtype, keyPortID, keyPortIDSubtype, keyPortDescription, keySystemName, keySystemDescription,
		keyCapabilities, keyManagementAddress, keyMEDHardware, keyMEDFirmware, keyMEDSoftware, keyMEDSerial, keyMEDManufacturer,
		keyMEDModel, keyMEDAssetID, keyCDPDeviceID, keyCDPAddress, keyCDPPortID, keyCDPVersion, keyCDPPlatform,
	}
}

// medColumn is where the columns of the inventory of LLDP-MED stand in a row that also holds those of lldpRemTable.
const medColumn = 100

// medKeys are the columns 1 to 7 of lldpXMedRemInventoryTable, and 2 to 8 of the scalars about the agent itself.
var medKeys = [...]discovery.Key{
	keyMEDHardware, keyMEDFirmware, keyMEDSoftware, keyMEDSerial, keyMEDManufacturer, keyMEDModel, keyMEDAssetID,
}

// lldpCell remembers what a switch keeps of an LLDP neighbour. The three tables share the index: a time, which changes, the
// local port, and the number of the neighbour.
func (r *reader) lldpCell(c cell, v ber.Element) string {
	const common = 3
	if len(c.index) < common {
		return ""
	}
	about := cell{entry: lldpRemoteEntry, index: c.index[1:common]}
	switch c.entry {
	case lldpRemoteEntry:
		return r.keep(about, c.column, v)
	case lldpAddressEntry:
		ip, ok := arcSizedIP(c.index[common:])
		if !ok || !ip.IsGlobalUnicast() {
			return ""
		}
		const most = 8
		key, known := r.rowOf(about)
		if text := ip.String(); len(known.more) < most && !slices.Contains(known.more, text) {
			known.more = append(known.more, text)
		}
		return key
	}
	return r.keep(about, medColumn+c.column, v)
}

// lldpNeighbour tells the neighbour, where an address of it is known, and the cable.
func (r *reader) lldpNeighbour(o discovery.Observation, known *row) (discovery.Observation, []discovery.Link) {
	chassis := chassisID(known.int(4), known.bytes(5))
	port := portID(known.int(6), known.bytes(7))
	if chassis.subtype == "" || chassis.text == "" && known.text(9) == "" {
		return discovery.Observation{}, nil // not yet whole
	}
	tell := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" {
			o.Facts = append(o.Facts, fact)
		}
	}
	tell(keyChassisID, chassis.text)
	tell(keyChassisIDSubtype, chassis.subtype)
	tell(keyPortID, port.text)
	tell(keyPortIDSubtype, port.subtype)
	descr, name := known.text(8), known.text(9)
	tell(keyPortDescription, descr)
	tell(keySystemName, name)
	tell(keySystemDescription, known.text(10))
	tell(keyCapabilities, capabilities(known.bytes(12)))
	for _, address := range known.more {
		tell(keyManagementAddress, address)
	}
	for i, key := range medKeys {
		tell(key, known.text(medColumn+1+uint32(i)))
	}
	switch {
	case chassis.mac.IsStation():
		o.Subject.MAC = chassis.mac
	case port.mac.IsStation():
		o.Subject.MAC = port.mac
	case chassis.ip.IsGlobalUnicast():
		o.Subject.IP = chassis.ip
	case len(known.more) > 0:
		o.Subject.IP, _ = netip.ParseAddr(known.more[0])
	}
	link := discovery.Link{LocalPort: r.lldpPortName(known.index[0]), RemoteName: discovery.Text(name), RemotePort: port.text, Via: "lldp"}
	if link.RemoteName == "" {
		link.RemoteName = chassis.text
	}
	if port.subtype == "mac-address" && discovery.Text(descr) != "" {
		link.RemotePort = discovery.Text(descr)
	}
	if o.Subject.IsZero() {
		o.Facts = nil // nobody whom it could be written down of; the cable names him
	} else {
		link.Remote = o.Subject
	}
	return o, []discovery.Link{link}
}

// cdpNeighbour tells the neighbour, where its address is known, and the cable. The index is the ifIndex and the number of the
// neighbour.
func (r *reader) cdpNeighbour(o discovery.Observation, known *row) (discovery.Observation, []discovery.Link) {
	name, remotePort := discovery.Text(known.text(6)), discovery.Text(known.text(7))
	if name == "" || len(known.index) != 2 {
		return discovery.Observation{}, nil
	}
	tell := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" {
			o.Facts = append(o.Facts, fact)
		}
	}
	link := discovery.Link{LocalPort: r.interfaceName(known.index[0]), RemoteName: name, RemotePort: remotePort, Via: "cdp"}
	ip, ok := netip.AddrFromSlice(known.bytes(4))
	const internet = 1 // CiscoNetworkProtocol
	if kind := known.int(3); !ok || kind != internet && kind != 0 || !ip.IsGlobalUnicast() {
		return discovery.Observation{}, []discovery.Link{link}
	}
	o.Subject.IP = ip
	link.Remote = o.Subject
	tell(keyCDPDeviceID, name)
	tell(keyCDPAddress, ip.String())
	tell(keyCDPPortID, remotePort)
	tell(keyCDPPlatform, known.text(8))
	tell(keyCDPVersion, known.text(5))
	return o, []discovery.Link{link}
}

// int is an integer of the row, 0 when there is none.
func (r *row) int(column uint32) int64 {
	v, ok := r.cells[column]
	if !ok || v.Tag != ber.Integer {
		return 0
	}
	n, err := v.Int()
	if err != nil {
		return 0
	}
	return n
}

// bytes is a string of the row.
func (r *row) bytes(column uint32) []byte {
	if v, ok := r.cells[column]; ok && v.Tag == ber.OctetString {
		return v.Content
	}
	return nil
}

// text is a string of the row without the zeroes that some agents count in.
func (r *row) text(column uint32) string { return strings.TrimRight(string(r.bytes(column)), "\x00") }

// id is a chassis or port id in the spelling of the LLDP frames that are heard.
type id struct {
	subtype, text string
	mac           discovery.MAC
	ip            netip.Addr
}

// The subtype of a port id that is a MAC.
const idMAC = 3

// chassisID reads an id by its subtype (IEEE 802.1AB-2016 clause 8.5.2.2).
func chassisID(subtype int64, b []byte) id {
	return readID(subtype, b, "chassis-component", "interface-alias", "port-component", "mac-address", "network-address", "interface-name", "local")
}

// portID reads an id by its subtype (clause 8.5.3.2).
func portID(subtype int64, b []byte) id {
	return readID(subtype, b, "interface-alias", "port-component", "mac-address", "network-address", "interface-name", "agent-circuit-id", "local")
}

func readID(subtype int64, b []byte, subtypes ...string) id {
	if subtype < 1 || subtype > int64(len(subtypes)) || len(b) == 0 {
		return id{}
	}
	out := id{subtype: subtypes[subtype-1]}
	switch {
	case out.subtype == "mac-address" && len(b) == 6:
		out.mac = discovery.MAC(b)
		out.text = out.mac.String()
	case out.subtype == "network-address" && (len(b) == 5 && b[0] == 1 || len(b) == 17 && b[0] == 2):
		out.ip, _ = netip.AddrFromSlice(b[1:])
		out.text = out.ip.String()
	default:
		out.text = textOrHex(b)
	}
	return out
}

// textOrHex is text where the bytes are printable, and hex with colons where they are not.
func textOrHex(b []byte) string {
	printable := strings.TrimRight(string(b), "\x00")
	if printable != "" && strings.TrimFunc(printable, func(r rune) bool { return r >= ' ' && r <= '~' }) == "" {
		return discovery.Text(printable)
	}
	return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":")
}

// capabilities names the bits, the first of which is the highest of the first octet (LLDP-MIB, LldpSystemCapabilitiesMap).
func capabilities(bits []byte) string {
	names := [...]string{"other", "repeater", "bridge", "wlan-access-point", "router", "telephone", "docsis-cable-device", "station-only"}
	if len(bits) == 0 || len(bits) > 2 {
		return ""
	}
	var set []string
	for i, name := range names {
		if bits[0]&(0x80>>i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, ", ")
}
