package enip

import (
	"encoding/binary"
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
	talk    = client1 + " -> " + server1 + " tcp/44818 enip: "
)

func flow(transport discovery.Transport) discovery.Flow {
	f := discovery.Flow{Transport: transport, Ports: [2]uint16{40000, Port}}
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

// message is an encapsulated message with a body in hex.
func message(command Command, context uint64, body string) []byte {
	b := unhex(body)
	out := make([]byte, headerSize, headerSize+len(b))
	binary.LittleEndian.PutUint16(out, uint16(command))
	binary.LittleEndian.PutUint16(out[2:], uint16(len(b)))
	binary.LittleEndian.PutUint32(out[4:], 0x11020100)
	binary.LittleEndian.PutUint64(out[12:], context)
	return append(out, b...)
}

func u16(n int) string { return fmt.Sprintf("%02x%02x", n&255, n>>8) }

func size(hexed string) int { return len(unhex(hexed)) }

// rr carries a CIP message without a connection, unit over one.
func rr(context uint64, cip string) []byte {
	return message(SendRRData, context, "00000000 0a00 0200 0000 0000 b200"+u16(size(cip))+cip)
}

func unit(connection string, sequence int, cip string) []byte {
	return message(SendUnitData, 0, "00000000 0000 0200 a100 0400"+connection+"b100"+u16(size(cip)+2)+u16(sequence)+cip)
}

func asked(b ...[]byte) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: slices.Concat(b...)}
}

func answered(b ...[]byte) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: slices.Concat(b...)}
}

// routed is an Unconnected_Send of a request over a route.
func routed(request, route string) string {
	pad := strings.Repeat("00", size(request)&1)
	return "52 02 2006 2401 07f9" + u16(size(request)) + request + pad + fmt.Sprintf("%02x00", size(route)/2) + route
}

// several is a Multiple_Service request, or with a head of its own the answer to one.
func several(head string, parts ...string) string {
	at := 2 + 2*len(parts)
	offsets, all := "", ""
	for _, part := range parts {
		offsets += u16(at)
		at += size(part)
		all += part
	}
	return head + u16(len(parts)) + offsets + all
}

const (
	severalRequest = "0a 02 2002 2401"
	severalAnswer  = "8a 00 00 00"

	allOfIdentity  = "01 02 2001 2401"
	statusPoll     = "03 02 2001 2401 0100 0500"
	statusAnswer   = "83 00 00 00 0100 0500 0000 6030"
	readTagPPP     = "4c 04 91 05 50756d7073 00 0100"
	readTagAnswer  = "cc 00 00 00 c400 01000000"
	openParameters = "07f9 00000000 45332211 0700 4d00 f32b9532 01 000000 40420f00 f843 40420f00 f843 a3"
	opened         = "d4 00 00 00 0a0b0c0d 45332211 0700 4d00 f32b9532 40420f00 40420f00 0000"
	closing        = "4e 02 2006 2401 07f9 0700 4d00 f32b9532 0300 01002002 2401"
)

// identity is the value of the Identity object's attributes 1 to 7.
func identity(product int, serial, name string) string {
	return "0100 0e00" + u16(product) + "1014 6030" + serial + fmt.Sprintf("%02x%x", len(name), name)
}

func told(path string, product int, serial, name string) []string {
	about := server1 + path + ": enip."
	return []string{
		about + "vendor-id = 1", about + "device-type = 14", fmt.Sprintf("%sproduct-code = %d", about, product), about + "revision = 16.20",
		about + "serial = " + serial, about + "product-name = " + name,
	}
}

// identityItem is an item of an answer to ListIdentity.
func identityItem(address, name string) string {
	value := "0100 0002 af12" + address + "0000000000000000" + identity(58, "8e4d5200", name) + "03"
	return "0c00" + u16(size(value)) + value
}

const slot0 = " cip-port=1/slot=0"

