package arp

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const (
	stationA = "00:1b:1b:23:eb:3b"
	stationB = "90:e6:ba:84:5e:41"
)

func mac(t testing.TB, text string) discovery.MAC {
	t.Helper()
	m, err := discovery.ParseMAC(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// message is an ARP packet in hex with the padding of a frame of the least length.
func message(t testing.TB, at int, text string) discoverytest.Message {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return discoverytest.Message{Time: time.Unix(int64(at), 0).UTC(), Bytes: append(b, make([]byte, 18)...)}
}

func TestProtocol(t *testing.T) {
	flow := discovery.Flow{Transport: discovery.EtherType, Ports: [2]uint16{0, EtherType}}
	flow.Ends[discovery.Client] = discovery.Subject{Site: "s", Segment: "g", MAC: mac(t, stationA), VLAN: 7}
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow, Messages: messages, Want: want, Problems: problems}
	}
	const bound = stationA + " 192.168.1.40 vlan=7: address.binding = arp"
	const head, a, b = "0001 0800 06 04", "001b1b23eb3b", "90e6ba845e41"
	discoverytest.Run(
		t, Protocol(),
		sample("reply", 0, []string{bound}, message(t, 0, head+"0002"+a+"c0a80128"+b+"c0a8010a")),
		sample("request", 0, []string{bound}, message(t, 0, head+"0001"+a+"c0a80128"+"000000000000"+"c0a8010a")),
		sample("announcement", 0, []string{bound}, message(t, 0, head+"0001"+a+"c0a80128"+"000000000000"+"c0a80128")),
		sample("probe", 0, nil, message(t, 0, head+"0001"+a+"00000000"+"000000000000"+"c0a80128")),
		sample("foreign_sender", 1, nil, message(t, 0, head+"0002"+b+"c0a80128"+b+"c0a8010a")),
		sample("group_sender", 1, nil, message(t, 0, head+"0002"+"01005e000001"+"c0a80128"+b+"c0a8010a")),
		sample("zero_sender", 1, nil, message(t, 0, head+"0002"+"000000000000"+"c0a80128"+b+"c0a8010a")),
		sample("broadcast_ip", 1, nil, message(t, 0, head+"0002"+a+"ffffffff"+b+"c0a8010a")),
		sample("multicast_ip", 1, nil, message(t, 0, head+"0002"+a+"e0000001"+b+"c0a8010a")),
		sample("class_e_ip", 1, nil, message(t, 0, head+"0002"+a+"f0000001"+b+"c0a8010a")),
		sample("network_zero", 1, nil, message(t, 0, head+"0002"+a+"00000001"+b+"c0a8010a")),
		sample("other_hardware", 1, nil, message(t, 0, "0018 0800 06 04 0002"+a+"c0a80128"+b+"c0a8010a")),
		sample("other_protocol", 1, nil, message(t, 0, "0001 86dd 06 04 0002"+a+"c0a80128"+b+"c0a8010a")),
		sample("inverse", 1, nil, message(t, 0, head+"0008"+a+"c0a80128"+b+"c0a8010a")),
		sample("repeats", 0, []string{bound, bound, strings.Replace(bound, ".40", ".41", 1), bound},
			message(t, 100, head+"0002"+a+"c0a80128"+b+"c0a8010a"),
			message(t, 159, head+"0001"+a+"c0a80128"+b+"c0a8010b"),
			message(t, 161, head+"0002"+a+"c0a80128"+b+"c0a8010a"),
			message(t, 162, head+"0002"+a+"c0a80129"+b+"c0a8010a"),
			message(t, 50, head+"0002"+a+"c0a80128"+b+"c0a8010a")),
	)
}

func TestRepeatsAreFree(t *testing.T) {
	m := message(t, 0, "0001 0800 06 04 0002 001b1b23eb3b c0a80128 90e6ba845e41 c0a8010a")
	d := Protocol().Decode(discovery.Flow{Transport: discovery.EtherType})
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	feed := func() {
		if _, err := d.Feed(discovery.Client, m.Time, m.Bytes, 0, sink); err != nil {
			t.Fatal(err)
		}
	}
	feed()
	if n := testing.AllocsPerRun(100, feed); n > 0 {
		t.Errorf("a repeat allocates %v times", n)
	}
}

func TestCaptures(t *testing.T) {
	for name, want := range map[string][]string{
		"s7-siemens-et200s-plc-status.pcap":           {"00:1b:1b:23:eb:3b 192.168.1.40", "90:e6:ba:84:5e:41 192.168.1.10"},
		"profinet-dcp-siemens-x208-set-ip.pcap":       {"08:00:06:93:cf:32 192.168.0.10", "08:00:06:93:cf:32 192.168.0.6"},
		"profinet-io-ge-versamax-scalance-mixed.pcap": {"00:09:91:43:e0:67 192.168.1.2", "00:a0:45:6d:d3:43 192.168.1.3"},
	} {
		t.Run(strings.TrimSuffix(name, ".pcap"), func(t *testing.T) {
			var got []string
			for _, s := range discoverytest.Capture(t, name, discovery.EtherType, EtherType) {
				lines, problems := discoverytest.Read(t, Protocol(), s)
				if len(problems) > 0 {
					t.Errorf("%s: %v", s.Name, problems)
				}
				for _, line := range lines {
					address, _, _ := strings.Cut(line, ": address")
					got = append(got, address)
				}
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	own := &net.Interface{Name: "lab0", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	from := netip.MustParseAddr("192.0.2.1")
	peer := discoverytest.Peer{
		Target: discovery.Target{Interface: own, From: from, Scope: []netip.Addr{
			netip.MustParseAddr("192.0.2.9"), from, netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::1"),
		}},
		Frames: func(frame []byte) [][]byte {
			asked, err := Parse(frame[14:])
			if err != nil {
				t.Error(err)
			}
			if len(frame) != 60 || asked.SenderIP != from || asked.TargetIP != netip.MustParseAddr("192.0.2.10") {
				return nil
			}
			answer := append([]byte(nil), frame[6:12]...)
			answer = append(answer, 0, 0x1b, 0x1b, 0x23, 0xeb, 0x3b, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 0, 0x1b, 0x1b, 0x23, 0xeb, 0x3b, 192, 0, 2, 10)
			answer = append(answer, frame[6:12]...)
			return [][]byte{append(answer, 192, 0, 2, 1)}
		},
	}
	got := discoverytest.Asked(t, Protocol(), peer)
	if got.Err != nil || len(got.Sent) != 2 || !slices.Equal(got.Lines, []string{stationA + " 192.0.2.10: address.binding = arp"}) {
		t.Errorf("got %v, %d sent, error %v", got.Lines, len(got.Sent), got.Err)
	}
}

func TestAskNeedsAnAddress(t *testing.T) {
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: discovery.Target{Interface: &net.Interface{Name: "mirror0"}}})
	if got.Err == nil || got.Dials != 0 {
		t.Errorf("asked from an interface without an address: %v", got.Err)
	}
}

func TestAskEndsWithContext(t *testing.T) {
	own := &net.Interface{Name: "lab0", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
		Target:  discovery.Target{Interface: own, From: netip.MustParseAddr("192.0.2.1"), Scope: []netip.Addr{netip.MustParseAddr("192.0.2.9")}},
		Frames:  func([]byte) [][]byte { time.Sleep(30 * time.Millisecond); return nil },
		Timeout: time.Millisecond,
	})
	if !errors.Is(got.Err, context.DeadlineExceeded) {
		t.Errorf("error %v", got.Err)
	}
}
