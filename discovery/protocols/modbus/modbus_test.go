package modbus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const (
	client1 = "192.0.2.2"
	server1 = "192.0.2.1"
	talk    = client1 + " -> " + server1 + " tcp/502 modbus: "
)

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.TCP, Ports: [2]uint16{40000, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(client1)
	f.Ends[discovery.Server].IP = netip.MustParseAddr(server1)
	return f
}

// adu is a message to or from a unit: the header, and the function code with its data in hex.
func adu(unit uint8, pdu string) []byte {
	body, err := hex.DecodeString(strings.ReplaceAll(pdu, " ", ""))
	if err != nil {
		panic(err)
	}
	return append([]byte{0x12, 0x34, 0, 0, byte((len(body) + 1) >> 8), byte(len(body) + 1), unit}, body...)
}

func ask1(unit uint8, pdu string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: adu(unit, pdu)}
}

func answer(unit uint8, pdu string) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: adu(unit, pdu)}
}

func object(id byte, text string) string { return fmt.Sprintf("%02x%02x%x", id, len(text), text) }

// The example of V1.1b3 section 6.21, a basic device identification in one answer, with its texts filled in.
var basicObjects = object(0, "Company identification") + object(1, "Product code XX") + object(2, "V2.11")

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Problems: problems, Messages: messages}
	}
	turned := sample("turned_round", 0, []string{talk + "read", server1 + ": modbus.vendor-name = ACME", server1 + ": modbus.conformity-level = 0x01"},
		discoverytest.Message{Side: discovery.Server, Bytes: adu(255, "2b0e0100")},
		discoverytest.Message{Side: discovery.Client, Bytes: adu(255, "2b0e01 01 00 00 01"+object(0, "ACME"))})
	turned.Flow.Ends[0], turned.Flow.Ends[1] = turned.Flow.Ends[1], turned.Flow.Ends[0]
	turned.Flow.Ports = [2]uint16{Port, 40000}
	late := sample("answers_only_after_a_gap", 0, []string{talk + "read", server1 + " modbus-unit=7: modbus.server-id = PM710PowerMeter raw faff504d373130506f7765724d65746572"},
		discoverytest.Message{Side: discovery.Server, Gap: 5, Bytes: append([]byte{0xff, 1, 2}, adu(7, "11 11 faff"+hex.EncodeToString([]byte("PM710PowerMeter")))...)})

	discoverytest.Run(
		t, Protocol(), turned, late,
		sample(
			"basic_identification", 0,
			[]string{
				talk + "read",
				server1 + ": modbus.vendor-name = Company identification", server1 + ": modbus.product-code = Product code XX",
				server1 + ": modbus.major-minor-revision = V2.11", server1 + ": modbus.conformity-level = 0x01",
			},
			ask1(255, "2b0e0100"), answer(255, "2b0e01 01 00 00 03"+basicObjects),
		),
		sample(
			"answers_every_unit_alike", 0, []string{
				talk + "read", server1 + ": modbus.vendor-name = ACME", server1 + ": modbus.conformity-level = 0x01",
				server1 + " modbus-unit=4: modbus.vendor-name = other", server1 + " modbus-unit=4: modbus.conformity-level = 0x01",
			},
			answer(255, "2b0e01 01 00 00 01"+object(0, "ACME")), answer(3, "2b0e01 01 00 00 01"+object(0, "ACME")), answer(4, "2b0e01 01 00 00 01"+object(0, "other")),
		),
		sample("no_identification", 0, []string{talk + "read", server1 + ": modbus.no-identification = exception 1: illegal function"}, answer(255, "ab01"), answer(255, "ab01"), answer(7, "ab01")),
		sample(
			"units", 0,
			[]string{
				talk + "read", server1 + " modbus-unit=3: modbus.model-name = M340", server1 + " modbus-unit=3: modbus.conformity-level = 0x82",
				server1 + ": modbus.model-name = Gate", server1 + ": modbus.conformity-level = 0x82",
			},
			ask1(3, "2b0e0200"), answer(3, "2b0e02 82 00 00 01"+object(5, "M340")), answer(0, "2b0e02 82 00 00 01"+object(5, "Gate")),
		),
		sample(
			"objects", 0,
			[]string{
				talk + "read", server1 + ": modbus.product-code = multicomp F144-3", server1 + ": modbus.vendor-url = Bad URL raw 426164010255524c",
				server1 + ": modbus.private-object = 0x80: SN 17", server1 + ": modbus.private-object = 0x08: reserved", server1 + ": modbus.conformity-level = 0x83",
			},
			answer(255, "2b0e03 83 ff 85 06"+object(1, "multicomp F144-3  ")+object(2, "")+object(3, "Bad\x01\x02URL")+object(0x80, "SN 17\x00")+object(0x81, "\x00\x00")+object(8, "reserved")),
		),
		sample(
			"cut_identification", 1, []string{talk + "read", server1 + ": modbus.vendor-name = ACME", server1 + ": modbus.conformity-level = 0x01"},
			answer(255, "2b0e01 01 00 00 03"+object(0, "ACME")+"01 20 41"),
		),
		sample("short_identification", 1, []string{talk + "read"}, answer(255, "2b0e01 01 00")),
		sample("other_encapsulated", 0, []string{talk + "read"}, ask1(1, "2b0d00"), answer(1, "2b0d0001")),
		sample(
			"server_ids", 0,
			[]string{
				talk + "read", server1 + " modbus-unit=2: modbus.server-id = Zeek Test raw 5a65656b2054657374ff", server1 + " modbus-unit=2: modbus.server-id = 01ff raw 01ff",
			},
			ask1(2, "11"), answer(2, "11 0a"+hex.EncodeToString([]byte("Zeek Test"))+"ff"), answer(2, "11 02 01ff"),
		),
		sample(
			"gateway", 0,
			[]string{
				talk + "read", server1 + ": modbus.gateway-exception = unit 5: gateway target device failed to respond",
				server1 + ": modbus.gateway-exception = unit 6: gateway path unavailable",
			},
			ask1(5, "03 0000 0001"), answer(5, "83 0b"), ask1(5, "03 0000 0001"), answer(5, "83 0b"), answer(6, "84 0a"), answer(1, "ab 01"),
		),
		sample(
			"operations_are_told_once", 0, []string{talk + "read", talk + "write", talk + "control"},
			ask1(1, "01 0013 0013"), answer(1, "01 03 cd6b05"), ask1(1, "03 006b 0003"), answer(1, "03 06 022b00000064"), ask1(1, "03 006b 0003"),
			ask1(1, "05 00ac ff00"), ask1(1, "06 0001 0003"), ask1(1, "08 0000 a537"), ask1(1, "0f 0013 000a 02 cd01"), answer(1, "0f 0013 000a"),
			ask1(1, "10 0001 0002 04 000a0102"), answer(1, "10 0001 0002"), ask1(1, "17 0003 0006 000e 0003 06 00ff00ff00ff"), ask1(1, "5a 0002"),
			ask1(1, "07"), answer(1, "07 6d"), ask1(1, "0b"), answer(1, "0b ffff 0108"), ask1(1, "0c"), answer(1, "0c 08 0000 0108 0121 2000"),
		),
		sample("unknown_function", 0, nil, ask1(1, "64 01 02"), answer(1, "64 01")),
	)
}

