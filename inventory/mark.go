package inventory

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/walkdown-ot/walkdown/discovery"
)

// MarkKind is what kind of thing a Mark is. The kinds stand in the order of trust.
type MarkKind string

// The kinds.
const (
	MarkSerial      MarkKind = "serial"      // vendor and serial number
	MarkCIP         MarkKind = "cip"         // CIP vendor id and serial number (CIP volume 1 section 5A-2)
	MarkChassis     MarkKind = "chassis"     // LLDP chassis id that is not a MAC (IEEE 802.1AB-2016 clause 8.5.2)
	MarkEngine      MarkKind = "engine"      // SNMP engine id (RFC 3411 section 5)
	MarkApplication MarkKind = "application" // OPC UA ApplicationUri (OPC 10000-4 clause 7.2)
	MarkBACnet      MarkKind = "bacnet"      // BACnet device instance (ASHRAE 135-2020 clause 12.11.1)
	MarkStation     MarkKind = "station"     // PROFINET name of station, told by MACs of one block (IEC 61158-6-10)
	MarkManagement  MarkKind = "management"  // the IP that a device tells in LLDP to be managed at (clause 8.5.9)
	MarkMAC         MarkKind = "mac"
	MarkIP          MarkKind = "ip"
	MarkEntered     MarkKind = "entered"   // a device without an address that a person entered
	MarkInterface   MarkKind = "interface" // a MAC or an IP that a device says is one of its own (IF-MIB, IP-MIB, BRIDGE-MIB)
)

// trust is the place of the kind in the order of trust, the best 0.
func (k MarkKind) trust() int {
	return slices.Index([]MarkKind{
		MarkSerial, MarkCIP, MarkChassis, MarkEngine, MarkApplication, MarkBACnet, MarkStation, MarkManagement, MarkMAC, MarkIP, MarkEntered, MarkInterface,
	}, k)
}

// title is the kind for people.
func (k MarkKind) title() string {
	switch k {
	case MarkSerial:
		return "serial number"
	case MarkCIP:
		return "CIP vendor and serial number"
	case MarkChassis, MarkMAC: // a MAC is shared only as a chassis id
		return "LLDP chassis id"
	case MarkEngine:
		return "SNMP engine id"
	case MarkApplication:
		return "OPC UA ApplicationUri"
	case MarkBACnet:
		return "BACnet device instance"
	case MarkStation:
		return "PROFINET name of station"
	case MarkManagement:
		return "LLDP management address"
	}
	return "address"
}

// Mark is what a thing is recognised by. It counts inside its site; with a Segment, only inside that.
type Mark struct {
	Kind    MarkKind `json:"kind"`
	Site    string   `json:"site"`
	Segment string   `json:"segment,omitempty"`
	Value   string   `json:"value"` // in one spelling, so that marks can be compared
}

// compareMarks orders by trust. A MAC that counts everywhere goes before one that counts in a segment only.
func compareMarks(a, b Mark) int {
	return cmp.Or(
		cmp.Compare(a.Kind.trust(), b.Kind.trust()), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Segment, b.Segment),
		cmp.Compare(a.Value, b.Value))
}

// The facts that make a mark.
const (
	keyChassisID      discovery.Key = "lldp.chassis-id"
	keyManagement     discovery.Key = "lldp.management-address"
	keyEngineID       discovery.Key = "snmp.engineID"
	keyApplicationURI discovery.Key = "opcua.application-uri"
	keyInterfaceMAC   discovery.Key = "snmp.ifPhysAddress"
	keyBridgeMAC      discovery.Key = "snmp.dot1dBaseBridgeAddress"
	keyOwnIP          discovery.Key = "snmp.ipAdEntAddr"
	keyUnitID         discovery.Key = "nbns.unit-id"
	keyLinkMAC        discovery.Key = "enip.physical-address"
	keyProfinetMAC    discovery.Key = "lldp.profinet-chassis-mac"
	keySwitchMAC      discovery.Key = "cdp.switch-mac"
	keyStationName    discovery.Key = "profinet.name-of-station"
	keyCIPVendor      discovery.Key = "enip.vendor-id"
	keyCIPSerial      discovery.Key = "enip.serial"
	keyInstance       discovery.Key = "bacnet.device-instance"
)

