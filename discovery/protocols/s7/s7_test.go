package s7

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
	talk    = client1 + " -> " + server1 + " tcp/102 s7: "
)

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.TCP, Ports: [2]uint16{40000, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(client1)
	f.Ends[discovery.Server].IP = netip.MustParseAddr(server1)
	return f
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// packet is a TPDU in hex behind the header of RFC 1006.
func packet(tpdu string) []byte {
	b := unhex(tpdu)
	return append([]byte{3, 0, byte((len(b) + 4) >> 8), byte(len(b) + 4)}, b...)
}

func asked(b ...[]byte) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: slices.Concat(b...)}
}

func answered(b ...[]byte) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: slices.Concat(b...)}
}

func connect(code, called string) []byte {
	return packet(fmt.Sprintf("%02x %s 0000 0001 00 c0 01 0a c1 02 0100 c2 %02x %s", 15+len(called)/2, code, len(called)/2, called))
}

func data(message string) []byte { return packet("02f080" + message) }

// job is a request or an answer with a function, hex.
func job(kind Kind, parameters, payload string) []byte {
	status := ""
	if kind == Ack || kind == AckData {
		status = "0000"
	}
	return data(fmt.Sprintf("32%02x 0000 0001 %04x %04x %s", kind, len(unhex(parameters)), len(unhex(payload)), status) + parameters + payload)
}

// question asks for a list; part n > 0 asks for more of one that comes in parts.
func question(part, sequence uint8) []byte {
	if part > 0 {
		return job(Userdata, fmt.Sprintf("000112 08 12 44 01 %02x %02x 00 0000", sequence, part), "0a 00 0000")
	}
	return job(Userdata, fmt.Sprintf("000112 04 11 44 01 %02x", sequence), "ff 09 0004 0011 0000")
}

func answer(part, sequence uint8, more bool, payload string) []byte {
	last := 0
	if more {
		last = 1
	}
	return job(Userdata, fmt.Sprintf("000112 08 12 84 01 %02x %02x %02x 0000", sequence, part, last), fmt.Sprintf("ff 09 %04x %s", len(unhex(payload)), payload))
}

// moduleRow is a record of SZL 0011, componentRow one of 001C.
func moduleRow(index, text, version string) string {
	return fmt.Sprintf("%s %x 00c0 %s", index, fmt.Sprintf("%-20s", text), version)
}

func componentRow(index, text string) string {
	return fmt.Sprintf("%s %x %s", index, text, strings.Repeat("00", 32-len(text)))
}

func modules(id string, rows ...string) string {
	return id + fmt.Sprintf("0000 001c %04x", len(rows)) + strings.Join(rows, "")
}

func components(id string, rows ...string) string {
	return id + fmt.Sprintf("0000 0022 %04x", len(rows)) + strings.Join(rows, "")
}

const order = "6ES7 315-2AG10-0AB0"

var (
	allModules = modules("0011", moduleRow("0001", order, "0004 0001"), moduleRow("0006", order, "0004 0001"),
		moduleRow("0007", "", "5602 0609"), moduleRow("0081", "Boot Loader", "4120 0909"))
	allComponents = components("001c", componentRow("0001", "SIMATIC 300(1)"), componentRow("0002", "Pump"), componentRow("0003", "Hall 2"),
		componentRow("0004", "Original Siemens Equipment"), componentRow("0005", "S C-X4U421302009"), componentRow("0007", "CPU 315-2 DP"),
		componentRow("0008", "MMC 267FF11F"), "0009 002a f600 0001"+strings.Repeat("00", 26), componentRow("000a", "ACME"), componentRow("000b", "Row 7"),
		componentRow("0006", "reserved"))
	told0011 = []string{
		server1 + ": s7.order-number = " + order, server1 + ": s7.hardware-order-number = " + order, server1 + ": s7.hardware-version = 4",
		server1 + ": s7.firmware-version = V2.6.9", server1 + ": s7.firmware-extension = Boot Loader A32.9.9",
	}
	told001C = []string{
		server1 + ": s7.plc-name = SIMATIC 300(1)", server1 + ": s7.module-name = Pump", server1 + ": s7.plant = Hall 2",
		server1 + ": s7.copyright = Original Siemens Equipment", server1 + ": s7.serial-number = S C-X4U421302009",
		server1 + ": s7.module-type-name = CPU 315-2 DP", server1 + ": s7.memory-card-serial = MMC 267FF11F", server1 + ": s7.manufacturer = 0x002A",
		server1 + ": s7.oem = ACME", server1 + ": s7.location = Row 7",
	}
)

