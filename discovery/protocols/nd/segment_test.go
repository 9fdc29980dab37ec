package nd

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/walkdown-ot/walkdown/discovery"
)

// An independent codec reads the frame as what it is meant to be, its checksum included.
func TestEchoFrame(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0xab, 0xcd}
	from := netip.MustParseAddr("fe80::1234:5678:9abc:def0")
	frame := echoFrame(mac, from)
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	if p.ErrorLayer() != nil {
		t.Fatal(p.ErrorLayer().Error())
	}
	ip, _ := p.NetworkLayer().(*layers.IPv6)
	icmp, _ := p.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6)
	if ip == nil || icmp == nil || !ip.SrcIP.Equal(from.AsSlice()) || ip.DstIP.String() != "ff02::1" || ip.HopLimit != 1 {
		t.Fatalf("frame % x", frame)
	}
	if icmp.TypeCode.Type() != layers.ICMPv6TypeEchoRequest {
		t.Errorf("icmpv6 %s", icmp.TypeCode)
	}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	buffer := gopacket.NewSerializeBuffer()
	echo := gopacket.Payload(icmp.Payload)
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{ComputeChecksums: true}, icmp, echo); err != nil {
		t.Fatal(err)
	}
	if got := frame[14+40:]; !bytes.Equal(got, buffer.Bytes()) {
		t.Errorf("icmpv6 % x, want % x", got, buffer.Bytes())
	}
	if _, ok := echoAsker().Requests[0].Template.Match(frame); !ok {
		t.Error("it is not listed")
	}
}

func TestEchoesBindTheirSenders(t *testing.T) {
	const toUs = "fe80000000000000000000000000ffff"
	flow := discovery.Flow{Transport: discovery.EtherType}
	flow.Ends[discovery.Client].MAC = discovery.MAC{0x28, 0x63, 0x36, 1, 2, 3}
	for name, c := range map[string]struct {
		packet string
		want   string
		mine   bool
	}{
		"an echo":               {"60000000 0008 3a 40 fe80000000000000000000000000abcd" + toUs + "8100 1234 0000 0001", "fe80::abcd", true},
		"from a global address": {"60000000 0008 3a 40 20010db800000000000000000000abcd" + toUs + "8100 1234 0000 0001", "", true},
		"a solicitation":        {"60000000 0018 3a ff fe80000000000000000000000000abcd" + toUs + "8700 1234 0000 0000", "", false},
		"udp":                   {"60000000 0008 11 40 fe80000000000000000000000000abcd" + toUs + "8100 1234 0000 0001", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			packet, err := hex.DecodeString(strings.ReplaceAll(c.packet, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			sink := discovery.SinkFunc(func(o discovery.Observation) { got = o.Subject.IP.String() })
			_, err = Protocol().Decode(flow).Feed(discovery.Client, time.Unix(0, 0), packet, 0, sink)
			if got != c.want || c.mine != (err == nil) {
				t.Errorf("bound %q, error %v", got, err)
			}
			for n := range packet[:41] {
				if _, err := Protocol().Decode(flow).Feed(discovery.Client, time.Unix(0, 0), packet[:n], 0, sink); err == nil {
					t.Errorf("cut to %d bytes: no error", n)
				}
			}
		})
	}
}
