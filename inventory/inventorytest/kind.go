package inventorytest

import (
	"fmt"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
)

// kind is one make of device. The words are those that the makers' devices use of themselves.
type kind struct {
	word   string
	prefix [3]byte // of its MAC
	vendor string
	model  string
	order  string
	serial string // a form for a number
	id     string // PROFINET vendor id
	device string // PROFINET device id
	oid    string // sysObjectID
}

// kinds are those of a cell, in the order of kindAt.
var kinds = [...]kind{
	{"io", [3]byte{0x28, 0x63, 0x36}, "Siemens", "ET 200SP", "6ES7 155-6AU01-0BN0", "S C-%09d", "0x002a", "0x0313", ""},
	{"io", [3]byte{0x00, 0xa0, 0x45}, "Phoenix Contact", "AXL F BK PN TPS", "2403869", "%010d", "0x00b0", "0x0059", ""},
	{"drive", [3]byte{0x00, 0x1f, 0xf8}, "Siemens", "SINAMICS G120", "6SL3 246-0BA22-1FA0", "ST-%09d", "0x002a", "0x0501", ""},
	{"meter", [3]byte{0x00, 0x80, 0xf4}, "Schneider Electric", "PM5560", "METSEPM5560", "%08d", "", "", "1.3.6.1.4.1.3833.1"},
	{"gateway", [3]byte{0x00, 0x90, 0xe8}, "Moxa", "MGate MB3180", "MB3180", "TAHAB%09d", "", "", "1.3.6.1.4.1.8691.2.19"},
	{"ipc", [3]byte{0x00, 0x01, 0x05}, "Beckhoff", "C6930", "C6930-0060", "%08d", "", "", "1.3.6.1.4.1.311.1.1.3.1.1"},
	{"panel", [3]byte{0x28, 0x63, 0x36}, "Siemens", "TP1200 Comfort", "6AV2 124-0MC01-0AX0", "LBH%09d", "0x002a", "0x0e01", "1.3.6.1.4.1.4329.6.3.1"},
	{"plc", [3]byte{0x28, 0x63, 0x36}, "Siemens", "CPU 1511-1 PN", "6ES7 511-1AK02-0AB0", "S C-X4U%09d", "0x002a", "0x010e", "1.3.6.1.4.1.4329.6.3.2"},
	{"switch", [3]byte{0x00, 0x80, 0x63}, "Hirschmann", "BRS40-0012OOOO-STCZ99HHSES", "942170007", "942170007%09d", "", "", "1.3.6.1.4.1.248.11.2.1.14"},
}

// tell tells all that a kind says of itself.
func (k *kind) tell(d *device) {
	switch k.word {
	case "io":
		lldp(d)
		profinet(d)
		modules(d)
	case "drive":
		lldp(d)
		profinet(d)
		drive(d)
	case "meter":
		snmp(d)
		modbus(d)
		meter(d)
	case "gateway":
		snmp(d)
		modbus(d)
		units(d)
	case "ipc":
		lldp(d)
		snmp(d)
		opcua(d)
	case "panel":
		lldp(d)
		profinet(d)
		snmp(d)
	case "plc":
		lldp(d)
		profinet(d)
		s7(d)
		modules(d)
	case "switch":
		lldp(d)
		snmp(d)
		ports(d)
	}
}

// lldp tells what a device says of itself to its switch.
func lldp(d *device) {
	d.tell("lldp", discovery.Heard, discovery.Subject{MAC: d.mac},
		"chassis-id", d.mac.String(), "port-id", "port-001", "system-name", d.name, "system-description", fmt.Sprintf("%s, %s, %s, HW: 4, FW: V%s", d.kind.vendor, d.kind.model, d.kind.order, d.version),
		"management-address", d.ip.String())
}

// profinet tells the answer to a DCP Identify and the nameplate (I&M 0).
func profinet(d *device) {
	d.tell("profinet", discovery.Asked, d.subject(""),
		"type-of-station", d.kind.model, "name-of-station", d.name, "vendor-id", d.kind.id, "device-id", d.kind.device, "ip-address", d.ip.String(),
		"im-order-id", d.kind.order, "im-serial-number", d.serial(d.kind.serial), "im-hardware-revision", "4", "im-software-revision", "V"+d.version)
}

// snmp tells the system group.
func snmp(d *device) {
	d.tell("snmp", discovery.Asked, d.subject(""),
		"sysDescr", fmt.Sprintf("%s %s - HW: 4 SW: %s", d.kind.vendor, d.kind.model, d.version), "sysObjectID", d.kind.oid, "sysName", d.name,
		"sysLocation", fmt.Sprintf("hall %d, cell %d", d.cell/100, d.cell), "sysContact", "maintenance", "sysServices", "72")
}

