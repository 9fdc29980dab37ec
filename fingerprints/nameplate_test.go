package fingerprints

import "testing"

func TestNormaliseFirmware(t *testing.T) {
	for _, c := range []struct{ vendor, raw, want string }{
		{"Siemens", "V2.8.1", "2.8.1"},
		{"Siemens", "FW: Version V04.02.01", "04.02.01"},
		{"Siemens", "V 5. 0. 0", "5.0.0"},
		{"Cisco", "5.4(3)", "5.4(3)"},
		{"WAGO", "03.06.11(19)", "03.06.11(19)"},
		{"Rockwell Automation", "REV 20.013", "20.13"},
		{"Rockwell Automation", "revision 20.13", "20.13"},
		{"Rockwell Automation", "5.00", "5.00"},
		{"Schneider Electric", "v03.110", "03.110"},
		{"Omron", "Ver.1.50", "1.50"},
		{"Zyxel", "V2.40(AAHN.0) | 11/14/2017", "2.40(AAHN.0)"},
		{"Huawei", "V200R009C00SPC500", "V200R009C00SPC500"},
		{"Check Point", "R80.30", "R80.30"},
		{"HPE", "RA.16.02.0012", "RA.16.02.0012"},
		{"", "", ""},
	} {
		if got := normaliseFirmware(c.vendor, c.raw); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.vendor, c.raw, got, c.want)
		}
	}
}

func TestPlaceholderSerials(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "000000": true, "123456": true, "1234567890": true, "FFFFFFFFFFFF": true, "0A0A0A0A0A0A": true, "xxxx": true,
		"R2FFXXXX": true, "<private>": true, "88111222": true, "SN:": true,
		"S C-K7NP32952018": false, "ZA1732000177": false, "2125389041": false, "G4294C3232": false, "30300000": false,
	} {
		if got := isPlaceholderSerial(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"To be filled by O.E.M.", "Default string", "N/A", "Not Specified", "none", "-"} {
		if !isPlaceholder(text) {
			t.Errorf("%q was taken for a value", text)
		}
	}
}

func TestVendorSpellings(t *testing.T) {
	words := mustDefault(t).words
	for spelling, want := range map[string]string{
		"SIEMENS AG": "Siemens", "Siemens": "Siemens", "Allen-Bradley": "Rockwell Automation", "Moxa Technologies Co., Ltd.": "Moxa",
		"PHOENIX CONTACT GmbH & Co. KG": "Phoenix Contact", "Télémécanique": "Schneider Electric", "Hewlett Packard Enterprise": "HPE",
		"Beckhoff Automation GmbH & Co. KG": "Beckhoff", "WAGO Kontakttechnik GmbH & Co. KG": "WAGO", "cisco Systems, Inc.": "Cisco",
	} {
		if got, ok := words.vendor(spelling); !ok || got != want {
			t.Errorf("%q: got %q, %v, want %q", spelling, got, ok, want)
		}
	}
	if got, ok := words.vendor("Wonderful Widgets GmbH"); ok || got != "Wonderful Widgets GmbH" {
		t.Errorf("an unknown vendor became %q, %v", got, ok)
	}
}
