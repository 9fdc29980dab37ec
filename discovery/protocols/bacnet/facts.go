package bacnet

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys: the properties of the device object (clause 12.11), and what routers and broadcast managers say of the networks.
const (
	KeyDeviceInstance   discovery.Key = "bacnet.device-instance" // 4194303 when the device was given none
	KeyVendorID         discovery.Key = "bacnet.vendor-id"
	KeyVendorName       discovery.Key = "bacnet.vendor-name"
	KeyModelName        discovery.Key = "bacnet.model-name"
	KeyFirmware         discovery.Key = "bacnet.firmware-revision"
	KeySoftware         discovery.Key = "bacnet.application-software-version"
	KeyObjectName       discovery.Key = "bacnet.object-name"
	KeyLocation         discovery.Key = "bacnet.location"
	KeyDescription      discovery.Key = "bacnet.description"
	KeySerialNumber     discovery.Key = "bacnet.serial-number"
	KeyProtocolRevision discovery.Key = "bacnet.protocol-revision"
	KeyProfileName      discovery.Key = "bacnet.profile-name"
	KeyDeviceUUID       discovery.Key = "bacnet.device-uuid" // hex

	KeyRouterToNetwork discovery.Key = "bacnet.router-to-network" // a network number that the router leads to
	KeyNetworkNumber   discovery.Key = "bacnet.network-number"    // of the network that the sender is on
	KeyBroadcastPeer   discovery.Key = "bacnet.broadcast-peer"    // B/IP address in the table of a broadcast manager (BBMD)
	KeyForeignDevice   discovery.Key = "bacnet.foreign-device"    // B/IP address that is registered with a broadcast manager
)

// The pieces of the path of what lives behind an address.
const (
	pathNetwork = "bacnet-net" // network number, decimal
	pathMAC     = "bacnet-mac" // address in that network, hex: one byte on MS/TP
	pathDevice  = "device"     // device instance, decimal
)

// maxTold bounds the facts of one message.
const maxTold = 256

// Protocol is BACnet, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "bacnet",
		Title:    "BACnet",
		Standard: "ANSI/ASHRAE 135-2020",
		Hears:    "device instances, vendors, names, models, versions, serial numbers, what lives behind routers, and who reads, writes or controls",
		Keys: []discovery.Key{
			KeyDeviceInstance, KeyVendorID, KeyVendorName, KeyModelName, KeyFirmware, KeySoftware, KeyObjectName, KeyLocation,
			KeyDescription, KeySerialNumber, KeyProtocolRevision, KeyProfileName, KeyDeviceUUID,
			KeyRouterToNetwork, KeyNetworkNumber, KeyBroadcastPeer, KeyForeignDevice,
		},
		Ports: []discovery.Port{
			{Transport: discovery.UDP, Number: Port},
			{Transport: discovery.EtherType, Number: SAP},
			{Transport: discovery.EtherType, Number: MSTP},
		},
		Claims:  claims,
		Decode:  func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
		Asker:   asker(),
		Segment: whoIsAsker(),
	}
}

// propertyKey is the key of a property of the device object that names the device (clause 21, BACnetPropertyIdentifier).
func propertyKey(property uint64) (discovery.Key, bool) {
	switch property {
	case 12:
		return KeySoftware, true
	case 28:
		return KeyDescription, true
	case 44:
		return KeyFirmware, true
	case 58:
		return KeyLocation, true
	case 70:
		return KeyModelName, true
	case 77:
		return KeyObjectName, true
	case 120:
		return KeyVendorID, true
	case 121:
		return KeyVendorName, true
	case 139:
		return KeyProtocolRevision, true
	case 168:
		return KeyProfileName, true
	case 372:
		return KeySerialNumber, true
	case 507:
		return KeyDeviceUUID, true
	}
	return "", false
}

