package bacnet

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// raw decodes hex; blanks may stand between the bytes, and text in quotes.
func raw(t testing.TB, text string) []byte {
	t.Helper()
	var out []byte
	for i, piece := range strings.Split(text, "'") {
		if i%2 == 1 {
			out = append(out, piece...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(piece, " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", piece, err)
		}
		out = append(out, b...)
	}
	return out
}

// bvlc is a datagram of BACnet/IP: the function, then what follows the length.
func bvlc(t testing.TB, function byte, body string) []byte {
	b := raw(t, body)
	n := len(b) + 4
	return append([]byte{linkIPv4, function, byte(n >> 8), byte(n)}, b...)
}

const (
	plain  = "01 00 "                      // NPDU from the same network
	routed = "01 08 07d1 01 0a "           // from network 2001, station 10
	this   = "0200006f "                   // object id: device 111
	other  = "0200006e "                   // device 110
	analog = "00000005 "                   // analog input 5
	isAm   = "10 00 c4 " + this            // I-Am
	ack    = "30 01 0c 0c " + this + "19 " // answer to ReadProperty, up to the number of the property
	acks   = "30 01 0e 0c " + this + "1e " // answer to ReadPropertyMultiple, up to the first property
)

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.UDP, Ports: [2]uint16{Port, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr("192.0.2.1")
	f.Ends[discovery.Server].IP = netip.MustParseAddr("192.0.2.9")
	return f
}

func answers(messages ...[]byte) []discoverytest.Message {
	var out []discoverytest.Message
	for _, b := range messages {
		out = append(out, discoverytest.Message{Side: discovery.Server, Bytes: b})
	}
	return out
}

// lines puts who is meant before what is told of him.
func lines(about string, facts ...string) []string {
	for i := range facts {
		facts[i] = about + ": " + facts[i]
	}
	return facts
}

const (
	self    = "192.0.2.9"
	behind  = "192.0.2.9 bacnet-net=2001/bacnet-mac=0a (said by 192.0.2.9)"
	reading = "192.0.2.1 -> 192.0.2.9 udp/47808 bacnet: read"
)

func TestProtocol(t *testing.T) {
	unicast := func(body string) []byte { return bvlc(t, originalUnicast, body) }
	broadcast := func(body string) []byte { return bvlc(t, originalBroadcast, body) }
	sample := func(name string, want []string, messages ...[]byte) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Messages: answers(messages...), Want: want}
	}
	wrong := func(name string, want []string, messages ...[]byte) discoverytest.Sample {
		s := sample(name, want, messages...)
		s.Problems = 1
		return s
	}
	iAmFacts := []string{"bacnet.device-instance = 111", "bacnet.vendor-id = 260"}
	asked := func(facts ...string) []string { return append([]string{reading}, lines(self, facts...)...) }
	discoverytest.Run(
		t, Protocol(),
		sample("i_am", lines(self, iAmFacts...), broadcast("01 20 ffff 00 ff "+isAm+"22 01e0 91 03 22 0104")),
		sample("i_am_again", lines(self, "bacnet.device-instance = 111", "bacnet.vendor-id = 260"),
			broadcast(plain+isAm+"22 01e0 91 03 22 0104"), broadcast(plain+isAm+"22 01e0 91 03 22 0104")),
		sample("i_am_without_a_number", lines(self, "bacnet.device-instance = 4194303", "bacnet.vendor-id = 1"),
			broadcast(plain+"10 00 c4 023fffff 21 32 91 03 21 01")),
		sample("i_am_routed", lines(behind, "bacnet.device-instance = 111", "bacnet.vendor-id = 260"),
			broadcast("01 28 ffff 00 07d1 01 0a ff "+isAm+"22 01e0 91 03 22 0104")),
		sample("i_am_forwarded", lines("198.51.100.7 (said by 192.0.2.9)", "bacnet.device-instance = 111", "bacnet.vendor-id = 260"),
			bvlc(t, forwardedNPDU, "c6336407 bac0 "+plain+isAm+"22 01e0 91 03 22 0104")),
		sample("i_am_forwarded_by_itself", lines(self, "bacnet.device-instance = 111", "bacnet.vendor-id = 260"),
			bvlc(t, forwardedNPDU, "c0000209 bac0 "+plain+isAm+"22 01e0 91 03 22 0104")),
		sample("i_am_routed_and_forwarded", lines("198.51.100.7 bacnet-net=2001/bacnet-mac=0a (said by 192.0.2.9)", "bacnet.device-instance = 111", "bacnet.vendor-id = 5"),
			bvlc(t, forwardedNPDU, "c6336407 bac0 "+routed+isAm+"21 32 91 03 21 05")),
		sample("i_am_to_distribute", lines(self, "bacnet.device-instance = 111", "bacnet.vendor-id = 5"),
			bvlc(t, distributeBroadcast, plain+isAm+"21 32 91 03 21 05")),
		sample("i_am_over_ipv6", lines(self, "bacnet.device-instance = 111", "bacnet.vendor-id = 5"),
			raw(t, "82 02 0018 00006f "+plain+isAm+"21 32 91 03 21 05 ffff")[:24]),
		sample("i_am_forwarded_over_ipv6", lines("2001:db8::7 (said by 192.0.2.9)", "bacnet.device-instance = 111", "bacnet.vendor-id = 5"),
			raw(t, "82 08 0028 00006f 20010db8000000000000000000000007 bac0 "+plain+isAm+"21 32 91 03 21 05")),
		sample("unicast_over_ipv6", lines(self, "bacnet.device-instance = 111", "bacnet.vendor-id = 5"),
			raw(t, "82 01 0019 00006f 000001 "+plain+isAm+"21 32 91 03 21 05")),
		wrong("i_am_of_no_device", nil, broadcast(plain+"10 00 c4 "+analog+"21 32 91 03 21 05")),
		wrong("i_am_of_other_types", lines(self, "bacnet.device-instance = 111"), broadcast(plain+isAm+"91 32 91 03 21 05")),
		sample("i_have", lines(self, "bacnet.device-instance = 111", "bacnet.object-name = AHU-1"),
			broadcast(plain+"10 01 c4 "+this+"c4 "+this+"75 06 00 'AHU-1'")),
		sample("i_have_a_point", lines(self, "bacnet.device-instance = 111"), broadcast(plain+"10 01 c4 "+this+"c4 "+analog+"73 00 'T1'")),
		sample("who_am_i", lines(self, "bacnet.vendor-id = 260", "bacnet.model-name = M1", "bacnet.serial-number = S-7"),
			broadcast(plain+"10 0d 22 0104 73 00 'M1' 74 00 'S-7'")),
		sample("changed_value", lines(self, "bacnet.device-instance = 111"), unicast(plain+"10 02 09 12 1c "+this+"2c "+analog+"39 00 4e 09 55 2e 44 42820000 2f 4f")),
		sample("changed_value_to_confirm", lines(self, "bacnet.device-instance = 111"), unicast("01 04 00 02 0f 01 09 12 1c "+this+"2c "+analog+"39 00 4e 4f")),
		sample("event_of_another", nil, unicast(plain+"10 03 09 12 1c "+this)),
		sample("read_property", asked("bacnet.device-instance = 111", "bacnet.model-name = VAV 300"), unicast(plain+ack+"46 3e 75 08 00 'VAV 300' 3f")),
		sample("read_properties_one_by_one", append(asked("bacnet.device-instance = 111", "bacnet.serial-number = 0815"), lines(self, "bacnet.protocol-revision = 22")...),
			unicast(plain+"30 01 0c 0c "+this+"1a 0174 3e 75 05 00 '0815' 3f"), unicast(plain+ack+"8b 3e 21 16 3f")),
		sample("read_property_routed", append([]string{reading}, lines(behind, "bacnet.device-instance = 111", "bacnet.location = Roof")...),
			unicast(routed+ack+"3a 3e 75 05 00 'Roof' 3f")),
		sample("read_property_echoed", asked("bacnet.vendor-name = ACME"), unicast(plain+"30 01 0c 0c 023fffff 19 79 3e 75 05 00 'ACME' 3f")),
		sample("read_property_of_a_point", []string{reading}, unicast(plain+"30 01 0c 0c "+analog+"19 55 3e 44 4290999a 3f")), // clause F.3.5
		sample("read_other_property", asked("bacnet.device-instance = 111"), unicast(plain+ack+"39 3e b4 0a000000 3f")),
		sample("read_array_element", asked("bacnet.device-instance = 111"), unicast(plain+ack+"4d 29 01 3e 72 00 'x' 3f")),
		sample("read_empty_list", asked("bacnet.device-instance = 111"), unicast(plain+ack+"98 3e 3f")),
		sample("read_list", asked("bacnet.device-instance = 111"), unicast(plain+ack+"98 3e 0e 1e 09 01 1f 0f 10 3f")),
		sample(
			"read_property_multiple",
			append(asked("bacnet.device-instance = 111", "bacnet.object-name = AHU-1", "bacnet.vendor-id = 260", "bacnet.firmware-revision = 1.2",
				"bacnet.application-software-version = 3.4", "bacnet.description = Zuluft", "bacnet.profile-name = 260-AHU"),
				lines(self, "bacnet.device-uuid = 000102030405060708090a0b0c0d0e0f")...),
			unicast(plain+acks+"29 4d 4e 75 06 00 'AHU-1' 4f 29 78 4e 22 0104 4f 29 2c 4e 74 00 '1.2' 4f 29 0c 4e 74 00 '3.4' 4f"+
				" 29 1c 4e 75 07 00 'Zuluft' 4f 29 3a 5e 91 02 91 20 5f 29 4c 39 00 4e 21 02 4f 29 a8 4e 75 08 00 '260-AHU' 4f 1f"+
				" 0c "+analog+"1e 29 4d 4e 72 00 'x' 4f 1f 0c "+this+"1e 2a 01fb 4e 65 10 000102030405060708090a0b0c0d0e0f 4f 1f"),
		),
		wrong("read_property_multiple_damaged", asked("bacnet.device-instance = 111", "bacnet.object-name = A"), unicast(plain+acks+"29 4d 4e 72 00 'A' 4f 39 78 4e 21 01 4f 1f")),
		wrong("read_property_without_value", asked("bacnet.device-instance = 111"), unicast(plain+ack+"46 91 00")),
		wrong("reserved_tag", asked("bacnet.device-instance = 111"), unicast(plain+ack+"46 3e 76 00 3f")),
		sample("several_devices_of_one_program",
			[]string{reading, self + ": bacnet.device-instance = 111", self + ": bacnet.model-name = A", self + " device=110: bacnet.device-instance = 110", self + " device=110: bacnet.model-name = B"},
			unicast(plain+ack+"46 3e 72 00 'A' 3f"), unicast(plain+"30 01 0c 0c "+other+"19 46 3e 72 00 'B' 3f")),
		sample(
			"segments", // with one of them twice
			asked("bacnet.device-instance = 111", "bacnet.object-name = AHU-1", "bacnet.vendor-id = 260"),
			unicast(plain+"3c 07 00 04 0e 0c "+this+"1e 29 4d 4e 75 06"), unicast(plain+"3c 07 01 04 0e 00 'AHU'"), unicast(plain+"3c 07 01 04 0e 00 'AHU'"),
			unicast(plain+"38 07 02 04 0e '-1' 4f 29 78 4e 22 0104 4f 1f"),
		),
		sample(
			"segment_lost",
			asked("bacnet.device-instance = 111", "bacnet.object-name = A"),
			unicast(plain+"3c 07 00 04 0e 0c "+this+"1e 29 4d 4e 72 00 'A' 4f 29 46"), unicast(plain+"38 07 02 04 0e 4e 72 00 'B' 4f 1f"),
		),
		sample("segments_from_the_middle", []string{reading}, unicast(plain+"38 07 02 04 0e 4e 72 00 'B' 4f 1f")),
		sample("routers", lines(self, "bacnet.router-to-network = 2001", "bacnet.router-to-network = 2002"), broadcast("01 80 01 07d1 07d2"), broadcast("01 80 05 07d1")),
		sample("routing_table", lines(self, "bacnet.router-to-network = 2001", "bacnet.router-to-network = 2002"), unicast("01 80 07 02 07d1 01 00 07d2 02 03 aabbcc")),
		sample("network_number", lines(self, "bacnet.network-number = 2001"), broadcast("01 80 13 07d1 01")),
		sample("proprietary_network_message", nil, broadcast("01 80 80 0104 ff")),
		sample("broadcast_tables", lines(self, "bacnet.broadcast-peer = 198.51.100.7:47808", "bacnet.foreign-device = 198.51.100.8:47809"),
			bvlc(t, broadcastTable, "c6336407 bac0 ffffffff 00000000 bac0 00000000"), bvlc(t, foreignTable, "c6336408 bac1 003c 0010")),
		sample("result", nil, bvlc(t, result, "0030"), bvlc(t, registerForeignDevice, "003c"), bvlc(t, secured, "00")),
		sample("refusals", nil, unicast(plain+"50 01 0f 91 02 91 20"), unicast(plain+"60 01 04"), unicast(plain+"71 01 04"), unicast(plain+"40 01 00 04")),
		wrong("wrong_version", nil, unicast("02 00 "+isAm)),
		wrong("no_source_address", nil, unicast("01 08 07d1 00 "+isAm)),
		wrong("kind_of_apdu", nil, unicast(plain+"f0 00 00")),
		wrong("forwarded_for_nobody", nil, bvlc(t, forwardedNPDU, "00000000 bac0 "+plain+isAm+"21 32 91 03 21 05")),
		wrong("longer_than_the_datagram", lines(self, "bacnet.device-instance = 111", "bacnet.vendor-id = 5"),
			append([]byte{0x81, 0x0b, 0x01, 0x00}, raw(t, plain+isAm+"21 32 91 03 21 05")...)),
		wrong("not_bacnet", nil, raw(t, "00 00 00 00")),
		wrong("unknown_function", nil, raw(t, "81 77 0004")),
	)
}