func TestNotModbus(t *testing.T) {
	for name, first := range map[string]string{
		"http":           "GET / HTTP/1.1\r\nHost: plc\r\n\r\n",
		"wrong_protocol": "\x00\x01\x00\x01\x00\x06\x01\x03\x00\x00\x00\x01",
		"wrong_length":   "\x00\x01\x00\x00\x00\x01\x01\x03",
		"too_long":       "\x00\x01\x00\x00\x01\x00\x01\x03",
	} {
		_, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: []discoverytest.Message{{Bytes: []byte(first)}}})
		if len(problems) != 1 || !errors.Is(problems[0], discovery.ErrNotMine) {
			t.Errorf("%s: %v", name, problems)
		}
		if claims([]byte(first)) {
			t.Errorf("%s is claimed", name)
		}
	}
	if _, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: []discoverytest.Message{
		{Gap: 1, Bytes: []byte(strings.Repeat("x", maxSkipped+headerLen))},
	}}); len(problems) != 1 || !errors.Is(problems[0], discovery.ErrNotMine) {
		t.Errorf("lost for ever: %v", problems)
	}
}

func TestClaims(t *testing.T) {
	for pdu, want := range map[string]bool{"03 006b 0003": true, "2b0e0100": true, "06 0001 0003": true, "16 0004 00f2 0025": true, "83 02": true, "83 77": false, "64 01": false} {
		if got := claims(adu(1, pdu)); got != want {
			t.Errorf("%s: %v", pdu, got)
		}
	}
}

