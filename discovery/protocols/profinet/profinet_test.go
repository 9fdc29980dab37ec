package profinet

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
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
)

const station = "08:00:06:93:cf:32"

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ascii(s string) string { return hex.EncodeToString([]byte(s)) }

// padded is text filled up with blanks.
func padded(s string, n int) string { return ascii(s + strings.Repeat(" ", n-len(s))) }

func number16(n int) string { return hex.EncodeToString(binary.BigEndian.AppendUint16(nil, uint16(n))) }

// dcp is a frame of DCP: frame id, service, type, then the blocks with their length before them and padding of the link behind.
func dcp(t testing.TB, head string, blocks ...string) []byte {
	t.Helper()
	all := strings.ReplaceAll(strings.Join(blocks, ""), " ", "")
	return unhex(t, head+"03000009 0000"+number16(len(all)/2)+all+"000000000000")
}

// dcpBlock is a block of DCP with its padding.
func dcpBlock(option, info, value string) string {
	value = strings.ReplaceAll(info+value, " ", "")
	block := option + number16(len(value)/2) + value
	return block + strings.Repeat("00", len(value)/2%2)
}

func TestDCP(t *testing.T) {
	mac, err := discovery.ParseMAC(station)
	if err != nil {
		t.Fatal(err)
	}
	flow := discovery.Flow{Transport: discovery.EtherType, Ports: [2]uint16{0, EtherType}}
	flow.Ends[discovery.Client] = discovery.Subject{MAC: mac, VLAN: 3}
	sample := func(name string, problems int, want []string, messages ...[]byte) discoverytest.Sample {
		s := discoverytest.Sample{Name: name, Flow: flow, Want: want, Problems: problems}
		for _, b := range messages {
			s.Messages = append(s.Messages, discoverytest.Message{Bytes: b})
		}
		return s
	}
	told := func(facts ...string) []string {
		for i := range facts {
			facts[i] = station + " vlan=3: profinet." + facts[i]
		}
		return facts
	}
	const bound = station + " 192.168.0.6 vlan=3: address.binding = dcp"
	name := dcpBlock("0202", "0000", ascii("x208-bord"))
	ip := dcpBlock("0102", "0001", "c0a80006 ffffff00 c0a80001")
	all := []string{
		dcpBlock("0205", "0000", "0201 0202"), name, dcpBlock("0201", "0000", ascii("SCALANCE X208")), dcpBlock("0203", "0000", "002a 0a01"), dcpBlock("0204", "0000", "03 00"),
		dcpBlock("0206", "0000", ascii("port-001.x208-bord")), dcpBlock("0207", "0000", "00 64"), dcpBlock("0208", "0000", "00b0 0007"), dcpBlock("0101", "0000", "08000693cf32"),
		dcpBlock("0103", "0002", "c0a80006 ffffff00 00000000 c0a80035 00000000 00000000 00000000"), dcpBlock("0601", "0000", "0001"), dcpBlock("8001", "0000", "080006"),
	}
	discoverytest.Run(
		t, Protocol(),
		sample("identity", 0, append(told(
			"type-of-station = SCALANCE X208", "name-of-station = x208-bord", "vendor-id = 0x002a", "device-id = 0x0a01", "role = device, controller",
			"alias = port-001.x208-bord", "instance = 0x0064", "oem-vendor-id = 0x00b0", "oem-device-id = 0x0007", "mac = 08:00:06:93:cf:32",
			"ip-address = 192.168.0.6", "subnet-mask = 255.255.255.0", "dns-server = 192.168.0.53", "ip-state = set by dhcp",
		), bound), dcp(t, "feff 05 01", all...)),
		sample("get_answer", 0, append(told(
			"name-of-station = x208-bord", "ip-address = 192.168.0.6", "subnet-mask = 255.255.255.0", "gateway = 192.168.0.1", "ip-state = set",
		), bound), dcp(t, "fefd 03 01", name, ip)),
		sample("hello", 0, told("name-of-station = x208-bord"), dcp(t, "fefc 06 00", name)),
		sample("no_address_yet", 0, told("name-of-station = x208-bord"), dcp(t, "feff 05 01", name, dcpBlock("0102", "0000", "00000000 00000000 00000000"))),
		sample("conflict", 0, told("ip-address = 192.168.0.6", "subnet-mask = 255.255.255.0", "gateway = 192.168.0.1", "ip-state = set, address conflict"),
			dcp(t, "feff 05 01", dcpBlock("0102", "0081", "c0a80006 ffffff00 c0a80001"))),
		sample("multicast_address", 0, told("ip-address = 224.0.0.6", "ip-state = set"), dcp(t, "feff 05 01", dcpBlock("0102", "0001", "e0000006 00000000 00000000"))),
		sample("set_request", 0, nil, dcp(t, "fefd 04 00", dcpBlock("0202", "0001", ascii("to-be")), ip)),
		sample("set_answer", 0, nil, dcp(t, "fefd 04 01", "0504 0003 010200 00")),
		sample("get_request", 0, nil, unhex(t, "fefd 03 00 00000001 0000 0002 0202")),
		sample("identify_request", 0, nil, dcp(t, "fefe 05 00", "0202 0009"+ascii("x208-bord")+"00")),
		sample("unsupported", 1, nil, dcp(t, "feff 05 05")),
		sample("cyclic", 0, told("frame-id = 0x8001, RT class 2"), unhex(t, "8001 00000000 00000000 1234 35 00")),
		sample("clock", 0, nil, unhex(t, "ff40 0000")),
		sample("half", 1, told("name-of-station = x208-bord"), unhex(t, "feff 05 01 00000001 0000 0040"+name+"0102 000e 0001 c0a8")),
		sample("damaged_blocks", 1, told("name-of-station = x208-bord"), dcp(t, "feff 05 01", dcpBlock("0203", "0000", "002a"), "0204 0001 0000", name)),
		sample("repeat", 0, told("name-of-station = x208-bord"), dcp(t, "feff 05 01", name), unhex(t, "fefe 05 00 00000001 0001 0000")),
	)
}

