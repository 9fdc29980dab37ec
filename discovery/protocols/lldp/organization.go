package lldp

import (
	"errors"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// The organisations whose TLVs are read, by their OUI.
const (
	ouiIEEE8021 = 0x0080c2
	ouiIEEE8023 = 0x00120f
	ouiMED      = 0x0012bb
	ouiProfinet = 0x000ecf
)

// VLANs is what IEEE 802.1 adds (IEEE 802.1Q annex D.2).
type VLANs struct {
	PortVLAN      uint16   // of untagged frames; 0 = the port has none
	ProtocolVLANs []uint16 // enabled port and protocol VLANs
	Named         []NamedVLAN
	Protocols     []string // identities of the protocols that the port speaks, hex
}

// NamedVLAN is a VLAN and its name.
type NamedVLAN struct {
	ID   uint16
	Name string
}

// Physical is what IEEE 802.3 adds (clause 79.3).
type Physical struct {
	MAU             MAU
	Autonegotiation bool   // autonegotiation is on
	MaxFrame        uint16 // bytes
}

// MAU is the type of a medium attachment unit (IANA-MAU-MIB dot3MauType).
type MAU uint16

// String is the usual name of the medium and speed, or the number of the type.
func (m MAU) String() string {
	switch m {
	case 10:
		return "10BASE-T half duplex"
	case 11:
		return "10BASE-T full duplex"
	case 15:
		return "100BASE-TX half duplex"
	case 16:
		return "100BASE-TX full duplex"
	case 17:
		return "100BASE-FX half duplex"
	case 18:
		return "100BASE-FX full duplex"
	case 22:
		return "1000BASE-X full duplex"
	case 24:
		return "1000BASE-LX full duplex"
	case 26:
		return "1000BASE-SX full duplex"
	case 29:
		return "1000BASE-T half duplex"
	case 30:
		return "1000BASE-T full duplex"
	}
	return fmt.Sprintf("type %d", uint16(m))
}

// MED is what LLDP-MED adds (ANSI/TIA-1057 clause 10.2).
type MED struct {
	Class                                              uint8 // 1 to 3 endpoint, 4 network connectivity
	Hardware, Firmware, Software, Serial, Maker, Model string
	AssetID                                            string
}

// Profinet is what PROFINET devices add.
type Profinet struct {
	PortStatus string // RT class 2 and 3 status words, hex
	Alias      string // "port-001.plc-1"
	ChassisMAC discovery.MAC
}

func (f *Frame) readOrganization(r wire.Reader) error {
	oui := uint32(r.Uint8())<<16 | uint32(r.Uint16())
	subtype := r.Uint8()
	if r.Err() != nil {
		return r.Err()
	}
	switch oui {
	case ouiIEEE8021:
		return f.VLANs.read(subtype, r)
	case ouiIEEE8023:
		return f.Physical.read(subtype, r)
	case ouiMED:
		return f.MED.read(subtype, r)
	case ouiProfinet:
		return f.Profinet.read(subtype, r)
	}
	return nil
}

// flagEnabled is "enabled", beside bit 0 which is "supported", in the flags of both IEEE organisations.
const flagEnabled = 2

func (v *VLANs) read(subtype uint8, r wire.Reader) error {
	switch subtype {
	case 1:
		v.PortVLAN = r.Uint16()
	case 2:
		flags, id := r.Uint8(), r.Uint16()
		if flags&flagEnabled != 0 && id != 0 && len(v.ProtocolVLANs) < maxRepeated {
			v.ProtocolVLANs = append(v.ProtocolVLANs, id)
		}
	case 3:
		id := r.Uint16()
		name := r.Bytes(int(r.Uint8()))
		if r.Err() == nil && len(v.Named) < maxRepeated {
			v.Named = append(v.Named, NamedVLAN{id, text(name)})
		}
	case 4:
		identity := r.Bytes(int(r.Uint8()))
		if len(identity) > 0 && len(v.Protocols) < maxRepeated {
			v.Protocols = append(v.Protocols, fmt.Sprintf("%x", identity))
		}
	}
	return r.Err()
}

func (p *Physical) read(subtype uint8, r wire.Reader) error {
	switch subtype {
	case 1:
		status := r.Uint8()
		r.Skip(2) // what is advertised
		mau := MAU(r.Uint16())
		if r.Err() == nil {
			p.MAU, p.Autonegotiation = mau, status&flagEnabled != 0
		}
	case 4:
		p.MaxFrame = r.Uint16()
	}
	return r.Err()
}

func (m *MED) read(subtype uint8, r wire.Reader) error {
	if subtype == 1 {
		r.Skip(2) // which TLVs it can send
		m.Class = r.Uint8()
		return r.Err()
	}
	for i, field := range []*string{&m.Hardware, &m.Firmware, &m.Software, &m.Serial, &m.Maker, &m.Model, &m.AssetID} {
		if int(subtype) == 5+i {
			*field = text(r.Rest())
		}
	}
	return r.Err()
}

func (p *Profinet) read(subtype uint8, r wire.Reader) error {
	switch subtype {
	case 2:
		class2, class3 := r.Uint16(), r.Uint16()
		if r.Err() == nil {
			p.PortStatus = fmt.Sprintf("%04x %04x", class2, class3)
		}
	case 3:
		p.Alias = text(r.Rest())
	case 5:
		mac := r.Rest()
		if len(mac) != len(p.ChassisMAC) {
			return errors.New("the chassis MAC is not of 6 bytes")
		}
		p.ChassisMAC = discovery.MAC(mac)
	}
	return r.Err()
}