// plus is a message of S7comm-plus, version 3 with its digest.
func plus(version uint8, body string) []byte {
	if version == plusDigested {
		body = "20" + strings.Repeat("5a", 32) + body
	}
	return data(fmt.Sprintf("72%02x%04x", version, len(unhex(body))) + body + fmt.Sprintf("72%02x0000", version))
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Problems: problems, Messages: messages}
	}
	half := 2 * (szlHeader + 3*componentRecord + 5)
	inParts := strings.ReplaceAll(allComponents, " ", "")
	cut := strings.ReplaceAll(allModules, " ", "")
	cut = cut[:len(cut)-3*moduleRecord] // one record and a half
	openParameters := "f0 00 0001 0001 01e0"
	turned := sample("turned_round", 0, []string{talk + "read", server1 + ": s7.order-number = " + order},
		discoverytest.Message{Side: discovery.Server, Bytes: question(0, 1)},
		discoverytest.Message{Side: discovery.Client, Bytes: answer(0, 1, false, modules("0111", moduleRow("0001", order, "0004 0001")))})
	turned.Flow.Ends[0], turned.Flow.Ends[1] = turned.Flow.Ends[1], turned.Flow.Ends[0]
	turned.Flow.Ports = [2]uint16{Port, 40000}
	afterGap := answered(data("00000000"), answer(0, 1, false, allModules))
	afterGap.Gap = 100

	discoverytest.Run(
		t, Protocol(), turned,
		sample(
			"session", 0, slices.Concat([]string{server1 + ": s7.rack-slot = 0/2", talk + "read"}, told0011, told001C),
			asked(connect("e0", "0102")), answered(packet("11 d0 0001 0002 00 c0 01 0a c1 02 0102 c2 02 0100")), // turned round
			asked(job(Job, openParameters, "")), answered(job(AckData, openParameters, "")),
			asked(packet("02f000"), question(0, 1)), answered(answer(0, 1, false, allModules)),
			asked(question(0, 2)), answered(answer(0, 2, false, allComponents)), asked(question(0, 3)), answered(answer(0, 3, false, allModules)),
		),
		sample(
			"in_parts", 0, slices.Concat([]string{talk + "read"}, told001C),
			asked(question(0, 2)), answered(answer(6, 2, true, inParts[:half])), asked(question(6, 2)), answered(answer(6, 2, true, inParts[half:half+20])),
			asked(question(6, 2)), answered(answer(6, 2, false, inParts[half+20:])),
		),
		sample(
			"parts_of_others", 0, []string{talk + "read"},
			answered(answer(6, 2, false, inParts[half:])), answered(answer(7, 3, true, "0000 0000 0002 0070"+strings.Repeat("0011", 40))),
			answered(answer(7, 3, false, "0111 0131")), answered(answer(8, 4, true, inParts[:half])), answered(answer(9, 5, true, inParts[half:])),
		),
		sample("cut_list", 1, append([]string{talk + "read"}, told0011[:3]...), answered(answer(0, 1, false, cut))),
		sample("answers_alone", 0, slices.Concat([]string{server1 + ": s7.rack-slot = 0/2", talk + "read"}, told0011),
			answered(packet("0f d0 0001 0002 00 c0 01 0a c1 00 c2 02 0102")), answered(job(AckData, openParameters, "")), answered(answer(0, 1, false, allModules))),
		sample("only_answers_after_a_gap", 0, append([]string{talk + "read"}, told0011...), afterGap),
		sample(
			"lists_without_names", 0, []string{talk + "read"},
			answered(answer(0, 1, false, "0f11 0000 001c 0004")), answered(answer(0, 1, false, "0424 0000 0014 0001"+strings.Repeat("51", 20))),
			answered(answer(0, 1, false, modules("0011", moduleRow("0001", "", "0000 0000"), moduleRow("0006", "", "2020 2020"), moduleRow("0007", "", "0000 0000")))),
			answered(job(Userdata, "000112 08 12 84 01 02 00 00 d402", "0a 00 0000")), asked(job(Userdata, "000112 08 12 44 01 02 00 00 0000", "0a 00 0000")),
		),
		sample(
			"behind_a_router", 0, []string{talk + "read", server1 + " s7-route=0102a10000000300000e0202: s7.order-number = " + order},
			asked(connect("e0", "0102a10000000300000e0202")), asked(question(0, 1)),
			answered(answer(0, 1, false, modules("0011", moduleRow("0001", order, "0004 0001")))),
		),
		sample(
			"operations_are_told_once", 0, []string{talk + "read", talk + "write", talk + "control"},
			asked(job(Job, "04 01 12 0a 10 02 0001 0000 82 000008", "")), answered(job(AckData, "04 01", "ff 04 0008 00")),
			asked(job(Job, "04 01 12 0a 10 02 0001 0000 82 000008", "")), answered(job(AckData, "04 01", "ff 04 0008 00")),
			asked(job(Job, "05 01 12 0a 10 02 0001 0000 82 000008", "00 04 0008 01")), answered(job(AckData, "05 01", "ff")),
			asked(job(Job, "29 0000000000 09 505f50524f4752414d", "")), answered(job(Ack, "", "")), asked(job(Job, "28", "")), answered(job(AckData, "28", "")),
		),
		sample("block_from_the_client", 0, []string{talk + "control"}, answered(job(Job, "1b 00 0000", "")), asked(job(AckData, "1b 01", "00"))),
		sample(
			"extended_services", 0, []string{talk + "read", talk + "write", talk + "control"},
			asked(job(Userdata, "000112 04 11 47 01 01", "0a 00 0000")), asked(job(Userdata, "000112 04 11 47 02 01", "0a 00 0000")),
			answered(job(Userdata, "000112 08 12 06 01 01 00 00 0000", "ff 09 0002 0000")), asked(job(Userdata, "000112 04 11 41 10 01", "0a 00 0000")),
			asked(job(Userdata, "000112 04 11 45 01 01", "")),
		),
		sample("cut_messages", 3, nil, asked(data("3201 0000 0001 0009 0000 04")), asked(data("3209 0000 0001 0000 0000")), asked(job(Userdata, "000113 04 11 44 01 01", ""))),
		sample(
			"plus_session", 0, []string{server1 + ": s7.plus-order-number = 6ES7 212-1BE31-0XB0", server1 + ": s7.plus-firmware-version = V3.0", talk + "write", talk + "read", talk + "control"},
			asked(connect("e0", hex.EncodeToString([]byte("SIMATIC-ROOT-HMI")))), asked(plus(1, "31 0000 04ca 0000 0001 00000120")),
			answered(plus(1, "32 0000 04ca 0000 0001 36 11 00 a3 822f 00 15 1b"+hex.EncodeToString([]byte("1;6ES7 212-1BE31-0XB0 ;V3.0"))+"a3")),
			answered(plus(1, "32 0000 04ca 0000 0001 36 11 00 a3 822f 00 15 1b"+hex.EncodeToString([]byte("1;6ES7 212-1BE31-0XB0 ;V3.0"))+"a3")),
			asked(plus(3, "31 0000 04f2 0000 0002 00000120")), asked(plus(2, "31 0000 054c 0000 0003 00000120")), asked(plus(3, "31 0000 056b 0000 0004 00000120")),
			answered(plus(3, "33 0000 0e51 0000")),
		),
		sample(
			"plus_without_a_name", 0, nil,
			answered(plus(1, "32 0000 04ca 0000 0001 36"+hex.EncodeToString([]byte(";6;6ES7 212;1;6ES7 212-1BE31-0XB0;3.0 1;6 es7 212-1be31;V3 ;6ES7 212-1BE31-0XB0;V3.0")))),
			answered(data("72")), answered(data("7203ffff20")), answered(plus(1, "32")), answered(data("1703030004 00000000")), answered(data("3207")),
		),
	)
}