// TestLink is between two stations: a controller, and a device that answers.
func TestLink(t *testing.T) {
	const to = "00:a0:45:6d:d3:43"
	between := func(from, to string) discovery.Flow {
		flow := discovery.Flow{Transport: discovery.EtherType, Ports: [2]uint16{0, EtherType}}
		for side, text := range []string{from, to} {
			mac, err := discovery.ParseMAC(text)
			if err != nil {
				t.Fatal(err)
			}
			flow.Ends[side].MAC = mac
		}
		return flow
	}
	sample := func(name string, flow discovery.Flow, want []string, messages ...[]byte) discoverytest.Sample {
		s := discoverytest.Sample{Name: name, Flow: flow, Want: want}
		for _, b := range messages {
			s.Messages = append(s.Messages, discoverytest.Message{Bytes: b})
		}
		return s
	}
	asks, answers := between(to, station), between(station, to)
	talk := func(does string) string { return to + " -> " + station + " ethertype/34962 profinet: " + does }
	name := dcpBlock("0202", "0000", ascii("x208-bord"))
	discoverytest.Run(
		t, Protocol(),
		sample("cyclic", asks, []string{to + ": profinet.frame-id = 0xc000, RT class 1, to " + station, to + ": profinet.frame-id = 0x0101, RT class 3, to " + station},
			unhex(t, "c000 00000000 00000000 1234 35 00"), unhex(t, "c000 00000000 00000000 1236 35 00"), unhex(t, "0101 00000000 00000000 1236 35 00")),
		sample("get", asks, []string{talk("read")}, unhex(t, "fefd 03 00 00000001 0000 0002 0202"), unhex(t, "fefd 03 00 00000002 0000 0002 0202")),
		sample("set", asks, []string{talk("write")}, dcp(t, "fefd 04 00", "0501 0002 0000", dcpBlock("0202", "0001", ascii("to-be")), "0502 0002 0000")),
		sample("blink_and_rename", asks, []string{talk("write"), talk("control")}, dcp(t, "fefd 04 00", dcpBlock("0503", "0000", "0100"), dcpBlock("0202", "0001", ascii("odd")))),
		sample("get_answer", answers, []string{station + ": profinet.name-of-station = x208-bord", talk("read")}, dcp(t, "fefd 03 01", name)),
		sample("set_answer", answers, []string{talk("")}, dcp(t, "fefd 04 01", "0504 0003 010200 00"), dcp(t, "fefd 04 01", "0504 0003 010200 00")),
		sample("identity", answers, []string{station + ": profinet.name-of-station = x208-bord", talk("")}, dcp(t, "feff 05 01", name), dcp(t, "feff 05 01", name)),
		sample("identity_of_a_controller", answers, []string{station + ": profinet.role = controller"}, dcp(t, "feff 05 01", dcpBlock("0204", "0000", "02 00"))),
		sample("asks_all", between(to, "01:0e:cf:00:00:00"), nil, dcp(t, "fefe 05 00", "ffff 0000")),
	)
}