func TestStreams(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(discovery.TCP), Want: want, Problems: problems, Messages: messages}
	}
	originator := []string{client1 + ": enip.originator-vendor-id = 77", client1 + ": enip.originator-serial = 0x32952bf3"}
	logix := identity(54, "3f825100", "1756-L61/B LOGIX5561")
	bridge := identity(58, "8e4d5200", "1756-ENBT/A")
	turned := sample("turned_round", 0, slices.Concat([]string{talk + "read"}, told("", 58, "0x00524d8e", "1756-ENBT/A")),
		discoverytest.Message{Side: discovery.Server, Bytes: rr(1, allOfIdentity)}, discoverytest.Message{Side: discovery.Client, Bytes: rr(1, "81000000"+bridge)})
	turned.Flow.Ends[0], turned.Flow.Ends[1] = turned.Flow.Ends[1], turned.Flow.Ends[0]
	turned.Flow.Ports = [2]uint16{Port, 40000}
	afterGap := answered(unhex("0000 6f00 0000"), message(ListIdentity, 0, "0100"+identityItem("0a0101a4", "1756-ENBT/A")))
	afterGap.Gap = 100

	discoverytest.Run(
		t, Protocol(), turned,
		sample(
			"list_identity", 0, append(told("", 58, "0x00524d8e", "1756-ENBT/A"), server1+": enip.state = 3", server1+": enip.socket-address = 10.1.1.164:44818"),
			asked(message(ListIdentity, 7, "")), answered(message(ListIdentity, 7, "0200"+identityItem("0a0101a4", "1756-ENBT/A")+"8600 0200 0000")),
			answered(message(ListIdentity, 8, "0100"+identityItem("0a0101a4", "1756-ENBT/A"))),
		),
		sample("only_answers_after_a_gap", 0, append(told("", 58, "0x00524d8e", "1756-ENBT/A"), server1+": enip.state = 3", server1+": enip.socket-address = 10.1.1.164:44818"), afterGap),
		sample(
			"list_services", 0, []string{server1 + ": enip.service = Communications"}, asked(message(ListServices, 1, "")),
			answered(message(ListServices, 1, "0100 0001 1400 0100 2001"+fmt.Sprintf("%x0000", "Communications"))),
		),
		sample(
			"unconnected", 0, slices.Concat([]string{talk + "read"}, told("", 58, "0x00524d8e", "1756-ENBT/A")),
			asked(message(RegisterSession, 0, "0100 0000")), answered(message(RegisterSession, 0, "0100 0000")),
			asked(rr(1, allOfIdentity)), answered(rr(1, "81000000"+bridge)), asked(rr(2, allOfIdentity)), answered(rr(2, "81000000"+bridge)),
			asked(message(UnregisterSession, 0, "")),
		),
		sample(
			"routed", 0,
			slices.Concat([]string{talk + "read"}, told(slot0, 54, "0x0051823f", "1756-L61/B LOGIX5561"), told(" cip-port=1/slot=4", 58, "0x00524d8e", "1756-ENBT/A"),
				told(" cip-port=1/slot=2/cip-port=2/address=10.0.0.5/cip-port=1/slot=17", 58, "0x00524d8e", "1756-ENBT/A"),
				told(" cip-port=3/node=9", 58, "0x00524d8e", "1756-ENBT/A")),
			asked(rr(1, routed(allOfIdentity, "0100"))), answered(rr(1, "81000000"+logix)),
			asked(rr(2, routed(allOfIdentity, "0104"))), answered(rr(2, "81000000"+bridge)), asked(rr(3, routed(allOfIdentity, "0105"))), answered(rr(3, "d2 00 01 01 1203")),
			asked(rr(4, routed(allOfIdentity, "0102 1208 31302e302e302e35 0111"))), answered(rr(4, "81000000"+bridge)),
			asked(rr(5, routed(allOfIdentity, "0f 0300 09"))), answered(rr(5, "81000000"+bridge)),
		),
		sample(
			"connected", 0,
			slices.Concat(originator, []string{talk + "read"}, told(slot0, 54, "0x0051823f", "1756-L61/B LOGIX5561"),
				[]string{server1 + slot0 + ": enip.controller-name = Nifty", server1 + slot0 + ": enip.controller-description = Line 3"}),
			asked(rr(1, "54 02 2006 2401"+openParameters+"03 0100 2002 2401")), answered(rr(1, opened)),
			asked(unit("0a0b0c0d", 5, allOfIdentity)), answered(unit("45332211", 5, "81000000"+logix)),
			asked(unit("0a0b0c0d", 6, "03 02 2064 2401 0200 0100 0200")), answered(unit("45332211", 6, "83000000 0200 0100 0000 0500"+fmt.Sprintf("%x", "Nifty")+"0200 0000 0600"+fmt.Sprintf("%x", "Line 3"))),
			asked(rr(2, closing)), answered(rr(2, "ce 00 00 00")),
			asked(unit("0a0b0c0d", 7, "0e 03 2001 2401 3007")), answered(unit("45332211", 7, "8e000000 02 4d45")),
		),
		sample(
			"large_connection", 0, slices.Concat(originator, []string{talk + "read"}, told("", 54, "0x0051823f", "1756-L61/B LOGIX5561")),
			asked(rr(1, "5b 02 2006 2401 07f9 00000000 45332211 0700 4d00 f32b9532 01 000000 40420f00 a00f0042 40420f00 a00f0042 a3 02 2002 2401")),
			answered(rr(1, "db"+opened[2:])), asked(unit("0a0b0c0d", 5, allOfIdentity)), answered(unit("45332211", 5, "81000000"+logix)),
		),
		sample(
			"connected_before", 0, slices.Concat([]string{talk + "read"}, told(" cip-serial=0x0051823f", 54, "0x0051823f", "1756-L61/B LOGIX5561"), told("", 58, "0x00524d8e", "1756-ENBT/A")),
			asked(unit("0a0b0c0d", 5, allOfIdentity)), answered(unit("45332211", 5, "81000000"+logix)),
			asked(unit("0a0b0c0d", 6, "0e 03 2001 2401 3007")), answered(unit("45332211", 6, "8e000000 02 4d45")),
			asked(rr(1, allOfIdentity)), answered(rr(1, "81000000"+bridge)), asked(unit("0a0b0c0d", 9, allOfIdentity)), answered(unit("45332211", 9, "81000000"+bridge)),
			asked(unit("0a0b0c0d", 7, allOfIdentity), unit("0a0b0c0e", 7, allOfIdentity)), answered(unit("45332211", 7, "81000000"+bridge)),
		),
		sample(
			"several_services", 0,
			[]string{talk + "read", server1 + slot0 + ": enip.revision = 16.20", server1 + slot0 + ": enip.product-name = ME"},
			asked(rr(1, routed(several(severalRequest, readTagPPP, statusPoll, "0e 03 2001 2401 3004", "0e 03 2001 2401 3007", "0e 03 2001 2401 3001"), "0100"))),
			answered(rr(1, several("8a 00 1e 00", readTagAnswer, statusAnswer, "8e000000 1014", "8e000000 02 4d45", "8e 00 14 00"))),
		),
		sample(
			"attribute_list", 0,
			[]string{talk + "read", server1 + ": enip.vendor-id = 1", server1 + ": enip.product-name = ME"},
			asked(rr(1, "03 02 2001 2401 0400 0500 0100 0200 0700")),
			answered(rr(1, "83 00 0a 00 0400 0500 0000 6030 0100 0000 0100 0200 1400 0700 0000 02 4d45")),
			asked(rr(2, "03 02 2001 2401 0200 6500 0700")), answered(rr(2, "83 00 00 00 0200 6500 0000 02 4d45 0700 0000 02 4d46")),
		),
		sample(
			"parts", 0, slices.Concat([]string{talk + "read"}, told(" cip-instance=2", 54, "0x0051823f", "Safety partner")),
			asked(rr(1, "01 03 2001 2500 0200")), answered(rr(1, "81000000"+identity(54, "3f825100", "Safety partner"))),
			asked(rr(2, "01 02 2001 2400")), answered(rr(2, "81000000 0100 0300 0300 0100")),
		),
		sample(
			"network_objects", 0, []string{talk + "read", server1 + ": enip.host-name = press-7", server1 + ": enip.physical-address = 00:00:bc:3e:eb:e4"},
			asked(rr(1, "01 02 20f5 2401")),
			answered(rr(1, "81000000 01000000 14000000 00000000 0200 20f62401 0a0101a4 00ffffff 0a010101 00000000 00000000 0300 61626300 0700"+fmt.Sprintf("%x", "press-7"))),
			asked(rr(2, "0e 03 20f6 2401 3003")), answered(rr(2, "8e000000 0000bc3eebe4")),
			asked(rr(3, "0e 03 20f5 2401 3006")), answered(rr(3, "8e000000 0700"+fmt.Sprintf("%x", "press-7")+"00")),
		),
		sample(
			"pccc", 0,
			[]string{
				talk + "read", client1 + ": enip.originator-vendor-id = 77", client1 + ": enip.originator-serial = 0x07aa23d3",
				server1 + ": enip.bulletin-name = 1763-LEC", server1 + ": enip.bulletin-series = B", server1 + ": enip.bulletin-revision = 3", talk + "write", talk + "control",
			},
			asked(rr(1, "4b 02 2067 2401 07 4d00 d323aa07 06 00 d7b1 03")),
			answered(rr(1, "cb000000 07 4d00 d323aa07 46 00 d7b1 00 ee 4a 9c 23"+fmt.Sprintf("%x", "1763-LEC   ")+"0000 2600 781a30fc01")),
			asked(rr(2, "4b 02 2067 2401 07 4d00 d323aa07 06 00 d8b1 03")), answered(rr(2, "cb000000 07 4d00 d323aa07 46 00 d8b1 01 ee 4a 9c 23"+fmt.Sprintf("%x", "1763-LEC   ")+"0000 2600 781a30fc02")),
			asked(rr(3, "4b 02 2067 2401 07 4d00 d323aa07 0f 00 d9b1 aa 02078900 0000")), asked(rr(4, "4b 02 2067 2401 07 4d00 d323aa07 0f 00 dab1 80 06")),
			asked(rr(5, "4b 02 2067 2401 07 4d00 d323aa07 06 00 dbb1 03")), answered(rr(5, "cb000000 07 4d00 d323aa07 46 00 dbb1 06 eb 00 13 15 000102030405060708090a0b")),
		),
		sample(
			"operations_are_told_once", 0, []string{talk + "read", talk + "write", talk + "control"},
			asked(unit("01000000", 1, readTagPPP)), answered(unit("02000000", 1, readTagAnswer)), asked(unit("01000000", 2, "52 04 91 05 50756d7073 00 0100 00000000")),
			asked(unit("01000000", 3, "4d 04 91 05 50756d7073 00 c400 0100 01000000")), asked(unit("01000000", 4, "10 03 200f 2405 3001 0a00")),
			asked(unit("01000000", 5, "07 02 208e 2401")), asked(unit("01000000", 6, "05 02 2001 2401")),
		),
		sample("services_of_classes", 0, []string{talk + "read", talk + "control"}, asked(rr(1, "4b 02 2037 24c8")), asked(rr(2, "4c 02 2037 24c8")), asked(rr(3, "4b 02 20a1 2401")), asked(rr(4, "4c 02 2099 2401"))),
		sample(
			"cut_messages", 9, nil,
			asked(rr(1, "01")), answered(rr(1, "81 00")), asked(message(SendRRData, 1, "00000000 0000 0200 b200 ff00 01")), asked(message(SendUnitData, 1, "00000000 0000 0100 a100 0200 0102")),
			asked(message(SendRRData, 1, "0000")), answered(message(ListIdentity, 1, "0100 0c00 0400 01000002")), asked(rr(2, "52 02 2006 2401 07f9 ff00 01")),
			asked(rr(3, "54 02 2006 2401 07f9")), asked(rr(4, "0a 02 2002 2401 0300 0800")),
		),
		sample(
			"cut_values", 5, []string{talk + "read", server1 + ": enip.vendor-id = 1", server1 + ": enip.device-type = 14"},
			asked(rr(1, allOfIdentity)), answered(rr(1, "81000000 0100 0e00 36")), asked(rr(2, "03 02 2001 2401 0200 0100 0700")), answered(rr(2, "83000000 0200 0100 0000 0100 0700 0000 14 41")),
			asked(rr(3, "0e 03 2001 2401 3006")), answered(rr(3, "8e000000 3f82")),
			asked(rr(4, several(severalRequest, allOfIdentity))), answered(rr(4, severalAnswer+"0100 0100"+"81000000")),
			asked(rr(5, several(severalRequest, allOfIdentity))), answered(rr(5, several(severalAnswer, "81 00 00 04"))),
		),
		sample(
			"answers_alone", 0,
			slices.Concat([]string{talk + "read"}, told(" cip-serial=0x0051823f", 54, "0x0051823f", "1756-L61/B LOGIX5561"), told(" cip-serial=0x00524d8e", 58, "0x00524d8e", "1756-ENBT/A")),
			answered(rr(1, "81000000"+logix)), answered(unit("45332211", 5, several("8a 00 1e 00", readTagAnswer, statusAnswer, "81000000"+bridge+"03"))),
			answered(rr(2, "81000000"+logix+"ff 3412 00")),
		),
		sample(
			"list_alone", 0, slices.Concat([]string{talk + "read"}, told(" cip-serial=0x0051823f", 54, "0x0051823f", "ME")),
			answered(rr(1, "83 00 0a 00 0700 0100 0000 0100 0200 0000 0e00 0300 0000 3600 0400 0000 1014 0600 0000 3f825100 0700 0000 02 4d45 0a00 1400")),
		),
		// Answers of other objects, or of too little, are not taken for an identity.
		sample(
			"others_alone", 0, []string{talk + "read"},
			answered(rr(1, "81000000 0000 0e00 3600 1014 6030 3f825100 02 4d45")), answered(rr(1, "81000000"+logix+"0102")), answered(rr(1, "81000000"+identity(54, "3f825100", "A\x01"))),
			answered(rr(1, "81000000 0100 0e00 3600 1014")), answered(rr(1, "8e000000 02 4d45")), answered(rr(1, "83 00 00 00 0200 0100 0000 0100 0700 0000 02 4d45")),
			answered(rr(1, "81 00 08 00"+logix)), answered(rr(1, "8a 00 00 00 0200 0100")), answered(rr(1, "81000000"+identity(54, "00000000", "No serial number"))),
		),
		sample("questions_alone", 0, append(originator, talk+"read"), asked(rr(1, "54 02 2006 2401"+openParameters+"03 0100 2002 2401")), asked(rr(2, allOfIdentity)), asked(unit("0a0b0c0d", 5, allOfIdentity))),
		sample("refused", 0, nil, asked(message(Cancel, 1, "")), answered(message(SendRRData, 1, "")), asked(message(NOP, 0, "0000")), asked(message(SendRRData, 1, "01000000 0000 0100 b200 0200 0100"))),
	)
}

