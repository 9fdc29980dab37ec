package plant

import (
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Span is how much time the frames of Frames cover.
const Span = time.Minute

// What the devices that are only heard, or also heard, say of themselves by LLDP.
const (
	plcDescr   = "WAGO 750-8212 PFC200 G2 2ETH RS"
	panelDescr = "Siemens, SIMATIC HMI, TP1200 Comfort, 6AV2 124-0MC01-0AX0, HW: 4, FW: V17.00.05"
)

// Frames is what a sensor at a mirror port of the switch would have heard from start on, for Span, in the order of time: ARP,
// LLDP, the panel that polls the PLC every 500 ms and writes once, and a historian of another network that reads the meter
// every ten seconds through the router. The frames share the addresses and ports of the running servers.
func (p *Plant) Frames(start time.Time) []discovery.Frame {
	r := recorder{start: start}
	p.recordARP(&r)
	recordLLDP(&r)

	poll := r.connect(1200*time.Millisecond, conversation{
		client: end{panelMAC, panelAddr, 49210}, server: end{plcMAC, plcAddr, p.port(plcAddr, "modbus")},
	})
	for i := range 112 {
		at := 1500*time.Millisecond + time.Duration(i)*500*time.Millisecond
		tid := byte(i + 1)
		poll.exchange(&r, at,
			[]byte{0, tid, 0, 0, 0, 6, 1, 0x03, 0x00, 0x00, 0x00, 0x08},
			[]byte{0, tid, 0, 0, 0, 19, 1, 0x03, 16, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8})
		if i == 40 { // somebody presses a button: write register 16
			write := []byte{0, 0xff, 0, 0, 0, 6, 1, 0x06, 0x00, 0x10, 0x00, 0x01}
			poll.exchange(&r, at+120*time.Millisecond, write, write)
		}
	}

	history := r.connect(2*time.Second, conversation{
		// Seen inside the cell, what the historian sends carries the router's MAC address.
		client: end{routerMAC, historianAddr, 53122}, server: end{gatewayMAC, gatewayAddr, p.port(gatewayAddr, "modbus")},
		hops: 1,
	})
	for i := range 6 {
		tid := byte(i + 1)
		history.exchange(&r, 2500*time.Millisecond+time.Duration(i)*10*time.Second,
			[]byte{0, tid, 0, 0, 0, 6, meterUnit, 0x03, 0x0b, 0xb7, 0x00, 0x02},
			[]byte{0, tid, 0, 0, 0, 7, meterUnit, 0x03, 4, 0x43, 0x66, 0x80, byte(i)})
	}

	slices.SortStableFunc(r.frames, func(a, b discovery.Frame) int { return a.Time.Compare(b.Time) })
	return r.frames
}

// recordARP lets each device ask for the one it needs, so that every pair of MAC and IP is told once, and again half a minute
// later. The router speaks for its virtual address with the virtual MAC.
func (p *Plant) recordARP(r *recorder) {
	for _, round := range []time.Duration{100 * time.Millisecond, 30 * time.Second} {
		for i, d := range p.devices {
			at := round + time.Duration(i)*20*time.Millisecond
			switch d.Addr {
			case virtualAddr:
				r.arpReply(at, virtualMAC, virtualAddr, panelMAC, panelAddr)
			case routerAddr:
				r.arpRequest(at, routerMAC, routerAddr, gatewayAddr)
				r.arpReply(at+time.Millisecond, gatewayMAC, gatewayAddr, routerMAC, routerAddr)
			default:
				r.arpRequest(at, d.MAC, d.Addr, virtualAddr)
			}
		}
		r.arpRequest(round+200*time.Millisecond, panelMAC, panelAddr, plcAddr)
		r.arpReply(round+201*time.Millisecond, plcMAC, plcAddr, panelMAC, panelAddr)
	}
}

// recordLLDP lets the switch speak first: it is whom the sensor is plugged into.
func recordLLDP(r *recorder) {
	for _, round := range []time.Duration{500 * time.Millisecond, 30500 * time.Millisecond} {
		r.lldp(round, lldpSpeaker{
			mac: switchMAC, addr: switchAddr, port: "1/9", portDescr: "Module: 1 Port: 9 - 1 Gbit", name: switchName, descr: switchDescr,
			capable: lldpBridge, enabled: lldpBridge,
		})
		r.lldp(round+100*time.Millisecond, lldpSpeaker{
			mac: plcMAC, addr: plcAddr, port: "X1", portDescr: "X1", name: plcName, descr: plcDescr,
			capable: lldpStation, enabled: lldpStation,
		})
		r.lldp(round+200*time.Millisecond, lldpSpeaker{
			mac: panelMAC, addr: panelAddr, port: "port-001", portDescr: "X1 P1", name: panelName, descr: panelDescr,
			capable: lldpStation, enabled: lldpStation,
			med: map[byte]string{
				medHardware: "4", medFirmware: "V17.00.05", medSerial: "LBK7707700601", medMaker: "Siemens AG", medModel: "TP1200 Comfort",
			},
		})
	}
}

func (p *Plant) port(addr netip.Addr, protocol string) uint16 {
	for _, d := range p.devices {
		if d.Addr == addr {
			return d.Ports[protocol]
		}
	}
	return 0
}