// The ends of the calls in the tests.
const (
	controller = "192.168.1.3"
	device     = "192.168.1.2"
)

// Interfaces and operations, big endian.
const (
	deviceInterface = "dea00001 6c97 11d1 8271 00a02442df7d"
	deviceObject    = "dea00000 6c97 11d1 8271 00010003015a"
	mapperInterface = "e1af8308 5d1f 11c9 91a4 08002b14a0fa"
)

// message is a call in the byte order that its first bytes name.
type message struct {
	kind, flags, order, operation, fragment int
	face, body                              string
}

func (m message) bytes(t testing.TB) []byte {
	t.Helper()
	b := []byte{rpcVersion, byte(m.kind), byte(m.flags), 0, byte(m.order), 0, 0, 0}
	face := m.face
	if face == "" {
		face = deviceInterface
	}
	little := m.order == littleEndian
	var order binary.AppendByteOrder = binary.BigEndian
	if little {
		order = binary.LittleEndian
	}
	for _, id := range []string{deviceObject, face, "00112233 4455 6677 8899 aabbccddeeff"} {
		b = append(b, ordered(unhex(t, id), little)...)
	}
	b = order.AppendUint32(b, 0)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint32(b, 9)
	b = order.AppendUint16(b, uint16(m.operation))
	b = append(b, 0xff, 0xff, 0xff, 0xff)
	body := unhex(t, m.body)
	b = order.AppendUint16(b, uint16(len(body)))
	b = order.AppendUint16(b, uint16(m.fragment))
	return append(append(b, 0, 0), body...)
}

// ordered turns the numbers of a UUID round.
func ordered(id []byte, little bool) []byte {
	if little {
		slices.Reverse(id[:4])
		slices.Reverse(id[4:6])
		slices.Reverse(id[6:8])
	}
	return id
}

// array is the head of a body with blocks; the status, or the longest answer, is 0.
func array(blocks ...string) string {
	all := strings.ReplaceAll(strings.Join(blocks, ""), " ", "")
	return strings.Repeat("00", 16) + "0000" + number16(len(all)/2) + all
}

// pnioBlock is a block of PNIO-CM.
func pnioBlock(kind, value string) string {
	value = strings.ReplaceAll(value, " ", "")
	return kind + number16(2+len(value)/2) + "0100" + value
}

// readHeadBlock is the head of an answer to a read.
func readHeadBlock(slot, subslot, index string) string {
	return pnioBlock("8009", "0004"+strings.Repeat("7c", 16)+"00000000"+slot+subslot+"0000"+index+"00000038 0000 0000"+strings.Repeat("00", 20))
}

// im0 is a nameplate.
func im0(order, serial, hardware, software string) string {
	return pnioBlock("0020", "002a"+padded(order, 20)+padded(serial, 16)+hardware+software+"0001 f600 0003 0101 000e")
}

var (
	arRequest = pnioBlock("0101", "0001"+strings.Repeat("7c", 16)+"0002 00a0456dd343 dea00000 6c97 11d1 8271 0001 003c 00b0 00000001 0258 8892 0019"+ascii("pc-worx-rt-basic-6d-d3-43"))
	iocrInOut = pnioBlock("0102", "0001 0001"+strings.Repeat("00", 36)) + pnioBlock("0102", "0002 0002"+strings.Repeat("00", 36))
)