// serialMark makes a mark of vendor and serial number. A serial number without a vendor, or a filler, is none.
func serialMark(site, vendor, serial string) (Mark, bool) {
	vendor, plain := letters(vendor), letters(serial)
	if vendor == "" || isFiller(plain) {
		return Mark{}, false
	}
	return Mark{Kind: MarkSerial, Site: site, Value: vendor + "/" + plain}, true
}

// fillers are what devices say whose serial number nobody has set, in the spelling of letters.
var fillers = []string{
	"TOBEFILLEDBYOEM", "DEFAULTSTRING", "SYSTEMSERIALNUMBER", "CHASSISSERIALNUMBER", "SERIALNUMBER", "SERIAL", "NOTSPECIFIED",
	"NOTAVAILABLE", "NOTAPPLICABLE", "NONE", "NULL", "UNKNOWN", "UNDEFINED", "DEFAULT", "EMPTY", "TEST", "INVALID", "NOTSET", "UNSET",
}

// isFiller reports whether a serial number (letters and digits only) says nothing: too short, a word for "not set", a number of
// one or two digits after zeros, one character repeated, or counted up as on a keyboard.
func isFiller(serial string) bool {
	if len(serial) < 4 || slices.Contains(fillers, serial) || len(strings.TrimLeft(serial, "0")) < 3 {
		return true
	}
	first, _ := utf8.DecodeRuneInString(serial)
	counted := func(row string) bool { return len(serial) <= len(row) && row[:len(serial)] == serial }
	return strings.Trim(serial, string(first)) == "" ||
		counted("12345678901234567890") || counted("01234567890123456789") || counted("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// cipMark makes a mark of the vendor id and the serial number of a CIP Identity object. A serial number of one octet is a filler.
func cipMark(site string, vendor, serial string) (Mark, bool) {
	digits := strings.TrimLeft(letters(strings.TrimPrefix(serial, "0x")), "0")
	if vendor == "" || len(digits) < 3 || isFiller(letters(strings.TrimPrefix(serial, "0x"))) {
		return Mark{}, false
	}
	return Mark{Kind: MarkCIP, Site: site, Value: vendor + "/" + digits}, true
}

// noInstance is the device instance of a BACnet device that was given none (ASHRAE 135-2020 clause 12.11.1).
const noInstance = "4194303"

// instanceMark makes a mark of a BACnet device instance. It ought to be unique in the whole internetwork and is unique in a
// segment: machine builders leave theirs in every machine.
func instanceMark(s discovery.Subject, value string) (Mark, bool) {
	if value == "" || value == noInstance {
		return Mark{}, false
	}
	return Mark{Kind: MarkBACnet, Site: s.Site, Segment: s.Segment, Value: value}, true
}

// stationMark makes a mark of a PROFINET name of station, as DCP tells it, and as LLDP does for the chassis id.
func stationMark(s discovery.Subject, value string) (Mark, bool) {
	if _, err := discovery.ParseMAC(value); err == nil || value == "" || s.MAC.IsZero() {
		return Mark{}, false
	}
	return Mark{Kind: MarkStation, Site: s.Site, Segment: s.Segment, Value: strings.ToLower(value)}, true
}

// blockSize is how far apart the MACs of one device are at most: makers number the ports of a device one after another.
const blockSize = 16

// oneBlock reports whether two MACs come from one maker's row, so close together that they can be ports of one device.
func oneBlock(a, b discovery.MAC) bool {
	number := func(m discovery.MAC) int { return int(m[3])<<16 | int(m[4])<<8 | int(m[5]) }
	distance := number(a) - number(b)
	return [3]byte(a[:3]) == [3]byte(b[:3]) && -blockSize < distance && distance < blockSize
}

// chassisMark makes a mark of an LLDP chassis id. One that is a MAC is as good as that MAC; every other one (a name, an
// address) was set by people or by default, and machine builders set the same in every machine: it counts in its segment.
func chassisMark(s discovery.Subject, value string) (Mark, bool) {
	if mac, err := discovery.ParseMAC(value); err == nil {
		if !mac.IsStation() {
			return Mark{}, false
		}
		return macMark(s, mac), true
	}
	if value == "" {
		return Mark{}, false
	}
	return Mark{Kind: MarkChassis, Site: s.Site, Segment: s.Segment, Value: strings.ToLower(value)}, true
}

// engineMark makes a mark of an SNMP engine id in hex. One that was made of an IPv4 or IPv6 address (format 1 and 2 of RFC 3411
// section 5) counts in its segment, like the address.
func engineMark(s discovery.Subject, value string) (Mark, bool) {
	digits := strings.ToLower(letters(strings.TrimPrefix(value, "0x")))
	const shortest = 10 // 5 octets
	if len(digits) < shortest || len(digits) > 64 || strings.Trim(digits[8:], "0f") == "" {
		return Mark{}, false
	}
	mark := Mark{Kind: MarkEngine, Site: s.Site, Value: digits}
	if format := digits[8:10]; digits[0] >= '8' && (format == "01" || format == "02") {
		mark.Segment = s.Segment
	}
	return mark, true
}

// sdkApplications are what an OPC UA server calls itself when whoever built it left the name that the toolkit came with.
var sdkApplications = []string{
	"urn:unconfigured:application", "urn:open62541.server.application", "urn:open62541.unconfigured.application",
	"urn:nodeopcua-server", "urn:nodeopcua-server-default", "urn:freeopcua:python:server", "urn:gopcua:server", "urn:opcua:server",
	"http://open62541.org", "urn:eclipse:milo:examples:server", "urn:prosysopc:simulationserver",
}

// applicationMark makes a mark of an OPC UA ApplicationUri. It ought to be unique in the world and is unique in a segment:
// machine builders copy the whole disk.
func applicationMark(s discovery.Subject, value string) (Mark, bool) {
	uri := strings.ToLower(strings.TrimSpace(value))
	if uri == "" || slices.Contains(sdkApplications, uri) || strings.Contains(uri, "localhost") {
		return Mark{}, false
	}
	return Mark{Kind: MarkApplication, Site: s.Site, Segment: s.Segment, Value: uri}, true
}

// macMark makes a mark of a MAC: inside the site if the maker gave it, else inside the segment.
func macMark(s discovery.Subject, mac discovery.MAC) Mark {
	mark := Mark{Kind: MarkMAC, Site: s.Site, Value: mac.String()}
	if !mac.IsStation() {
		mark.Segment = s.Segment
	}
	return mark
}

// managementMark makes a mark of the address at which a device says that it is managed. The station that says so (a port of a
// switch) has another MAC than the one that answers at the address.
func managementMark(s discovery.Subject, value string) (Mark, bool) {
	ip, err := netip.ParseAddr(value)
	if err != nil || !isHost(ip) {
		return Mark{}, false
	}
	mark := ipMark(s.Site, s.Segment, ip)
	mark.Kind = MarkManagement
	return mark, true
}

// interfaceMark makes a mark of an address that a device tells to be one of its own. A MAC that software made up, or that routers
// share, is none.
func interfaceMark(e Evidence) (Mark, bool) {
	var mark Mark
	switch e.Fact.Key {
	case keyInterfaceMAC, keyBridgeMAC, keyUnitID, keyLinkMAC:
		if e.Fact.Key == keyLinkMAC && !isChassis(e.Subject.Path) {
			return Mark{}, false // of a device that it forwards to
		}
		mac, err := discovery.ParseMAC(e.Fact.Value)
		if err != nil || !mac.IsStation() {
			return Mark{}, false
		}
		mark = macMark(e.Subject, mac)
	case keyOwnIP:
		ip, err := netip.ParseAddr(e.Fact.Value)
		if err != nil || !isHost(ip) {
			return Mark{}, false
		}
		mark = ipMark(e.Subject.Site, e.Subject.Segment, ip)
	default:
		return Mark{}, false
	}
	mark.Kind = MarkInterface
	return mark, e.Teller.IsZero()
}

// isChassis reports whether a CIP path stays inside the chassis: the device itself, or a slot of its backplane.
func isChassis(path string) bool {
	slots := 0
	for _, piece := range discovery.SplitPath(path) {
		switch piece[0] {
		case pathSlot:
			slots++
		case pathCIPPort:
		default:
			return false
		}
	}
	return path == "" || slots == 1
}

func ipMark(site, segment string, ip netip.Addr) Mark {
	return Mark{Kind: MarkIP, Site: site, Segment: segment, Value: ip.String()}
}

// letters is the text in upper case without what people and devices put between: blanks, dashes, dots.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, text)
}