func TestResync(t *testing.T) {
	for name, c := range map[string]struct {
		messages []discoverytest.Message
		want     []string
		problems int
	}{
		"junk_between": {
			[]discoverytest.Message{ask1(1, "03 0000 0001"), {Bytes: append([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff"), adu(1, "06 0001 0003")...)}},
			[]string{talk + "read", talk + "write"},
			1,
		},
		"junk_then_later": {
			[]discoverytest.Message{ask1(1, "03 0000 0001"), {Bytes: []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff")}, {Bytes: []byte("\xff\xff\xff\xff\xff\xff\xff")}, ask1(1, "06 0001 0003")},
			[]string{talk + "read", talk + "write"},
			1,
		},
		"gap_inside_a_message": {
			[]discoverytest.Message{
				answer(1, "03 02 0001"), {Side: discovery.Server, Gap: 9, Bytes: append([]byte{0, 0, 0, 0, 0, 6, 9, 9}, adu(4, "2b0e01 01 00 00 01"+object(0, "A"))...)},
			},
			[]string{talk + "read", server1 + " modbus-unit=4: modbus.vendor-name = A", server1 + " modbus-unit=4: modbus.conformity-level = 0x01"},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: c.messages})
			if !slices.Equal(lines, c.want) || len(problems) != c.problems {
				t.Errorf("got %q, %v, want %q", lines, problems, c.want)
			}
		})
	}
}

func TestPollsAreFree(t *testing.T) {
	d := Protocol().Decode(flow())
	poll, reply, dead := adu(1, "03 006b 0003"), adu(1, "03 06 022b00000064"), adu(9, "83 0b")
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	now := time.Now()
	round := func() {
		for side, b := range [][]byte{poll, reply} {
			if n, err := d.Feed(discovery.Side(side), now, b, 0, sink); n != len(b) || err != nil {
				t.Fatal(n, err)
			}
		}
		if _, err := d.Feed(discovery.Server, now, dead, 0, sink); err != nil {
			t.Fatal(err)
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("a poll allocates %v times", n)
	}
}

func TestCaptures(t *testing.T) {
	for name, want := range map[string][]string{
		"modbus-devid-and-functions.pcap": {
			"127.0.0.1 modbus-unit=1: modbus.vendor-name = Zeek Modbus Test", "127.0.0.1 modbus-unit=1: modbus.product-code = Protocol Parsing is fun!",
			"127.0.0.1 modbus-unit=1: modbus.major-minor-revision = 1.2.3.6", "127.0.0.1 modbus-unit=1: modbus.conformity-level = 0x83",
			"127.0.0.1 modbus-unit=2: modbus.server-id = Zeek Modbus Test-Protocol Parsing is fun!-1.2.3.6", "tcp/502 modbus: write",
		},
		"modbus-several-sites.pcap":        {"tcp/502 modbus: read", "tcp/502 modbus: write"},
		"plant-modbus-s7-enip-merged.pcap": {"tcp/502 modbus: read"},
	} {
		t.Run(strings.TrimSuffix(name, ".pcap"), func(t *testing.T) {
			var got []string
			for _, s := range discoverytest.Capture(t, name, discovery.TCP, Port) {
				lines, problems := discoverytest.Read(t, Protocol(), s)
				for _, problem := range problems {
					t.Logf("%s: %v", s.Name, problem)
				}
				got = append(got, lines...)
			}
			for _, line := range want {
				if !slices.ContainsFunc(got, func(l string) bool { return strings.Contains(l, line) }) {
					t.Errorf("%q was not told, but:\n%s", line, strings.Join(got, "\n"))
				}
			}
		})
	}
}