func callFlow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.UDP, Ports: [2]uint16{65151, PortCM}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(controller)
	f.Ends[discovery.Server].IP = netip.MustParseAddr(device)
	return f
}

// lookup is an answer of the endpoint mapper, big endian.
func lookup() string {
	text := "S7-1500                   6ES7 672-5DC01-0YA0      0 V  2  1  7"
	row := func(object string) string {
		return strings.ReplaceAll(object, " ", "") + "00000003 00000000 00000040" + ascii(text+"\x00")
	}
	all := strings.Repeat("00", 20) + "00000002 00000002 00000000 00000002" + row("dea00000 6c97 11d1 8271 0001010e002a") + row(strings.Repeat("00", 16)) +
		"0000004b 0000004b 0500" + strings.Repeat("13", 20) + "00000000"
	return strings.ReplaceAll(all, " ", "")
}

func TestCM(t *testing.T) {
	type end struct {
		side discovery.Side
		message
	}
	sample := func(name string, problems int, want []string, messages ...end) discoverytest.Sample {
		s := discoverytest.Sample{Name: name, Flow: callFlow(), Want: want, Problems: problems}
		for _, m := range messages {
			s.Messages = append(s.Messages, discoverytest.Message{Side: m.side, Bytes: m.bytes(t)})
		}
		return s
	}
	ask := func(operation int, body string) end {
		return end{discovery.Client, message{operation: operation, body: body}}
	}
	answer := func(operation int, body string) end {
		return end{discovery.Server, message{kind: kindResponse, order: littleEndian, operation: operation, body: body}}
	}
	told := func(facts ...string) []string {
		for i := range facts {
			facts[i] = device + ": " + facts[i]
		}
		return facts
	}
	module := func(path string) []string {
		return []string{
			device + path + ": profinet.im-vendor-id = 0x002a", device + path + ": profinet.im-order-id = 6ES7 131-6BF00-0BA0",
			device + path + ": profinet.im-serial-number = S C-1234567", device + path + ": profinet.im-hardware-revision = 3",
			device + path + ": profinet.im-software-revision = V4.2.1", device + path + ": profinet.im-profile-id = 0xf600",
			device + path + ": profinet.im-profile-specific-type = 0x0003",
		}
	}
	nameplate := im0("6ES7 131-6BF00-0BA0", "S C-1234567", "0003", "56 040201")
	physical := pnioBlock("0400", "0000 00000000 0000 8000"+
		pnioBlock("0240", "0e"+ascii("versamax-pns11")+"000000 00099143e067 0000 c0a80102 ffffff00 c0a80101")) +
		pnioBlock("0400", "0000 00000000 0000 8001"+pnioBlock("020f", "0000 0000 8001 08"+ascii("port-001")+"01 0000 08"+ascii("port-004")+
			"13"+ascii("siemens-x208-switch")+"000000 00000000 000e8cef75c5 0000 0010 0000 00000000 00000000 0001 0000 00000001")) +
		pnioBlock("0400", "0000 00000000 0000 8002"+pnioBlock("020f", "0000 0000 8002 08"+ascii("port-002")+"00 0000 0000 0000 00000000 00000000 0002 0000 00000001"))
	interfaceLines := []string{
		device + ": profinet.name-of-station = versamax-pns11", device + ": profinet.mac = 00:09:91:43:e0:67", device + ": profinet.ip-address = 192.168.1.2",
		device + ": profinet.subnet-mask = 255.255.255.0", device + ": profinet.gateway = 192.168.1.1", "00:09:91:43:e0:67 192.168.1.2: address.binding = pnio-cm",
		device + ": link port-001 -> 00:0e:8c:ef:75:c5 siemens-x208-switch port-004 by profinet",
	}
	long := array(readHeadBlock("0000", "0000", "f841"), physical)
	fragment := func(n, of int) end {
		size := len(long) / of / 2 * 2
		from, to := n*size, (n+1)*size
		flags := flagFragment
		if n == of-1 {
			to, flags = len(long), flagFragment|flagLast
		}
		return end{discovery.Server, message{kind: kindResponse, operation: operationRead, flags: flags, fragment: n, body: long[from:to]}}
	}
	reads := controller + " -> " + device + " udp/34964 profinet: read"
	writes := controller + " -> " + device + " udp/34964 profinet: write"
	exchanges := "00:a0:45:6d:d3:43 -> " + device + " ethertype/34962 profinet: "
	discoverytest.Run(
		t, Protocol(),
		sample("connect", 0, append([]string{
			controller + ": profinet.cm-initiator-station-name = pc-worx-rt-basic-6d-d3-43", controller + ": profinet.cm-initiator-mac-address = 00:a0:45:6d:d3:43",
			controller + ": profinet.vendor-id = 0x00b0", controller + ": profinet.device-id = 0x003c", reads, exchanges + "read", writes, exchanges + "write",
		}, told("profinet.cm-responder-mac-address = 00:09:91:43:e0:67", "profinet.cm-responder-station-name = versamax-pns11")...),
			ask(operationConnect, array(arRequest, iocrInOut)),
			answer(operationConnect, array(pnioBlock("8101", "0001"+strings.Repeat("7c", 16)+"0002 00099143e067 8892"), pnioBlock("8106", "000e"+ascii("versamax-pns11"))))),
		sample("refused", 0, nil, answer(operationConnect, "db813f01"+strings.Repeat("00", 16))),
		sample("operations", 0, []string{reads, writes}, ask(operationReadImplicit, array()), ask(operationRead, array()), ask(operationWrite, array()), ask(operationWrite, array())),
		sample("device_asks", 0, []string{device + " -> " + controller + " udp/34964 profinet: read"}, end{discovery.Server, message{operation: operationRead, body: array()}}),
		sample("nameplate", 0, module(""), answer(operationReadImplicit, array(readHeadBlock("0000", "0001", "aff0"), nameplate))),
		sample("nameplate_of_a_module", 0, module(" slot=2"), answer(operationRead, array(readHeadBlock("0002", "0001", "aff0"), nameplate))),
		sample("nameplate_of_a_submodule", 0, module(" slot=0/subslot=2"), answer(operationRead, array(readHeadBlock("0000", "0002", "aff0"), nameplate))),
		sample("nameplate_of_an_interface", 0, module(""), answer(operationRead, array(readHeadBlock("0000", "8000", "aff0"), nameplate))),
		sample("nameplate_with_gaps", 0, told("profinet.im-vendor-id = 0x002a", "profinet.im-profile-id = 0xf600", "profinet.im-profile-specific-type = 0x0003"),
			answer(operationRead, array(readHeadBlock("0000", "0001", "aff0"), im0("", "", "ffff", "56 ffffff")))),
		sample("tags", 0, told("profinet.im-function = filling", "profinet.im-location = hall 3", "profinet.im-installation-date = 2019-03-01 10:00", "profinet.im-descriptor = line 2"),
			answer(operationRead, array(readHeadBlock("0000", "0001", "aff1"), pnioBlock("0021", padded("filling", 32)+padded("hall 3", 22)))),
			answer(operationRead, array(readHeadBlock("0000", "0001", "aff2"), pnioBlock("0022", padded("2019-03-01 10:00", 16)))),
			answer(operationRead, array(readHeadBlock("0000", "0001", "aff3"), pnioBlock("0023", padded("line 2", 54))))),
		sample("other_record", 0, nil, answer(operationRead, array(readHeadBlock("0001", "0001", "0001"), nameplate))),
		sample("record_without_head", 1, nil, answer(operationRead, array("8008"+readHeadBlock("0000", "0001", "aff0")[4:], nameplate))),
		sample("ports", 0, interfaceLines, answer(operationRead, long)),
		sample("fragments", 0, interfaceLines, fragment(0, 3), fragment(1, 3), fragment(1, 3), fragment(2, 3)),
		sample("lost_fragment", 1, nil, fragment(0, 3), fragment(2, 3)),
		sample("endpoints", 0, told(
			"profinet.vendor-id = 0x002a", "profinet.device-id = 0x010e", "profinet.epm-annotation = S7-1500 6ES7 672-5DC01-0YA0 0 V 2 1 7", "profinet.epm-device-type = S7-1500",
			"profinet.epm-order-id = 6ES7 672-5DC01-0YA0", "profinet.epm-hardware-revision = 0", "profinet.epm-software-revision = V2.1.7",
			"profinet.epm-annotation = S7-1500 6ES7 672-5DC01-0YA0 0 V 2 1 7", "profinet.epm-device-type = S7-1500",
			"profinet.epm-order-id = 6ES7 672-5DC01-0YA0", "profinet.epm-hardware-revision = 0", "profinet.epm-software-revision = V2.1.7",
		), end{discovery.Server, message{kind: kindResponse, face: mapperInterface, operation: operationLookup, body: lookup()}}),
		sample("endpoints_cut", 1, nil, end{discovery.Server, message{kind: kindResponse, face: mapperInterface, operation: operationLookup, body: lookup()[:160]}}),
		sample("other_interface", 1, nil, end{discovery.Client, message{face: "12345678 1234 abcd ef00 0123456789ab", body: array()}}),
		sample("not_rpc", 1, nil, end{discovery.Client, message{kind: 99}}),
		sample("working", 0, nil, end{discovery.Server, message{kind: 4}}),
	)
}

