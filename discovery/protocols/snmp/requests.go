package snmp

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	// maxCommunities bounds the tries: silence to a community string counts for nothing, but three are enough.
	maxCommunities = 3
	// maxUsers bounds the users of SNMPv3, each of which gets one try.
	maxUsers = 3
	// maxCommunity is the longest community string that the templates let through.
	maxCommunity = 64
	// maxName is the longest user name and context name (RFC 3411 section 5).
	maxName = 32
)

// The requests that the asker looks for by name.
const (
	systemRequest    = "get-system-group"
	nameplateRequest = "get-nameplate"
	softwareRequest  = "walk-installed-software"
	vlanRequest      = "walk-forwarding-of-vlan"
	discoverRequest  = "discover-engine"
	readV3Request    = "read-v3"
	walkV3Request    = "walk-v3"
	walkRequest      = "get-first-rows"
)

// table is a table that is walked: some of its columns, all of them in each request.
type table struct {
	request string
	columns []string // object ids
	most    int      // requests at most
	row     int      // bytes that a row of an answer is expected to take
	yields  []discovery.Key
	alone   bool // without the uptime
	// once says that rows with the same key, as it gives it, are one row: tables in which the time stands before the index.
	once func(index string) string
}

// withoutTime takes the time mark off an index of the LLDP-MIB's tables of neighbours (RFC 2021, TimeFilter). An agent may give
// the same row for each time.
func withoutTime(index string) string {
	_, rest, _ := strings.Cut(index, ".")
	return rest
}

func columns(entry string, numbers ...int) []string {
	var out []string
	for _, n := range numbers {
		out = append(out, entry+strconv.Itoa(n))
	}
	return out
}

// The tables of switches and routers, in the order in which they are read: nameplates, names of ports, cables, hosts.
var (
	entityTable = table{
		request: "walk-parts", columns: columns(entPhysical, 5, 11, 13), most: 40, row: 130,
		yields: []discovery.Key{KeyEntPhysicalClass, keyEntSerial, keyEntModel},
	}
	interfaceTable = table{
		request: "walk-interfaces", columns: append(columns(ifEntry, 2, 6), columns(ifXEntry, 1, 18)...), most: 60, row: 180,
		yields: []discovery.Key{KeyIfDescr, KeyIfPhysAddress, KeyIfName, KeyIfAlias},
	}
	addressTable = table{
		request: "walk-own-addresses", columns: columns(ipAdEntry, 2), most: 10, row: 30, yields: []discovery.Key{KeyOwnAddress},
	}
	bridgePortTable = table{
		request: "walk-bridge-ports", columns: append(columns(basePortEntry, 2), columns(portVLANEntry, 1)...), most: 30, row: 60,
		yields: []discovery.Key{KeyPortVLAN},
	}
	lldpLocalTable = table{
		request: "walk-lldp-ports", columns: columns(lldpLocalEntry, 3, 2, 4), most: 30, row: 120, yields: []discovery.Key{keyPortID},
	}
	lldpRemoteTable = table{
		request: "walk-lldp-neighbours", columns: columns(lldpRemoteEntry, 4, 5, 6, 7, 8, 9, 10, 12), most: 60, row: 600, once: withoutTime,
		yields: []discovery.Key{
			keyChassisID, keyChassisIDSubtype, keyPortID, keyPortIDSubtype, keyPortDescription, keySystemName, keySystemDescription, keyCapabilities,
		},
	}
	lldpAddressTable = table{
		request: "walk-lldp-addresses", columns: columns(lldpAddressEntry, 3), most: 20, row: 40, once: withoutTime,
		yields: []discovery.Key{keyManagementAddress},
	}
	lldpMEDTable = table{
		request: "walk-lldp-inventory", columns: columns(lldpMEDEntry+"1.", 1, 2, 3, 4, 5, 6, 7), most: 20, row: 280, once: withoutTime,
		yields: medKeys[:],
	}
	cdpTable = table{
		request: "walk-cdp-neighbours", columns: columns(cdpEntry, 3, 4, 5, 6, 7, 8), most: 40, row: 500,
		yields: []discovery.Key{keyCDPDeviceID, keyCDPAddress, keyCDPPortID, keyCDPVersion, keyCDPPlatform},
	}
	vlanForwardingTable = table{
		request: "walk-forwarding", columns: columns(vlanFdbEntry, 2, 3), most: 150, row: 70, yields: []discovery.Key{KeyBridgePort},
	}
	forwardingTable = table{
		request: "walk-bridge-forwarding", columns: columns(fdbEntry, 2, 3), most: 150, row: 65, yields: []discovery.Key{KeyBridgePort},
	}
	neighbourTable = table{
		request: "walk-ip-neighbours", columns: columns(neighbourEntry, 4, 6, 7), most: 120, row: 110, yields: []discovery.Key{discovery.KeyBinding},
	}
	arpTable = table{
		request: "walk-arp", columns: columns(arpEntry, 2, 4), most: 120, row: 65, yields: []discovery.Key{discovery.KeyBinding},
	}
	vtpTable = table{
		request: "walk-vlans", columns: columns(vtpVLANEntry, 2), most: 30, row: 30, yields: []discovery.Key{KeyBridgePort},
	}
	// Cisco switches have a bridge for each VLAN, with a forwarding table and a list of ports (community@vlan, context vlan-N).
	vlanPortTable = table{
		request: "walk-bridge-ports-of-vlan", columns: columns(basePortEntry, 2), most: 120, row: 35, alone: true,
		yields: []discovery.Key{KeyBridgePort},
	}
	vlanStationTable = table{request: vlanRequest, columns: columns(fdbEntry, 2), most: 120, row: 35, alone: true, yields: []discovery.Key{KeyBridgePort}}

	softwareTable = table{request: softwareRequest, columns: columns("1.3.6.1.2.1.25.6.3.1.", 2), most: 60, row: 100, yields: []discovery.Key{KeySoftware}}
)

