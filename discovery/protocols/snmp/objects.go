package snmp

import (
	"slices"
	"strings"
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// object is a row of the table of what is kept of all that agents say of the standard MIBs. An arc "*" of the pattern is the index
// of a table's row. What is kept of makers' MIBs stands in nameplates.txt.
type object struct {
	pattern string
	key     discovery.Key
}

// The keys of nameplates that the requests name.
const (
	keyPrinterName   discovery.Key = "snmp.prtGeneralPrinterName"
	keyPrinterSerial discovery.Key = "snmp.prtGeneralSerialNumber"
	keyUPSModel      discovery.Key = "snmp.upsIdentModel"
	keyEntSerial     discovery.Key = "snmp.entPhysicalSerialNum"
	keyEntModel      discovery.Key = "snmp.entPhysicalModelName"
)

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
	{"1.3.6.1.2.1.43.5.1.1.16.*", keyPrinterName},
	{"1.3.6.1.2.1.43.5.1.1.17.*", keyPrinterSerial},
	{"1.3.6.1.2.1.33.1.1.1.0", "snmp.upsIdentManufacturer"},
	{"1.3.6.1.2.1.33.1.1.2.0", keyUPSModel},
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
	{entPhysical + "11.*", keyEntSerial},
	{entPhysical + "12.*", "snmp.entPhysicalMfgName"},
	{entPhysical + "13.*", keyEntModel},
	{entPhysical + "15.*", "snmp.entPhysicalAssetID"},
}

// lookUp gives the key of an object and the path of the part that it is about, "" for the device itself. An object of a maker's
// MIB stands under its whole id, since makers name their objects alike.
func lookUp(oid string) (key discovery.Key, path string, ok bool) {
	if strings.HasPrefix(oid, enterprises) {
		return discovery.Key("snmp." + oid), "", isKept(oid)
	}
	for _, o := range objects {
		row, ok := match(o.pattern, oid)
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(o.pattern, entPhysical):
			path = discovery.JoinPath("", pathEntity, row)
		case strings.HasPrefix(o.pattern, ifEntry), strings.HasPrefix(o.pattern, ifXEntry):
			path = discovery.JoinPath("", pathInterface, row)
		}
		return o.key, path, true
	}
	return "", "", false
}

// vendorObjects are the objects of nameplates.txt: those that are spelt out, and those with a star by enterprise.
type vendorObjects struct {
	exact map[string]bool
	stars map[string][]string
}

var readVendorObjects = sync.OnceValue(func() vendorObjects {
	v := vendorObjects{exact: map[string]bool{}, stars: map[string][]string{}}
	p := readPlates()
	all := slices.Clone(p.heard)
	for _, row := range p.rows {
		all = append(all, row.objects...)
	}
	for _, o := range all {
		if strings.Contains(o, "*") {
			v.stars[enterpriseOf(o)] = append(v.stars[enterpriseOf(o)], o)
			continue
		}
		v.exact[o] = true
	}
	return v
})

// isKept reports whether nameplates.txt names an object of a maker's MIB.
func isKept(oid string) bool {
	v := readVendorObjects()
	return v.exact[oid] || slices.ContainsFunc(v.stars[enterpriseOf(oid)], func(pattern string) bool {
		_, ok := match(pattern, oid)
		return ok
	})
}

// enterpriseOf is the enterprise number of an object of a maker's MIB.
func enterpriseOf(oid string) string {
	number, _, _ := strings.Cut(strings.TrimPrefix(oid, enterprises), ".")
	return number
}

// pathEntity is the path piece of a row of the ENTITY-MIB.
const pathEntity = "ent"

// match gives the arc that stands at the star, of which a pattern has one at most.
func match(pattern, oid string) (star string, ok bool) {
	prefix, rest, stars := strings.Cut(pattern, "*")
	if !stars {
		return "", oid == pattern
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
