package cdp

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

const station = "00:19:06:ea:b8:85"

// tlv is a TLV in hex: type, then the value.
func tlv(kind uint16, value string) string {
	value = strings.ReplaceAll(value, " ", "")
	head := binary.BigEndian.AppendUint16(nil, kind)
	return hex.EncodeToString(binary.BigEndian.AppendUint16(head, uint16(4+len(value)/2))) + value
}

func ascii(s string) string { return hex.EncodeToString([]byte(s)) }

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frame is an announcement with its checksum, as RFC 1071 has it.
func frame(t testing.TB, tlvs ...string) []byte {
	t.Helper()
	b := unhex(t, "02b4 0000"+strings.Join(tlvs, ""))
	sum := uint32(0)
	for i, c := range b {
		sum += uint32(c) << (8 * (1 - i%2))
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(fold(sum)))
	return b
}

func flow(t testing.TB) discovery.Flow {
	t.Helper()
	mac, err := discovery.ParseMAC(station)
	if err != nil {
		t.Fatal(err)
	}
	f := discovery.Flow{Transport: discovery.EtherType, Ports: [2]uint16{0, ProtocolID}}
	f.Ends[discovery.Client].MAC = mac
	return f
}

// everything is an announcement with every TLV that is read, and some that are not.
func everything() []string {
	return []string{
		tlv(1, ascii("sw-1.plant.example")), tlv(2, "00000002 01 01 cc 0004 c0a80001 02 08 aaaa0300000086dd 0010 20010db8000000000000000000000001"),
		tlv(3, ascii("GigabitEthernet0/5")), tlv(4, "00000029"), tlv(5, ascii("Cisco IOS Software,\nVersion 12.2(25)SEB4\n")), tlv(6, ascii("cisco WS-C3560G-24PS")),
		tlv(7, "0a010000 10 0a020300 18"), tlv(8, "00000c 0112 00000000 ffffffff 01 02 21 ff 000000000000 001906eab880 ff 0000"),
		tlv(9, ascii("Lab")), tlv(10, "0001"), tlv(11, "01"), tlv(14, "01 0064"), tlv(16, "1770"), tlv(17, "000005dc"), tlv(18, "00"), tlv(19, "00"),
		tlv(20, ascii("sw-1")), tlv(21, "060a 2b060104010905"+"2a0a03"), tlv(22, "00000001 01 01 cc 0004 c0a80002"), tlv(23, "00"+ascii("hall 3")),
		tlv(29, strings.Repeat("00", 20)+"00000001 00000002"+ascii("WS-C3560G-24PS-S")+"0000"+ascii("V02")+ascii("FOC0929U1AB")+"0000"),
		tlv(26, "00000001 00000000 ffffffff"),
	}
}

func lines(facts ...string) []string {
	for i := range facts {
		facts[i] = station + ": cdp." + facts[i]
	}
	return facts
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...[]byte) discoverytest.Sample {
		s := discoverytest.Sample{Name: name, Flow: flow(t), Want: want, Problems: problems}
		for _, b := range messages {
			s.Messages = append(s.Messages, discoverytest.Message{Bytes: b})
		}
		return s
	}
	names := []string{tlv(1, ascii("sw-1")), tlv(6, ascii("cisco 2950"))}
	told := lines("device-id = sw-1", "platform = cisco 2950")
	odd := frame(t, tlv(1, ascii("sw-1")), tlv(6, ascii("cisco 29500")))
	wrong := frame(t, names...)
	wrong[2] ^= 0x55
	unsummed := frame(t, names...)
	unsummed[2], unsummed[3] = 0, 0
	discoverytest.Run(
		t, Protocol(),
		sample("everything", 0, lines(
			"device-id = sw-1.plant.example", "system-name = sw-1", "platform = cisco WS-C3560G-24PS", "version = Cisco IOS Software, Version 12.2(25)SEB4",
			"capabilities = router, switch, igmp-filter", "port-id = GigabitEthernet0/5", "address = 192.168.0.1", "address = 2001:db8::1",
			"management-address = 192.168.0.2", "prefix = 10.1.0.0/16", "prefix = 10.2.3.0/24", "system-object-id = 1.3.6.1.4.1.9.5.42.10.3", "location = hall 3",
			"switch-mac = 00:19:06:ea:b8:80", "model = WS-C3560G-24PS-S", "hardware = V02", "serial = FOC0929U1AB", "vtp-domain = Lab", "native-vlan = 1", "voice-vlan = 100",
			"duplex = full", "mtu = 1500",
		), frame(t, everything()...)),
		sample("version_1", 0, lines("device-id = 00:16:b9:ff:01:02"), unhex(t, "01b4 4329"+tlv(1, "0016b9ff0102"))),
		sample("odd", 0, lines("device-id = sw-1", "platform = cisco 29500"), odd),
		sample("padded", 0, told, append(frame(t, names...), make([]byte, 26)...)),
		sample("wrong_checksum", 1, told, wrong),
		sample("half", 1, told, append(frame(t, names...), unhex(t, "0005 00c4"+ascii("Cisco IOS"))...)),
		sample("impossible_length", 1, told, append(frame(t, names...), unhex(t, "0005 0003")...)),
		sample("damaged_addresses", 1, told, frame(t, tlv(2, "00000009 01 01 cc 0004 c0a8"), names[0], names[1])),
		sample("foreign_addresses", 0, told, frame(t, tlv(2, "00000003 01 01 81 0004 c0a80001 01 01 cc 0003 c0a800 01 01 cc 0004 00000000"), names[0], names[1])),
		sample("damaged_prefix", 1, told, frame(t, tlv(7, "0a010000 63"), names[0], names[1])),
		sample("damaged_object_id", 1, told, frame(t, tlv(21, "0409 2b06"), names[0], names[1])),
		sample("foreign_hello", 0, told, frame(t, tlv(8, "00000c 0113 00000000"), names[0], names[1])),
		sample("serial_of_an_access_point", 0, lines("device-id = ap-1", "serial = CNC1234567"), frame(t, tlv(1, ascii("ap-1")), tlv(0x1001, ascii("CNC1234567")))),
		sample("default_gateway", 0, told, frame(t, tlv(7, "0a010001"), names[0], names[1])),
		sample("other_version", 1, nil, unhex(t, "03b4 0000"+names[0])),
	)
	if _, err := Parse(unsummed); err != nil {
		t.Errorf("a frame without checksum: %v", err)
	}
}