// TestAnswersOfOthers has an answer that looks like an identity, to a question that was not heard among those that were: it may be what
// a scanner knows of somebody else.
func TestAnswersOfOthers(t *testing.T) {
	lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Name: "others", Flow: flow(discovery.TCP), Messages: []discoverytest.Message{
		asked(rr(1, statusPoll)), answered(rr(1, statusAnswer)), answered(rr(2, "81000000"+identity(54, "3f825100", "1756-L61/B LOGIX5561"))),
	}})
	if want := []string{talk + "read"}; !slices.Equal(lines, want) || len(problems) > 0 {
		t.Errorf("told %q, %v", lines, problems)
	}
}

func TestDatagrams(t *testing.T) {
	udp := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(discovery.UDP), Want: want, Problems: problems, Messages: messages}
	}
	discoverytest.Run(
		t, Protocol(),
		udp(
			"list_identity", 0, append(told("", 58, "0x00524d8e", "1756-ENBT/A"), server1+": enip.state = 3", server1+": enip.socket-address = 192.168.1.9:44818"),
			asked(message(ListIdentity, 7, "")), answered(message(ListIdentity, 7, "0100"+identityItem("c0a80109", "1756-ENBT/A"))),
		),
		udp(
			"without_an_address", 0, append(told("", 58, "0x00524d8e", "1756-ENBT/A"), server1+": enip.state = 3"),
			answered(message(ListIdentity, 7, "0100"+identityItem("00000000", "1756-ENBT/A"))),
		),
		udp("short", 1, nil, answered(message(ListIdentity, 7, "0100 0c00 0400 01")[:26])),
	)
}

