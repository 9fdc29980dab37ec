package dnp3

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// The messages were laid out by the standard, with checks from another implementation of its polynomial, and Wireshark's dissector
// reads them as what they are meant to be: attributes, indications, checks. The outstation has the link address 10, its master 1.
const (
	someAsked    = "056430c40a0001006351c0c00100fc00000000fa00000000f80060d2000000f300000000f200000000f70000ab620000f600000000f500000089c2"
	allAsked     = "05640dc40a00010075bac1c10100fe00000066f6"
	firstSegment = "05649c4401000a00f52745c081000000fc000000012353636877152f6569747a657220456e67696e6565726995be6e67204c61626f7261746f72696573002e95" +
		"fa000000010d53454c2d333533302052fd7954414300f8000000010a313136323238f5373031323300f300000001093335333023a8164134423200f200000001" +
		"2253454c2d3308433533302d523133352d56302d5a30303193383030312d44323031363031303100f700f1b900000105424159a255"
	lastSegment = "0564294401000a00bc4786203700f6000000010345303700f500abcd0000011053756273746174696f6e204e99006f7274681665"
	notKnown    = "05640a4401000a006e25c0c08180020f9f" // requested objects unknown
	unsolicited = "05640a4401000a006e25c0f082900043a2"

	talk = discoverytest.ClientIP + " -> " + discoverytest.ServerIP
)

func said(side discovery.Side, frames ...string) discoverytest.Message {
	return discoverytest.Says(side, discoverytest.Unhex(frames...))
}

func about(subject string, facts ...string) []string {
	var out []string
	for _, fact := range facts {
		out = append(out, subject+": dnp3."+fact)
	}
	return out
}

func master() []string { return about(discoverytest.ClientIP, "address = 1", "role = master") }

func outstation() []string {
	return about(discoverytest.ServerIP, "address = 10", "role = outstation", "master-address = 1")
}

func nameplate(subject string) []string {
	return about(
		subject, "manufacturer-name = Schweitzer Engineering Laboratories", "product-name = SEL-3530 RTAC", "serial-number = 1162280123", "hardware-version = 3530#A4B2",
		"software-version = SEL-3530-R135-V0-Z001001-D20160101", "user-assigned-name = BAY 7", "user-assigned-id-code = E07", "user-assigned-location = Substation North",
	)
}

// frame makes a frame of ours; checks of others stand in the messages above and in the captures.
func frame(control uint8, destination, source uint16, data string) string {
	return string(appendFrame(nil, control, destination, source, discoverytest.Unhex(data)))
}

func TestProtocol(t *testing.T) {
	tcp, udp := discoverytest.Between(discovery.TCP, Port), discoverytest.Between(discovery.UDP, Port)
	sample := func(name string, flow discovery.Flow, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow, Want: want, Problems: problems, Messages: messages}
	}
	client, server := discovery.Client, discovery.Server
	text := discoverytest.Says[string]
	afterGap := said(server, "0102030564", firstSegment, lastSegment)
	afterGap.Gap = 100
	discoverytest.Run(
		t, Protocol(),
		sample(
			"attributes", tcp, 0, slices.Concat(master(), []string{talk + " tcp/20000 dnp3: read"}, outstation(), nameplate(discoverytest.ServerIP)),
			said(client, someAsked), said(server, unsolicited), said(server, firstSegment, lastSegment), said(server, firstSegment, lastSegment),
		),
		sample("attributes_by_udp", udp, 0, slices.Concat(outstation(), nameplate(discoverytest.ServerIP)), said(server, firstSegment), said(server, lastSegment)),
		sample("two_frames_in_a_datagram", udp, 0, outstation(), said(server, notKnown, unsolicited)),
		sample("unknown_objects", tcp, 0, outstation(), said(server, notKnown)),
		sample("after_a_gap", tcp, 0, slices.Concat(outstation(), nameplate(discoverytest.ServerIP)), afterGap),
		sample("segment_lost", tcp, 0, outstation(), said(server, firstSegment), said(server, firstSegment), said(server, unsolicited)),
		sample(
			"operations", tcp, 0, slices.Concat(master(), []string{talk + " tcp/20000 dnp3: write", talk + " tcp/20000 dnp3: control"}),
			text(client, frame(0xc4, 10, 1, "c0 c1 00")), // confirm
			text(client, frame(0xc4, 10, 1, "c0 c2 02 50 01 00 07 07 00")),
			text(client, frame(0xc4, 10, 1, "c0 c3 05 0c 01 28 0100 0000 41 01 64000000 64000000 00")), text(client, frame(0xc9, 10, 1, "")),
		),
		sample(
			"outstation_opens", tcp, 0, slices.Concat(
				about(discoverytest.ClientIP, "address = 10", "role = outstation", "master-address = 1"), about(discoverytest.ServerIP, "address = 1", "role = master"),
				[]string{discoverytest.ServerIP + " -> " + discoverytest.ClientIP + " tcp/40000 dnp3: read"},
			),
			said(client, unsolicited), said(server, someAsked),
		),
		sample(
			"several_behind", tcp, 0, slices.Concat(
				outstation(), about(discoverytest.ServerIP+" dnp3=11", "address = 11", "role = outstation", "master-address = 1", "product-name = D20"),
				about(discoverytest.ServerIP, "serial-number = 4711"),
			),
			said(server, notKnown), text(server, frame(0x44, 1, 11, "c0 c0 81 0000 00 fa 17 01 00 01 03 443230")), text(server, frame(0x44, 1, 10, "c0 c0 81 0000 00 f8 01 00000000 02 02 6712")),
		),
		sample(
			"other_sets", tcp, 0, outstation(),
			text(server, frame(0x44, 1, 10, "c0 c0 81 0000 00 fa 00 01 01 01 03 443230 01 02 00 00 00 01")),
		),
		sample("short_attribute", tcp, 1, outstation(), text(server, frame(0x44, 1, 10, "c0 c0 81 0000 00 fa 00 00 00 01 09 443230"))),
		sample("odd_qualifier", tcp, 1, outstation(), text(server, frame(0x44, 1, 10, "c0 c0 81 0000 00 fa 5b 01"))),
		sample("wrong_check_of_a_block", tcp, 1, nil, said(server, notKnown[:len(notKnown)-2]+"00")),
		sample("lost_between", tcp, 1, outstation(), said(server, notKnown, "ff05", notKnown)),
		sample("other_stream", tcp, 1, nil, text(client, "GET / HTTP/1.1\r\n\r\n")),
		sample("other_datagram", udp, 1, nil, text(client, "\x05\x64hello world")),
	)
}

