package inventorytest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Tangle is a small plant in which it is hard to tell who is who, as it was observed on several days: the observations of each day,
// as they are when nobody has asked for the order. It has what real plants have: processors that share a serial number and devices
// that share a filler, leases, dongles and replaced devices, address translators and proxies, clones, virtual gateways, ports of
// switches, and the same networks in every cell. Facts are under the keys "dev.vendor", "dev.serial" and so on, and those of real
// protocols. The same seed gives the same plant.
func Tangle(seed uint64, days int) [][]discovery.Observation {
	t := tangle{random: rand.New(rand.NewPCG(seed, 0x7a9)), days: make([][]discovery.Observation, days)}
	knots := []func(){
		t.plain, t.plain, t.processors, t.leases, t.dongle, t.replaced, t.clones, t.fillers, t.translator, t.proxy, t.gateway, t.ports, t.station,
		t.moved, t.pair, t.router, t.twice, t.filler, t.renumbered,
	}
	t.random.Shuffle(len(knots), func(i, j int) { knots[i], knots[j] = knots[j], knots[i] })
	for _, knot := range knots {
		if t.random.IntN(4) > 0 {
			knot()
		}
	}
	return t.days
}

type tangle struct {
	random *rand.Rand
	days   [][]discovery.Observation
	made   int
}

// mac is a new MAC of a maker; each is in a block of its own.
func (t *tangle) mac() discovery.MAC {
	t.made++
	return discovery.MAC{0x28, 0x63, 0x36, byte(t.made), byte(t.random.IntN(250)), 0x10}
}

// segment is one of three cells; their networks are equal.
func (t *tangle) segment() string { return fmt.Sprintf("cell-%d", 1+t.random.IntN(3)) }

func (t *tangle) ip() netip.Addr {
	t.made++
	return netip.AddrFrom4([4]byte{192, 168, byte(t.random.IntN(2)), byte(t.made)})
}

func (t *tangle) serial() string {
	t.made++
	return fmt.Sprintf("SN-%04d%02d", 3000+t.random.IntN(5000), t.made)
}

// tell observes facts at some minute of a day; facts are pairs of key and value.
func (t *tangle) tell(day int, segment string, mac discovery.MAC, ip netip.Addr, facts ...string) {
	begin := time.Date(2026, 5, 4+3*day, 8, 0, 0, 0, time.UTC)
	o := discovery.Observation{
		Time: begin.Add(time.Duration(t.random.IntN(50*60)) * time.Second), Sensor: "tangle", Protocol: "dev", Mode: discovery.Heard,
		Subject: discovery.Subject{Site: "works", Segment: segment, MAC: mac, IP: ip},
	}
	if t.random.IntN(8) == 0 {
		o.Subject.VLAN = 20
	}
	for i := 0; i < len(facts); i += 2 {
		o.Facts = append(o.Facts, discovery.NewFact(discovery.Key(facts[i]), facts[i+1]))
	}
	t.days[day] = append(t.days[day], o)
}

// bind says by ARP that a MAC holds an IP, once or a few times.
func (t *tangle) bind(day int, segment string, mac discovery.MAC, ip netip.Addr, by string) {
	for range 1 + t.random.IntN(3) {
		t.tell(day, segment, mac, ip, string(discovery.KeyBinding), by)
	}
}

// plate tells a nameplate under an IP.
func (t *tangle) plate(day int, segment string, ip netip.Addr, model, serial, name string) {
	t.tell(day, segment, discovery.MAC{}, ip, "dev.vendor", "Siemens", "dev.model", model, "dev.serial", serial)
	if name != "" {
		t.tell(day, segment, discovery.MAC{}, ip, "dev.name", name)
	}
}

// each calls f for the days on which something is seen: most.
func (t *tangle) each(f func(day int)) {
	for day := range t.days {
		if t.random.IntN(5) > 0 {
			f(day)
		}
	}
}

