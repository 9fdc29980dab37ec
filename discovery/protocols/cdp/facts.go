package cdp

import (
	"fmt"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// The keys, named by the TLVs.
const (
	KeyDeviceID          discovery.Key = "cdp.device-id"
	KeyAddress           discovery.Key = "cdp.address" // of the port, or of the device
	KeyPortID            discovery.Key = "cdp.port-id"
	KeyCapabilities      discovery.Key = "cdp.capabilities" // in words
	KeyVersion           discovery.Key = "cdp.version"      // of the software, its lines joined
	KeyPlatform          discovery.Key = "cdp.platform"
	KeyPrefix            discovery.Key = "cdp.prefix"
	KeyVTPDomain         discovery.Key = "cdp.vtp-domain"
	KeyNativeVLAN        discovery.Key = "cdp.native-vlan"
	KeyDuplex            discovery.Key = "cdp.duplex" // "half" or "full"
	KeyVoiceVLAN         discovery.Key = "cdp.voice-vlan"
	KeyMTU               discovery.Key = "cdp.mtu"
	KeySystemName        discovery.Key = "cdp.system-name"
	KeySystemObjectID    discovery.Key = "cdp.system-object-id" // dotted
	KeyManagementAddress discovery.Key = "cdp.management-address"
	KeyLocation          discovery.Key = "cdp.location"
	KeySwitchMAC         discovery.Key = "cdp.switch-mac" // of the chassis
	KeyModel             discovery.Key = "cdp.model"
	KeyHardware          discovery.Key = "cdp.hardware"
	KeySerial            discovery.Key = "cdp.serial"
)

// Protocol is the hearing face of CDP; it is never asked.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "cdp",
		Title:    "CDP",
		Standard: "Cisco Discovery Protocol, versions 1 and 2",
		Hears:    "name, platform, software, port, addresses, VLANs and serial number of the Cisco neighbour on this link",
		Keys: []discovery.Key{
			KeyDeviceID, KeyAddress, KeyPortID, KeyCapabilities, KeyVersion, KeyPlatform, KeyPrefix, KeyVTPDomain, KeyNativeVLAN, KeyDuplex,
			KeyVoiceVLAN, KeyMTU, KeySystemName, KeySystemObjectID, KeyManagementAddress, KeyLocation, KeySwitchMAC, KeyModel, KeyHardware, KeySerial,
		},
		Ports:  []discovery.Port{{Transport: discovery.EtherType, Number: ProtocolID}},
		Decode: func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
	}
}

// decoder remembers the frames that it told lately: devices repeat themselves every minute.
type decoder struct {
	flow discovery.Flow
	told once.Recent
}

// Feed takes the payload of one frame. A damaged frame still names the switch.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	if !d.told.IsNew(once.Sum(once.Basis, b), t) {
		return len(b), nil
	}
	frame, err := Parse(b)
	if facts := frame.facts(); len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Subject: d.flow.Ends[side], Facts: facts})
	}
	if err != nil {
		return len(b), fmt.Errorf("read cdp frame: %w", err)
	}
	return len(b), nil
}

func (f *Frame) facts() []discovery.Fact {
	var facts []discovery.Fact
	tell := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" {
			facts = append(facts, fact)
		}
	}
	number := func(key discovery.Key, value uint32) {
		if value != 0 {
			tell(key, strconv.FormatUint(uint64(value), 10))
		}
	}
	tell(KeyDeviceID, f.DeviceID)
	tell(KeySystemName, f.SystemName)
	tell(KeyPlatform, f.Platform)
	tell(KeyVersion, f.Version)
	tell(KeyCapabilities, f.Capabilities.String())
	tell(KeyPortID, f.PortID)
	for _, ip := range f.Addresses {
		tell(KeyAddress, ip.String())
	}
	for _, ip := range f.Management {
		tell(KeyManagementAddress, ip.String())
	}
	for _, prefix := range f.Prefixes {
		tell(KeyPrefix, prefix.String())
	}
	tell(KeySystemObjectID, f.SystemObjectID)
	tell(KeyLocation, f.Location)
	tell(KeySwitchMAC, f.SwitchMAC.String())
	tell(KeyModel, f.Model)
	tell(KeyHardware, f.Hardware)
	tell(KeySerial, f.Serial)
	tell(KeyVTPDomain, f.VTPDomain)
	number(KeyNativeVLAN, uint32(f.NativeVLAN))
	number(KeyVoiceVLAN, uint32(f.VoiceVLAN))
	tell(KeyDuplex, f.Duplex)
	number(KeyMTU, f.MTU)
	return facts
}
