package snmp

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// tlv is an element: its tag and the content.
func tlv(tag byte, content ...string) string {
	body := strings.Join(content, "")
	if len(body) < 0x80 {
		return string([]byte{tag, byte(len(body))}) + body
	}
	return string([]byte{tag, 0x82, byte(len(body) >> 8), byte(len(body))}) + body
}

func integer(n byte) string { return tlv(0x02, string([]byte{n})) }

// oid encodes dotted text.
func oid(text string) string {
	var out []byte
	for i, word := range strings.Split(text, ".") {
		arc, _ := strconv.ParseUint(word, 10, 32)
		switch i {
		case 0:
			continue
		case 1:
			arc += 40
		}
		var arcs []byte
		for more := byte(0); ; more = 0x80 {
			arcs = append([]byte{byte(arc&0x7f) | more}, arcs...)
			if arc >>= 7; arc == 0 {
				break
			}
		}
		out = append(out, arcs...)
	}
	return tlv(0x06, string(out))
}

func bind(name, value string) string { return tlv(0x30, oid(name), value) }

func text(s string) string { return tlv(0x04, s) }

func pdu(kind PDU, status byte, bindings ...string) string {
	return tlv(byte(kind), tlv(0x02, "\x12\x34"), integer(status), integer(0), tlv(0x30, bindings...))
}

func v2c(pdu string) string { return tlv(0x30, integer(1), text("secret-community"), pdu) }

func v3(flags byte, engine, scoped string) string {
	head := tlv(0x30, integer(7), tlv(0x02, "\x40\x00"), tlv(0x04, string([]byte{flags})), integer(3))
	security := tlv(0x04, tlv(0x30, text(engine), integer(1), integer(2), text("someone"), text(""), text("")))
	return tlv(0x30, integer(3), head, security, scoped)
}

func message(side discovery.Side, bytes string) discoverytest.Message {
	return discoverytest.Message{Side: side, Bytes: []byte(bytes)}
}

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.UDP, Ports: [2]uint16{40000, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr("192.0.2.2")
	f.Ends[discovery.Server].IP = netip.MustParseAddr("192.0.2.1")
	return f
}