// TestChecksum has the ways in which devices sum up an odd number of bytes.
func TestChecksum(t *testing.T) {
	for _, c := range []struct {
		name, text string
		sum        uint16 // of the words
		want       bool
	}{
		{"even", "02b4 0000 0001 0006 4141", 0x02b4 + 0x0001 + 0x0006 + 0x4141, true},
		{"odd_as_the_RFC", "02b4 0000 0001 0005 41", 0x02b4 + 0x0001 + 0x0005 + 0x4100, true},
		{"odd_in_the_lower_half", "02b4 0000 0001 0005 41", 0x02b4 + 0x0001 + 0x0005 + 0x0041, true},
		{"odd_and_negative", "02b4 0000 0001 0005 e0", 0x02b4 + 0x0001 + 0x0005 - 0x0020, true},
		{"wrong", "02b4 0000 0001 0006 4141", 0x4141, false},
	} {
		b := unhex(t, c.text)
		binary.BigEndian.PutUint16(b[2:], ^c.sum)
		if sumsUp(b) != c.want {
			t.Errorf("%s: sums up %v", c.name, !c.want)
		}
	}
}

func TestListsAreBounded(t *testing.T) {
	addresses := tlv(2, "00000040"+strings.Repeat("01 01 cc 0004 c0a80001", 2*maxRepeated))
	f, err := Parse(frame(t, addresses, tlv(7, strings.Repeat("0a010000 10", 2*maxRepeated))))
	if err != nil || len(f.Addresses) != maxRepeated || len(f.Prefixes) != maxRepeated {
		t.Errorf("%d addresses, %d prefixes, error %v", len(f.Addresses), len(f.Prefixes), err)
	}
}

func TestRepeatsAreFree(t *testing.T) {
	d := Protocol().Decode(flow(t))
	b := frame(t, everything()...)
	told := 0
	at := time.Unix(1000, 0)
	sink := discovery.SinkFunc(func(discovery.Observation) { told++ })
	feed := func() {
		if _, err := d.Feed(discovery.Client, at, b, 0, sink); err != nil {
			t.Fatal(err)
		}
	}
	feed()
	if n := testing.AllocsPerRun(100, feed); n > 0 || told != 1 {
		t.Errorf("a repeat allocates %v times, told %d times", n, told)
	}
	at = at.Add(once.RetellAfter)
	feed()
	if told != 2 {
		t.Errorf("told %d times", told)
	}
}

func TestCaptures(t *testing.T) {
	for name, want := range map[string][]string{
		"cdp-cisco-3560g.pcap": lines(
			"device-id = Switch", "platform = cisco WS-C3560G-24PS",
			"version = Cisco IOS Software, C3560 Software (C3560-ADVIPSERVICESK9-M), Version 12.2(25)SEB4, RELEASE SOFTWARE (fc1) "+
				"Copyright (c) 1986-2005 by Cisco Systems, Inc. Compiled Tue 30-Aug-05 17:56 by yenanh",
			"capabilities = switch, igmp-filter", "port-id = GigabitEthernet0/5", "address = 192.168.0.1", "management-address = 192.168.0.1",
			"switch-mac = 00:19:06:ea:b8:80", "vtp-domain = Lab", "native-vlan = 1", "duplex = full",
		),
		"enip-rockwell-software-upload-cdp-lldp.pcap": {
			"00:1e:f6:73:59:81: cdp.device-id = Ns5gt", "00:1e:f6:73:59:81: cdp.platform = cisco WS-CE500-24TT", "00:1e:f6:73:59:81: cdp.address = 192.168.10.253",
			"00:1e:f6:73:59:81: cdp.native-vlan = 3", "00:1e:f6:73:59:81: cdp.port-id = GigabitEthernet1",
		},
	} {
		t.Run(strings.TrimSuffix(name, ".pcap"), func(t *testing.T) {
			told := hear(t, name)
			for _, line := range want {
				if !slices.Contains(told, line) {
					t.Errorf("%q was not told, but:\n%s", line, strings.Join(told, "\n"))
				}
			}
		})
	}
	if diff := cmp.Diff([]string(nil), hear(t, "lldp-extreme-procurve.pcap")); diff != "" {
		t.Error(diff)
	}
}

// hear reads a shared capture with the listener, which walks the header of SNAP.
func hear(t *testing.T, name string) []string {
	t.Helper()
	source, err := capture.OpenFile(discoverytest.Shared(t, filepath.Join("captures", name)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	var told []discovery.Observation
	l := listen.New(listen.Options{Protocols: []discovery.Protocol{Protocol()}, Out: discovery.SinkFunc(func(o discovery.Observation) {
		if o.Protocol == "cdp" {
			told = append(told, o)
		}
	})})
	var f discovery.Frame
	for err = source.Next(&f); err == nil; err = source.Next(&f) {
		l.Frame(&f)
	}
	if !errors.Is(err, io.EOF) || len(l.Troubles()) > 0 {
		t.Fatalf("error %v, troubles %v", err, l.Troubles())
	}
	return discoverytest.Lines(told)
}
