package tables

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const ianaText = `PRIVATE ENTERPRISE NUMBERS

(last updated 2031-02-03)

Decimal
| Organization
| | Contact
0
  Reserved
    Internet Assigned Numbers Authority
      iana&iana.org
9
  Cisco, renamed
    Somebody
      somebody&example.com
700000
  Works of the Future   GmbH
    Somebody
      somebody&example.com

End of Document`

func TestOverlay(t *testing.T) {
	set := Embedded()
	err := set.Overlay(fstest.MapFS{
		"oui.csv": {
			ModTime: time.Date(2031, 3, 4, 0, 0, 0, 0, time.UTC),
			Data:    []byte("Registry,Assignment,Organization Name,Organization Address\r\nMA-L,0080F4,\"Telemecanique, now\",\"Street, Town\"\r\nMA-L,FFEE01,New Works,\r\n"),
		},
		"oui36.csv":              {Data: []byte("Registry,Assignment,Organization Name,Organization Address\nMA-S,70B3D5001,Small Block Ltd,x\n")},
		"enterprise-numbers.txt": {Data: []byte(ianaText)},
		"profinet_vendors.csv":   {Data: []byte("vendor_id,vendor_id_hex,name\n285,0x011d,Someone\n")},
		"bacnet-vendors.csv":     {Data: []byte("number,name\n65000,Newest\n")},
		"cip-vendors.bin":        {Data: bacnetVendorsFile}, // any packed file of one column
		"products.csv":           {Data: []byte("oid,product\n1.3.6.1.4.1.9.1.1006,Line|Renamed\n.1.3.6.1.4.1.99999.1,New\n")},
		"README.md":              {Data: []byte("not a table")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"00:80:f4:01:02:03": "Telemecanique, now", "ff:ee:01:00:00:00": "New Works", "70:b3:d5:00:1b:01": "Small Block Ltd",
		"00:90:e8:01:02:03": "MOXA TECHNOLOGIES CORP., LTD.", // what the files do not state stays
	} {
		if got, _ := set.OUI.Lookup(mustMAC(t, text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for _, c := range []struct {
		of     Numbers
		number uint32
		want   string
	}{
		{set.Enterprises, 9, "Cisco, renamed"},
		{set.Enterprises, 700000, "Works of the Future GmbH"},
		{set.Enterprises, 4329, "Siemens AG"},
		{set.BACnetVendors, 65000, "Newest"},
		{set.BACnetVendors, 2, "The Trane Company"},
		{set.CIPVendors, 2, "The Trane Company"},
	} {
		if got, _ := c.of.Lookup(c.number); got != c.want {
			t.Errorf("%d: %q, want %q", c.number, got, c.want)
		}
	}
	if got, _ := set.Profinet.Vendor(0x011d); got != "Someone" {
		t.Errorf("PROFINET vendor 0x011d: %q", got)
	}
	for oid, want := range map[string]Product{
		"1.3.6.1.4.1.9.1.1006": {Family: "Line", Model: "Renamed"}, "1.3.6.1.4.1.99999.1": {Model: "New"}, "1.3.6.1.4.1.9.1.1473": {Model: "IE-2000-8TCG"},
	} {
		if got, _ := set.Products.Lookup(oid); got != want {
			t.Errorf("%s: %+v, want %+v", oid, got, want)
		}
	}
	if got, _ := Embedded().Enterprises.Lookup(9); got != "ciscoSystems" {
		t.Errorf("the embedded table was changed: %q", got)
	}
	dates := map[string]string{}
	for _, info := range set.Version()[8:] {
		dates[info.Name] = info.Date
	}
	if len(set.Version()) != 15 || dates["enterprise-numbers"] != "2031-02-03" || dates["oui"] != "2031-03-04" {
		t.Errorf("dates %v", dates)
	}
}

func TestOverlayMistakes(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"nothing":   {"notes.txt", "x", "no table in the folder"},
		"heading":   {"oui.csv", "a,b\n1,2\n", "oui.csv: line 1: want the columns"},
		"prefix":    {"oui.csv", "Assignment,Organization Name\n0080F4,A\n00,B\n", `oui.csv: line 3: "00" is no MAC prefix`},
		"number":    {"cip-vendors.csv", "number,name\nx,A\n", `cip-vendors.csv: line 2: "x" is no number`},
		"short_row": {"cip-vendors.csv", "number,name\n7\n", "cip-vendors.csv: line 2: a row of 1 cells"},
		"product":   {"products.csv", "oid,product\n1.3.6.1.2.1,A\n", `products.csv: line 2: "1.3.6.1.2.1" is no object identifier below`},
		"iana":      {"enterprise-numbers.txt", "<html>", "enterprise-numbers.txt: no number"},
		"kinds":     {"cip-device-types.csv", "number,name,type\n14\n", "cip-device-types.csv: row 2: want number, name, type"},
		"sureness":  {"cip-device-types.csv", "14,Controller,plc,2\n", `cip-device-types.csv: row 1: "2" is no confidence`},
		"no_kinds":  {"siemens-order-prefixes.csv", "prefix,family,type\n", "siemens-order-prefixes.csv: no rows"},
		"binary":    {"oui.bin", "x", "oui.bin: unpack table"},
	} {
		t.Run(name, func(t *testing.T) {
			set := Embedded()
			err := set.Overlay(fstest.MapFS{c.file: {Data: []byte(c.text)}})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func FuzzReadRegistries(f *testing.F) {
	f.Add([]byte(ianaText))
	f.Add([]byte("number,name\n7,\"A\n"))
	f.Add([]byte("number,name\n7\"A\n"))
	f.Add([]byte("Assignment,Organization Name\n0080F4,A\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, read := range readers {
			set := Embedded()
			info, err := read(&set, file)
			if err == nil && info.Rows < 0 {
				t.Error("fewer than no rows")
			}
		}
	})
}

func TestKinds(t *testing.T) {
	set := Embedded()
	for number, want := range map[uint32]string{14: "plc", 2: "drive", 44: "switch", 43: "", 60000: ""} {
		if kind, _ := set.CIPTypes.Number(number); kind.Type != want {
			t.Errorf("CIP device type %d is %q, want %q", number, kind.Type, want)
		}
	}
	for number, want := range map[string]string{
		"6ES7 516-3AN01-0AB0": "plc", "6ep1933-2ec41": "ups", "6EP1 334-3BA10": "power", "6GK7 277-1AA10-0AA0": "switch", "7SJ82": "ied", "7S": "", "XYZ": "", "": "",
	} {
		if kind, _ := set.SiemensOrders.Prefix(number); kind.Type != want {
			t.Errorf("%q is %q, want %q", number, kind.Type, want)
		}
	}
	seen := 0
	for _, info := range set.Version() {
		if info.Rows == 0 || info.Source == "" || info.Licence == "" || info.Date == "" {
			t.Errorf("a table without an origin: %+v", info)
		}
		if info.Name == "cip-device-types" || info.Name == "siemens-order-prefixes" {
			seen++
		}
	}
	for file, rows := range map[string]func() map[string]Kind{string(cipDeviceTypesFile): set.CIPTypes.rows, string(siemensOrdersFile): set.SiemensOrders.rows} {
		if info := kindsInfo([]byte(file)); len(rows()) != info.Rows {
			t.Errorf("%s: %d rows of %d", info.Name, len(rows()), info.Rows) // one does not parse, or stands twice
		}
	}
	if seen != 2 {
		t.Errorf("%d of 2 tables are told", seen)
	}
	own := Embedded()
	if err := own.Overlay(fstest.MapFS{"siemens_order_prefixes.csv": {Data: []byte("6ES7,Ours,\n")}}); err != nil {
		t.Fatal(err)
	}
	if kind, _ := own.SiemensOrders.Prefix("6ES7 516-3AN01-0AB0"); kind.Name != "Ours" || !own.SiemensOrders.Owns("6ES7 5") || own.SiemensOrders.Owns("6EP1") {
		t.Errorf("the user's row does not go first: %+v", kind)
	}
}