// walked are the tables of infrastructure, in the order of reading.
func walked() []*table {
	return []*table{
		&entityTable, &interfaceTable, &addressTable, &bridgePortTable, &lldpLocalTable, &lldpRemoteTable, &lldpAddressTable,
		&lldpMEDTable, &cdpTable, &vlanForwardingTable, &forwardingTable, &neighbourTable, &arpTable,
	}
}

// entityDetails are the columns that are read of the parts that have a nameplate: descr, name, hardware, firmware, software, maker.
func entityDetails() []string { return columns(entPhysical, 2, 7, 8, 9, 10, 12) }

// agentScalars are what an agent of a switch or router tells of itself beside the system group: its engine id, its LLDP chassis id,
// the MAC of the bridge, and its LLDP-MED inventory without the asset id.
func agentScalars() []string {
	out := []string{sysUpTime + ".0", "1.3.6.1.6.3.10.2.1.1.0", lldpLocChassisIDSubtype, lldpLocChassisID, "1.3.6.1.2.1.17.1.1.0"}
	for n := 2; n <= 7; n++ {
		out = append(out, lldpMEDLocal+strconv.Itoa(n)+".0")
	}
	return out
}

// firstRows are the columns whose first rows tell which tables there are.
func firstRows() []string {
	out := []string{sysUpTime}
	for _, t := range walked() {
		// The forwarding tables come with the bridge ports, and are not touched before these have names.
		if t != &vlanForwardingTable && t != &forwardingTable {
			out = append(out, t.columns[0])
		}
	}
	return append(out, vtpTable.columns[0])
}

const sysUpTime = "1.3.6.1.2.1.1.3"

// systemGroup is what is asked of everybody: sysDescr, sysObjectID, sysUpTime, sysContact, sysName, sysLocation, sysServices.
func systemGroup() []string {
	var out []string
	for n := 1; n <= 7; n++ {
		out = append(out, "1.3.6.1.2.1.1."+strconv.Itoa(n)+".0")
	}
	return out
}

