package enip

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys. Those of the Identity object are named by its attributes (volume 1 section 5A-2).
const (
	KeyVendorID    discovery.Key = "enip.vendor-id"
	KeyDeviceType  discovery.Key = "enip.device-type"
	KeyProductCode discovery.Key = "enip.product-code"
	KeyRevision    discovery.Key = "enip.revision" // "16.20"
	KeySerial      discovery.Key = "enip.serial"   // "0x0051823f"
	KeyProductName discovery.Key = "enip.product-name"
	// KeyState is the state in an answer to ListIdentity: "3" is operational.
	KeyState discovery.Key = "enip.state"
	// KeySocketAddress is where a device says in its answer to ListIdentity that it is to be reached. It may be another address
	// than the one it answers from.
	KeySocketAddress discovery.Key = "enip.socket-address"
	// KeyService is the name of a service in an answer to ListServices.
	KeyService discovery.Key = "enip.service"
	// What the project calls a Logix controller.
	KeyControllerName        discovery.Key = "enip.controller-name"
	KeyControllerDescription discovery.Key = "enip.controller-description"
	// KeyHostName is that of the TCP/IP Interface object, KeyPhysicalAddress the MAC of the Ethernet Link object.
	KeyHostName        discovery.Key = "enip.host-name"
	KeyPhysicalAddress discovery.Key = "enip.physical-address"
	// What SLC and MicroLogix controllers answer to a diagnostic status request: "1763-LEC", "B", "3".
	KeyBulletinName     discovery.Key = "enip.bulletin-name"
	KeyBulletinSeries   discovery.Key = "enip.bulletin-series"
	KeyBulletinRevision discovery.Key = "enip.bulletin-revision"
	// Who a client says that it is when it opens a connection or sends a PCCC command.
	KeyOriginatorVendorID discovery.Key = "enip.originator-vendor-id"
	KeyOriginatorSerial   discovery.Key = "enip.originator-serial"
)

const name = "enip"

// Protocol is EtherNet/IP, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "EtherNet/IP",
		Standard: "ODVA CIP Networks Library volumes 1 and 2; Rockwell 1770-6.5.16 (PCCC), 1756-PM020 (Logix)",
		Hears: "identity of devices and of the modules behind them in ListIdentity and CIP, names of Logix, SLC and MicroLogix controllers, " +
			"who reads, who writes and who controls",
		Keys: []discovery.Key{
			KeyVendorID, KeyDeviceType, KeyProductCode, KeyRevision, KeySerial, KeyProductName, KeyState, KeySocketAddress, KeyService,
			KeyControllerName, KeyControllerDescription, KeyHostName, KeyPhysicalAddress, KeyBulletinName, KeyBulletinSeries, KeyBulletinRevision,
			KeyOriginatorVendorID, KeyOriginatorSerial,
		},
		Ports:   []discovery.Port{{Transport: discovery.TCP, Number: Port}, {Transport: discovery.UDP, Number: Port}},
		Claims:  claims,
		Decode:  func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
		Asker:   asker(),
		Segment: listIdentityAsker(),
	}
}

// facts collects.
type facts []discovery.Fact

func (f *facts) add(key discovery.Key, value string) { *f = append(*f, discovery.NewFact(key, value)) }

func (f *facts) number(key discovery.Key, n uint16) { f.add(key, strconv.Itoa(int(n))) }

// text adds a text, if there is one.
func (f *facts) text(key discovery.Key, value []byte) {
	if fact := discovery.NewFact(key, string(value)); fact.Value != "" {
		*f = append(*f, fact)
	}
}

// serial adds a serial number. All zeros and all ones mean that none was set.
func (f *facts) serial(key discovery.Key, n uint32) {
	if isSerial(n) {
		f.add(key, serialText(n))
	}
}

func isSerial(n uint32) bool { return n != 0 && n != ^uint32(0) }

func serialText(n uint32) string { return fmt.Sprintf("0x%08x", n) }

// facts are those of an object that was read.
func (o *object) facts() facts {
	var f facts
	switch o.class {
	case classIdentity:
		for _, attribute := range [...]struct {
			id    uint16
			key   discovery.Key
			value uint16
		}{{identityVendor, KeyVendorID, o.vendor}, {identityDeviceType, KeyDeviceType, o.deviceType}, {identityProductCode, KeyProductCode, o.code}} {
			if o.holds(attribute.id) {
				f.number(attribute.key, attribute.value)
			}
		}
		if o.holds(identityRevision) {
			f.add(KeyRevision, fmt.Sprintf("%d.%d", o.major, o.minor))
		}
		if o.holds(identitySerial) {
			f.serial(KeySerial, o.serial)
		}
		f.text(KeyProductName, o.name)
		if o.holds(identityState) {
			f.number(KeyState, uint16(o.state))
		}
	case classController:
		f.text(KeyControllerName, o.name)
		f.text(KeyControllerDescription, o.description)
	case classTCPIP:
		f.text(KeyHostName, o.host)
	case classEthernetLink:
		var mac discovery.MAC
		if copy(mac[:], o.link); !mac.IsZero() {
			f.add(KeyPhysicalAddress, mac.String())
		}
	}
	return f
}

// socketAddress is the fact of an answer to ListIdentity, if the address is set.
func (f *facts) socketAddress(address [4]byte, port uint16) {
	if ip := netip.AddrFrom4(address); !ip.IsUnspecified() {
		f.add(KeySocketAddress, netip.AddrPortFrom(ip, port).String())
	}
}

func (b bulletin) facts() facts {
	var f facts
	f.text(KeyBulletinName, b.name)
	f.add(KeyBulletinSeries, string(rune('A'+b.series)))
	f.number(KeyBulletinRevision, uint16(b.revision))
	return f
}