func TestOperations(t *testing.T) {
	talk := func(op string) []string {
		return []string{"192.0.2.1 -> 192.0.2.9 udp/47808 bacnet: " + op}
	}
	for _, c := range []struct {
		name     string
		function byte
		body     string
		want     []string
	}{
		{"read", originalUnicast, "01 04 02 75 01 0c 0c " + this + "19 46", talk("read")},
		{"write", originalUnicast, "01 04 02 75 01 0f 0c " + analog + "19 55 3e 44 43340000 3f", talk("write")},
		{"reinitialize", originalUnicast, "01 04 02 75 01 14 09 00", talk("control")},
		{"write_file", originalUnicast, "01 04 02 75 01 07 c4 02800001", talk("control")},
		{"private", originalUnicast, "01 04 02 75 01 12 09 19 19 08", nil},
		{"time", originalUnicast, plain + "10 06 a4 6c0b1605 b4 0e000000", talk("write")},
		{"who_is", originalUnicast, plain + "10 08", nil},
		{"broadcast_table_asked", readBroadcastTable, "", talk("read")},
		{"broadcast_table_written", writeBroadcastTable, "", talk("write")},
		{"routing_table_asked", originalUnicast, "01 84 06 00", talk("read")},
		{"routing_table_written", originalUnicast, "01 84 06 01 07d1 01 00", talk("control")},
		{"disconnect", originalUnicast, "01 80 09 07d1", talk("control")},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := discoverytest.Message{Bytes: bvlc(t, c.function, c.body)}
			got, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: []discoverytest.Message{m, m}})
			if diff := cmp.Diff(c.want, got); diff != "" || len(problems) > 0 {
				t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
			}
		})
	}
}

