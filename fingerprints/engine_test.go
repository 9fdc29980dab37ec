package fingerprints

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

func mustDefault(t testing.TB) *Engine {
	t.Helper()
	e, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func say(pairs ...string) []discovery.Fact {
	var facts []discovery.Fact
	for i := 0; i+1 < len(pairs); i += 2 {
		facts = append(facts, discovery.NewFact(discovery.Key(pairs[i]), pairs[i+1]))
	}
	return facts
}

// identity is the best value of each field.
func identity(facts []discovery.Fact) map[discovery.Key]string {
	out := map[discovery.Key]string{}
	for _, f := range facts {
		if _, ok := out[f.Key]; !ok {
			out[f.Key] = f.Value
		}
	}
	return out
}

func TestIdentifySiemens(t *testing.T) {
	engine := mustDefault(t)
	for _, key := range []string{"snmp.sysDescr", "lldp.system-description"} {
		got := identity(engine.Identify(say(
			key, "Siemens, SIMATIC S7, CPU 1516-3 PN/DP, 6ES7 516-3AN01-0AB0, HW: Version 3, FW: Version V2.6.0, S C-K7LT20762018",
			"lldp.system-name", "press-3-cpu",
			"address.mac", "28:63:36:aa:bb:cc",
		)))
		want := map[discovery.Key]string{
			discovery.KeyVendor: "Siemens", discovery.KeyFamily: "SIMATIC S7-1500", discovery.KeyModel: "CPU 1516-3 PN/DP",
			discovery.KeyOrderNumber: "6ES7 516-3AN01-0AB0", discovery.KeySerial: "S C-K7LT20762018", discovery.KeyHardware: "3",
			discovery.KeyFirmware: "2.6.0", discovery.KeyFirmwareRaw: "V2.6.0", discovery.KeyType: "plc", discovery.KeyName: "press-3-cpu",
			discovery.KeyMACVendor: "Siemens", discovery.KeyCPE: `cpe:2.3:o:siemens:simatic_s7-1500_cpu_1516-3_pn\/dp_firmware:2.6.0:*:*:*:*:*:*:*`,
			discovery.KeyCPECandidate: "cpe:2.3:o:siemens:simatic_s7-1500_firmware:2.6.0:*:*:*:*:*:*:*", // NVD files some under the family
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

// TestTraps are the mistakes that a quick identification makes.
func TestTraps(t *testing.T) {
	engine := mustDefault(t)
	for name, c := range map[string]struct {
		facts []discovery.Fact
		want  map[discovery.Key]string // "" = there must be no such value above a hint
	}{
		"opcua_server_is_a_program": {
			say("opcua.manufacturer-name", "Beckhoff Automation GmbH", "opcua.product-name", "TwinCAT OPC UA Server", "opcua.software-version", "4.3.1"),
			map[discovery.Key]string{discovery.KeyVendor: "Beckhoff", discovery.KeyModel: "", discovery.KeyFirmware: ""},
		},
		"number_ends_before_plain_words": {
			say("snmp.sysDescr", "Allen-Bradley 1769-L35E Ethernet Port"),
			map[discovery.Key]string{discovery.KeyVendor: "Rockwell Automation", discovery.KeyOrderNumber: "1769-L35E", discovery.KeyType: "plc"},
		},
		"station_name_is_no_serial": {
			say("profinet.name-of-station", "plcxb1d0ed2204", "profinet.vendor-id", "0x002a", "profinet.type-of-station", "S7-1200"),
			map[discovery.Key]string{discovery.KeyVendor: "Siemens", discovery.KeySerial: ""},
		},
		"firm_in_a_certificate": {
			say("tls.certificate-subject", `CN=gizmo,O=Hewlett-Packard Development Company\, L.P.,C=US`),
			map[discovery.Key]string{discovery.KeyVendor: "HPE"},
		},
		"linux_kernel_is_no_firmware": {
			say("snmp.sysDescr", "Linux mso 4.19.97+ #1294 Thu Jan 30 13:10:54 GMT 2020 armv6l", "snmp.sysObjectID", "1.3.6.1.4.1.8072.3.2.10"),
			map[discovery.Key]string{discovery.KeyOS: "Linux 4.19.97", discovery.KeyFirmware: "", discovery.KeyVendor: ""},
		},
		"agent_kit_is_no_vendor": {
			say("snmp.sysObjectID", "1.3.6.1.4.1.8072.3.2.10"),
			map[discovery.Key]string{discovery.KeyVendor: ""},
		},
		"network_chip_is_no_vendor": {
			say("address.mac", "00:0c:29:11:22:33"),
			map[discovery.Key]string{discovery.KeyMACVendor: "VMware", discovery.KeyVendor: ""},
		},
		"placeholder_serial": {
			say("lldp.med-manufacturer", "Moxa", "lldp.med-serial", "123456", "lldp.med-model", "To be filled by O.E.M."),
			map[discovery.Key]string{discovery.KeyVendor: "Moxa", discovery.KeySerial: "", discovery.KeyModel: ""},
		},
		"default_name": {
			say("snmp.sysName", "localhost"),
			map[discovery.Key]string{discovery.KeyName: ""},
		},
		"stratix_speaks_cisco_ios": {
			say("snmp.sysDescr", "Cisco IOS Software, S5700 Software (S5700-UNIVERSALK9-M), Version 15.2(1)EY1, RELEASE SOFTWARE (fc1)", "snmp.sysObjectID", "1.3.6.1.4.1.9.1.1406"),
			map[discovery.Key]string{discovery.KeyVendor: "Rockwell Automation", discovery.KeyFamily: "Stratix", discovery.KeyType: "switch"},
		},
		"connexium_is_built_by_hirschmann": {
			say("snmp.sysDescr", "ConneXium Switch TCSESM083F23F0", "snmp.sysObjectID", "1.3.6.1.4.1.248.14.10.26"),
			map[discovery.Key]string{discovery.KeyVendor: "Schneider Electric", discovery.KeyType: "switch"},
		},
		"card_of_a_supply_is_no_model": {
			say("snmp.sysDescr", "APC Web/SNMP Management Card (MB:v4.1.0 PF:v7.0.8 PN:apc_hw05_aos_708.bin AF1:v7.0.8 AN1:apc_hw05_sumx_708.bin MN:AP9631 HR:08 SN: ZA1815031283 MD:04/10/2018)"),
			map[discovery.Key]string{discovery.KeyVendor: "APC", discovery.KeyType: "ups", discovery.KeyModel: "", discovery.KeySerial: ""},
		},
		"server_kit_under_a_device": {
			say("opcua.manufacturer-name", "Unified Automation GmbH", "opcua.application-uri", "urn:plc:UnifiedAutomation:UaServerCpp", "lldp.med-manufacturer", "WAGO"),
			map[discovery.Key]string{discovery.KeyVendor: "WAGO"},
		},
		"server_that_is_its_own_kit": {
			say("opcua.manufacturer-name", "open62541", "opcua.product-name", "open62541 OPC UA Server", "opcua.software-version", "1.3.6"),
			map[discovery.Key]string{discovery.KeyVendor: "open62541", discovery.KeyModel: "OPC UA Server", discovery.KeyFirmware: "1.3.6"},
		},
		"kepware_is_software": {
			say("opcua.manufacturer-name", "Kepware Technologies", "opcua.product-name", "KEPServerEX", "opcua.software-version", "6.5.829"),
			map[discovery.Key]string{discovery.KeyVendor: "Kepware", discovery.KeyModel: "KEPServerEX", discovery.KeyType: "scada-server"},
		},
		"rockwell_revision": {
			say("modbus.vendor-name", "Allen-Bradley", "modbus.product-code", "1769-L35E", "modbus.major-minor-revision", "REV 20.013"),
			map[discovery.Key]string{discovery.KeyVendor: "Rockwell Automation", discovery.KeyFirmware: "20.13", discovery.KeyFirmwareRaw: "REV 20.013", discovery.KeyType: "plc"},
		},
		"name_from_the_factory": {
			say("cdp.device-id", "Switch"),
			map[discovery.Key]string{discovery.KeyName: ""},
		},
		"stack_of_a_bacnet_device_is_no_vendor": {
			say("bacnet.vendor-id", "260", "bacnet.vendor-name", "Calorex", "bacnet.model-name", "Variheat"),
			map[discovery.Key]string{discovery.KeyVendor: "Calorex", discovery.KeyModel: "Variheat"},
		},
		"vendor_id_and_name_agree": {
			say("bacnet.vendor-id", "26", "bacnet.vendor-name", "Phoenix Controls Corporation"),
			map[discovery.Key]string{discovery.KeyVendor: "Phoenix Controls"},
		},
		"registry_names_whom_no_list_of_ours_has": {
			say("enip.vendor-id", "250", "enip.product-name", "FA-M3V"),
			map[discovery.Key]string{discovery.KeyVendor: "Yokogawa", discovery.KeyModel: "FA-M3V"},
		},
		"cip_serial_of_nobody": {
			say("enip.vendor-id", "1", "enip.serial", "0xffffffff"),
			map[discovery.Key]string{discovery.KeyVendor: "Rockwell Automation", discovery.KeySerial: ""},
		},
		"controller_on_a_module_of_distributed_io": {
			say("s7.order-number", "6ES7 151-8AB01-0AB0", "s7.module-type-name", "IM151-8 PN/DP CPU"),
			map[discovery.Key]string{discovery.KeyType: "plc", discovery.KeyFamily: "SIMATIC ET 200S", discovery.KeyModel: "IM151-8 PN/DP CPU"},
		},
		"profinet_device_id_tells_the_family": {
			say("profinet.vendor-id", "0x002a", "profinet.device-id", "0x0511"),
			map[discovery.Key]string{discovery.KeyFamily: "SINAMICS G120", discovery.KeyType: "drive"},
		},
		"who_has_two_device_ids_is_two": {
			say("profinet.vendor-id", "0x002a", "profinet.device-id", "0x0511", "profinet.device-id", "0x0313"),
			map[discovery.Key]string{discovery.KeyFamily: ""},
		},
		"station_that_says_its_maker": {
			say("profinet.type-of-station", "Suetron electronic"),
			map[discovery.Key]string{discovery.KeyVendor: "Suetron", discovery.KeyModel: ""},
		},
		"samba_is_no_windows": {
			say("browser.os-version", "6.1", "browser.server-type", "Unix server"),
			map[discovery.Key]string{discovery.KeyOS: ""},
		},
		"owner_of_a_certificate_is_no_maker": {
			say("tls.certificate-subject", "CN=intranet.siemens.example,O=Siemens AG"),
			map[discovery.Key]string{discovery.KeyVendor: ""},
		},
		"kepware_on_a_pc_is_not_its_maker": {
			say("lldp.med-manufacturer", "Dell", "lldp.med-model", "OptiPlex 7010", "lldp.med-serial", "7XK2QW1", "opcua.manufacturer-name", "Kepware", "opcua.product-name", "KEPServerEX"),
			map[discovery.Key]string{discovery.KeyVendor: "Dell", discovery.KeyModel: "OptiPlex 7010"},
		},
		"cpu_behind_a_communication_processor": {
			say("snmp.sysDescr", "Siemens, SIMATIC NET, CP 343-1, 6GK7 343-1EX30-0XE0, HW: Version 3, FW: Version V3.0.23", "s7.order-number", "6ES7 315-2AG10-0AB0", "s7.module-type-name", "CPU 315-2 DP", "s7.firmware-version", "V2.6.9"),
			map[discovery.Key]string{discovery.KeyVendor: "Siemens", discovery.KeyType: "plc", discovery.KeyModel: "CPU 315-2 DP", discovery.KeyOrderNumber: "6ES7 315-2AG10-0AB0", discovery.KeyFirmware: "2.6.9"},
		},
		"network_chip_beside_a_known_maker": {
			say("address.mac", "00:e0:4c:11:22:33", "lldp.med-manufacturer", "WAGO"),
			map[discovery.Key]string{discovery.KeyMACVendor: "Realtek", discovery.KeyVendor: "WAGO"},
		},
		"network_chip_of_an_industrial_pc": {
			say("address.mac", "00:d0:c9:11:22:33"),
			map[discovery.Key]string{discovery.KeyMACVendor: "Advantech", discovery.KeyVendor: ""},
		},
		"honeypot": {
			say("s7.plc-name", "Technodrome", "s7.plant", "Mouser Factory", "s7.serial-number", "88111222", "s7.module-type-name", "IM151-8 PN/DP CPU"),
			map[discovery.Key]string{discovery.KeyDoubt: "suspected honeypot: the default nameplate of Conpot", discovery.KeySerial: ""},
		},
		"placeholder_of_a_board": {
			say("lldp.med-manufacturer", "To be filled by O.E.M.", "lldp.med-model", "System Product Name", "lldp.med-serial", "Default string"),
			map[discovery.Key]string{discovery.KeyVendor: "", discovery.KeyModel: "", discovery.KeySerial: ""},
		},
		"serial_zero": {
			say("modbus.vendor-name", "ABB", "opcua.serial-number", "0", "lldp.med-serial", "00000000"),
			map[discovery.Key]string{discovery.KeyVendor: "ABB", discovery.KeySerial: ""},
		},
		"module_is_no_device": {
			say("snmp.entPhysicalClass", "module", "snmp.entPhysicalMfgName", "Cisco", "snmp.entPhysicalModelName", "SFP-10G-SR"),
			map[discovery.Key]string{discovery.KeyModel: ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := engine.Identify(c.facts)
			for key, want := range c.want {
				got := best(found, key)
				if want == "" && got.Confidence > 0.5 || want != "" && got.Value != want {
					t.Errorf("%s is %q (%.2f by %s), want %q", key, got.Value, got.Confidence, got.Rule, want)
				}
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	engine := mustDefault(t)
	alone := best(engine.Identify(say("lldp.med-manufacturer", "Moxa")), discovery.KeyVendor)
	if alone.Rule != "med-manufacturer" || !cmp.Equal(alone.From, []discovery.Key{"lldp.med-manufacturer"}) {
		t.Errorf("evidence: %+v", alone)
	}
	agreed := best(engine.Identify(say("lldp.med-manufacturer", "Moxa", "snmp.sysObjectID", "1.3.6.1.4.1.8691.7.69")), discovery.KeyVendor)
	if agreed.Confidence <= alone.Confidence || len(agreed.From) != 2 {
		t.Errorf("agreement does not raise it: %v, then %v from %v", alone.Confidence, agreed.Confidence, agreed.From)
	}
	found := engine.Identify(say("lldp.med-manufacturer", "Moxa", "modbus.vendor-name", "WAGO"))
	disputed := best(found, discovery.KeyVendor)
	if disputed.Confidence >= 0.9 {
		t.Errorf("disagreement does not lower it: %v", disputed.Confidence)
	}
	vendors := 0
	for _, f := range found {
		if f.Key == discovery.KeyVendor {
			vendors++
		}
	}
	if vendors != 2 {
		t.Errorf("%d vendors shown, want both", vendors)
	}
}

func TestIdentifyTwiceChangesNothing(t *testing.T) {
	engine := mustDefault(t)
	facts := say("snmp.sysDescr", "RouterOS RB1100AHx2", "snmp.sysName", "north")
	once := engine.Identify(facts)
	twice := engine.Identify(append(facts, once...))
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Error(diff)
	}
}

// TestLeadingMaker reads descriptions of devices that no rule knows.
func TestLeadingMaker(t *testing.T) {
	engine := mustDefault(t)
	got := identity(engine.Identify(say("snmp.sysDescr", "Weidmueller IE-SW-AL08M-8TX Industrial Managed Switch")))
	if got[discovery.KeyVendor] != "Weidmueller" || got[discovery.KeyModel] != "IE-SW-AL08M-8TX" || got[discovery.KeyType] != "switch" {
		t.Errorf("got %v", got)
	}
}

func TestLikely(t *testing.T) {
	engine := mustDefault(t)
	known := map[string]bool{"snmp": true, "modbus": true, "opcua": true, "s7": true, "enip": true, "bacnet": true, "fins": true, "fox": true}
	for vendor, protocols := range engine.likely {
		if !engine.words.canonical[vendor] {
			t.Errorf("%q is not in the vocabulary", vendor)
		}
		for _, p := range protocols {
			if !known[p] {
				t.Errorf("%s: %q is no protocol of walkdown", vendor, p)
			}
		}
	}
	for _, safety := range []string{"HIMA", "Pilz", "Triconex"} {
		if got := engine.Likely(safety); len(got) != 0 {
			t.Errorf("%s makes safety controllers, yet %v is likely", safety, got)
		}
	}
	if diff := cmp.Diff([]string{"s7", "snmp"}, engine.Likely("Siemens AG")); diff != "" {
		t.Error(diff)
	}
	if got := engine.Likely("Nobody & Sons"); got != nil {
		t.Errorf("nobody speaks %v", got)
	}
}

// FuzzIdentify feeds any key and text: nothing may panic, and every answer is well formed and has its evidence. What may be
// claimed is the affair of FuzzGarbage.
func FuzzIdentify(f *testing.F) {
	engine := mustDefault(f)
	f.Add("snmp.sysDescr", "Gerät äöü 12.3 ????", "modbus.product-code", "\x00\xff\xfe")
	f.Add("lldp.system-description", strings.Repeat("A1 ", 30000), "opcua.product-name", "中文设备 V1.2.3")
	f.Add("snmp.sysObjectID", "1.3.6.1.4.1.99999999999999999999.1", "snmp.entPhysicalModelName", "....")
	f.Fuzz(func(t *testing.T, keyA, a, keyB, b string) {
		facts := engine.Identify(say(keyA, a, keyB, b))
		if len(facts) > 10_000 {
			t.Errorf("%d facts of two", len(facts))
		}
		for _, fact := range facts {
			if fact.Confidence < 0 || fact.Confidence > maxConfidence || fact.Value == "" || fact.Rule == "" || len(fact.From) == 0 {
				t.Errorf("bad fact %+v", fact)
			}
		}
	})
}

// FuzzGarbage says things in the words of no maker: the nameplate fields of an unknown device are hints at most.
func FuzzGarbage(f *testing.F) {
	engine := mustDefault(f)
	f.Add("0xdeadbeef", uint8(0))
	f.Add("абвгд 99", uint8(5))
	f.Add(strings.Repeat("zq", 40000), uint8(9))
	keys := []string{
		"modbus.vendor-name", "modbus.product-code", "modbus.major-minor-revision", "modbus.model-name", "opcua.manufacturer-name",
		"opcua.product-name", "opcua.software-version", "lldp.med-model", "lldp.med-serial", "snmp.entPhysicalModelName", "snmp.sysDescr",
		"lldp.system-description", "modbus.server-id", "snmp.upsIdentModel", "enip.product-name", "enip.revision", "bacnet.model-name",
		"bacnet.firmware-revision", "profinet.type-of-station", "profinet.im-order-id", "s7.module-type-name", "cdp.platform", "cdp.version",
		"http.title", "ftp.banner", "telnet.banner", "tls.certificate-subject", "dhcp.vendor-class", "mdns.txt", "smb.native-os",
	}
	f.Fuzz(func(t *testing.T, text string, pick uint8) {
		// Letters that no maker's name holds, so that a find would be a mistake and not luck.
		text = strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) && r < 128 {
				return 'q'
			}
			return r
		}, text)
		for _, fact := range engine.Identify(say(keys[int(pick)%len(keys)], text)) {
			if fact.Confidence > 0.5 && fact.Key != discovery.KeyName {
				t.Errorf("%s %q at %.2f by %s from %q", fact.Key, fact.Value, fact.Confidence, fact.Rule, text)
			}
		}
	})
}