// The capture shows what Wireshark shows: the addresses, which side sends as a master, and one stretch that is no frame.
func TestCapture(t *testing.T) {
	var told []string
	problems := 0
	for _, s := range discoverytest.Capture(t, "dnp3-test-data.pcap", discovery.TCP, Port) {
		lines, errs := discoverytest.Read(t, Protocol(), s)
		told = append(told, lines...)
		problems += len(errs)
	}
	slices.Sort(told)
	const outstation, first, second = "00:02:b3:ce:70:51 10.0.0.3", "00:50:04:93:70:67 10.0.0.8", "00:50:04:93:70:67 10.0.0.9"
	want := about(outstation, "address = 4", "address = 6", "master-address = 3", "master-address = 6", "role = outstation")
	for _, master := range []string{first, second} {
		for _, operation := range []string{"control", "read", "write"} {
			want = append(want, master+" -> "+outstation+" tcp/20000 dnp3: "+operation)
		}
		want = append(want, about(master, "address = 3", "role = master")...)
	}
	if got := slices.Compact(told); !slices.Equal(got, want) || problems != 1 {
		t.Errorf("%d problems, told:\n%s", problems, strings.Join(got, "\n"))
	}
}

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		first []byte
		want  bool
	}{
		"frame":       {discoverytest.Unhex(someAsked), true},
		"header":      {discoverytest.Unhex(firstSegment)[:headerSize], true},
		"wrong_check": {discoverytest.Unhex("056430c40a0001006352"), false},
		"short":       {discoverytest.Unhex("056430c4"), false},
		"http":        {[]byte("GET / HTTP/1.1\r\n\r\n"), false},
	} {
		if got := claims(c.first); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAsk(t *testing.T) {
	heard := map[discovery.Key]string{KeyAddress: "10", KeyMasterAddress: "1"}
	reply := discoverytest.Unhex
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers":         {Known: heard, Answers: [][]byte{reply(unsolicited, firstSegment, lastSegment)}, Want: []string{requestSome}, Told: nameplate(discoverytest.ServerIP)},
		"knows_none":      {Known: heard, Answers: [][]byte{reply(notKnown), []byte(frame(0x44, 1, 10, "c0 c1 81 0000 00 fc 00 00 00 01 03 414243"))}, Want: []string{requestSome, requestAll}, Told: about(discoverytest.ServerIP, "manufacturer-name = ABC")},
		"all_not_allowed": {Known: heard, Allowed: []string{requestSome}, Answers: [][]byte{reply(notKnown)}, Want: []string{requestSome}},
		"another_answer":  {Known: heard, Answers: [][]byte{[]byte(frame(0x44, 1, 10, "c0 c5 81 0000")), nil}, Want: []string{requestSome}, Err: discovery.ErrSilent},
		"another_station": {Known: heard, Answers: [][]byte{[]byte(frame(0x44, 1, 12, "c0 c0 81 0000")), nil}, Want: []string{requestSome}, Err: discovery.ErrSilent},
		"garbled":         {Known: heard, Answers: [][]byte{[]byte("SSH-2.0-x\r\n")}, Want: []string{requestSome}, Err: discovery.ErrNotUnderstood},
		"wrong_check":     {Known: heard, Answers: [][]byte{reply(notKnown[:len(notKnown)-2] + "00")}, Want: []string{requestSome}, Err: discovery.ErrNotUnderstood},
		"silent":          {Known: heard, Want: []string{requestSome}, Err: discovery.ErrSilent},
		"no_address":      {Known: map[discovery.Key]string{KeyAddress: "10"}, Err: errNoAddress},
		"wild_address":    {Known: map[discovery.Key]string{KeyAddress: "65535", KeyMasterAddress: "1"}, Err: errNoAddress},
		"known":           {Known: map[discovery.Key]string{KeyAddress: "10", KeyMasterAddress: "1", KeyManufacturer: "a", KeyProduct: "b", KeySoftwareVersion: "c", KeySerialNumber: "d"}},
	})
}

// What is sent is what Wireshark was shown, byte for byte.
func TestRequestsAreExact(t *testing.T) {
	for want, data := range map[string][]byte{someAsked: question(0, keptVariations()...), allAsked: question(1, nonspecific)} {
		if got := appendFrame(nil, fromMaster|primary|unconfirmedData, 10, 1, data); !bytes.Equal(got, discoverytest.Unhex(want)) {
			t.Errorf("got % x", got)
		}
	}
}
