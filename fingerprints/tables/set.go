package tables

import (
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Set is all registries. Copies share the unpacked rows.
type Set struct {
	OUI           OUI
	Enterprises   Numbers // private enterprise numbers: 1.3.6.1.4.1.number
	CIPVendors    Numbers // EtherNet/IP devices name their maker by them
	BACnetVendors Numbers
	Profinet      Profinet
	Products      Products // behind object identifiers
	CIPTypes      Kinds    // device profiles: what an EtherNet/IP device is
	SiemensOrders Kinds    // what order numbers of Siemens begin with
	users         []Info   // of the user's files
}

// Embedded is the registries that are built in.
func Embedded() Set {
	return Set{
		OUI: OUI{rows: lazy(ouiFile, 3)}, Enterprises: Numbers{rows: lazy(enterprisesFile, 1)}, CIPVendors: Numbers{rows: lazy(cipVendorsFile, 1)},
		BACnetVendors: Numbers{rows: lazy(bacnetVendorsFile, 1)}, Profinet: Profinet{rows: lazy(profinetFile, 2)},
		Products: Products{rows: lazyProducts(productsFile)},
		CIPTypes: kindsOf(cipDeviceTypesFile), SiemensOrders: kindsOf(siemensOrdersFile),
	}
}

// lazy unpacks a file at its first use.
func lazy(file []byte, columns int) func() table {
	return sync.OnceValue(func() table {
		t, _ := unpack(file, columns) // the embedded files are proved by the tests, a user's before it is taken; an empty table knows nobody
		return t
	})
}

// Version gives the headers of all tables, the user's behind, without unpacking any.
func (s Set) Version() []Info {
	var out []Info
	for _, file := range [][]byte{ouiFile, enterprisesFile, cipVendorsFile, bacnetVendorsFile, profinetFile, productsFile} {
		info, _ := header(file)
		out = append(out, info)
	}
	for _, file := range [][]byte{cipDeviceTypesFile, siemensOrdersFile} {
		out = append(out, kindsInfo(file))
	}
	return append(out, s.users...)
}

// OUI is the registry of MAC prefixes.
type OUI struct {
	rows func() table
	own  [3]map[uint64]string // a user's, by size
}

// prefixBits are the sizes of prefixes, as they stand in a table: MA-S, MA-M, MA-L.
var prefixBits = [...]int{36, 28, 24}

// Lookup gives the organisation that the longest registered prefix of the address (36, 28, then 24 bits) was assigned to.
func (o OUI) Lookup(mac discovery.MAC) (string, bool) {
	var key uint64
	for _, b := range mac {
		key = key<<8 | uint64(b)
	}
	t := o.rows()
	for col, bits := range prefixBits {
		if name, ok := o.own[col][key>>(48-bits)]; ok {
			return name, true
		}
		if name, ok := t.lookup(col, key>>(48-bits)); ok {
			return name, true
		}
	}
	return "", false
}

// Numbers is a registry of who was given which number.
type Numbers struct {
	rows func() table
	own  map[uint64]string
}

// Lookup gives the organisation that a number was assigned to.
func (n Numbers) Lookup(number uint32) (string, bool) {
	if name, ok := n.own[uint64(number)]; ok {
		return name, true
	}
	return n.rows().lookup(0, uint64(number))
}

// Profinet is a part of the registry of PROFINET vendor ids, and what some of the vendors call the devices behind their device
// ids.
type Profinet struct {
	rows         func() table
	own, ownKind map[uint64]string
}

// Vendor gives the organisation that a vendor id was assigned to.
func (p Profinet) Vendor(vendor uint16) (string, bool) {
	if name, ok := p.own[uint64(vendor)]; ok {
		return name, true
	}
	return p.rows().lookup(0, uint64(vendor))
}

// Product gives the family of products in whose device description (GSDML) the vendor uses the device id.
func (p Profinet) Product(vendor, device uint16) (string, bool) {
	key := uint64(vendor)<<16 | uint64(device)
	if name, ok := p.ownKind[key]; ok {
		return name, true
	}
	return p.rows().lookup(1, key)
}
