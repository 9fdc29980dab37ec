package ask

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// bigSwitch is the tables of a switch of 48 ports: 52 rows of the ENTITY-MIB, 120 MACs in the forwarding table, 6 neighbours that
// announced themselves, and 40 rows of ARP. The codec is gosnmp's.
type bigSwitch struct {
	codec  gosnmp.GoSNMP
	values map[string]gosnmp.SnmpPDU
	order  [][]uint32
}

func newBigSwitch() *bigSwitch {
	s := &bigSwitch{codec: gosnmp.GoSNMP{Version: gosnmp.Version2c}, values: map[string]gosnmp.SnmpPDU{}}
	text := func(value, form string, args ...any) {
		s.put(gosnmp.SnmpPDU{Name: fmt.Sprintf(form, args...), Type: gosnmp.OctetString, Value: []byte(value)})
	}
	number := func(value int, form string, args ...any) {
		s.put(gosnmp.SnmpPDU{Name: fmt.Sprintf(form, args...), Type: gosnmp.Integer, Value: value})
	}
	const system, mib2, lldp = ".1.3.6.1.2.1.1", ".1.3.6.1.2.1", ".1.0.8802.1.1.2.1"
	text("Cisco IOS Software, IE4000 Software (IE4000-UNIVERSALK9-M), Version 15.2(4)EA9, RELEASE SOFTWARE (fc2)", system+".1.0")
	s.put(gosnmp.SnmpPDU{Name: system + ".2.0", Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.4.1.9.1.2192"})
	s.put(gosnmp.SnmpPDU{Name: system + ".3.0", Type: gosnmp.TimeTicks, Value: uint32(8_640_000)})
	text("sw-hall-4", system+".5.0")
	text("hall 4", system+".6.0")
	const ports, parts, macs, neighbours, hosts = 48, 52, 120, 6, 40
	for i := 1; i <= ports; i++ {
		text(fmt.Sprintf("GigabitEthernet1/%d", i), mib2+".2.2.1.2.%d", i)
		number(6, mib2+".2.2.1.3.%d", i)
		text(string([]byte{0, 0x1e, 0xbd, 0, 1, byte(i)}), mib2+".2.2.1.6.%d", i)
		text(fmt.Sprintf("Gi1/%d", i), mib2+".31.1.1.1.1.%d", i)
		number(i, mib2+".17.1.4.1.2.%d", i)
		text(fmt.Sprintf("Gi1/%d", i), lldp+".3.7.1.3.%d", i)
	}
	for i := 1; i <= parts; i++ {
		class := 10 // a port
		if i == 1 {
			class = 3 // the chassis
			text("IE-4000-16T4G-E", mib2+".47.1.1.1.1.13.%d", i)
			text("FOC2149V1AB", mib2+".47.1.1.1.1.11.%d", i)
			text("15.2(4)EA9", mib2+".47.1.1.1.1.10.%d", i)
		}
		text(fmt.Sprintf("part %d", i), mib2+".47.1.1.1.1.2.%d", i)
		number(min(i-1, 1), mib2+".47.1.1.1.1.4.%d", i)
		number(class, mib2+".47.1.1.1.1.5.%d", i)
		text(fmt.Sprintf("part-%d", i), mib2+".47.1.1.1.1.7.%d", i)
	}
	for i := range macs {
		mac := fmt.Sprintf("0.30.189.2.%d.%d", i/256, i%256)
		number(1+i%ports, mib2+".17.4.3.1.2.%s", mac)
		number(3, mib2+".17.4.3.1.3.%s", mac)
	}
	for i := 1; i <= neighbours; i++ {
		row := fmt.Sprintf("0.%d.1", i)
		number(4, lldp+".4.1.1.4.%s", row)
		text(string([]byte{0, 0x1e, 0xbd, 3, 0, byte(i)}), lldp+".4.1.1.5.%s", row)
		number(5, lldp+".4.1.1.6.%s", row)
		text("port-001", lldp+".4.1.1.7.%s", row)
		text(fmt.Sprintf("device-%d", i), lldp+".4.1.1.9.%s", row)
	}
	for i := 1; i <= hosts; i++ {
		text(string([]byte{0, 0x1e, 0xbd, 2, 0, byte(i)}), mib2+".4.22.1.2.1.10.0.0.%d", 100+i)
		number(3, mib2+".4.22.1.4.1.10.0.0.%d", 100+i)
	}
	slices.SortFunc(s.order, slices.Compare[[]uint32])
	return s
}

func (s *bigSwitch) put(v gosnmp.SnmpPDU) {
	s.values[v.Name] = v
	s.order = append(s.order, arcs(v.Name))
}

func arcs(name string) []uint32 {
	var out []uint32
	n := uint32(0)
	for _, c := range []byte(name[1:] + ".") {
		if c == '.' {
			out, n = append(out, n), 0
			continue
		}
		n = 10*n + uint32(c-'0')
	}
	return out
}

func dotted(oid []uint32) string {
	name := ""
	for _, arc := range oid {
		name += fmt.Sprintf(".%d", arc)
	}
	return name
}

func (s *bigSwitch) next(name string) gosnmp.SnmpPDU {
	i, found := slices.BinarySearchFunc(s.order, arcs(name), slices.Compare[[]uint32])
	if found {
		i++
	}
	if i == len(s.order) {
		return gosnmp.SnmpPDU{Name: name, Type: gosnmp.EndOfMibView}
	}
	return s.values[dotted(s.order[i])]
}

// answer reads one request and answers as RFC 3416 says.
func (s *bigSwitch) answer(request []byte) ([]byte, error) {
	asked, err := s.codec.SnmpDecodePacket(request)
	if err != nil {
		return nil, err
	}
	reply := &gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: asked.Community, PDUType: gosnmp.GetResponse, RequestID: asked.RequestID}
	switch asked.PDUType {
	case gosnmp.GetRequest:
		for _, v := range asked.Variables {
			have, ok := s.values[v.Name]
			if !ok {
				have = gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.NoSuchInstance}
			}
			reply.Variables = append(reply.Variables, have)
		}
	case gosnmp.GetNextRequest:
		for _, v := range asked.Variables {
			reply.Variables = append(reply.Variables, s.next(v.Name))
		}
	case gosnmp.GetBulkRequest:
		single := min(int(asked.NonRepeaters), len(asked.Variables))
		for _, v := range asked.Variables[:single] {
			reply.Variables = append(reply.Variables, s.next(v.Name))
		}
		row := slices.Clone(asked.Variables[single:])
		for range asked.MaxRepetitions {
			for i := range row {
				row[i] = s.next(row[i].Name)
				reply.Variables = append(reply.Variables, row[i])
			}
		}
	default:
		return nil, fmt.Errorf("asked for a PDU of type %s", asked.PDUType)
	}
	return reply.MarshalMsg()
}

