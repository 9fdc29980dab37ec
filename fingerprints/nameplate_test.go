package fingerprints

import "testing"

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
	for spelling, want := range map[string]string{
		"Wonderful Widgets GmbH": "Wonderful Widgets", "Wonderful Widgets Co., Ltd.": "Wonderful Widgets", "Wonderful Widgets GmbH & Co. KG": "Wonderful Widgets",
		"Wonderful Widgets A/S (formerly 'Widgets Inc.')": "Wonderful Widgets", "Wonderful Systems": "Wonderful Systems", "GmbH": "GmbH",
	} {
		if got, ok := words.vendor(spelling); ok || got != want {
			t.Errorf("an unknown vendor %q became %q, %v", spelling, got, ok)
		}
	}
}
