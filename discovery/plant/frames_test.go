package plant

import (
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func TestFrames(t *testing.T) {
	p := start(t)
	begin := time.Date(2026, time.March, 2, 6, 0, 0, 0, time.UTC)
	frames := p.Frames(begin)

	bound := map[string]string{} // IP -> MAC, by ARP
	named := map[string]bool{}   // by LLDP
	segments := map[uint16]int{} // by the server's port
	last := begin
	for i, f := range frames {
		if f.Time.Before(last) || f.Time.After(begin.Add(Span)) {
			t.Errorf("frame %d at %v after %v", i, f.Time, last)
		}
		last = f.Time
		if f.Length != len(f.Data) || len(f.Data) < shortest {
			t.Errorf("frame %d: %d bytes of %d", i, len(f.Data), f.Length)
		}
		packet := gopacket.NewPacket(f.Data, layers.LayerTypeEthernet, gopacket.Default)
		if err := packet.ErrorLayer(); err != nil {
			t.Errorf("frame %d: %v", i, err.Error())
		}
		if arp, ok := packet.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
			bound[net.IP(arp.SourceProtAddress).String()] = net.HardwareAddr(arp.SourceHwAddress).String()
		}
		if info, ok := packet.Layer(layers.LayerTypeLinkLayerDiscoveryInfo).(*layers.LinkLayerDiscoveryInfo); ok {
			named[info.SysName] = true
		}
		if tcp, ok := packet.Layer(layers.LayerTypeTCP).(*layers.TCP); ok {
			segments[uint16(tcp.DstPort)]++
			if err := tcp.SetNetworkLayerForChecksum(packet.NetworkLayer()); err != nil {
				t.Fatal(err)
			}
			if err, mismatches := packet.VerifyChecksums(); err != nil || len(mismatches) > 0 {
				t.Errorf("frame %d: checksums %v %v", i, err, mismatches)
			}
		}
	}
	for _, d := range p.Devices() {
		if bound[d.Addr.String()] != d.MAC.String() {
			t.Errorf("%s: ARP says %q, want %s", d.Addr, bound[d.Addr.String()], d.MAC)
		}
	}
	if mac := bound[historianAddr.String()]; mac != "" {
		t.Errorf("the historian is not on this link, but ARP says %s", mac)
	}
	for _, name := range []string{switchName, plcName, panelName} {
		if !named[name] {
			t.Errorf("no LLDP of %s", name)
		}
	}
	if n := segments[p.port(plcAddr, "modbus")]; n < 2*112 {
		t.Errorf("%d segments to the PLC", n)
	}
	if n := segments[p.port(gatewayAddr, "modbus")]; n < 2*6 {
		t.Errorf("%d segments to the gateway", n)
	}
	t.Logf("%d frames", len(frames))
}
