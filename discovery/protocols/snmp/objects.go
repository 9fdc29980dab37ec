package snmp

import (
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// object is a row of the table of what is kept of all that agents say. An arc "*" of the pattern is the index of a table's row,
// or whatever else varies. Without a key of its own, an object of a vendor's MIB stands under its whole id, since vendors
// name their objects alike.
type object struct {
	pattern string
	key     discovery.Key
}

// entPhysical is the ENTITY-MIB's table of parts; its index becomes a path, as that of the IF-MIB's tables does.
const entPhysical = "1.3.6.1.2.1.47.1.1.1.1."

// objects is the table. It has no fast-changing values: sysUpTime and counters would only make noise.
var objects = [...]object{
	// SNMPv2-MIB (RFC 3418)
	{"1.3.6.1.2.1.1.1.0", KeySysDescr},
	{"1.3.6.1.2.1.1.2.0", KeySysObjectID},
	{"1.3.6.1.2.1.1.4.0", KeySysContact},
	{"1.3.6.1.2.1.1.5.0", KeySysName},
	{"1.3.6.1.2.1.1.6.0", KeySysLocation},
	{"1.3.6.1.2.1.1.7.0", KeySysServices},
	{"1.3.6.1.6.3.1.1.4.3.0", KeyTrapEnterprise},
	// SNMP-FRAMEWORK-MIB (RFC 3411)
	{"1.3.6.1.6.3.10.2.1.1.0", KeyEngineID},
	// IF-MIB (RFC 2863), BRIDGE-MIB (RFC 4188)
	{ifEntry + "2.*", KeyIfDescr},
	{ifEntry + "6.*", KeyIfPhysAddress},
	{ifXEntry + "1.*", KeyIfName},
	{ifXEntry + "18.*", KeyIfAlias},
	{"1.3.6.1.2.1.17.1.1.0", KeyBridgeAddress},
	// HOST-RESOURCES-MIB (RFC 2790), Printer-MIB (RFC 3805), UPS-MIB (RFC 1628)
	{"1.3.6.1.2.1.25.3.2.1.3.*", "snmp.hrDeviceDescr"},
	{"1.3.6.1.2.1.25.6.3.1.2.*", KeySoftware},
	{"1.3.6.1.2.1.43.5.1.1.16.*", "snmp.prtGeneralPrinterName"},
	{"1.3.6.1.2.1.43.5.1.1.17.*", "snmp.prtGeneralSerialNumber"},
	{"1.3.6.1.2.1.33.1.1.1.0", "snmp.upsIdentManufacturer"},
	{"1.3.6.1.2.1.33.1.1.2.0", "snmp.upsIdentModel"},
	{"1.3.6.1.2.1.33.1.1.3.0", "snmp.upsIdentUPSSoftwareVersion"},
	{"1.3.6.1.2.1.33.1.1.4.0", "snmp.upsIdentAgentSoftwareVersion"},
	{"1.3.6.1.2.1.33.1.1.5.0", "snmp.upsIdentName"},
	// ENTITY-MIB (RFC 6933)
	{entPhysical + "2.*", "snmp.entPhysicalDescr"},
	{entPhysical + "5.*", KeyEntPhysicalClass},
	{entPhysical + "7.*", "snmp.entPhysicalName"},
	{entPhysical + "8.*", "snmp.entPhysicalHardwareRev"},
	{entPhysical + "9.*", "snmp.entPhysicalFirmwareRev"},
	{entPhysical + "10.*", "snmp.entPhysicalSoftwareRev"},
	{entPhysical + "11.*", "snmp.entPhysicalSerialNum"},
	{entPhysical + "12.*", "snmp.entPhysicalMfgName"},
	{entPhysical + "13.*", "snmp.entPhysicalModelName"},
	{entPhysical + "15.*", "snmp.entPhysicalAssetID"},
	// Siemens: order number, serial number, hardware, software
	{"1.3.6.1.4.1.4329.6.3.2.1.1.2.0", ""},
	{"1.3.6.1.4.1.4329.6.3.2.1.1.3.0", ""},
	{"1.3.6.1.4.1.4329.6.3.2.1.1.4.0", ""},
	{"1.3.6.1.4.1.4329.6.3.2.1.1.5.0", ""},
	// Moxa, where an arc is the model: model, firmware, serial number
	{"1.3.6.1.4.1.8691.7.*.1.2.0", ""},
	{"1.3.6.1.4.1.8691.7.*.1.4.0", ""},
	{"1.3.6.1.4.1.8691.7.*.1.78.0", ""},
	// Hirschmann classic: product code, versions ("SW: ... CH: ... BP: ..."), and by device model and serial number; HiOS: model,
	// serial number, and the firmware that runs (location 1 is the memory, kind 1 the firmware)
	{"1.3.6.1.4.1.248.14.1.1.1.0", ""},
	{"1.3.6.1.4.1.248.14.1.1.2.0", ""},
	{"1.3.6.1.4.1.248.14.1.1.9.1.3.*", ""},
	{"1.3.6.1.4.1.248.14.1.1.9.1.10.*", ""},
	{"1.3.6.1.4.1.248.11.10.1.1.2.0", ""},
	{"1.3.6.1.4.1.248.11.10.1.1.3.0", ""},
	{"1.3.6.1.4.1.248.11.10.1.3.1.10.1.5.1.1.*", ""},
	// Phoenix Contact and WAGO: firmware
	{"1.3.6.1.4.1.4346.11.11.11.1.1.0", ""},
	{"1.3.6.1.4.1.13576.10.1.10.4.0", ""},
	// RUGGEDCOM: serial number, firmware
	{"1.3.6.1.4.1.15004.4.2.3.1.0", ""},
	{"1.3.6.1.4.1.15004.4.2.3.3.0", ""},
	// Advantech: model, firmware, serial number; Teltonika: serial number, model, firmware; RACOM: model, firmware; Pepwave: model,
	// serial number, firmware; Omnitron: order number, serial number
	{"1.3.6.1.4.1.30140.6.1.0", ""},
	{"1.3.6.1.4.1.30140.6.2.0", ""},
	{"1.3.6.1.4.1.30140.6.3.0", ""},
	{"1.3.6.1.4.1.48690.1.1.0", ""},
	{"1.3.6.1.4.1.48690.1.2.0", ""},
	{"1.3.6.1.4.1.48690.1.6.0", ""},
	{"1.3.6.1.4.1.33555.1.1.1.1.0", ""},
	{"1.3.6.1.4.1.33555.1.1.2.2.0", ""},
	{"1.3.6.1.4.1.23695.200.1.1.1.1.1.0", ""},
	{"1.3.6.1.4.1.23695.200.1.1.1.1.2.0", ""},
	{"1.3.6.1.4.1.23695.200.1.1.1.1.3.0", ""},
	{"1.3.6.1.4.1.7342.1.1.1.6.0", ""},
	{"1.3.6.1.4.1.7342.1.1.1.7.0", ""},
	// Rittal CMC III: firmware, serial number, model; Meinberg LANTIME: firmware, serial number
	{"1.3.6.1.4.1.2606.7.2.4.0", ""},
	{"1.3.6.1.4.1.2606.7.2.6.0", ""},
	{"1.3.6.1.4.1.2606.7.4.1.2.1.2.1", ""},
	{"1.3.6.1.4.1.5597.30.0.0.2.0", ""},
	{"1.3.6.1.4.1.5597.30.0.0.3.0", ""},
	// Fortinet: serial number; Juniper: model, serial number; MikroTik: firmware, serial number; TP-Link: model, firmware,
	// serial number; Zyxel: firmware, model, serial number
	{"1.3.6.1.4.1.12356.100.1.1.1.0", ""},
	{"1.3.6.1.4.1.2636.3.1.2.0", ""},
	{"1.3.6.1.4.1.2636.3.1.3.0", ""},
	{"1.3.6.1.4.1.14988.1.1.4.4.0", ""},
	{"1.3.6.1.4.1.14988.1.1.7.3.0", ""},
	{"1.3.6.1.4.1.11863.6.1.1.5.0", ""},
	{"1.3.6.1.4.1.11863.6.1.1.6.0", ""},
	{"1.3.6.1.4.1.11863.6.1.1.8.0", ""},
	{"1.3.6.1.4.1.890.1.15.3.1.6.0", ""},
	{"1.3.6.1.4.1.890.1.15.3.1.11.0", ""},
	{"1.3.6.1.4.1.890.1.15.3.1.12.0", ""},
}

// listedKey is the key as the protocol lists it: with the stars of the pattern.
func (o object) listedKey() discovery.Key {
	if o.key != "" {
		return o.key
	}
	return discovery.Key("snmp." + o.pattern)
}

// lookUp gives the key of an object and the path of the part that it is about, "" for the device itself.
func lookUp(oid string) (key discovery.Key, path string, ok bool) {
	for _, o := range objects {
		row, ok := o.match(oid)
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(o.pattern, entPhysical):
			path = discovery.JoinPath("", pathEntity, row)
		case strings.HasPrefix(o.pattern, ifEntry), strings.HasPrefix(o.pattern, ifXEntry):
			path = discovery.JoinPath("", pathInterface, row)
		}
		if o.key == "" {
			return discovery.Key("snmp." + oid), path, true
		}
		return o.key, path, true
	}
	return "", "", false
}

// pathEntity is the path piece of a row of the ENTITY-MIB.
const pathEntity = "ent"

// match gives the arc that stands at the star, of which a pattern has one at most.
func (o object) match(oid string) (star string, ok bool) {
	prefix, rest, stars := strings.Cut(o.pattern, "*")
	if !stars {
		return "", oid == o.pattern
	}
	after, ok := strings.CutPrefix(oid, prefix)
	if !ok {
		return "", false
	}
	end := strings.IndexByte(after, '.')
	if end < 0 {
		end = len(after)
	}
	return after[:end], after[end:] == rest
}
