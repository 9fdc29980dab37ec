package profinet

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// The keys, named by the fields of the standard.
const (
	KeyTypeOfStation discovery.Key = "profinet.type-of-station"
	KeyNameOfStation discovery.Key = "profinet.name-of-station"
	KeyVendorID      discovery.Key = "profinet.vendor-id" // "0x002a"
	KeyDeviceID      discovery.Key = "profinet.device-id" // "0x010e"
	KeyRole          discovery.Key = "profinet.role"      // in words
	KeyAlias         discovery.Key = "profinet.alias"
	KeyInstance      discovery.Key = "profinet.instance"
	KeyOEMVendorID   discovery.Key = "profinet.oem-vendor-id"
	KeyOEMDeviceID   discovery.Key = "profinet.oem-device-id"
	KeyMAC           discovery.Key = "profinet.mac"
	KeyIPAddress     discovery.Key = "profinet.ip-address"
	KeySubnetMask    discovery.Key = "profinet.subnet-mask"
	KeyGateway       discovery.Key = "profinet.gateway"
	KeyDNSServer     discovery.Key = "profinet.dns-server"
	KeyIPState       discovery.Key = "profinet.ip-state" // "set", "set by dhcp", "not set", with ", address conflict"
	KeyFrameID       discovery.Key = "profinet.frame-id" // of cyclic data that it sends: "0xc000, RT class 1, to 00:09:91:43:e0:67"

	KeyInitiatorName discovery.Key = "profinet.cm-initiator-station-name"
	KeyInitiatorMAC  discovery.Key = "profinet.cm-initiator-mac-address"
	KeyResponderName discovery.Key = "profinet.cm-responder-station-name"
	KeyResponderMAC  discovery.Key = "profinet.cm-responder-mac-address"

	KeyAnnotation  discovery.Key = "profinet.epm-annotation" // as a whole, then its columns
	KeyEPMType     discovery.Key = "profinet.epm-device-type"
	KeyEPMOrder    discovery.Key = "profinet.epm-order-id"
	KeyEPMHardware discovery.Key = "profinet.epm-hardware-revision"
	KeyEPMSoftware discovery.Key = "profinet.epm-software-revision"

	KeyIMVendorID    discovery.Key = "profinet.im-vendor-id"
	KeyIMOrderID     discovery.Key = "profinet.im-order-id"
	KeyIMSerial      discovery.Key = "profinet.im-serial-number"
	KeyIMHardware    discovery.Key = "profinet.im-hardware-revision"
	KeyIMSoftware    discovery.Key = "profinet.im-software-revision"
	KeyIMProfile     discovery.Key = "profinet.im-profile-id"
	KeyIMProfileType discovery.Key = "profinet.im-profile-specific-type"
	KeyIMFunction    discovery.Key = "profinet.im-function"
	KeyIMLocation    discovery.Key = "profinet.im-location"
	KeyIMDate        discovery.Key = "profinet.im-installation-date"
	KeyIMDescriptor  discovery.Key = "profinet.im-descriptor"
)

// The values of the bindings that PROFINET tells.
const (
	bindingDCP = "dcp"
	bindingCM  = "pnio-cm" // a record of the station's own interface
)

func keys() []discovery.Key {
	return []discovery.Key{
		KeyTypeOfStation, KeyNameOfStation, KeyVendorID, KeyDeviceID, KeyRole, KeyAlias, KeyInstance, KeyOEMVendorID, KeyOEMDeviceID,
		KeyMAC, KeyIPAddress, KeySubnetMask, KeyGateway, KeyDNSServer, KeyIPState, KeyFrameID,
		KeyInitiatorName, KeyInitiatorMAC, KeyResponderName, KeyResponderMAC,
		KeyAnnotation, KeyEPMType, KeyEPMOrder, KeyEPMHardware, KeyEPMSoftware,
		KeyIMVendorID, KeyIMOrderID, KeyIMSerial, KeyIMHardware, KeyIMSoftware, KeyIMProfile, KeyIMProfileType,
		KeyIMFunction, KeyIMLocation, KeyIMDate, KeyIMDescriptor,
	}
}

// facts are collected without the empty ones.
type facts []discovery.Fact

func (f *facts) tell(key discovery.Key, value string) {
	if fact := discovery.NewFact(key, value); fact.Value != "" {
		*f = append(*f, fact)
	}
}

// number tells an id as the documents write it.
func (f *facts) number(key discovery.Key, n uint16) { f.tell(key, fmt.Sprintf("%#04x", n)) }

