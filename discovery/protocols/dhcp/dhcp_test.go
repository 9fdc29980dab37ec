package dhcp

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

// fields are those of the fixed part that matter, in hex.
type fields struct {
	op                            Op
	hardware, has, gets, by, mac  string // hardware is the type and the length
	sname, file, cookie, trailing string
}

func datagram(t testing.TB, f fields, options string) []byte {
	b := make([]byte, fixedLen)
	put := func(at int, text string) { copy(b[at:], raw(t, text)) }
	b[0] = byte(f.op)
	put(1, or(f.hardware, "0106"))
	put(12, f.has)
	put(16, f.gets)
	put(24, f.by)
	put(28, or(f.mac, client))
	put(44, f.sname)
	put(108, f.file)
	b = append(b, raw(t, or(f.cookie, "63825363"))...)
	return append(b, raw(t, options+f.trailing)...)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

const (
	client  = "02000000000a"
	server  = "02:00:00:00:00:01"
	station = "02:00:00:00:00:0a"

	discover = "35 01 01 "
	offer    = "35 01 02 "
	request  = "35 01 03 "
	decline  = "35 01 04 "
	acked    = "35 01 05 "
	inform   = "35 01 08 "
	end      = " ff"
)

// The conversations: a client without an address, one with, a relay before the server, and the relay before the client.
func fresh() discovery.Flow { return between("", station, "255.255.255.255", "", ClientPort) }

func known() discovery.Flow { return between("192.0.2.7", station, "192.0.2.1", server, ClientPort) }

func relayed() discovery.Flow {
	return between("198.51.100.1", "02:00:00:00:00:02", "192.0.2.1", server, ServerPort)
}

func delivered() discovery.Flow {
	return between("198.51.100.7", station, "198.51.100.1", "02:00:00:00:00:02", ClientPort)
}

func between(clientIP, clientMAC, serverIP, serverMAC string, port uint16) discovery.Flow {
	end := func(ip, mac string) discovery.Subject {
		s := discovery.Subject{VLAN: 5}
		if ip != "" {
			s.IP = netip.MustParseAddr(ip)
		}
		if mac != "" {
			s.MAC, _ = discovery.ParseMAC(mac)
		}
		return s
	}
	return discovery.Flow{
		Ends: [2]discovery.Subject{end(clientIP, clientMAC), end(serverIP, serverMAC)}, Ports: [2]uint16{port, ServerPort}, Transport: discovery.UDP,
	}
}

func TestProtocol(t *testing.T) {
	const about = station + " vlan=5: "
	told := func(facts ...string) []string {
		for i := range facts {
			facts[i] = about + facts[i]
		}
		return facts
	}
	say := func(name string, flow discovery.Flow, f fields, options string, want ...string) discoverytest.Sample {
		m := discoverytest.Message{Bytes: datagram(t, f, options)}
		if f.op == BootReply {
			m.Side = discovery.Server
		}
		return discoverytest.Sample{Name: name, Flow: flow, Messages: []discoverytest.Message{m}, Want: want}
	}
	wrong := func(s discoverytest.Sample) discoverytest.Sample {
		s.Problems = 1
		return s
	}
	asks := fields{op: BootRequest}
	offers := fields{op: BootReply, gets: "c0000207"}
	twice := say("discover_twice", fresh(), asks, discover+"0c 03 'plc'"+end, told("dhcp.host-name = plc")...)
	again := twice.Messages[0]
	again.Bytes = append([]byte(nil), again.Bytes...)
	copy(again.Bytes[3:], "\x01abcd\x00\x09") // hops, transaction, seconds
	twice.Messages = append(twice.Messages, again)
	discoverytest.Run(
		t, Protocol(),
		say("discover", fresh(), asks, discover+"0c 04 'plc' 00 3c 08 'MSFT 5.0' 3d 07 01 02000000000a 37 04 01 03 06 2a 32 04 c0000207"+end,
			told("dhcp.host-name = plc", "dhcp.vendor-class = MSFT 5.0", "dhcp.client-id = 02:00:00:00:00:0a", "dhcp.parameter-request-list = 1,3,6,42",
				"dhcp.requested-address = 192.0.2.7")...),
		say("discover_padded", fresh(), fields{op: BootRequest, trailing: "000000"}, "00 00"+discover+"32 04 00000000"+end),
		twice,
		say("names", fresh(), asks, discover+"51 0c 00 0000 'plc.plant' 3d 08 00 'plant-7'"+end, told("dhcp.fqdn = plc.plant", "dhcp.client-id = plant-7")...),
		say("name_in_labels", fresh(), asks, discover+"51 0e 05 0000 03 'plc' 05 'plant' 00"+end, told("dhcp.fqdn = plc.plant")...),
		say("duid", fresh(), asks, discover+"3d 0b ff 00000001 0003 0001 0200"+end, told("dhcp.client-id = ff00000001000300010200")...),
		say("client_id_as_text", fresh(), asks, discover+"3d 06 'PLC-12'"+end, told("dhcp.client-id = PLC-12")...),
		say("user_classes", fresh(), asks, discover+"4d 09 03 'ipx' 04 'iPXE'"+end, told("dhcp.user-class = ipx", "dhcp.user-class = iPXE")...),
		say("user_class_without_length", fresh(), asks, discover+"4d 05 'Panel'"+end, told("dhcp.user-class = Panel")...),
		say("vendor_identifying", fresh(), asks, discover+"7c 0a 00001e60 05 04 'CPE1' 7d 11 00000de9 0c 02 04 'S123' 04 04 00010203"+end,
			told("dhcp.enterprise = 7776", "dhcp.vendor-identifying-class = CPE1", "dhcp.enterprise = 3561", "dhcp.vendor-identifying-information = 3561.2 S123")...),
		say("machine", fresh(), asks, discover+"61 11 00 00112233445566778899aabbccddeeff"+end, told("dhcp.client-machine-id = 33221100-5544-7766-8899-aabbccddeeff")...),
		say("machine_without_id", fresh(), asks, discover+"61 11 00 ffffffffffffffffffffffffffffffff"+end),
		say("overloaded", fresh(), fields{op: BootRequest, file: "0c 03 'plc' ff", sname: "3c 04 'AXIS' ff"}, discover+"34 01 03"+end,
			told("dhcp.host-name = plc", "dhcp.vendor-class = AXIS")...),
		wrong(say("overloaded_without_end", fresh(), fields{op: BootRequest, file: "0c ff"}, discover+"34 01 01 3c 01 'x'"+end, told("dhcp.vendor-class = x")...)),
		say("renewing", known(), fields{op: BootRequest, has: "c0000207"}, request+"0c 03 'plc'"+end, told("dhcp.host-name = plc")[0], station+" 192.0.2.7 vlan=5: address.binding = dhcp"),
		say("inform", known(), fields{op: BootRequest, has: "c0000207"}, inform+end, station+" 192.0.2.7 vlan=5: address.binding = dhcp"),
		say("inform_of_another", known(), fields{op: BootRequest, has: "c0000208", mac: "02000000000b"}, inform+"0c 03 'plc'"+end,
			"02:00:00:00:00:0b vlan=5 (said by 02:00:00:00:00:0a 192.0.2.7 vlan=5): dhcp.host-name = plc"),
		say("decline", fresh(), asks, decline+"32 04 c0000207"+end),
		say("relayed", relayed(), fields{op: BootRequest, by: "c6336401"}, discover+"0c 03 'plc'"+end,
			station+" (said by 02:00:00:00:00:02 198.51.100.1 vlan=5): dhcp.host-name = plc"),
		say("relayed_without_mac", relayed(), fields{op: BootRequest, by: "c6336401", hardware: "2000"}, discover+"0c 03 'plc'"+end),
		say("no_mac", known(), fields{op: BootRequest, hardware: "2000"}, discover+"0c 03 'plc'"+end, station+" 192.0.2.7 vlan=5: dhcp.host-name = plc"),
		say("offer", known(), offers, offer+"0c 03 'you' 03 08 c0000201 c0000202 06 04 c0000203 0f 05 'plant' 2a 04 c0000204"+end,
			server+" 192.0.2.1 vlan=5: dhcp.server = yes", server+" 192.0.2.1 vlan=5: dhcp.router = 192.0.2.1", server+" 192.0.2.1 vlan=5: dhcp.router = 192.0.2.2",
			server+" 192.0.2.1 vlan=5: dhcp.domain-name-server = 192.0.2.3", server+" 192.0.2.1 vlan=5: dhcp.domain-name = plant",
			server+" 192.0.2.1 vlan=5: dhcp.ntp-server = 192.0.2.4"),
		say("ack", known(), offers, acked+"36 04 c0000201"+end,
			station+" 192.0.2.7 vlan=5 (said by "+server+" 192.0.2.1 vlan=5): address.binding = dhcp", server+" 192.0.2.1 vlan=5: dhcp.server = yes"),
		say("ack_to_inform", known(), fields{op: BootReply, has: "c0000207"}, acked+end, server+" 192.0.2.1 vlan=5: dhcp.server = yes"),
		say("ack_to_relay", relayed(), fields{op: BootReply, gets: "c6336407", by: "c6336401"}, acked+end,
			station+" 198.51.100.7 (said by "+server+" 192.0.2.1 vlan=5): address.binding = dhcp", server+" 192.0.2.1 vlan=5: dhcp.server = yes"),
		say("ack_from_relay", delivered(), fields{op: BootReply, gets: "c6336407", by: "c6336401"}, acked+"36 04 c0000201"+end,
			station+" 198.51.100.7 vlan=5 (said by 02:00:00:00:00:02 198.51.100.1 vlan=5): address.binding = dhcp",
			"192.0.2.1 (said by 02:00:00:00:00:02 198.51.100.1 vlan=5): dhcp.server = yes"),
		say("bootp", known(), offers, "00"+end,
			station+" 192.0.2.7 vlan=5 (said by "+server+" 192.0.2.1 vlan=5): address.binding = dhcp", server+" 192.0.2.1 vlan=5: dhcp.server = yes"),
		say("bootp_of_a_vendor", known(), fields{op: BootReply, gets: "c0000207", cookie: "01020304"}, "",
			station+" 192.0.2.7 vlan=5 (said by "+server+" 192.0.2.1 vlan=5): address.binding = dhcp", server+" 192.0.2.1 vlan=5: dhcp.server = yes"),
		wrong(say("no_end", fresh(), asks, discover+"0c 03 'plc'", told("dhcp.host-name = plc")...)),
		wrong(say("cut", fresh(), asks, "0c 03 'plc' 35 01", told("dhcp.host-name = plc")...)),
		wrong(say("other_op", fresh(), fields{op: 3}, discover+end)),
		wrong(say("long_hardware_address", fresh(), fields{op: BootRequest, hardware: "0111"}, discover+end)),
	)
}

// A lease is told again after a while, since another station may have held the address; what a client says is not.
func TestRetelling(t *testing.T) {
	ack := datagram(t, fields{op: BootReply, gets: "c0000207"}, acked+end)
	ask := datagram(t, fields{op: BootRequest}, discover+"0c 03 'plc'"+end)
	at := func(second int, side discovery.Side, b []byte) discoverytest.Message {
		return discoverytest.Message{Side: side, Time: time.Unix(int64(second), 0), Bytes: b}
	}
	got, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: known(), Messages: []discoverytest.Message{
		at(0, discovery.Client, ask),
		at(0, discovery.Server, ack),
		at(59, discovery.Server, ack),
		at(90, discovery.Server, ack),
		at(90, discovery.Client, ask),
	}})
	lease := station + " 192.0.2.7 vlan=5 (said by " + server + " 192.0.2.1 vlan=5): address.binding = dhcp"
	want := []string{station + " vlan=5: dhcp.host-name = plc", lease, server + " 192.0.2.1 vlan=5: dhcp.server = yes", lease}
	if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
		t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
	}
}

