package plant

import (
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The addresses, of which the first is the router's virtual one.
var (
	virtualAddr   = netip.AddrFrom4([4]byte{127, 77, 0, 1})
	switchAddr    = netip.AddrFrom4([4]byte{127, 77, 0, 2})
	gatewayAddr   = netip.AddrFrom4([4]byte{127, 77, 0, 3})
	plcAddr       = netip.AddrFrom4([4]byte{127, 77, 0, 4})
	softPLCAddr   = netip.AddrFrom4([4]byte{127, 77, 0, 5})
	panelAddr     = netip.AddrFrom4([4]byte{127, 77, 0, 6})
	routerAddr    = netip.AddrFrom4([4]byte{127, 77, 0, 254})
	historianAddr = netip.AddrFrom4([4]byte{10, 77, 9, 20}) // in another network, behind the router
)

// The MAC addresses: prefixes of the makers, the rest invented. That of the virtual address is made by RFC 9568 section 7.3.
var (
	virtualMAC = discovery.MAC{0x00, 0x00, 0x5e, 0x00, 0x01, 0x4d}
	switchMAC  = discovery.MAC{0x64, 0x60, 0x38, 0x77, 0x00, 0x02}
	gatewayMAC = discovery.MAC{0x00, 0x80, 0xf4, 0x77, 0x00, 0x03}
	plcMAC     = discovery.MAC{0x00, 0x30, 0xde, 0x77, 0x00, 0x04}
	softPLCMAC = discovery.MAC{0x00, 0x01, 0x05, 0x77, 0x00, 0x05}
	panelMAC   = discovery.MAC{0x28, 0x63, 0x36, 0x77, 0x00, 0x06}
	routerMAC  = discovery.MAC{0x00, 0x0c, 0xbe, 0x77, 0x00, 0xfe}
)

// roster lists the devices before they run. Those with servers have a map to note their ports in.
func roster() []Device {
	return []Device{
		{Name: "virtual router", Addr: virtualAddr, MAC: virtualMAC},
		{Name: "cell-7-switch", Addr: switchAddr, MAC: switchMAC, Ports: map[string]uint16{}},
		{Name: "energy gateway", Addr: gatewayAddr, MAC: gatewayMAC, Ports: map[string]uint16{}, Units: []uint8{meterUnit, driveUnit}},
		{Name: "conveyor-plc", Addr: plcAddr, MAC: plcMAC, Ports: map[string]uint16{}},
		{Name: "packer-ipc", Addr: softPLCAddr, MAC: softPLCMAC, Ports: map[string]uint16{}},
		{Name: "conveyor-panel", Addr: panelAddr, MAC: panelMAC},
		{Name: "cell-7-router", Addr: routerAddr, MAC: routerMAC},
	}
}

// What the devices tell of themselves in more than one protocol.
const (
	switchName    = "cell-7-switch"
	switchDescr   = "Hirschmann BOBCAT"
	switchVersion = "HiOS-2S-10.3.00"
	plcName       = "conveyor-plc"
	panelName     = "conveyor-panel"
)

// The Modbus unit ids. A gateway speaks of itself as 255 (MODBUS Messaging on TCP/IP V1.0b, section 4.4.2.1).
const (
	meterUnit   = 1
	driveUnit   = 2
	gatewayUnit = 255
)

// gatewayUnits is a gateway with two devices on its serial line. The meter tells its nameplate in pieces.
func gatewayUnits() modbusUnits {
	return modbusUnits{
		gatewayUnit: {conformity: 0x01, objects: map[uint8]string{
			0x00: "Schneider Electric", 0x01: "EGX150", 0x02: "V5.1.0",
		}},
		meterUnit: {conformity: 0x82, perAnswer: 3, objects: map[uint8]string{
			0x00: "Schneider Electric", 0x01: "METSEPM5560", 0x02: "V2.8.1", 0x03: "www.se.com",
			0x04: "PowerLogic", 0x05: "PM5560", 0x06: "Feeder 7",
		}},
		driveUnit: {conformity: 0x82, objects: map[uint8]string{
			0x00: "Schneider Electric", 0x01: "ATV340U15N4E", 0x02: "V3.1", 0x05: "Altivar ATV340", 0x06: "Conveyor 7",
		}},
	}
}

// plcUnits is a controller that answers whatever unit it is called by and knows the basic category only.
func plcUnits() modbusUnits {
	return modbusUnits{
		anyUnit: {conformity: 0x01, objects: map[uint8]string{
			0x00: "WAGO Kontakttechnik GmbH & Co. KG", 0x01: "750-8212", 0x02: "03.10.08(22)",
		}},
	}
}