func (t *tangle) plain() {
	segment, mac, ip, serial := t.segment(), t.mac(), t.ip(), t.serial()
	t.each(func(day int) {
		t.bind(day, segment, mac, ip, "arp")
		t.plate(day, segment, ip, "ET 200SP", serial, "")
		t.tell(day, segment, mac, netip.Addr{}, "lldp.chassis-id", mac.String(), "lldp.management-address", ip.String())
	})
}

// processors are two cards of one PLC, which have its serial number and its name.
func (t *tangle) processors() {
	serial, name := t.serial(), fmt.Sprintf("plc-%d", t.made)
	for range 2 {
		segment, mac, ip := t.segment(), t.mac(), t.ip()
		t.each(func(day int) {
			t.bind(day, segment, mac, ip, "arp")
			t.plate(day, segment, ip, "CPU 1516", serial, name)
		})
	}
}

func (t *tangle) leases() {
	segment := t.segment()
	ips := []netip.Addr{t.ip(), t.ip(), t.ip()}
	for range 2 {
		mac, serial := t.mac(), t.serial()
		t.each(func(day int) {
			ip := ips[t.random.IntN(len(ips))]
			t.bind(day, segment, mac, ip, "dhcp")
			t.bind(day, segment, mac, ip, "arp")
			t.tell(day, segment, mac, ip, "dev.vendor", "Dell", "dev.serial", serial)
		})
	}
}

// dongle is a network card that is in another computer each day.
func (t *tangle) dongle() {
	segment, mac, ip := t.segment(), t.mac(), t.ip()
	t.each(func(day int) {
		t.bind(day, segment, mac, ip, "arp")
		t.tell(day, segment, mac, ip, "dev.vendor", "Dell", "dev.serial", fmt.Sprintf("PC-%04d", 7100+day), "dev.name", fmt.Sprintf("pc-%d", day))
	})
}

// replaced is an address behind a router at which another device stands from some day on.
func (t *tangle) replaced() {
	segment, ip, serials := t.segment(), t.ip(), [2]string{t.serial(), t.serial()}
	from := t.random.IntN(len(t.days) + 1)
	t.each(func(day int) {
		serial := serials[0]
		if day >= from {
			serial = serials[1]
		}
		t.plate(day, segment, ip, "PM5560", serial, "")
	})
}

// clones have one disk image: engine id, ApplicationUri and device instance are the same.
func (t *tangle) clones() {
	segment, key := t.segment(), t.random.IntN(3)
	said := [3][2]string{{"snmp.engineID", "80001f8880a1b2c3d4e5f60718"}, {"opcua.application-uri", "urn:machine:server"}, {"bacnet.device-instance", "1001"}}[key]
	for i := range 2 + t.random.IntN(2) {
		mac, ip := t.mac(), t.ip()
		t.each(func(day int) {
			t.bind(day, segment, mac, ip, "arp")
			t.tell(day, segment, discovery.MAC{}, ip, said[0], said[1], "dev.name", fmt.Sprintf("panel-%d", i))
		})
	}
}

// fillers are devices of one model with one serial number that nobody has set.
func (t *tangle) fillers() {
	segment := t.segment()
	for range 2 + t.random.IntN(2) {
		mac, ip := t.mac(), t.ip()
		t.each(func(day int) {
			t.bind(day, segment, mac, ip, "arp")
			t.plate(day, segment, ip, "NPort 5110", "SN-0815", "")
		})
	}
}

func (t *tangle) filler() {
	segment, ip := t.segment(), t.ip()
	t.each(func(day int) { t.plate(day, segment, ip, "NPort 5110", "00000001", "") })
}

// translator answers for two devices of another cell.
func (t *tangle) translator() {
	outside, inside, mac := t.segment(), t.segment(), t.mac()
	for range 2 {
		own, front, back, serial := t.mac(), t.ip(), t.ip(), t.serial()
		model := fmt.Sprintf("CPU %d", 1200+t.made)
		t.each(func(day int) {
			t.bind(day, outside, mac, front, "arp")
			t.plate(day, outside, front, model, serial, "")
			t.bind(day, inside, own, back, "arp")
			t.plate(day, inside, back, model, serial, "")
		})
	}
}