const (
	engineWithMAC = "\x80\x00\x10\xe9\x03\x28\x63\x36\xaa\xbb\xcc"
	read          = "192.0.2.2 -> 192.0.2.1 udp/161 snmp: read"
)

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Problems: problems, Messages: messages}
	}
	const server = discovery.Server
	ent := func(column string) string { return entPhysical + column }
	discoverytest.Run(
		t, Protocol(),
		sample(
			"system_group", 0,
			[]string{
				read,
				"192.0.2.1: snmp.sysDescr = Siemens, SIMATIC NET, SCALANCE X208", "192.0.2.1: snmp.sysObjectID = 1.3.6.1.4.1.4329.6.1.2.1.2",
				"192.0.2.1: snmp.sysName = sw-7", "192.0.2.1: snmp.sysServices = 2",
			},
			message(discovery.Client, v2c(pdu(GetRequest, 0, bind("1.3.6.1.2.1.1.1.0", "\x05\x00")))),
			message(server, v2c(pdu(
				Response, 0, bind("1.3.6.1.2.1.1.1.0", text("Siemens,  SIMATIC NET, SCALANCE X208\x00")), bind("1.3.6.1.2.1.1.2.0", oid("1.3.6.1.4.1.4329.6.1.2.1.2")),
				bind("1.3.6.1.2.1.1.3.0", tlv(0x43, "\x01\x02")), bind("1.3.6.1.2.1.1.4.0", "\x80\x00"), bind("1.3.6.1.2.1.1.5.0", text("sw-7")),
				bind("1.3.6.1.2.1.1.6.0", text("")), bind("1.3.6.1.2.1.1.7.0", integer(2)), bind("1.3.6.1.2.1.2.2.1.10.1", tlv(0x41, "\x7f"))))),
			message(discovery.Client, v2c(pdu(GetNextRequest, 0, bind("1.3.6.1.2.1.1.1.0", "\x05\x00")))),
		),
		sample(
			"write", 0, []string{"192.0.2.2 -> 192.0.2.1 udp/161 snmp: write", read},
			message(discovery.Client, v2c(pdu(SetRequest, 0, bind("1.3.6.1.2.1.1.5.0", text("new"))))),
			message(discovery.Client, v2c(pdu(GetBulkRequest, 0, bind("1.3.6.1.2.1.1.5.0", "\x05\x00")))),
		),
		sample(
			"entity", 0,
			[]string{
				"192.0.2.1 ent=1: snmp.entPhysicalDescr = IE-2000", "192.0.2.1 ent=1: snmp.entPhysicalClass = chassis", "192.0.2.1 ent=1: snmp.entPhysicalSerialNum = FOC1",
				"192.0.2.1 ent=1001: snmp.entPhysicalDescr = Power supply",
			},
			message(server, v2c(pdu(
				Response, 0, bind(ent("2.1"), text("IE-2000")), bind(ent("2.1001"), text("Power supply")), bind(ent("5.1"), integer(3)), bind(ent("5.1001"), integer(99)),
				bind(ent("11.1"), text("FOC1")), bind(ent("11.1.2"), text("no such row")), bind(ent("17.1"), text("not kept"))))),
		),
		sample(
			"vendors", 0,
			[]string{
				"192.0.2.1: snmp.1.3.6.1.4.1.4329.6.3.2.1.1.2.0 = 6GK5 208-0BA10-2AA3", "192.0.2.1: snmp.1.3.6.1.4.1.8691.7.71.1.4.0 = V6.2 build 20080519",
				"192.0.2.1: snmp.1.3.6.1.4.1.248.14.1.1.1.0 = 12", "192.0.2.1: snmp.hrDeviceDescr = ARM",
			},
			message(server, v2c(pdu(
				Response, 0, bind("1.3.6.1.4.1.4329.6.3.2.1.1.2.0", text("6GK5 208-0BA10-2AA3")), bind("1.3.6.1.4.1.8691.7.71.1.4.0", text("V6.2  build 20080519")),
				bind("1.3.6.1.4.1.8691.7.71.2.4.0", text("not kept")), bind("1.3.6.1.4.1.248.14.1.1.1.0", tlv(0x42, "\x0c")), bind("1.3.6.1.2.1.25.3.2.1.3.1", text("ARM")),
				bind("1.3.6.1.4.1.4346.11.11.11.1.1.0", tlv(0x44, "\x9f"))))),
		),
		sample(
			"forwarding_table", 0,
			[]string{
				"192.0.2.1: snmp.dot1dBaseBridgeAddress = 28:63:36:00:00:00",
				"192.0.2.1 if=1: snmp.ifName = Gi1/1", "192.0.2.1 if=1: snmp.ifPhysAddress = 28:63:36:00:00:01", "192.0.2.1 if=1: snmp.dot1qPvid = 20",
				"00:a0:45:01:02:03 vlan=20 (said by 192.0.2.1): snmp.dot1dTpFdbPort = Gi1/1", "00:a0:45:01:02:04 (said by 192.0.2.1): snmp.dot1dTpFdbPort = port 9",
			},
			message(server, v2c(pdu(
				Response, 0, bind("1.3.6.1.2.1.17.1.1.0", text("\x28\x63\x36\x00\x00\x00")), bind("1.3.6.1.2.1.31.1.1.1.1.1", text("Gi1/1")),
				bind("1.3.6.1.2.1.2.2.1.6.1", text("\x28\x63\x36\x00\x00\x01")), bind("1.3.6.1.2.1.2.2.1.6.2", text("")), bind("1.3.6.1.2.1.17.1.4.1.2.7", integer(1)),
				bind("1.3.6.1.2.1.17.7.1.4.5.1.1.7", tlv(0x42, "\x14"))))),
			// The bridge's own, a group, one that is not in use, a virtual router: none of them is a host.
			message(server, v2c(pdu(
				Response, 0, bind(vlanFdbEntry+"2.20.0.160.69.1.2.3", integer(7)), bind(vlanFdbEntry+"3.20.0.160.69.1.2.3", integer(3)),
				bind(vlanFdbEntry+"2.30.0.160.69.1.2.4", integer(9)), bind(vlanFdbEntry+"2.20.40.99.54.0.0.1", integer(7)), bind(vlanFdbEntry+"2.20.1.0.94.0.0.1", integer(7)),
				bind(vlanFdbEntry+"2.20.0.160.69.1.2.5", integer(7)), bind(vlanFdbEntry+"3.20.0.160.69.1.2.5", integer(2)), bind(vlanFdbEntry+"2.20.0.0.94.0.1.5", integer(7)),
				bind(vlanFdbEntry+"2.20.0.160.69.1.2", integer(7)), bind(vlanFdbEntry+"2.20.0.160.69.1.2.300", integer(7))))),
		),
		sample(
			"arp_tables", 0,
			[]string{
				"192.0.2.1: snmp.ipAdEntAddr = 192.0.2.1", "00:a0:45:01:02:03 192.0.2.9 (said by 192.0.2.1): address.binding = table",
				"00:a0:45:01:02:05 2001:db8::5 (said by 192.0.2.1): address.binding = table",
			},
			message(server, v2c(pdu(
				Response, 0, bind(ipAdEntry+"2.192.0.2.1", integer(1)), bind(ipAdEntry+"2.127.0.0.1", integer(2)),
				bind(arpEntry+"2.1.192.0.2.9", text("\x00\xa0\x45\x01\x02\x03")), bind(arpEntry+"4.1.192.0.2.9", integer(3)),
				bind(arpEntry+"2.1.192.0.2.10", text("\x00\xa0\x45\x01\x02\x04")), bind(arpEntry+"4.1.192.0.2.10", integer(2)),
				bind(arpEntry+"2.1.192.0.2.11", text("\x00\x00\x00\x00\x00\x00")), bind(arpEntry+"2.1.224.0.0.5", text("\x01\x00\x5e\x00\x00\x05")),
				bind(neighbourEntry+"4.1.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.5", text("\x00\xa0\x45\x01\x02\x05")),
				bind(neighbourEntry+"4.1.1.4.192.0.2.12", text("\x00\xa0\x45\x01\x02\x06")), bind(neighbourEntry+"7.1.1.4.192.0.2.12", integer(7)),
				bind(neighbourEntry+"4.1.1.9.192.0.2.13", text("\x00\xa0\x45\x01\x02\x07"))))),
		),
		sample(
			"lldp_neighbours", 0,
			[]string{
				"192.0.2.1: lldp.chassis-id = 28:63:36:00:00:00", "192.0.2.1: lldp.chassis-id-subtype = mac-address", "192.0.2.1: lldp.med-serial = SN-77",
				"192.0.2.1 if=103: snmp.ifDescr = Gi1/3",
				"28:63:36:aa:00:01 (said by 192.0.2.1): lldp.chassis-id = 28:63:36:aa:00:01", "28:63:36:aa:00:01 (said by 192.0.2.1): lldp.chassis-id-subtype = mac-address",
				"28:63:36:aa:00:01 (said by 192.0.2.1): lldp.port-id = port-001", "28:63:36:aa:00:01 (said by 192.0.2.1): lldp.port-id-subtype = local",
				"28:63:36:aa:00:01 (said by 192.0.2.1): lldp.system-name = plc-1", "28:63:36:aa:00:01 (said by 192.0.2.1): lldp.capabilities = bridge, station-only",
				"28:63:36:aa:00:01 (said by 192.0.2.1): lldp.management-address = 192.0.2.30", "28:63:36:aa:00:01 (said by 192.0.2.1): lldp.med-serial = S-1",
				"192.0.2.1: link Gi1/3 -> 28:63:36:aa:00:01 plc-1 port-001 by lldp", "192.0.2.1: link port 4 -> io-7 by lldp",
			},
			message(server, v2c(pdu(
				Response, 0, bind(lldpLocChassisIDSubtype, integer(4)), bind(lldpLocChassisID, text("\x28\x63\x36\x00\x00\x00")), bind(lldpMEDLocal+"5.0", text("SN-77\x00")),
				bind(ifEntry+"2.103", text("Gi1/3")), bind(lldpLocalEntry+"2.3", integer(5)), bind(lldpLocalEntry+"3.3", text("Gi1/3"))))),
			message(server, v2c(pdu(
				Response, 0, bind(lldpRemoteEntry+"4.0.3.1", integer(4)), bind(lldpRemoteEntry+"5.0.3.1", text("\x28\x63\x36\xaa\x00\x01")),
				bind(lldpRemoteEntry+"6.0.3.1", integer(7)), bind(lldpRemoteEntry+"7.0.3.1", text("port-001")), bind(lldpRemoteEntry+"9.0.3.1", text("plc-1")),
				bind(lldpRemoteEntry+"12.0.3.1", text("\x21\x00")), bind(lldpAddressEntry+"3.0.3.1.1.4.192.0.2.30", integer(2)), bind(lldpMEDEntry+"1.4.0.3.1", text("S-1")),
				bind(lldpRemoteEntry+"4.0.4.2", integer(7)), bind(lldpRemoteEntry+"5.0.4.2", text("io-7")), bind(lldpRemoteEntry+"4.0.5.3", integer(4))))),
		),
		sample(
			"cdp_neighbours", 0,
			[]string{
				"192.0.2.40 (said by 192.0.2.1): cdp.device-id = sw-2", "192.0.2.40 (said by 192.0.2.1): cdp.address = 192.0.2.40",
				"192.0.2.40 (said by 192.0.2.1): cdp.port-id = GigabitEthernet0/1", "192.0.2.40 (said by 192.0.2.1): cdp.platform = cisco IE-3000",
				"192.0.2.40 (said by 192.0.2.1): cdp.version = IOS 15", "192.0.2.1: link interface 5 -> 192.0.2.40 sw-2 GigabitEthernet0/1 by cdp",
				"192.0.2.1: link interface 6 -> phone by cdp",
			},
			message(server, v2c(pdu(
				Response, 0, bind(cdpEntry+"3.5.1", integer(1)), bind(cdpEntry+"4.5.1", text("\xc0\x00\x02\x28")), bind(cdpEntry+"5.5.1", text("IOS  15")),
				bind(cdpEntry+"6.5.1", text("sw-2")), bind(cdpEntry+"7.5.1", text("GigabitEthernet0/1")), bind(cdpEntry+"8.5.1", text("cisco IE-3000")),
				bind(cdpEntry+"6.6.1", text("phone")), bind(cdpEntry+"4.6.1", text("")), bind(cdpEntry+"6.6", text("no such row"))))),
		),
		sample(
			"v1_error_echoes_the_question", 0, nil,
			message(server, tlv(0x30, integer(0), text("public"), pdu(Response, 2, bind("1.3.6.1.2.1.1.5.0", text("guess"))))),
		),
		sample(
			"v1_trap", 0, []string{"192.0.2.2: snmp.sysObjectID = 1.3.6.1.4.1.248.14.10.10", "192.0.2.2: snmp.sysName = mice"},
			message(discovery.Client, trapV1("\xc0\x00\x02\x02", 0, bind("1.3.6.1.2.1.1.5.0", text("mice")))),
		),
		sample(
			"v1_trap_forwarded", 0, []string{"192.0.2.77 (said by 192.0.2.2): snmp.snmpTrapEnterprise = 1.3.6.1.4.1.248.14.10.10"},
			message(discovery.Client, trapV1("\xc0\x00\x02\x4d", enterpriseSpecific)),
		),
		sample(
			"v1_trap_without_agent", 0, []string{"192.0.2.2: snmp.snmpTrapEnterprise = 1.3.6.1.4.1.248.14.10.10"},
			message(discovery.Client, trapV1("\x00\x00\x00\x00", enterpriseSpecific)),
		),
		sample(
			"v2_trap", 0, []string{"192.0.2.2: snmp.snmpTrapEnterprise = 1.3.6.1.4.1.8691.7"},
			message(discovery.Client, v2c(pdu(TrapV2, 0, bind("1.3.6.1.6.3.1.1.4.3.0", oid("1.3.6.1.4.1.8691.7")), bind("1.3.6.1.2.1.1.2.0", tlv(0x06, "\x00"))))),
		),
		sample(
			"v3_discovery", 0,
			[]string{
				read, "192.0.2.1: snmp.engineID = 800010e903286336aabbcc", "192.0.2.1: snmp.engineEnterprise = 4329", "192.0.2.1: snmp.engineMAC = 28:63:36:aa:bb:cc",
			},
			message(discovery.Client, v3(4, "", tlv(0x30, text(""), text(""), pdu(GetRequest, 0)))),
			message(server, v3(0, engineWithMAC, tlv(0x30, text(engineWithMAC), text(""), pdu(Report, 0, bind("1.3.6.1.6.3.15.1.1.4.0", tlv(0x41, "\x01")))))),
		),
		sample(
			"v3_encrypted", 0, []string{"192.0.2.1: snmp.engineID = 000000090300aabbccddeeff", "192.0.2.1: snmp.engineEnterprise = 9"},
			message(discovery.Client, v3(7, engineWithMAC, text("\xde\xad"))),
			message(server, v3(3, "\x00\x00\x00\x09\x03\x00\xaa\xbb\xcc\xdd\xee\xff", text("\xde\xad"))),
		),
		sample("v3_other_model", 0, []string{"192.0.2.1: snmp.sysName = x"},
			message(server, tlv(0x30, integer(3), tlv(0x30, integer(7), integer(9), tlv(0x04, "\x00"), integer(4)), text("?"),
				tlv(0x30, text(""), text(""), pdu(Response, 0, bind("1.3.6.1.2.1.1.5.0", text("x"))))))),
		sample("damaged_binding", 1, []string{"192.0.2.1: snmp.sysName = x"},
			message(server, v2c(pdu(Response, 0, bind("1.3.6.1.2.1.1.5.0", text("x")), tlv(0x30, "\x06\x01\x80\x05\x00"))))),
		sample("unknown_pdu", 1, nil, message(server, v2c(pdu(0xa9, 0)))),
		sample("not_snmp", 1, nil, message(server, "GET / HTTP/1.1\r\n\r\n")),
		sample("ldap", 1, nil, message(server, tlv(0x30, integer(9), tlv(0x60, "x")))),
	)
}