func TestNotS7(t *testing.T) {
	for name, first := range map[string][]byte{
		"mms":  packet("02f080 0d 1a 05 06 13 01 00 16 01 02"),
		"http": []byte(strings.Repeat("GET / HTTP/1.1\r\n", 300)),
	} {
		_, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: []discoverytest.Message{{Bytes: first}}})
		if len(problems) != 1 || !errors.Is(problems[0], discovery.ErrNotMine) {
			t.Errorf("%s: %v", name, problems)
		}
		if claims(first) {
			t.Errorf("%s is claimed", name)
		}
	}
}

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		first []byte
		want  bool
	}{
		"setup":             {job(Job, "f0 00 0001 0001 01e0", ""), true},
		"rack_and_slot":     {connect("e0", "0302"), true},
		"named":             {connect("e0", hex.EncodeToString([]byte("SIMATIC-ROOT-ES"))), true},
		"plus":              {plus(1, "31"), true},
		"mms":               {connect("e0", "0001"), false},
		"remote_desktop":    {packet("0e e0 0000 0000 00 0100 0800 0b000000"), false},
		"unknown_kind":      {data("3209 0000 0001 0000 0000"), false},
		"broken_plus":       {data("7203ffff20"), false},
		"not_whole":         {job(Job, "f0 00 0001 0001 01e0", "")[:12], false},
		"empty_end_of_data": {packet("02f000"), false},
	} {
		if got := claims(c.first); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A list that never ends is given up.
func TestListIsBounded(t *testing.T) {
	part := strings.ReplaceAll(allComponents, " ", "")
	var messages []discoverytest.Message
	for range 100 {
		messages = append(messages, answered(answer(6, 2, true, part)))
	}
	lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: messages})
	if len(lines) != 1 || len(problems) == 0 {
		t.Errorf("told %q, problems %v", lines, problems)
	}
}