// s7 tells the system status lists of a controller.
func s7(d *device) {
	d.tell("s7", discovery.Asked, d.subject(""),
		"order-number", d.kind.order, "hardware-version", "4", "firmware-version", "V"+d.version, "plc-name", d.name,
		"module-type-name", d.kind.model, "serial-number", d.serial(d.kind.serial), "plant", fmt.Sprintf("cell %d", d.cell), "rack-slot", "0/1")
}

// moduleOrders are the parts of an I/O station.
var moduleOrders = [...][2]string{{"DI 16x24VDC ST", "6ES7 131-6BH01-0BA0"}, {"DQ 16x24VDC/0.5A ST", "6ES7 132-6BH01-0BA0"}, {"AI 4xU/I 2-wire ST", "6ES7 134-6HD01-0BA1"}}

// modules tells the parts of a rack. A module is swapped when the device changes.
func modules(d *device) {
	for slot := range 2 {
		module := moduleOrders[d.chance.IntN(len(moduleOrders))]
		version := 1
		if slot == 0 {
			version += d.updates
		}
		d.tell("s7", discovery.Asked, d.subject(fmt.Sprintf("s7-rack=0/slot=%d", slot+2)),
			"order-number", module[1], "module-type-name", module[0], "serial-number", d.serial("S C-M%09d")+"-"+strconv.Itoa(version))
	}
}

// modbus tells the device identification.
func modbus(d *device) {
	d.tell("modbus", discovery.Asked, d.subject(""),
		"vendor-name", d.kind.vendor, "product-code", d.kind.order, "major-minor-revision", "V"+d.version, "vendor-url", "www.example.com",
		"product-name", d.kind.model, "model-name", d.kind.model, "conformity-level", "2")
}

// drive tells what a drive says of itself over Modbus, and a service that comes with a change.
func drive(d *device) {
	d.tell("modbus", discovery.Asked, d.subject(""), "vendor-name", d.kind.vendor, "product-code", d.kind.order, "major-minor-revision", "V"+d.version)
	if d.updates > 0 {
		d.give(discovery.Observation{
			Time: d.at, Sensor: "synthetic", Protocol: "mdns", Mode: discovery.Heard, Subject: d.subject(""),
			Facts: []discovery.Fact{discovery.NewFact(discovery.KeyService, "tcp/80 http")},
		})
	}
}

// meter tells the phases that a power meter shows on its page.
func meter(d *device) {
	d.tell("http", discovery.Heard, d.subject(""), "server", "Allegro-Software-RomPager/4.62", "title", d.kind.model+" "+d.serial(d.kind.serial))
}

// units tells the meters behind a gateway.
func units(d *device) {
	for unit := range 4 {
		d.tell("modbus", discovery.Asked, d.subject(fmt.Sprintf("modbus-unit=%d", unit+1)),
			"vendor-name", "Carlo Gavazzi", "product-code", "EM24DINAV93XE1X", "major-minor-revision", "V1.3")
	}
}

// opcua tells a server program.
func opcua(d *device) {
	d.tell("opcua", discovery.Asked, d.subject(""),
		"application-uri", "urn:"+d.name+":BeckhoffAutomation:Ua:PlcServer", "application-name", "TcOpcUaServer@"+d.name, "product-name", "TwinCAT OPC UA Server",
		"manufacturer-name", "Beckhoff Automation GmbH & Co. KG", "software-version", "4.4."+strconv.Itoa(118+d.updates), "product-uri", "urn:BeckhoffAutomation:Ua:PlcServer")
}

// ports tells the ports of a switch and what hangs on them.
func ports(d *device) {
	o := discovery.Observation{Time: d.at, Sensor: "synthetic", Protocol: "snmp", Mode: discovery.Asked, Subject: d.subject("")}
	for place := plcAt; place < CellSize && d.cell*CellSize+place < d.plant.Assets; place++ {
		name := fmt.Sprintf("1/%d", place)
		d.tell("snmp", discovery.Asked, d.subject(fmt.Sprintf("if=%d", place)),
			"ifDescr", "Module: 1 Port: "+strconv.Itoa(place)+" - 100 Mbit", "ifName", name, "dot1qPvid", strconv.Itoa(1+d.cell%4000))
		o.Links = append(o.Links, discovery.Link{
			LocalPort: name, Remote: discovery.Subject{MAC: macOf(d.cell, place)}, RemoteName: macOf(d.cell, place).String(), RemotePort: "port-001", Via: "lldp",
		})
	}
	d.give(o)
}