func TestNotMine(t *testing.T) {
	for name, c := range map[string]struct {
		transport discovery.Transport
		first     []byte
	}{
		"http":          {discovery.TCP, []byte(strings.Repeat("GET / HTTP/1.1\r\n", 300))},
		"zeros":         {discovery.UDP, append(make([]byte, headerSize-1), 1)},
		"other_command": {discovery.UDP, message(0x6e, 0, "")},
		"too_long":      {discovery.UDP, unhex("6f00 ffff" + strings.Repeat("00", 20))},
		"other_status":  {discovery.UDP, unhex("6f00 0000 00000000 00010000" + strings.Repeat("00", 12))},
		"options":       {discovery.UDP, unhex("6f00 0000" + strings.Repeat("00", 16) + "01000000")},
	} {
		_, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(c.transport), Messages: []discoverytest.Message{{Bytes: c.first}}})
		if len(problems) != 1 || !errors.Is(problems[0], discovery.ErrNotMine) {
			t.Errorf("%s: %v", name, problems)
		}
		if claims(c.first) {
			t.Errorf("%s is claimed", name)
		}
	}
}

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		first []byte
		want  bool
	}{
		"session":        {message(RegisterSession, 0, "0100 0000"), true},
		"identity":       {message(ListIdentity, 0, "0100"+identityItem("0a0101a4", "1756-ENBT/A")), true},
		"message":        {rr(1, allOfIdentity), true},
		"zeros":          {make([]byte, 64), false},
		"other_version":  {message(RegisterSession, 0, "0200 0000"), false},
		"other_items":    {message(ListIdentity, 0, "0100 0000 0000"), false},
		"cut_items":      {message(SendUnitData, 0, "00000000 0000 0200"), false},
		"a_question":     {message(ListIdentity, 0, ""), false},
		"not_whole":      {rr(1, allOfIdentity)[:30], false},
		"other_commands": {message(Cancel, 0, ""), false},
	} {
		if got := claims(c.first); got != c.want {
			t.Errorf("%s: %v", name, got)
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
			[]discoverytest.Message{asked(unit("01000000", 1, readTagPPP)), asked([]byte("junk\x00\x6f"), unit("01000000", 2, "07 02 208e 2401"))},
			[]string{talk + "read", talk + "control"},
			1,
		},
		"met_in_the_middle": {
			[]discoverytest.Message{asked([]byte("the end of a message"), unit("01000000", 1, readTagPPP))},
			[]string{talk + "read"},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(discovery.TCP), Messages: c.messages})
			if !slices.Equal(lines, c.want) || len(problems) != c.problems {
				t.Errorf("got %q, %v, want %q", lines, problems, c.want)
			}
		})
	}
}

