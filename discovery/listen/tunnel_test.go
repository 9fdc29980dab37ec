package listen_test

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

// TestPiecesOfTunnels has a mirrored frame that came in two fragments: neither is read by itself, and both together are.
func TestPiecesOfTunnels(t *testing.T) {
	inner := udp(at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 7000), "#hello")
	sender, sensor := at(80, "192.168.0.80", 49152), at(81, "192.168.0.81", 0)
	body := slices.Concat([]byte{0, 0, 0x88, 0xbe}, inner)
	e := newEar(listen.Options{Protocols: []discovery.Protocol{chat(discovery.Port{Transport: discovery.UDP, Number: 7000})}})
	piece := func(fragment uint16, b []byte) {
		e.hear(ethernet(sender.mac, sensor.mac, 0x0800, ipPacket(sender, sensor, 47, fragment, 7, b)))
	}
	piece(2, body[16:])
	if n := e.Counts().Tunnelled; n != 0 {
		t.Errorf("%d frames in one fragment", n)
	}
	piece(0x2000, body[:16])
	if said := e.said(); e.Counts().Tunnelled != 1 || !slices.Contains(said, "10.0.0.1 hello") {
		t.Errorf("said %q, %+v", said, e.Counts())
	}
}

func TestMirrorsInTunnels(t *testing.T) {
	bytes := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	from, to := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 7000)
	inner := udp(from, to, "#hello")
	packet := inner[14:]
	sender, sensor := at(80, "192.168.0.80", 49152), at(81, "192.168.0.81", 0)
	gre := func(text string, inner []byte) []byte {
		return ethernet(sender.mac, sensor.mac, 0x0800, ipPacket(sender, sensor, 47, 0, 0, slices.Concat(bytes(text), inner)))
	}
	over := func(port uint16, text string, inner []byte) []byte {
		return ethernet(sender.mac, sensor.mac, 0x0800, ipPacket(sender, sensor.on(port), 17, 0, 0, udpDatagram(sender, sensor.on(port), slices.Concat(bytes(text), inner))))
	}
	erspan2 := gre("100088be00000001"+"1014000a00000003", inner)
	for _, c := range []struct {
		name  string
		frame []byte
		said  bool
	}{
		{"erspan_1", gre("000088be", inner), true},
		{"erspan_2", erspan2, true},
		{"erspan_3", gre("100022eb00000001"+"2014000a00000003aabb0000", inner), true},
		{"erspan_3_with_a_subheader", gre("100022eb00000001"+"2014000a00000003aabb0001"+"0000000000000000", inner), true},
		{"gre_with_ethernet_and_key", gre("2000655800000007", inner), true},
		{"gre_with_checksum", gre("8000655800000000", inner), true},
		{"gre_with_ip", gre("00000800", packet), true},
		{"pptp", gre("3001880b00000001", inner), false},
		{"gre_of_something_else", gre("00008847", inner), false},
		{"gre_cut_short", gre("1000", nil), false},
		{"vxlan", over(4789, "0800000000002a00", inner), true},
		{"vxlan_without_a_network", over(4789, "0000000000002a00", inner), false},
		{"tzsp", over(37008, "010000010a01c501", inner), true},
		{"tzsp_padded", over(37008, "01000001000001", inner), true},
		{"tzsp_of_wireless", over(37008, "0100001201", inner), false},
		{"tzsp_without_end", over(37008, "010000010aff", nil), false},
		{"erspan_in_vxlan", over(4789, "0800000000002a00", erspan2), true},
		{"three_tunnels", over(4789, "0800000000002a00", over(4789, "0800000000002a00", erspan2)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEar(listen.Options{Protocols: []discovery.Protocol{chat(discovery.Port{Transport: discovery.UDP, Number: 7000})}})
			e.hear(c.frame)
			e.Flush()
			if said := slices.Contains(e.said(), "10.0.0.1 hello"); said != c.said {
				t.Errorf("said %q", e.said())
			}
			if c.said && c.name != "gre_with_ip" && !slices.Contains(e.facts(discovery.KeyBinding), from.mac.String()+" 10.0.0.1 on-link") {
				t.Errorf("bound %q", e.facts(discovery.KeyBinding))
			}
			if !slices.Contains(e.facts(discovery.KeyMAC), sender.mac.String()+" "+sender.mac.String()) {
				t.Errorf("the carrier is not told of: %q", e.facts(discovery.KeyMAC))
			}
		})
	}
}