// Frames of links that are no IP: the MAC is the station's.
func TestLinks(t *testing.T) {
	for _, c := range []struct {
		name   string
		number uint16
		body   string
		want   []string
	}{
		{"ethernet", SAP, plain + isAm + "21 32 91 03 21 05", lines("02:00:00:00:00:0a", "bacnet.device-instance = 111", "bacnet.vendor-id = 5")},
		{"mstp", MSTP, "0000 80 06 ff 72 0011 1f" + plain + isAm + "21 32 91 03 21 05 aaaa", lines("02:00:00:00:00:0a", "bacnet.device-instance = 111", "bacnet.vendor-id = 5")},
		{"mstp_token", MSTP, "0000 80 00 72 01 0000 ce", nil},
		{"mstp_question", MSTP, "0000 80 05 72 01 000d 1f 01 04 02 75 01 0c 0c " + this + "19 46 aaaa", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := discovery.Flow{Transport: discovery.EtherType, Ports: [2]uint16{0, c.number}}
			f.Ends[discovery.Client].MAC = discovery.MAC{2, 0, 0, 0, 0, 10}
			discoverytest.Run(t, Protocol(), discoverytest.Sample{
				Name: "sample", Flow: f, Messages: []discoverytest.Message{{Bytes: raw(t, c.body)}}, Want: c.want,
			})
		})
	}
}