// proxy answers ARP for a network behind it.
func (t *tangle) proxy() {
	segment, mac := t.segment(), t.mac()
	ips := make([]netip.Addr, 11)
	for i := range ips {
		ips[i] = t.ip()
	}
	t.each(func(day int) {
		for _, ip := range ips {
			t.bind(day, segment, mac, ip, "arp")
		}
		t.tell(day, segment, mac, netip.Addr{}, "dev.name", "core")
	})
}

// gateway is a virtual one, the same in two cells.
func (t *tangle) gateway() {
	mac, ip := discovery.MAC{0x00, 0x00, 0x5e, 0x00, 0x01, 0x0a}, netip.AddrFrom4([4]byte{192, 168, 0, 254})
	for range 2 {
		segment := t.segment()
		t.each(func(day int) {
			t.bind(day, segment, mac, ip, "arp")
			t.tell(day, segment, mac, netip.AddrFrom4([4]byte{10, 1, 2, 3}), "dev.name", "far")
		})
	}
}

// ports are those of a switch.
func (t *tangle) ports() {
	segment, first, ip := t.segment(), t.mac(), t.ip()
	t.each(func(day int) {
		for port := range 3 {
			mac := first
			mac[5] += byte(port)
			t.tell(day, segment, mac, netip.Addr{}, "lldp.chassis-id", first.String(), "lldp.management-address", ip.String())
		}
		t.bind(day, segment, first, ip, "arp")
	})
}

// station is a PROFINET device with the MACs of its ports.
func (t *tangle) station() {
	segment, mac := t.segment(), t.mac()
	name := fmt.Sprintf("io-%d", t.made)
	t.each(func(day int) {
		t.tell(day, segment, mac, netip.Addr{}, "profinet.name-of-station", name)
		port := mac
		port[5]++
		t.tell(day, segment, port, netip.Addr{}, "lldp.chassis-id", name)
	})
}

func (t *tangle) moved() {
	mac, serial := t.mac(), t.serial()
	t.each(func(day int) {
		segment, ip := t.segment(), t.ip()
		t.bind(day, segment, mac, ip, "arp")
		t.plate(day, segment, ip, "ET 200SP", serial, "")
	})
}

// pair holds one address in turn.
func (t *tangle) pair() {
	segment, ip := t.segment(), t.ip()
	macs := [2]discovery.MAC{t.mac(), t.mac()}
	t.each(func(day int) {
		for range 4 {
			t.bind(day, segment, macs[t.random.IntN(2)], ip, "arp")
		}
		t.tell(day, segment, discovery.MAC{}, ip, "dev.name", "pair")
	})
}

// router is told as such, or only shows as one.
func (t *tangle) router() {
	segment, mac, known := t.segment(), t.mac(), t.random.IntN(2) == 0
	t.each(func(day int) {
		for range 6 {
			t.tell(day, segment, mac, t.ip(), string(discovery.KeyBinding), "on-link")
		}
		if known {
			t.tell(day, segment, mac, netip.Addr{}, string(discovery.KeyRole), "router")
		}
	})
}

// twice is a device that two switches and a router tell, which is met later.
func (t *tangle) twice() {
	segment, mac, ip := t.segment(), t.mac(), t.ip()
	t.each(func(day int) {
		t.bind(day, segment, mac, ip, "table")
		if t.random.IntN(2) == 0 {
			t.tell(day, segment, discovery.MAC{}, ip, "snmp.ifPhysAddress", mac.String())
		}
	})
}

// renumbered is a BACnet device that has another address each day.
func (t *tangle) renumbered() {
	segment := t.segment()
	t.made++
	instance := fmt.Sprint(2000 + t.made)
	t.each(func(day int) { t.tell(day, segment, discovery.MAC{}, t.ip(), "bacnet.device-instance", instance) })
}