func TestReadsAreFree(t *testing.T) {
	d := Protocol().Decode(flow())
	poll, reply := job(Job, "04 01 12 0a 10 02 0001 0000 82 000008", ""), job(AckData, "04 01", "ff 04 0008 00")
	list, notification := answer(0, 1, false, allModules), plus(3, "33 0000 0e51 0000")
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	now := time.Now()
	round := func() {
		for i, b := range [][]byte{poll, reply, poll, list, poll, notification} {
			if n, err := d.Feed(discovery.Side(i&1), now, b, 0, sink); n != len(b) || err != nil {
				t.Fatal(n, err)
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("a round of polls allocates %v times", n)
	}
}

func TestCaptures(t *testing.T) {
	for name, want := range map[string][]string{
		"s7-siemens-et200s-plc-status.pcap": {
			"192.168.1.40: s7.rack-slot = 0/2", "192.168.1.40: s7.order-number = 6ES7 151-8AB01-0AB0", "192.168.1.40: s7.hardware-version = 3",
			"192.168.1.40: s7.firmware-version = V3.2.6", "192.168.1.40: s7.plc-name = IM151-8-CPU", "192.168.1.40: s7.module-type-name = IM151-8 PN/DP CPU",
			"192.168.1.40: s7.serial-number = S C-C6TW74882012", "192.168.1.40: s7.memory-card-serial = MMC 2900FC1A", "tcp/102 s7: read",
		},
		"s7-snap7-server-szl.pcap": {
			"172.17.0.2: s7.order-number = 6ES7 315-2EH14-0AB0", "172.17.0.2: s7.serial-number = S C-C2UR28922012", "172.17.0.2: s7.plc-name = SNAP7-SERVER",
			"tcp/102 s7: control",
		},
		"s7plus-siemens.pcap":              {"192.168.0.1 tcp/102 s7: write", "192.168.0.1 tcp/102 s7: read"},
		"plant-modbus-s7-enip-merged.pcap": {"141.81.0.10 -> ", "tcp/102 s7: write"},
	} {
		t.Run(strings.TrimSuffix(name, ".pcap"), func(t *testing.T) {
			var got []string
			for _, s := range discoverytest.Capture(t, name, discovery.TCP, Port) {
				lines, problems := discoverytest.Read(t, Protocol(), s)
				for _, problem := range problems {
					t.Errorf("%s: %v", s.Name, problem)
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