// What is remembered of a conversation stays small, however many questions, connections and routes there are.
func TestMemoryIsBounded(t *testing.T) {
	d := &decoder{flow: flow(discovery.TCP)}
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	feed := func(side discovery.Side, b []byte) {
		if _, err := d.Feed(side, time.Time{}, b, 0, sink); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 500 {
		serial := u16(i)
		feed(discovery.Client, rr(uint64(i), "54 02 2006 2401 07f9 00000000 4533"+serial+serial+"4d00 f32b9532 01 000000 40420f00 f843 40420f00 f843 a3 03 0100 2002 2401"))
		feed(discovery.Server, rr(uint64(i), "d4 00 00 00 0a0b"+serial+"4533"+serial))
		feed(discovery.Client, rr(uint64(i), routed(allOfIdentity, "11 02"+serial)))
		feed(discovery.Server, rr(uint64(i), "81000000"+identity(i, "8e4d5200", "1756-ENBT/A")))
		feed(discovery.Client, rr(uint64(i), routed(several(severalRequest, allOfIdentity), "0100")))
	}
	m := &d.memory
	if len(m.waiting) != maxQuestions || len(m.connections) != maxConnections || len(m.told) != maxTold || len(m.routes) != maxRoutes {
		t.Errorf("%d questions, %d connections, %d statements, %d routes", len(m.waiting), len(m.connections), len(m.told), len(m.routes))
	}
}

func TestRoutePath(t *testing.T) {
	for route, want := range map[string]string{
		"":                           "",
		"0100":                       "cip-port=1/slot=0",
		"0203 0104":                  "cip-port=2/node=3/cip-port=1/slot=4",
		"12 03 312f32 00":            "cip-port=2/address=1%2F2",
		"1f 02 1200 3132":            "cip-port=18/address=12",
		"01":                         "none",
		strings.Repeat("0101", 8):    strings.TrimPrefix(strings.Repeat("/cip-port=1/slot=1", 8), "/"),
		strings.Repeat("0101", 9):    "none",
		strings.Repeat("0101", 200):  "none",
		"12 ff 31":                   "none",
		"0f 0300 09":                 "cip-port=3/node=9",
		"1201 31 00 0100":            "cip-port=2/node=49/cip-port=1/slot=0",
		"1108 31302e302e302e35 0100": "cip-port=1/address=10.0.0.5/cip-port=1/slot=0",
	} {
		got, ok := routePath(unhex(route))
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", route, got, want)
		}
	}
}

