package lldp

import (
	"fmt"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The keys, named by the fields of the standards.
const (
	KeyChassisID         discovery.Key = "lldp.chassis-id"
	KeyChassisIDSubtype  discovery.Key = "lldp.chassis-id-subtype"
	KeyPortID            discovery.Key = "lldp.port-id"
	KeyPortIDSubtype     discovery.Key = "lldp.port-id-subtype"
	KeyPortDescription   discovery.Key = "lldp.port-description"
	KeySystemName        discovery.Key = "lldp.system-name"
	KeySystemDescription discovery.Key = "lldp.system-description"
	KeyCapabilities      discovery.Key = "lldp.capabilities"           // the enabled ones, in words
	KeySupported         discovery.Key = "lldp.capabilities-supported" // in words
	KeyManagementAddress discovery.Key = "lldp.management-address"

	KeyVLAN             discovery.Key = "lldp.vlan"          // id of the port's VLAN for untagged frames
	KeyVLANName         discovery.Key = "lldp.vlan-name"     // "10 office"
	KeyProtocolVLAN     discovery.Key = "lldp.vlan-protocol" // id of an enabled port and protocol VLAN
	KeyProtocolIdentity discovery.Key = "lldp.protocol-identity"
	KeyMAUType          discovery.Key = "lldp.mau-type"
	KeyAutonegotiation  discovery.Key = "lldp.autonegotiation" // "on" or "off"
	KeyMaxFrameSize     discovery.Key = "lldp.maximum-frame-size"

	KeyMEDDeviceType   discovery.Key = "lldp.med-device-type"
	KeyMEDHardware     discovery.Key = "lldp.med-hardware"
	KeyMEDFirmware     discovery.Key = "lldp.med-firmware"
	KeyMEDSoftware     discovery.Key = "lldp.med-software"
	KeyMEDSerial       discovery.Key = "lldp.med-serial"
	KeyMEDManufacturer discovery.Key = "lldp.med-manufacturer"
	KeyMEDModel        discovery.Key = "lldp.med-model"
	KeyMEDAssetID      discovery.Key = "lldp.med-asset-id"

	KeyProfinetPortStatus discovery.Key = "lldp.profinet-port-status"
	KeyProfinetAlias      discovery.Key = "lldp.profinet-alias"
	KeyProfinetChassisMAC discovery.Key = "lldp.profinet-chassis-mac"
)

// Protocol is the hearing face of LLDP; it is never asked.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "lldp",
		Title:    "LLDP",
		Standard: "IEEE 802.1AB-2016, IEEE 802.1Q, IEEE 802.3, ANSI/TIA-1057, IEC 61158-6-10",
		Hears:    "chassis, port, name, description and addresses of the neighbour on this link, its VLANs and its inventory",
		Keys: []discovery.Key{
			KeyChassisID, KeyChassisIDSubtype, KeyPortID, KeyPortIDSubtype, KeyPortDescription, KeySystemName, KeySystemDescription,
			KeyCapabilities, KeySupported, KeyManagementAddress,
			KeyVLAN, KeyVLANName, KeyProtocolVLAN, KeyProtocolIdentity, KeyMAUType, KeyAutonegotiation, KeyMaxFrameSize,
			KeyMEDDeviceType, KeyMEDHardware, KeyMEDFirmware, KeyMEDSoftware, KeyMEDSerial,
			KeyMEDManufacturer, KeyMEDModel, KeyMEDAssetID,
			KeyProfinetPortStatus, KeyProfinetAlias, KeyProfinetChassisMAC,
		},
		Ports:  []discovery.Port{{Transport: discovery.EtherType, Number: EtherType}},
		Decode: discovery.Stateless(decode),
	}
}

// decode tells what the frame says about the station that sent it. A damaged frame still names the switch.
func decode(f discovery.Flow, side discovery.Side, t time.Time, payload []byte, out discovery.Sink) error {
	frame, err := Parse(payload)
	if facts := frame.facts(); len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Subject: f.Ends[side], Facts: facts})
	}
	if err != nil {
		return fmt.Errorf("read lldp frame: %w", err)
	}
	return nil
}

func (f *Frame) facts() []discovery.Fact {
	var facts []discovery.Fact
	tell := func(key discovery.Key, value string) {
		if fact := discovery.NewFact(key, value); fact.Value != "" {
			facts = append(facts, fact)
		}
	}
	number := func(key discovery.Key, value uint16) {
		if value != 0 {
			tell(key, strconv.Itoa(int(value)))
		}
	}
	tell(KeyChassisID, f.Chassis.Text)
	tell(KeyChassisIDSubtype, f.Chassis.Subtype)
	tell(KeyPortID, f.Port.Text)
	tell(KeyPortIDSubtype, f.Port.Subtype)
	tell(KeyPortDescription, f.PortDescription)
	tell(KeySystemName, f.SystemName)
	tell(KeySystemDescription, f.SystemDescription)
	tell(KeyCapabilities, f.Enabled.String())
	tell(KeySupported, f.Capabilities.String())
	for _, address := range f.Management {
		tell(KeyManagementAddress, address)
	}

	number(KeyVLAN, f.PortVLAN)
	for _, vlan := range f.Named {
		tell(KeyVLANName, strconv.Itoa(int(vlan.ID))+" "+vlan.Name)
	}
	for _, id := range f.ProtocolVLANs {
		number(KeyProtocolVLAN, id)
	}
	for _, identity := range f.Protocols {
		tell(KeyProtocolIdentity, identity)
	}
	if f.MAU != 0 {
		tell(KeyMAUType, f.MAU.String())
		tell(KeyAutonegotiation, map[bool]string{true: "on", false: "off"}[f.Autonegotiation])
	}
	number(KeyMaxFrameSize, f.MaxFrame)

	tell(KeyMEDDeviceType, deviceType(f.Class))
	tell(KeyMEDHardware, f.Hardware)
	tell(KeyMEDFirmware, f.Firmware)
	tell(KeyMEDSoftware, f.Software)
	tell(KeyMEDSerial, f.Serial)
	tell(KeyMEDManufacturer, f.Maker)
	tell(KeyMEDModel, f.Model)
	tell(KeyMEDAssetID, f.AssetID)

	tell(KeyProfinetPortStatus, f.PortStatus)
	tell(KeyProfinetAlias, f.Alias)
	tell(KeyProfinetChassisMAC, f.ChassisMAC.String())
	return facts
}

// deviceType is the class of an LLDP-MED device in words (ANSI/TIA-1057 table 11).
func deviceType(class uint8) string {
	switch class {
	case 1, 2, 3:
		return "endpoint class " + strconv.Itoa(int(class))
	case 4:
		return "network connectivity"
	}
	return ""
}
