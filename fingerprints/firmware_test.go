package fingerprints

import (
	"testing"
	"testing/fstest"
)

func TestNormaliseFirmware(t *testing.T) {
	schemes := mustDefault(t).schemes
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
		{"Nobody", "Vanilla 7 of Tuesday", "Vanilla 7 of Tuesday"},
		{"", "", ""},
	} {
		if got := schemes.normalise(c.vendor, c.raw); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.vendor, c.raw, got, c.want)
		}
	}
}

func TestCompareFirmware(t *testing.T) {
	engine := mustDefault(t)
	for _, c := range []struct {
		vendor, a, b string
		want         int
		comparable   bool
	}{
		{"Siemens", "V2.8.1", "2.8.1", 0, true},
		{"Siemens", "V2.8.1", "V2.10.0", -1, true},
		{"Siemens", "FW: Version V04.02.01", "V4.2.1", 0, true},
		{"Siemens", "V04.02", "V04.02.01", -1, true},
		{"Rockwell Automation", "REV 20.013", "revision 20.13", 0, true},
		{"Rockwell Automation", "REV 20.013", "20.14", -1, true},
		{"Rockwell Automation", "20.013", "20.9", 1, true},
		{"Rockwell Automation", "15.2(8)E1", "15.2(6)E2a", 1, true}, // Stratix
		{"Cisco", "5.4(3)", "5.4(12)", -1, true},
		{"Cisco", "12.2(55)SE7", "12.2(55)SE10", -1, true},
		{"Cisco", "15.2(2a)E1", "15.2(2)E1", 1, true},
		{"Cisco", "12.2(55)SE7", "15.2(4)E8", 0, false}, // another train
		{"WAGO", "03.06.11(19)", "03.06.11(18)", 1, true},
		{"WAGO", "03.06.11(19)", "03.07.14(19)", -1, true},
		{"Omron", "Ver.1.50", "1.9", 1, true},
		{"Moxa", "6.2  build 20080519", "V6.2 build 20101112", -1, true},
		{"Moxa", "3.8", "3.8", 0, true},
		{"HPE", "RA.16.02.0012", "RA.16.02.0003", 1, true},
		{"HPE", "RA.16.02.0012", "KA.16.02.0012", 0, false},
		{"Huawei", "V200R009C00SPC500", "V200R010C00", -1, true},
		{"Juniper", "18.2R1.9", "18.2R2.1", -1, true},
		{"Juniper", "15.1X49-D120.3", "15.1X49-D35.1", 1, true},
		{"Juniper", "15.1X49-D120.3", "15.1X53-D59.4", 0, false},
		{"Zyxel", "4.70(ABBI.2)", "4.70(ABBI.10)", -1, true},
		{"LANCOM", "10.12.0042RU1", "10.12.0104RU2", -1, true},
		{"Avocent", "3.14b", "3.14", 1, true},
		{"Avocent", "3.14b", "3.14c", -1, true},
		{"Avaya", "2.6.0(914)", "2.6.0(1002)", -1, true},
		{"", "99999999999999999999.1", "99999999999999999999.2", -1, true},
		{"Nobody", "Vanilla 7 of Tuesday", "Vanilla 8 of Tuesday", 0, false},
		{"Nobody", "Vanilla 7 of Tuesday", "Vanilla 7 of Tuesday", 0, true},
		{"", "", "", 0, false},
	} {
		got, ok := engine.CompareFirmware(c.vendor, c.a, c.b)
		back, okBack := engine.CompareFirmware(c.vendor, c.b, c.a)
		if sign(got) != c.want || ok != c.comparable || sign(back) != -c.want || okBack != ok {
			t.Errorf("%s: %q against %q: %d, %v, and back %d, %v; want %d, %v", c.vendor, c.a, c.b, got, ok, back, okBack, c.want, c.comparable)
		}
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

func TestFirmwareSchemesMistakes(t *testing.T) {
	for name, text := range map[string]string{
		"cells":   "Siemens | x | y\n",
		"pattern": "Siemens | ( | | | \n",
		"capture": "Siemens | (?P<a>x) | ${b} | | \n",
	} {
		if _, err := readSchemes(fstest.MapFS{"firmware.txt": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzCompareFirmware(f *testing.F) {
	engine := mustDefault(f)
	f.Add("Cisco", "12.2(55)SE7", "V")
	f.Add("", "", " ")
	f.Fuzz(func(t *testing.T, vendor, a, b string) {
		x, ok := engine.CompareFirmware(vendor, a, b)
		y, back := engine.CompareFirmware(vendor, b, a)
		if ok != back || sign(x) != -sign(y) {
			t.Errorf("%q against %q: %d, %v, and back %d, %v", a, b, x, ok, y, back)
		}
		if normal := engine.schemes.normalise(vendor, a); len(normal) > len(a) {
			t.Errorf("%q became %q", a, normal)
		}
	})
}
