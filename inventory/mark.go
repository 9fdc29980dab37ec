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
	MarkChassis     MarkKind = "chassis"     // LLDP chassis id that is not a MAC (IEEE 802.1AB-2016 clause 8.5.2)
	MarkEngine      MarkKind = "engine"      // SNMP engine id (RFC 3411 section 5)
	MarkApplication MarkKind = "application" // OPC UA ApplicationUri (OPC 10000-4 clause 7.2)
	MarkManagement  MarkKind = "management"  // the IP that a device tells in LLDP to be managed at (clause 8.5.9)
	MarkMAC         MarkKind = "mac"
	MarkIP          MarkKind = "ip"
	MarkEntered     MarkKind = "entered"   // a device without an address that a person entered
	MarkInterface   MarkKind = "interface" // a MAC or an IP that a device says is one of its own (IF-MIB, IP-MIB, BRIDGE-MIB)
)

// trust is the place of the kind in the order of trust, the best 0.
func (k MarkKind) trust() int {
	return slices.Index([]MarkKind{MarkSerial, MarkChassis, MarkEngine, MarkApplication, MarkManagement, MarkMAC, MarkIP, MarkEntered, MarkInterface}, k)
}

// title is the kind for people.
func (k MarkKind) title() string {
	switch k {
	case MarkSerial:
		return "serial number"
	case MarkChassis, MarkMAC: // a MAC is shared only as a chassis id
		return "LLDP chassis id"
	case MarkEngine:
		return "SNMP engine id"
	case MarkApplication:
		return "OPC UA ApplicationUri"
	case MarkManagement:
		return "LLDP management address"
	}
	return "address"
}

// Mark is what a thing is recognised by. It counts inside its site; with a Segment, only inside that.
type Mark struct {
	Kind          MarkKind
	Site, Segment string
	Value         string // in one spelling, so that marks can be compared
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

// isFiller reports whether a serial number (letters and digits only) says nothing: too short, a word for "not set", one
// character repeated, or counted up as on a keyboard.
func isFiller(serial string) bool {
	if len(serial) < 4 || slices.Contains(fillers, serial) {
		return true
	}
	first, _ := utf8.DecodeRuneInString(serial)
	counted := func(row string) bool { return len(serial) <= len(row) && row[:len(serial)] == serial }
	return strings.Trim(serial, string(first)) == "" ||
		counted("12345678901234567890") || counted("01234567890123456789") || counted("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
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
	case keyInterfaceMAC, keyBridgeMAC:
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
