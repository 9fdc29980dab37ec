package lldp

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const station = "00:13:21:57:ca:7f"

// tlv is a TLV in hex: type, then the value.
func tlv(kind int, value string) string {
	value = strings.ReplaceAll(value, " ", "")
	header := kind<<9 | len(value)/2
	return hex.EncodeToString([]byte{byte(header >> 8), byte(header)}) + value
}

func ascii(s string) string { return hex.EncodeToString([]byte(s)) }

const end = "0000"

func payload(t testing.TB, tlvs ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(tlvs, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Example TLVs: a ProCurve-like switch with LLDP-MED, and a SCALANCE-like field switch.
func switchTLVs() []string {
	return []string{
		tlv(1, "04 00132157ca40"), tlv(2, "07"+ascii("1")), tlv(3, "0078"), tlv(4, ascii("Port 1")), tlv(5, ascii("ProCurve Switch 2600-8-PWR")),
		tlv(6, ascii("ProCurve J8762A Switch 2600-8-PWR, revision H.08.89")+"00"), tlv(7, "0014 0004"),
		tlv(8, "05 01 0fff7a94 02 00000001 00"), tlv(8, "11 02 20010db8000000000000000000000001 02 00000001 00"), tlv(8, "07 06 000130f9ada0 02 000003e9 00"),
		tlv(127, "0080c2 01 01e8"), tlv(127, "0080c2 02 03 0014"), tlv(127, "0080c2 02 01 0015"), tlv(127, "0080c2 03 01e8 04"+ascii("line")), tlv(127, "0080c2 04 02 8902"),
		tlv(127, "00120f 01 03 6c00 0010"), tlv(127, "00120f 02 070100"), tlv(127, "00120f 04 05f2"),
		tlv(127, "0012bb 01 000f 04"), tlv(127, "0012bb 05"+ascii("R3")), tlv(127, "0012bb 06"+ascii("B1")), tlv(127, "0012bb 07"+ascii("H.08.89")),
		tlv(127, "0012bb 08"+ascii("SG123")), tlv(127, "0012bb 09"+ascii("HP")), tlv(127, "0012bb 0a"+ascii("J8762A")), tlv(127, "0012bb 0b"+ascii("A-17")),
	}
}

func switchLines() []string {
	var lines []string
	for _, fact := range []string{
		"chassis-id = 00:13:21:57:ca:40", "chassis-id-subtype = mac-address", "port-id = 1", "port-id-subtype = local", "port-description = Port 1",
		"system-name = ProCurve Switch 2600-8-PWR", "system-description = ProCurve J8762A Switch 2600-8-PWR, revision H.08.89",
		"capabilities = bridge", "capabilities-supported = bridge, router",
		"management-address = 15.255.122.148", "management-address = 2001:db8::1", "management-address = 00:01:30:f9:ad:a0",
		"vlan = 488", "vlan-name = 488 line", "vlan-protocol = 20", "protocol-identity = 8902",
		"mau-type = 100BASE-TX full duplex", "autonegotiation = on", "maximum-frame-size = 1522",
		"med-device-type = network connectivity", "med-hardware = R3", "med-firmware = B1", "med-software = H.08.89",
		"med-serial = SG123", "med-manufacturer = HP", "med-model = J8762A", "med-asset-id = A-17",
	} {
		lines = append(lines, station+": lldp."+fact)
	}
	return lines
}

func lines(facts ...string) []string {
	for i := range facts {
		facts[i] = station + ": lldp." + facts[i]
	}
	return facts
}

func TestProtocol(t *testing.T) {
	mac, err := discovery.ParseMAC(station)
	if err != nil {
		t.Fatal(err)
	}
	flow := discovery.Flow{Transport: discovery.EtherType, Ports: [2]uint16{0, EtherType}}
	flow.Ends[discovery.Client].MAC = mac
	sample := func(name string, problems int, want []string, tlvs ...string) discoverytest.Sample {
		return discoverytest.Sample{
			Name: name, Flow: flow, Want: want, Problems: problems,
			Messages: []discoverytest.Message{{Bytes: payload(t, tlvs...)}},
		}
	}
	ids := []string{tlv(1, "07"+ascii("scalance-1")), tlv(2, "07"+ascii("port-001")), tlv(3, "0014")}
	idLines := []string{"chassis-id = scalance-1", "chassis-id-subtype = local", "port-id = port-001", "port-id-subtype = local"}
	with := func(more ...string) []string { return slices.Concat(ids, more) }
	told := func(more ...string) []string { return lines(slices.Concat(idLines, more)...) }
	discoverytest.Run(
		t, Protocol(),
		sample("switch", 0, switchLines(), append(switchTLVs(), end)...),
		sample("padded", 0, told(), with(end, "00000000", "ffff")...),
		sample("no_end", 1, told(), ids...),
		sample("half", 1, told("system-name = plc"), with(tlv(5, ascii("plc")), "0c50", ascii("cut"))...),
		sample("profinet", 0, told("profinet-port-status = 0001 0000", "profinet-alias = port-001.plc-1", "profinet-chassis-mac = 08:00:06:93:cf:32"),
			with(tlv(127, "000ecf 01 00000000"), tlv(127, "000ecf 02 0001 0000"), tlv(127, "000ecf 03"+ascii("port-001.plc-1")), tlv(127, "000ecf 05 08000693cf32"), end)...),
		sample("network_address", 0, lines("chassis-id = 192.0.2.7", "chassis-id-subtype = network-address", "port-id = fe80::1", "port-id-subtype = network-address"),
			tlv(1, "05 01 c0000207"), tlv(2, "04 02 fe800000000000000000000000000001"), tlv(3, "0078"), end),
		sample("binary_local", 0, lines("chassis-id = 00:1a:ff", "chassis-id-subtype = local", "port-id = 00:13:21:57:ca:7f", "port-id-subtype = mac-address"),
			tlv(1, "07 001aff"), tlv(2, "03 00132157ca7f"), tlv(3, "0078"), end),
		sample("damaged_tlv", 1, told("system-name = plc"), with(tlv(8, "05 01 0a"), tlv(5, ascii("plc")), end)...),
		sample("damaged_organization", 1, told("system-name = plc"), with(tlv(127, "0080"), tlv(127, "0080c2 03 0001 ff 41"), tlv(5, ascii("plc")), end)...),
		sample("bad_subtype", 1, lines("port-id = 1", "port-id-subtype = local"), tlv(1, "09 41"), tlv(2, "07 31"), end),
		sample("empty_id", 1, lines("port-id = 1", "port-id-subtype = local"), tlv(1, "07"), tlv(2, "07 31"), end),
		sample("unset_management", 0, told(), with(tlv(8, "05 01 00000000 02 00000001 00"), end)...),
		sample("short_management", 1, told(), with(tlv(8, "01 01 00"), end)...),
		sample("profinet_short_mac", 1, told(), with(tlv(127, "000ecf 05 0800"), end)...),
		sample("not_lldp", 1, nil, tlv(4, ascii("x")), end),
		sample("unknown_organization", 0, told(), with(tlv(127, "abcdef 01 00"), end)...),
	)
}

func TestListsAreBounded(t *testing.T) {
	tlvs := switchTLVs()[:3]
	for range 2 * maxRepeated {
		tlvs = append(tlvs, tlv(8, "05 01 0a000001 02 00000001 00"), tlv(127, "0080c2 03 0001 01 41"), tlv(127, "0080c2 02 02 0014"), tlv(127, "0080c2 04 01 88"))
	}
	f, err := Parse(payload(t, append(tlvs, end)...))
	if err != nil || len(f.Management) != maxRepeated || len(f.Named) != maxRepeated || len(f.ProtocolVLANs) != maxRepeated || len(f.Protocols) != maxRepeated {
		t.Errorf("%d addresses, %d names, error %v", len(f.Management), len(f.Named), err)
	}
}

func TestMediaAndClasses(t *testing.T) {
	for mau := range MAU(60) {
		if mau.String() == "" {
			t.Errorf("MAU %d has no name", mau)
		}
	}
	for class, want := range map[uint8]string{0: "", 1: "endpoint class 1", 3: "endpoint class 3", 4: "network connectivity", 9: ""} {
		if got := deviceType(class); got != want {
			t.Errorf("class %d is %q", class, got)
		}
	}
}

func TestCaptures(t *testing.T) {
	for name, want := range map[string][]string{
		"lldp-extreme-procurve.pcap": {
			"00:01:30:f9:ad:a0: lldp.system-name = Summit300-48",
			"00:01:30:f9:ad:a0: lldp.system-description = Summit300-48 - Version 7.4e.1 (Build 5) by Release_Master 05/27/05 04:53:11",
			"00:04:96:1f:a7:26: lldp.port-id = 1/3",
			"00:13:21:57:ca:7f: lldp.system-name = ProCurve Switch 2600-8-PWR",
			"00:13:21:57:ca:7f: lldp.management-address = 15.255.122.148",
		},
		"profinet-io-ge-versamax-scalance-mixed.pcap": {
			"00:0e:8c:ef:75:c9: lldp.system-description = Siemens AG SIMATIC S7 MULTIPORT SCALANCE X 200 FAM",
			"00:0e:8c:ef:75:cd: lldp.chassis-id = siemens-x208-switch",
			"00:09:91:43:e0:68: lldp.management-address = 192.168.1.2",
		},
		"enip-rockwell-enbt-listidentity.pcap": {"lldp.chassis-id = "},
	} {
		t.Run(strings.TrimSuffix(name, ".pcap"), func(t *testing.T) {
			var got []string
			for _, s := range discoverytest.Capture(t, name, discovery.EtherType, EtherType) {
				told, problems := discoverytest.Read(t, Protocol(), s)
				for _, problem := range problems {
					t.Logf("%s: %v", s.Name, problem)
				}
				got = append(got, told...)
			}
			slices.Sort(got)
			got = slices.Compact(got)
			for _, line := range want {
				if !slices.ContainsFunc(got, func(l string) bool { return strings.Contains(l, line) }) {
					t.Errorf("%q was not told, but:\n%s", line, strings.Join(got, "\n"))
				}
			}
		})
	}
}