func TestLongOption(t *testing.T) {
	m, err := Parse(datagram(t, fields{op: BootRequest}, discover+"0c 02 'pl' 3c 01 'x' 0c 01 'c'"+end))
	if err != nil || string(m.Option(optionHostName)) != "plc" || string(m.Option(optionVendorClass)) != "x" {
		t.Errorf("host name %q, vendor class %q, error %v", m.Option(optionHostName), m.Option(optionVendorClass), err)
	}
}

func TestClaims(t *testing.T) {
	sound := datagram(t, fields{op: BootRequest}, discover+end)
	if !claims(sound) {
		t.Error("does not claim a message")
	}
	if claims(sound[:fixedLen]) || claims(datagram(t, fields{op: 3}, end)) || claims(datagram(t, fields{op: BootReply, cookie: "01020304"}, end)) {
		t.Error("claims what is none")
	}
}

// A client that finds no server asks for ever, which costs nothing.
func TestRepeatsDoNotAllocate(t *testing.T) {
	d := Protocol().Decode(fresh())
	b := datagram(t, fields{op: BootRequest}, discover+"0c 03 'plc' 3c 08 'MSFT 5.0' 37 02 01 03"+end)
	out := discovery.SinkFunc(func(discovery.Observation) {})
	feed := func() {
		if _, err := d.Feed(discovery.Client, time.Time{}, b, 0, out); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, feed); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