func (f *facts) id(vendor, device discovery.Key, id ID) {
	if !id.IsZero() {
		f.number(vendor, id.Vendor)
		f.number(device, id.Device)
	}
}

func (f *facts) address(key discovery.Key, ip netip.Addr) {
	if ip.IsValid() {
		f.tell(key, ip.String())
	}
}

func (f *facts) addresses(ip IPParameter) {
	f.address(KeyIPAddress, ip.Address)
	f.address(KeySubnetMask, ip.Mask)
	f.address(KeyGateway, ip.Gateway)
	for _, server := range ip.DNS {
		f.address(KeyDNSServer, server)
	}
}

func (s *Station) facts() []discovery.Fact {
	var f facts
	f.tell(KeyTypeOfStation, s.TypeOfStation)
	f.tell(KeyNameOfStation, s.NameOfStation)
	f.id(KeyVendorID, KeyDeviceID, s.Device)
	f.tell(KeyRole, s.Role.String())
	f.tell(KeyAlias, s.Alias)
	if s.Instance != 0 {
		f.number(KeyInstance, s.Instance)
	}
	f.id(KeyOEMVendorID, KeyOEMDeviceID, s.OEM)
	f.tell(KeyMAC, s.MAC.String())
	f.addresses(s.IP)
	if s.IP.Address.IsValid() {
		f.tell(KeyIPState, s.IP.Info.String())
	}
	return f
}

func (i Initiator) facts() []discovery.Fact {
	var f facts
	f.tell(KeyInitiatorName, i.Name)
	f.tell(KeyInitiatorMAC, i.MAC.String())
	f.id(KeyVendorID, KeyDeviceID, i.ID)
	return f
}

func (im IM) facts() []discovery.Fact {
	var f facts
	if im.Vendor != 0 {
		f.number(KeyIMVendorID, im.Vendor)
	}
	f.tell(KeyIMOrderID, im.OrderID)
	f.tell(KeyIMSerial, im.Serial)
	if im.Software != "" && im.Hardware != noHardware {
		f.tell(KeyIMHardware, strconv.Itoa(int(im.Hardware)))
	}
	f.tell(KeyIMSoftware, im.Software)
	if im.Profile != 0 {
		f.number(KeyIMProfile, im.Profile)
		f.number(KeyIMProfileType, im.ProfileType)
	}
	f.tell(KeyIMFunction, im.Function)
	f.tell(KeyIMLocation, im.Location)
	f.tell(KeyIMDate, im.Date)
	f.tell(KeyIMDescriptor, im.Descriptor)
	return f
}

func (i Interface) facts() []discovery.Fact {
	var f facts
	f.tell(KeyNameOfStation, i.Name)
	f.tell(KeyMAC, i.MAC.String())
	f.addresses(i.IP)
	return f
}

func (e Endpoint) facts() []discovery.Fact {
	var f facts
	if id, ok := e.Object.object(); ok {
		f.id(KeyVendorID, KeyDeviceID, id)
	}
	deviceType, order, hardware, software := e.Parts()
	f.tell(KeyAnnotation, e.Annotation)
	f.tell(KeyEPMType, deviceType)
	f.tell(KeyEPMOrder, order)
	f.tell(KeyEPMHardware, hardware)
	f.tell(KeyEPMSoftware, software)
	return f
}

// holds reports whether a station can hold an address: the two are told as bound.
func (i IPParameter) holds(mac discovery.MAC) bool {
	ip := i.Address
	return !mac.IsZero() && !mac.IsGroup() && ip.IsValid() && !ip.IsMulticast() && !ip.IsLoopback() && ip.As4()[0] != 0 && ip.As4()[0] < 240 &&
		i.Info&ipConflict == 0
}

// told remembers what was told lately: stations say the same at each question.
type told struct{ once.Recent }

// observe tells what is new.
func (m *told) observe(o discovery.Observation, out discovery.Sink) {
	if len(o.Facts)+len(o.Links) == 0 {
		return
	}
	sum := once.Sum(once.Sum(once.Sum(once.Basis, o.Subject.MAC.String()), o.Subject.IP.String()), o.Subject.Path)
	for _, f := range o.Facts {
		sum = once.Sum(once.Sum(sum, string(f.Key)), f.Value)
	}
	for _, l := range o.Links {
		sum = once.Sum(once.Sum(once.Sum(once.Sum(sum, l.LocalPort), l.Remote.MAC.String()), l.RemoteName), l.RemotePort)
	}
	if m.IsNew(sum, o.Time) {
		out.Observe(o)
	}
}