// requests lists all that can be sent.
func requests() []discovery.Request {
	const memory = "none: the agent reads values from memory"
	infrastructure := func(r discovery.Request) discovery.Request {
		r.Safety, r.ByClass = discovery.SafetyD, map[discovery.Class]discovery.Safety{discovery.ClassInfrastructure: discovery.SafetyB}
		return r
	}
	walk := func(t table, head string) discovery.Request {
		return infrastructure(discovery.Request{
			Name: t.request, Max: t.most, Yields: t.yields, Effect: "little: the agent reads at most ten rows of a table",
			Template: form("one( a1 | a5 )", head, uptimeAnd(t.columns)),
		})
	}
	list := []discovery.Request{
		{
			Name: systemRequest, Safety: discovery.SafetyB, Max: maxCommunities, Tries: true, Effect: memory,
			Template: form("one( a0 | a1 )", noneRepeats, "one( "+exactly(systemGroup())+" | "+exactly(parents(systemGroup()))+" )"),
			Yields:   []discovery.Key{KeySysDescr, KeySysObjectID, KeySysContact, KeySysName, KeySysLocation, KeySysServices},
		},
		{
			Name: nameplateRequest, Safety: discovery.SafetyB, Max: maxNameplates,
			Effect: memory + "; single objects, which nameplates.txt lists by maker", Template: form("one( a0 | a1 )", noneRepeats, nameplateTemplate()),
			Yields: []discovery.Key{keyVendorObjects, keyPrinterName, keyPrinterSerial, keyUPSModel, keyEntSerial, keyEntModel},
		},
		infrastructure(discovery.Request{
			Name: "get-agent", Max: maxCommunities, Tries: true, Effect: memory,
			Template: form("one( a0 | a1 )", noneRepeats, "one( "+exactly(agentScalars())+" | "+exactly(parents(agentScalars()))+" )"),
			Yields: []discovery.Key{
				KeyEngineID, KeyEngineEnterprise, KeyEngineMAC, KeyEngineAddress, KeyEngineText, keyChassisID, KeyBridgeAddress,
				keyMEDHardware, keyMEDFirmware, keyMEDSoftware, keyMEDSerial, keyMEDManufacturer, keyMEDModel,
			},
		}),
		infrastructure(discovery.Request{
			Name: walkRequest, Max: 1, Effect: memory, Template: form("a1", noneRepeats, exactly(firstRows())),
			Yields: []discovery.Key{KeyEntPhysicalClass, KeyIfDescr},
		}),
	}
	for _, t := range walked() {
		list = append(list, walk(*t, oneRepeats))
	}
	list = append(list, infrastructure(discovery.Request{
		Name: "get-part", Max: maxParts, Effect: memory, Template: form("a0", noneRepeats, under(entityDetails())),
		Yields: []discovery.Key{
			"snmp.entPhysicalDescr", "snmp.entPhysicalName", "snmp.entPhysicalHardwareRev", "snmp.entPhysicalFirmwareRev",
			"snmp.entPhysicalSoftwareRev", "snmp.entPhysicalMfgName",
		},
	}), walk(vtpTable, oneRepeats))
	for _, t := range []table{vlanPortTable, vlanStationTable} {
		r := walk(t, noneRepeats)
		r.MayBeSilent, r.Template = true, form("a5", "020100 0201 01-0a", under(t.columns))
		list = append(list, r)
	}
	software := walk(softwareTable, oneRepeats)
	software.ByClass = map[discovery.Class]discovery.Safety{discovery.ClassInfrastructure: discovery.SafetyC, discovery.ClassComputer: discovery.SafetyC}
	return append(
		list, software,
		discovery.Request{
			Name: discoverRequest, Safety: discovery.SafetyB, Max: 1, Setup: true, Template: discoverTemplate(),
			Effect: "none: the agent tells its engine id", Yields: []discovery.Key{KeyEngineID, KeyEngineEnterprise, KeyEngineMAC},
		},
		discovery.Request{
			Name: readV3Request, Safety: discovery.SafetyB, Max: maxReadV3, Tries: true, Template: v3Template(),
			Effect: memory + "; what is asked for is encrypted", Yields: []discovery.Key{KeySysDescr, KeySysObjectID},
		},
		infrastructure(discovery.Request{
			Name: walkV3Request, Max: 400, Template: v3Template(), Effect: "little: at most ten rows of a table; what is asked for is encrypted",
			Yields: []discovery.Key{KeyEntPhysicalClass, KeyIfName, KeyBridgePort, discovery.KeyBinding},
		}),
	)
}

