package s7

import (
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys.
const (
	// SZL 0011, by the index of the record.
	KeyOrderNumber         discovery.Key = "s7.order-number"          // 0001
	KeyHardwareOrderNumber discovery.Key = "s7.hardware-order-number" // 0006: of the basic hardware
	KeyHardwareVersion     discovery.Key = "s7.hardware-version"      // 0006: the release, a number
	KeyFirmwareVersion     discovery.Key = "s7.firmware-version"      // 0007: "V3.2.6"
	KeyFirmwareExtension   discovery.Key = "s7.firmware-extension"    // 0081: "Boot Loader A32.9.9"
	// SZL 001C, by the index of the record.
	KeyPLCName          discovery.Key = "s7.plc-name"           // 0001: of the station in the project
	KeyModuleName       discovery.Key = "s7.module-name"        // 0002: of the module in the project
	KeyPlant            discovery.Key = "s7.plant"              // 0003
	KeyCopyright        discovery.Key = "s7.copyright"          // 0004
	KeySerialNumber     discovery.Key = "s7.serial-number"      // 0005
	KeyModuleTypeName   discovery.Key = "s7.module-type-name"   // 0007
	KeyMemoryCardSerial discovery.Key = "s7.memory-card-serial" // 0008
	KeyManufacturer     discovery.Key = "s7.manufacturer"       // 0009: "0x002A", numbered as PROFINET's vendors are
	KeyOEM              discovery.Key = "s7.oem"                // 000A
	KeyLocation         discovery.Key = "s7.location"           // 000B
	// KeyRackSlot is where the CPU stands that answers, as "rack/slot". Several on one host are several CPUs behind one
	// communication processor, or a CPU that answers for more than one slot.
	KeyRackSlot discovery.Key = "s7.rack-slot"
	// What a session of S7comm-plus says when it is opened.
	KeyPlusOrderNumber     discovery.Key = "s7.plus-order-number"
	KeyPlusFirmwareVersion discovery.Key = "s7.plus-firmware-version"
)

const name = "s7"

// Protocol is S7comm, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "S7comm",
		Standard: "RFC 1006, ISO 8073 class 0; S7comm by captures and the S7-300/400 reference of system status lists",
		Hears:    "order number, versions, serial number and names of a SIMATIC CPU from its system status lists, who reads, who writes and who programs",
		Keys: []discovery.Key{
			KeyOrderNumber, KeyHardwareOrderNumber, KeyHardwareVersion, KeyFirmwareVersion, KeyFirmwareExtension, KeyPLCName, KeyModuleName, KeyPlant,
			KeyCopyright, KeySerialNumber, KeyModuleTypeName, KeyMemoryCardSerial, KeyManufacturer, KeyOEM, KeyLocation, KeyRackSlot,
			KeyPlusOrderNumber, KeyPlusFirmwareVersion,
		},
		Ports:  []discovery.Port{{Transport: discovery.TCP, Number: Port}},
		Claims: claims,
		Decode: func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
		Asker:  asker(),
	}
}

// place is the rack and slot that a TSAP names.
type place struct{ rack, slot uint8 }

func (p place) String() string { return fmt.Sprintf("%d/%d", p.rack, p.slot) }

// parsePlace reads a TSAP of two bytes: the kind of connection (1 programming device, 2 operator panel, 3 other), and rack and
// slot in 3 and 5 bits.
func parsePlace(tsap []byte) (place, bool) {
	if len(tsap) != 2 || tsap[0] < 1 || tsap[0] > 3 {
		return place{}, false
	}
	return place{rack: tsap[1] >> 5, slot: tsap[1] & 31}, true
}

// pathRoute is the piece of path of a CPU in another subnet, which is reached through the host.
const pathRoute = "s7-route"

// routeOf is the path piece's value for a TSAP that names more than a rack and slot: S7 routing puts the subnet and the address of
// the true partner behind it, in binary. A name is just the name of a service.
func routeOf(tsap []byte) string {
	if len(tsap) <= 2 {
		return ""
	}
	for _, c := range tsap {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%x", tsap)
		}
	}
	return ""
}
