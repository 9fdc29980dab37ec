package fingerprints

import (
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

// TestCPE holds the examples that the table was written after; each is made from an identity as devices give it.
func TestCPE(t *testing.T) {
	engine := mustDefault(t)
	for want, said := range map[string]struct {
		vendor   string
		key      discovery.Key
		value    string
		firmware string
	}{
		`o:rockwellautomation:controllogix_5580_firmware:32.11`:      {"Rockwell Automation", discovery.KeyFamily, "ControlLogix 5580", "32.011"},
		`?o:rockwellautomation:micrologix_1400_firmware:21.2`:        {"Rockwell Automation", discovery.KeyFamily, "MicroLogix 1400", "21.2"},
		`o:siemens:scalance_sc646-2c_firmware:2.3`:                   {"Siemens", discovery.KeyModel, "SCALANCE SC646-2C", "V2.3"},
		`?o:siemens:scalance_m876-4_firmware:6.4`:                    {"Siemens", discovery.KeyModel, "SCALANCE M876-4", "V6.4"},
		`o:schneider-electric:modicon_m340_firmware:3.20`:            {"Schneider Electric", discovery.KeyModel, "BMX P34 2020", "V3.20"},
		`?o:schneider-electric:modicon_m241_firmware:5.0.8.4`:        {"Schneider Electric", discovery.KeyModel, "TM241CE24R", "5.0.8.4"},
		`?o:moxa:mgate_mb3180_firmware:2.1`:                          {"Moxa", discovery.KeyModel, "MGate MB3180", "2.1 Build 18113012"},
		`?o:hitachienergy:rtu500_firmware:12.7.3`:                    {"ABB", discovery.KeyFamily, "RTU500", "12.7.3"},
		`o:siemens:simatic_s7-1500_cpu_1516-3_pn\/dp_firmware:2.9.4`: {"Siemens", discovery.KeyModel, "CPU 1516-3 PN/DP", "V2.9.4"},
		`o:siemens:simatic_s7-1200_cpu_12_1214c_firmware:4.4`:        {"Siemens", discovery.KeyModel, "CPU 1214C", "V4.4"},
		`o:siemens:simatic_cp_343-1_adv_firmware:3.0.44`:             {"Siemens", discovery.KeyModel, "CP 343-1 Advanced", "V3.0.44"},
		`o:siemens:6gk5208-0ba00-2tb2_firmware:4.3`:                  {"Siemens", discovery.KeyOrderNumber, "6GK5 208-0BA00-2TB2", "V4.3"},
		`o:rockwellautomation:compactlogix_5380_firmware:33.11`:      {"Rockwell Automation", discovery.KeyFamily, "CompactLogix 5380", "33.011"},
		`o:rockwellautomation:controllogix_5570_firmware:20.13`:      {"Rockwell Automation", discovery.KeyFamily, "ControlLogix 5570", "REV 20.013"},
		`o:rockwellautomation:compactlogix_1769-l35e_firmware:20.13`: {"Rockwell Automation", discovery.KeyModel, "1769-L35E", "20.13"},
		`o:schneider-electric:modicon_m580_bmep584040_firmware:3.10`: {"Schneider Electric", discovery.KeyModel, "BME P58 4040", "V3.10"},
		`o:moxa:eds-405a_firmware:3.8`:                               {"Moxa", discovery.KeyModel, "EDS-405A", "V3.8"},
		`o:wago:pfc200_firmware:19`:                                  {"WAGO", discovery.KeyModel, "750-8202", "03.06.11(19)"},
		`o:wago:752-8303\/8000-002_firmware:18`:                      {"WAGO", discovery.KeyModel, "752-8303/8000-002", "18"},
		`o:beckhoff:twincat:3.1.4024`:                                {"Beckhoff", discovery.KeyFamily, "TwinCAT", "3.1.4024"},
		`o:phoenixcontact:ilc_151_eth\/xc_firmware:4.42`:             {"Phoenix Contact", discovery.KeyModel, "ILC 151 ETH/XC", "4.42"},
		`o:abb:ac500_cpu_firmware:2.8.5`:                             {"ABB", discovery.KeyFamily, "AC500", "2.8.5"},
		`o:omron:nx102-1200_firmware:1.50`:                           {"Omron", discovery.KeyModel, "NX102-1200", "Ver.1.50"},
		`o:mitsubishielectric:fx5uc-32mt\/dss_firmware:1.240`:        {"Mitsubishi Electric", discovery.KeyModel, "FX5UC-32MT/DSS", "1.240"},
	} {
		identity := []discovery.Fact{
			{Key: discovery.KeyVendor, Value: said.vendor, Confidence: 0.9},
			{Key: said.key, Value: said.value, Confidence: 0.8},
			{Key: discovery.KeyFirmware, Value: engine.schemes.normalise(said.vendor, said.firmware), Confidence: 0.95},
			{Key: discovery.KeyFirmwareRaw, Value: said.firmware, Confidence: 0.95},
		}
		want, guess := strings.CutPrefix(want, "?") // a name that was not looked up
		want = "cpe:2.3:" + want + ":*:*:*:*:*:*:*"
		key := discovery.KeyCPE
		if guess {
			key = discovery.KeyCPECandidate
		}
		if got := best(engine.cpe(identity), key); got.Value != want || got.Confidence != 0.8 {
			t.Errorf("got %q at %v, want %q at 0.8", got.Value, got.Confidence, want)
		}
		if got := best(engine.cpe(identity), discovery.KeyCPE); guess && got.Value != "" {
			t.Errorf("%q is claimed, and was not looked up", got.Value)
		}
		without := engine.cpe(identity[:2])
		if got := best(without, discovery.KeyCPE); got.Value != "" {
			t.Errorf("without a version: %q", got.Value)
		}
		if got := best(without, discovery.KeyCPECandidate); !strings.HasSuffix(got.Value, "_firmware:*:*:*:*:*:*:*:*") && !strings.HasSuffix(got.Value, "twincat:*:*:*:*:*:*:*:*") {
			t.Errorf("candidate without a version: %q", got.Value)
		}
		identity[1].Confidence = 0.6
		if got := engine.cpe(identity); best(got, discovery.KeyCPE).Value != "" || best(got, discovery.KeyCPECandidate).Value != want {
			t.Errorf("a product that nobody is sure of: %v", got)
		}
	}
}

func TestCPENeedsAListedProduct(t *testing.T) {
	engine := mustDefault(t)
	for _, c := range []struct {
		name      string
		identity  []discovery.Fact
		candidate string
	}{
		{"unlisted_product", sure("Siemens", "Logo", "1.0"), "cpe:2.3:o:siemens:logo_firmware:1.0:*:*:*:*:*:*:*"},
		{"no_version", sure("Moxa", "EDS-405A", "unknown * build"), "cpe:2.3:o:moxa:eds-405a_firmware:*:*:*:*:*:*:*:*"},
		{"unlisted_vendor", sure("Janitza", "UMG 604/E", "5.0(1)"), `cpe:2.3:o:janitza:umg_604\/e_firmware:5.0\(1\):*:*:*:*:*:*:*`},
		{"no_product", sure("Moxa", "", "1.0"), ""},
		{"nothing", nil, ""},
	} {
		got := engine.cpe(c.identity)
		if claim := best(got, discovery.KeyCPE); claim.Value != "" {
			t.Errorf("%s: made up %q", c.name, claim.Value)
		}
		if candidate := best(got, discovery.KeyCPECandidate); candidate.Value != c.candidate {
			t.Errorf("%s: candidate %q, want %q", c.name, candidate.Value, c.candidate)
		}
	}
}

func sure(vendor, model, firmware string) []discovery.Fact {
	facts := []discovery.Fact{
		{Key: discovery.KeyVendor, Value: vendor, Confidence: 0.95},
		{Key: discovery.KeyFirmware, Value: firmware, Confidence: 0.95},
		{Key: discovery.KeyFirmwareRaw, Value: firmware, Confidence: 0.95},
	}
	if model != "" {
		facts = append(facts, discovery.Fact{Key: discovery.KeyModel, Value: model, Confidence: 0.95})
	}
	return facts
}

// TestTwinCATIsTwoProducts: NVD has it as an application and as an operating system. One CPE is the claim, the other a candidate.
func TestTwinCATIsTwoProducts(t *testing.T) {
	got := mustDefault(t).cpe([]discovery.Fact{
		{Key: discovery.KeyVendor, Value: "Beckhoff", Confidence: 0.95},
		{Key: discovery.KeyFamily, Value: "TwinCAT 3", Confidence: 0.95},
		{Key: discovery.KeyFirmware, Value: "3.1.4024", Confidence: 0.95},
	})
	if best(got, discovery.KeyCPE).Value != "cpe:2.3:o:beckhoff:twincat:3.1.4024:*:*:*:*:*:*:*" ||
		best(got, discovery.KeyCPECandidate).Value != "cpe:2.3:a:beckhoff:twincat:3.1.4024:*:*:*:*:*:*:*" {
		t.Errorf("got %v", got)
	}
}

// TestCPEOfDevices goes from what devices say to the name.
func TestCPEOfDevices(t *testing.T) {
	engine := mustDefault(t)
	for _, c := range []struct {
		facts []discovery.Fact
		want  string
	}{
		{say("enip.vendor-id", "1", "enip.product-name", "1756-L71/B LOGIX5571", "enip.revision", "20.13"), `o:rockwellautomation:controllogix_5570_firmware:20.13`},
		{say("modbus.vendor-name", "Schneider Electric", "modbus.product-code", "BME P58 4040", "modbus.major-minor-revision", "V3.10"), `o:schneider-electric:modicon_m580_bmep584040_firmware:3.10`},
		{say("modbus.vendor-name", "WAGO", "modbus.product-code", "750-8212/025-000", "modbus.major-minor-revision", "03.06.11(19)"), `o:wago:pfc200_firmware:19`},
		{say("s7.order-number", "6ES7 516-3AN01-0AB0", "s7.firmware-version", "V2.9.4"), `o:siemens:simatic_s7-1500_cpu_1516-3_pn\/dp_firmware:2.9.4`},
	} {
		want := "cpe:2.3:" + c.want + ":*:*:*:*:*:*:*"
		if got := best(engine.Identify(c.facts), discovery.KeyCPE); got.Value != want {
			t.Errorf("%v: %q, want %q", c.facts, got.Value, want)
		}
	}
}