const (
	// maxParts is of how many parts of a device the nameplate is read.
	maxParts = 40
	// maxReadV3 is how many messages of SNMPv3 any device gets: one for each user, one more where the clocks differ, and those for
	// the nameplate.
	maxReadV3 = maxUsers + 1 + maxNameplates
)

// The fields between the request id and the variables: error status and index, or how many variables do not repeat and how often
// the others do.
const (
	noneRepeats = "020100 020100"
	// oneRepeats is of a GETBULK in which the uptime does not repeat, and of the GETNEXT that stands in for it.
	oneRepeats = "0201 00-01 0201 00-0a"
)

// form is the template of an SNMPv1 or v2c message.
func form(kind, head, variables string) discovery.Template {
	return discovery.MustTemplate(fmt.Sprintf(
		"30 ber( 0201 00-01 04 ber( secret*%d ) %s ber( 02 ber( *4 ) %s 30 ber( %s ) ) )", maxCommunity, kind, head, variables))
}

// exactly are the variables of a request for these objects.
func exactly(oids []string) string {
	var out []string
	for _, oid := range oids {
		out = append(out, "30 ber( 06 ber( "+oidHex(oid)+" ) 0500 )")
	}
	return strings.Join(out, " ")
}

// under are the variables of a request for one object below each of these.
func under(oids []string) string {
	var out []string
	for _, oid := range oids {
		out = append(out, "30 ber( 06 ber( "+oidHex(oid)+" *64 ) 0500 )")
	}
	return strings.Join(out, " ")
}

// uptimeAnd are the variables of a walk: the uptime, by which a restart is seen, and one object below each column.
func uptimeAnd(columns []string) string { return exactly([]string{sysUpTime}) + " " + under(columns) }

// parents are the objects without the instance, of which GETNEXT gives the first one.
func parents(oids []string) []string {
	var out []string
	for _, oid := range oids {
		out = append(out, oid[:strings.LastIndexByte(oid, '.')])
	}
	return out
}

// oidHex is the content of an object id in hex (X.690 clause 8.19).
func oidHex(oid string) string {
	arcs, ok := parseArcs(oid)
	if !ok || len(arcs) < 2 {
		panic("object id " + oid)
	}
	out := []byte{byte(arcs[0]*40 + arcs[1])}
	for _, arc := range arcs[2:] {
		out = appendArc(out, arc)
	}
	return hex.EncodeToString(out)
}

func appendArc(out []byte, arc uint32) []byte {
	for shift := 28; shift > 0; shift -= 7 {
		if arc >= 1<<shift {
			out = append(out, byte(arc>>shift)&0x7f|0x80)
		}
	}
	return append(out, byte(arc&0x7f))
}

// v3Head is the template of the header of an SNMPv3 message and its security parameters (RFC 3412 section 6, RFC 3414 section 2.4).
func v3Head(flags, engine, user string) string {
	return "020103 30 ber( 02 ber( *4 ) 02 ber( *4 ) 0401 " + flags + " 020103 ) " +
		"04 ber( 30 ber( 04 ber( " + engine + " ) 02 ber( *5 ) 02 ber( *5 ) 04 ber( " + user + " ) 04 ber( *48 ) 04 ber( *8 ) ) )"
}

// discoverTemplate is the form of a request without a user that asks for nothing: the answer names the engine (RFC 3414 section 4).
func discoverTemplate() discovery.Template {
	return discovery.MustTemplate("30 ber( " + v3Head("04", "", "") + " 30 ber( 04 ber( *32 ) 04 ber( *32 ) a0 ber( 02 ber( *4 ) 020100 020100 3000 ) ) )")
}

// v3Template is the form of a request of a user: encrypted, or one that reads.
func v3Template() discovery.Template {
	head := v3Head("one( 04 | 05 | 07 )", "*32", fmt.Sprintf("secret*%d", maxName))
	return discovery.MustTemplate("30 ber( " + head + " one( 04 ber( *1300 ) | " +
		"30 ber( 04 ber( *32 ) 04 ber( *32 ) one( a0 | a1 | a5 ) ber( 02 ber( *4 ) 0201 00-01 0201 00-0a 30 ber( *1300 ) ) ) ) )")
}