// add keeps a value that the sender has not said before.
func (m *message) add(about objectID, key discovery.Key, value tag) {
	if m.isNew(about, key, value.content) {
		m.keep(newFact(key, value))
	}
}

func (m *message) addNumber(about objectID, key discovery.Key, value uint32) {
	var content [4]byte
	binary.BigEndian.PutUint32(content[:], value)
	if m.isNew(about, key, content[:]) {
		m.keep(discovery.NewFact(key, strconv.FormatUint(uint64(value), 10)))
	}
}

func (m *message) isNew(about objectID, key discovery.Key, content []byte) bool {
	of := m.digest().number(uint64(about))
	for i := range len(key) {
		of = of.byte(key[i])
	}
	return m.decoder.told.isNew(of.bytes(content))
}

func (m *message) keep(f discovery.Fact) {
	if (f.Value != "" || len(f.Raw) > 0) && m.count < maxTold {
		m.count++
		m.facts = append(m.facts, f)
	}
}

// newFact is the fact of a property's value, empty when the value is of no type that the property can have.
func newFact(key discovery.Key, value tag) discovery.Fact {
	switch {
	case value.holds(tagCharacterString):
		text, whole := characters(value.content)
		fact := discovery.NewFact(key, text)
		if !whole && len(value.content) > 0 {
			fact.Raw = append(fact.Raw, value.content[:min(len(value.content), discovery.MaxValue)]...)
		}
		return fact
	case value.holds(tagUnsigned), value.holds(tagEnumerated):
		if n, err := value.unsigned(); err == nil {
			return discovery.NewFact(key, strconv.FormatUint(n, 10))
		}
	case value.holds(tagOctetString):
		return discovery.NewFact(key, hex.EncodeToString(value.content[:min(len(value.content), discovery.MaxValue/2)]))
	}
	return discovery.Fact{}
}

// tell gives out the facts kept so far, about the device with the object id, or about the sender when it is 0.
func (m *message) tell(about objectID) {
	if len(m.facts) == 0 {
		return
	}
	o := discovery.Observation{Time: m.time, Facts: m.facts}
	o.Subject, o.Teller = m.subject(about)
	m.facts = nil
	m.out.Observe(o)
}

// subject is the device that speaks, and who says so if it does not speak itself. One behind a router is named by its network
// address, which stands in each of its messages; its instance does not. A B/IP address is one device (clause J.1.2), and its
// facts are the host's. Software that answers for several there, against the standard, is told apart by instance: who is heard
// first in a conversation is the host.
func (m *message) subject(about objectID) (subject, teller discovery.Subject) {
	sender := m.decoder.flow.Ends[m.side]
	subject = sender
	if m.isForwarded() {
		subject = discovery.Subject{Site: sender.Site, Segment: sender.Segment, IP: m.origin}
		teller = sender
	}
	first := m.decoder.devices[m.side]
	switch {
	case m.npdu.routed:
		subject = subject.At(pathNetwork, strconv.Itoa(int(m.npdu.network))).At(pathMAC, hex.EncodeToString(m.npdu.address))
		teller = sender
	case !m.isForwarded() && isNamed(about) && first.known && first.instance != about.instance():
		subject = subject.At(pathDevice, strconv.FormatUint(uint64(about.instance()), 10))
	}
	return subject, teller
}

func (m *message) isForwarded() bool {
	return m.origin.IsValid() && m.origin != m.decoder.flow.Ends[m.side].IP
}

// isNamed reports whether the object is a device with an instance of its own.
func isNamed(o objectID) bool { return o.isDevice() && o.instance() != anyInstance }

// device keeps the instance of the device that speaks.
func (m *message) device(o objectID) {
	if !o.isDevice() {
		return
	}
	if first := &m.decoder.devices[m.side]; isNamed(o) && !first.known && !m.npdu.routed && !m.isForwarded() {
		*first = device{known: true, instance: o.instance()}
	}
	m.addNumber(o, KeyDeviceInstance, o.instance())
}