func TestParsePath(t *testing.T) {
	for where, want := range map[string]epath{
		"2001 2401 3007":                           {class: 1, instance: 1, attribute: 7},
		"2100 6b03 2500 0102 3100 0a01":            {class: 0x36b, instance: 0x201, attribute: 0x10a},
		"2100 6b00 2600 01020300":                  {class: 0x6b, instance: 0x30201},
		"9103 616263 00 2801":                      {tag: true},
		"63 616263 2001":                           {tag: true, class: 1},
		"0102 3404 0100 0e00 3600 90 14 2002 2401": {route: unhex("0102"), class: 2, instance: 1},
		"430a 5001 0000 8001 0000 2004":            {class: 4},
		"c3 2001":                                  {},
		"2003 ff":                                  {class: 3},
		"2700 2001":                                {},
	} {
		got := parsePath(unhex(where))
		if got.class != want.class || got.instance != want.instance || got.attribute != want.attribute || got.tag != want.tag || string(got.route) != string(want.route) {
			t.Errorf("%s: %+v", where, got)
		}
	}
}

func TestPollsAreFree(t *testing.T) {
	d := Protocol().Decode(flow(discovery.TCP))
	messages := []discoverytest.Message{
		asked(rr(9, "54 02 2006 2401"+openParameters+"03 0100 2002 2401")), answered(rr(9, opened)),
		asked(unit("0a0b0c0d", 1, readTagPPP)), answered(unit("45332211", 1, readTagAnswer)),
		asked(unit("0a0b0c0d", 2, several(severalRequest, readTagPPP, statusPoll))), answered(unit("45332211", 2, several(severalAnswer, readTagAnswer, statusAnswer))),
		asked(unit("0a0b0c0d", 3, allOfIdentity)), answered(unit("45332211", 3, "81000000"+identity(54, "3f825100", "1756-L61/B LOGIX5561"))),
		asked(rr(1, routed(allOfIdentity, "0104"))), answered(rr(1, "81000000"+identity(54, "3f825100", "1756-L61/B LOGIX5561"))),
		asked(rr(2, "4b 02 2067 2401 07 4d00 d323aa07 06 00 d7b1 03")),
		answered(rr(2, "cb000000 07 4d00 d323aa07 46 00 d7b1 00 ee 4a 9c 23"+fmt.Sprintf("%x", "1763-LEC   "))),
	}
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	now := time.Now()
	round := func() {
		for _, m := range messages {
			if n, err := d.Feed(m.Side, now, m.Bytes, 0, sink); n != len(m.Bytes) || err != nil {
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
		"enip-rockwell-enbt-listidentity.pcap": {
			"10.1.1.164: enip.vendor-id = 1", "10.1.1.164: enip.device-type = 12", "10.1.1.164: enip.product-code = 58", "10.1.1.164: enip.revision = 4.3",
			"10.1.1.164: enip.serial = 0x00524d8e", "10.1.1.164: enip.product-name = 1756-ENBT/A", "192.168.10.120 tcp/44818 enip: write",
		},
		"enip-rockwell-software-upload-cdp-lldp.pcap": {
			"192.168.10.120 cip-port=1/slot=0: enip.product-name = 1756-L61/B LOGIX5561", "192.168.10.120 cip-port=1/slot=0: enip.serial = 0x0051823f",
			"192.168.10.120 cip-port=1/slot=0: enip.revision = 16.20", "192.168.10.120 cip-port=1/slot=0: enip.controller-name = NiftyController",
		},
		"plant-modbus-s7-enip-merged.pcap": {"tcp/44818 enip: read", "tcp/44818 enip: write"},
		"plant-s4x15-lab-merged.pcap":      {"10.50.1.54: enip.bulletin-name = 1763-LEC", "tcp/44818 enip: read"},
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