func TestClaims(t *testing.T) {
	mapper := message{kind: kindResponse, face: mapperInterface, operation: operationLookup, body: lookup()}
	foreign := mapper
	foreign.body = strings.Repeat("00", 64)
	for name, c := range map[string]struct {
		m    message
		want bool
	}{
		"little": {message{order: littleEndian}, true}, "big": {message{}, true}, "mapper": {mapper, true}, "foreign_mapper": {foreign, false},
		"other": {message{face: "12345678 1234 abcd ef00 0123456789ab"}, false},
	} {
		if got := isCall(c.m.bytes(t)); got != c.want {
			t.Errorf("%s: claims %v", name, got)
		}
	}
}

func TestAnnotationOfAnotherForm(t *testing.T) {
	for _, text := range []string{"", "ILC 151 ETH", strings.Repeat("x", 64), "S7-1500                   6ES7 672-5DC01-0YA0      0 V  2 .1  7"} {
		if deviceType, order, hardware, software := (Endpoint{Annotation: text}).Parts(); deviceType+order+hardware+software != "" {
			t.Errorf("%q has parts %q %q %q %q", text, deviceType, order, hardware, software)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	d := Protocol().Decode(callFlow())
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	body := array(readHeadBlock("0000", "0000", "f841"), strings.Repeat("00", 1000))
	var err error
	for n := 0; n < 2*maxBody/1000 && err == nil; n++ {
		b := message{kind: kindResponse, operation: operationRead, flags: flagFragment, fragment: n, body: body}.bytes(t)
		_, err = d.Feed(discovery.Server, time.Time{}, b, 0, sink)
	}
	if err == nil || d.(*callDecoder).assembly.body != nil {
		t.Error("fragments without end are kept")
	}
}

func TestUninterestingIsFree(t *testing.T) {
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	link := Protocol().Decode(discovery.Flow{Transport: discovery.EtherType})
	calls := Protocol().Decode(callFlow())
	cyclic := unhex(t, "8001"+strings.Repeat("00", 40)+"1234 35 00")
	identify := dcp(t, "fefe 05 00", "0202 0009"+ascii("x208-bord")+"00")
	set := dcp(t, "fefd 04 00", dcpBlock("0202", "0001", ascii("to-be")))
	read := message{operation: operationRead, body: array()}.bytes(t)
	data := message{kind: kindResponse, order: littleEndian, operation: operationRead, body: array(readHeadBlock("0001", "0001", "0001"), "01020304")}.bytes(t)
	feed := func() {
		for _, b := range [][]byte{cyclic, identify, set} {
			if _, err := link.Feed(discovery.Client, time.Time{}, b, 0, sink); err != nil {
				t.Fatal(err)
			}
		}
		for side, b := range [][]byte{read, data} {
			if _, err := calls.Feed(discovery.Side(side), time.Time{}, b, 0, sink); err != nil {
				t.Fatal(err)
			}
		}
	}
	feed()
	if n := testing.AllocsPerRun(100, feed); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCaptures(t *testing.T) {
	for name, want := range map[string][]string{
		"profinet-dcp-siemens-x208-set-ip.pcap": {
			"08:00:06:93:cf:32: profinet.type-of-station = INC", "08:00:06:93:cf:32: profinet.name-of-station = X208-BORD", "08:00:06:93:cf:32: profinet.vendor-id = 0x002a",
			"08:00:06:93:cf:32: profinet.device-id = 0x0a01", "08:00:06:93:cf:32: profinet.role = device", "08:00:06:93:cf:32: profinet.ip-address = 192.168.0.6",
			"08:00:06:93:cf:32: profinet.subnet-mask = 255.255.255.0", "08:00:06:93:cf:32: profinet.gateway = 192.168.0.1", "08:00:06:93:cf:32: profinet.ip-state = set",
			"08:00:06:93:cf:32 192.168.0.6: address.binding = dcp",
		},
		"profinet-io-ge-versamax-scalance-mixed.pcap": {
			"192.168.1.11: profinet.cm-initiator-station-name = plcxbkontr74b7", "192.168.1.11: profinet.cm-initiator-mac-address = 00:1c:06:0b:26:ed",
			"192.168.1.11: profinet.vendor-id = 0x002a", "192.168.1.11: profinet.device-id = 0x010d", "192.168.1.3: profinet.cm-initiator-station-name = pc-worx-rt-basic-6d-d3-43",
			"00:09:91:43:e0:67: profinet.type-of-station = IC200PNS001", "00:09:91:43:e0:67: profinet.name-of-station = versamax-pns11",
			"00:09:91:43:e0:67: profinet.vendor-id = 0x015a", "00:09:91:43:e0:67: profinet.device-id = 0x0003", "00:09:91:43:e0:67 192.168.1.2: address.binding = dcp",
			"00:09:91:43:e0:67 192.168.1.2: address.binding = pnio-cm", "192.168.1.2: link port-001 -> 00:0e:8c:ef:75:c5 siemens-x208-switch port-004 by profinet",
			"192.168.1.3 -> 192.168.1.2 udp/34964 profinet: read+write",
		},
	} {
		t.Run(strings.TrimSuffix(name, ".pcap"), func(t *testing.T) {
			told := hear(t, name)
			for _, line := range want {
				if !slices.Contains(told, line) {
					t.Errorf("%q was not told, but:\n%s", line, strings.Join(told, "\n"))
				}
			}
			for _, line := range told {
				if strings.Contains(line, "192.168.0.10") {
					t.Errorf("told what a controller wants: %q", line)
				}
			}
		})
	}
	if diff := cmp.Diff([]string(nil), hear(t, "s7-siemens-et200s-plc-status.pcap")); diff != "" {
		t.Error(diff)
	}
}

// hear reads a shared capture with the listener and gives what is told of PROFINET, without the MACs of bound addresses.
func hear(t *testing.T, name string) []string {
	t.Helper()
	source, err := capture.OpenFile(discoverytest.Shared(t, filepath.Join("captures", name)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	var lines []string
	l := listen.New(listen.Options{Protocols: []discovery.Protocol{Protocol()}, Out: discovery.SinkFunc(func(o discovery.Observation) {
		talks := slices.DeleteFunc(slices.Clone(o.Talks), func(c discovery.Conversation) bool { return c.Protocol != "profinet" })
		if o.Protocol != "profinet" && len(talks) == 0 {
			return
		}
		for i := range talks {
			talks[i].Client.MAC, talks[i].Server.MAC = discovery.MAC{}, discovery.MAC{}
		}
		o.Talks = talks
		if o.Subject.IP.IsValid() && !slices.ContainsFunc(o.Facts, func(f discovery.Fact) bool { return f.Key == discovery.KeyBinding }) {
			o.Subject.MAC = discovery.MAC{}
		}
		lines = append(lines, discoverytest.Lines([]discovery.Observation{o})...)
	})})
	var f discovery.Frame
	for err = source.Next(&f); err == nil; err = source.Next(&f) {
		l.Frame(&f)
	}
	l.Flush()
	if !errors.Is(err, io.EOF) || len(l.Troubles()) > 0 {
		t.Fatalf("error %v, troubles %v", err, l.Troubles())
	}
	return lines
}