func TestCharacters(t *testing.T) {
	for _, c := range []struct {
		name, content, want string
		whole               bool
	}{
		{"utf8", "00 'Z' c3bc 'rich'", "Zürich", true},
		{"latin1_taken_for_ascii", "00 'Z' fc 'rich'", "Zürich", true},
		{"latin1", "05 'Z' fc 'rich'", "Zürich", true},
		{"ucs2", "04 005a 00fc 0031", "Zü1", true},
		{"ucs4", "03 0000005a 0001f600", "Z😀", true},
		{"windows", "01 04e4 'Z' fc", "Zü", true},
		{"dos", "01 0352 'Z' 81 'rich'", "Z rich", false},
		{"dos_ascii", "01 0352 'Genf'", "Genf", true},
		{"code_page_utf8", "01 fde9 'Z' c3bc", "Zü", true},
		{"jis", "02 3441", "", false},
		{"empty", "", "", false},
		{"no_code_page", "01 03", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := raw(t, c.content)
			fact := newFact(KeyLocation, tag{number: tagCharacterString, content: content})
			if fact.Value != c.want || len(fact.Raw) > 0 == (c.whole || len(content) == 0) {
				t.Errorf("got %q raw %x, want %q", fact.Value, fact.Raw, c.want)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	for _, c := range []struct {
		name  string
		first []byte
		want  bool
	}{
		{"i_am", bvlc(t, originalBroadcast, plain+isAm+"21 32 91 03 21 05"), true},
		{"who_is_router", bvlc(t, originalBroadcast, "01 80 00"), true},
		{"register", bvlc(t, registerForeignDevice, "003c"), true},
		{"read_table", bvlc(t, readForeignTable, ""), true},
		{"ipv6", raw(t, "82 02 000b 00006f 01 00 10 08"), true},
		{"other_length", append(bvlc(t, originalBroadcast, plain+"10 08"), 0), false},
		{"reserved_bits", bvlc(t, originalBroadcast, "01 40 10 08"), false},
		{"no_apdu", bvlc(t, originalBroadcast, plain), false},
		{"result_too_long", bvlc(t, result, "000000"), false},
		{"ipv6_without_npdu", raw(t, "82 03 0007 00006f"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := claims(c.first); got != c.want {
				t.Errorf("claims %x: %v", c.first, got)
			}
		})
	}
}

// A client that polls values and names costs nothing once it was told.
func TestPollsDoNotAllocate(t *testing.T) {
	d := Protocol().Decode(flow())
	messages := [][]byte{
		bvlc(t, originalUnicast, plain+"30 01 0c 0c "+analog+"19 55 3e 44 4290999a 3f"),
		bvlc(t, originalUnicast, plain+ack+"46 3e 75 08 00 'VAV 300' 3f"),
		bvlc(t, originalUnicast, routed+acks+"29 4d 4e 75 06 00 'AHU-1' 4f 29 78 4e 22 0104 4f 1f"),
		bvlc(t, originalBroadcast, plain+"10 08"),
	}
	out := discovery.SinkFunc(func(discovery.Observation) {})
	feed := func() {
		for _, b := range messages {
			if _, err := d.Feed(discovery.Server, time.Time{}, b, 0, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	feed()
	if n := testing.AllocsPerRun(100, feed); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Segments without an end do not grow for ever, and those who start many do not keep others from being read.
func TestAssembliesAreBounded(t *testing.T) {
	d := &decoder{flow: flow()}
	var told []discovery.Observation
	out := discovery.SinkFunc(func(o discovery.Observation) { told = append(told, o) })
	start := "0c " + this + "1e 29 4d 4e 72 00 'A' 4f 2a 07d0 4e 65 fe fff0 "
	for i := range 60 {
		apdu := []byte{0x3c, 7, byte(i), 4, readPropertyMultiple}
		if i == 0 {
			apdu = append(apdu, raw(t, start)...)
		} else {
			apdu = append(apdu, make([]byte, 1400)...)
		}
		b := append([]byte{1, 0}, apdu...)
		b = append([]byte{linkIPv4, originalUnicast, byte((len(b) + 4) >> 8), byte(len(b) + 4)}, b...)
		if _, err := d.Feed(discovery.Server, time.Time{}, b, 0, out); err != nil {
			t.Fatal(err)
		}
		for _, s := range d.assemblies {
			if len(s.body) > maxAssembled {
				t.Fatalf("%d bytes are kept", len(s.body))
			}
		}
	}
	want := append([]string{reading}, lines(self, "bacnet.device-instance = 111", "bacnet.object-name = A")...)
	if diff := cmp.Diff(want, discoverytest.Lines(told)); diff != "" {
		t.Error(diff)
	}
}