func trapV1(agent string, generic byte, bindings ...string) string {
	body := oid("1.3.6.1.4.1.248.14.10.10") + tlv(0x40, agent) + integer(generic) + integer(1) + tlv(0x43, "\x05") + tlv(0x30, bindings...)
	return tlv(0x30, integer(0), text("public"), tlv(byte(TrapV1), body))
}

func TestEngineIDs(t *testing.T) {
	for id, want := range map[string]string{
		"8000000903001122334455":                     "snmp.engineMAC = 00:11:22:33:44:55",
		"8000000901c0000207":                         "snmp.engineAddress = 192.0.2.7",
		"800000090220010db8000000000000000000000001": "snmp.engineAddress = 2001:db8::1",
		"8000000904706c632d31":                       "snmp.engineText = plc-1",
		"80001f8880a9498e5e3a2c3043":                 "snmp.engineEnterprise = 8072",
		"8000000904":                                 "snmp.engineEnterprise = 9",
		"800000":                                     "",
		strings.Repeat("80", 33):                     "",
	} {
		b, _ := hex.DecodeString(id)
		lines := discoverytest.Lines([]discovery.Observation{{Facts: engineFacts(b)}})
		if want == "" && len(lines) > 0 || want != "" && lines[len(lines)-1] != ": "+want {
			t.Errorf("%s: %q, want %q last", id, lines, want)
		}
	}
}

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		first string
		want  bool
	}{
		"v2c":  {v2c(pdu(GetRequest, 0)), true},
		"v1":   {trapV1("\x0a\x00\x00\x01", 0), true},
		"v3":   {v3(4, "", tlv(0x30, text(""), text(""), pdu(GetRequest, 0))), true},
		"ldap": {tlv(0x30, integer(1), tlv(0x60, integer(3))), false},
		"http": {"GET / HTTP/1.1", false},
	} {
		if got := claims([]byte(c.first)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCommunitiesStaySecret(t *testing.T) {
	lines, _ := discoverytest.Read(t, Protocol(), discoverytest.Sample{Flow: flow(), Messages: []discoverytest.Message{
		message(discovery.Client, v2c(pdu(GetRequest, 0, bind("1.3.6.1.2.1.1.1.0", "\x05\x00")))),
		message(discovery.Server, v2c(pdu(Response, 0, bind("1.3.6.1.2.1.1.1.0", text("x"))))),
	}})
	if all := strings.Join(lines, "\n"); strings.Contains(all, "secret") || len(lines) != 2 {
		t.Errorf("told:\n%s", all)
	}
}

func TestCaptures(t *testing.T) {
	for name, want := range map[string][]string{
		"snmp-linux-walk-sysdescr.pcap": {"snmp.sysDescr = Linux ubuntu-512mb-sfo2-01 4.4.0-31-generic", "snmp.sysName = ubuntu-512mb-sfo2-01"},
		"snmp-printer-and-others.pcapng": {
			"172.31.19.73: snmp.sysName = B6300", "snmp.engineID = 80001f8880a9498e5e3a2c3043", "snmp.engineEnterprise = 8072", "udp/161 snmp: write",
		},
	} {
		t.Run(name[:strings.IndexByte(name, '.')], func(t *testing.T) {
			var got []string
			for _, s := range discoverytest.Capture(t, name, discovery.UDP, Port) {
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

// The recordings of real agents hold the vendors' objects; the table must find them.
func TestRecordings(t *testing.T) {
	for name, want := range map[string]map[string]string{
		"scalance_xc206-2sfp.snmprec":       {"snmp.1.3.6.1.4.1.4329.6.3.2.1.1.3.0": "VPM8190273", "snmp.1.3.6.1.4.1.4329.6.3.2.1.1.5.0": "V04.02.00"},
		"moxa-etherdevice_edsg516e.snmprec": {"snmp.1.3.6.1.4.1.8691.7.71.1.2.0": "EDS-G516E-T", "snmp.1.3.6.1.4.1.8691.7.71.1.78.0": "TBBIxxxxxxxx"},
		"hirschmann_ms4128.snmprec":         {"snmp.1.3.6.1.4.1.248.14.1.1.2.0": "SW: L3E-09.1.03 CH: 1.04 BP: 101", "snmp.1.3.6.1.4.1.248.14.1.1.9.1.3.1": "MS4128-L3E"},
	} {
		t.Run(strings.TrimSuffix(name, ".snmprec"), func(t *testing.T) {
			recording, err := os.ReadFile(discoverytest.Shared(t, "identities/snmprec/"+name))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for line := range strings.Lines(string(recording)) {
				fields := strings.SplitN(strings.TrimSpace(line), "|", 3)
				if key, _, ok := lookUp(fields[0]); ok && len(fields) == 3 {
					got[string(key)] = fields[2]
				}
			}
			for key, value := range want {
				if got[key] != value {
					t.Errorf("%s = %q, want %q", key, got[key], value)
				}
			}
		})
	}
}