// serve answers each datagram after 5 ms, as a switch with time to spare does.
func (s *bigSwitch) serve(ctx context.Context, t *testing.T, conn net.PacketConn) {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	buffer := make([]byte, 65535)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		reply, err := s.answer(buffer[:n])
		if err != nil {
			t.Errorf("the switch: %v", err)
			return
		}
		if len(reply) > 1400 {
			t.Errorf("an answer of %d bytes was asked for", len(reply))
		}
		time.Sleep(5 * time.Millisecond)
		if _, err := conn.WriteTo(reply, from); err != nil {
			return
		}
	}
}

// TestSimulatedSwitch prints how long one switch of 48 ports takes whose tables are read whole, and holds the gentle pace to what was
// promised: about 25 s.
func TestSimulatedSwitch(t *testing.T) {
	for _, limits := range presets() {
		t.Run(limits.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s := newSimulated(t, limits, "10.0.0.0/24")
				s.ctx = ctx
				at := netip.MustParseAddr("10.0.0.2")
				go newBigSwitch().serve(ctx, t, s.e.listenPacket(netip.AddrPortFrom(at, 161).String()))
				h := host(at.String(), Infrastructure, "snmp")
				started := time.Now()
				r, err := s.k.Run(ctx, s.k.Plan([]Host{h}))
				if err != nil || len(r.Reasons) > 0 {
					t.Fatalf("error %v, reasons %q", err, r.Reasons)
				}
				s.tell("one switch with 48 ports", time.Since(started), r, 30*time.Second)
				told := map[discovery.Key]int{}
				links := 0
				for _, o := range s.book.observations {
					links += len(o.Links)
					for _, f := range o.Facts {
						told[f.Key]++
					}
				}
				if links == 0 || told["snmp.entPhysicalSerialNum"] != 1 || told[discovery.KeyBinding] < 40 {
					t.Errorf("links %d, serial numbers %d, bindings %d", links, told["snmp.entPhysicalSerialNum"], told[discovery.KeyBinding])
				}
			})
		})
	}
}
