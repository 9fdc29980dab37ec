package tables

import (
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

func TestEmbeddedTables(t *testing.T) {
	files := [][]byte{ouiFile, enterprisesFile, cipVendorsFile, bacnetVendorsFile, profinetFile}
	infos := Embedded().Version()[:5] // the packed ones; the others have tests of their own
	if len(files) != len(infos) {
		t.Fatalf("%d versions of %d tables", len(infos), len(files))
	}
	for i, file := range files {
		table, err := unpack(file, []int{3, 1, 1, 1, 2}[i])
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, c := range table.columns {
			rows += len(c.keys)
		}
		info := infos[i]
		if info.Name == "" || info.Source == "" || info.Licence == "" || info.Date == "" || info.Rows != rows {
			t.Errorf("header %+v, %d rows", info, rows)
		}
		if licence := strings.ToUpper(info.Licence); strings.Contains(licence, "GPL") || strings.Contains(licence, "NPSL") {
			t.Errorf("%s is shipped under %s", info.Name, info.Licence)
		}
	}
}

func TestOUI(t *testing.T) {
	oui := Embedded().OUI
	for text, want := range map[string]string{
		"00:80:f4:01:02:03": "TELEMECANIQUE ELECTRIQUE",
		"00:90:e8:01:02:03": "MOXA TECHNOLOGIES CORP., LTD.",
		"70:b3:d5:00:1b:01": "",                        // a range of small blocks, this one not assigned
		"00:1b:c5:00:00:01": "Converging Systems Inc.", // MA-S, 36 bits
	} {
		if got, ok := oui.Lookup(mustMAC(t, text)); want != "" && got != want || ok != (got != "") {
			t.Errorf("%s: got %q, %v, want %q", text, got, ok, want)
		}
	}
}

func mustMAC(t *testing.T, text string) discovery.MAC {
	t.Helper()
	mac, err := discovery.ParseMAC(text)
	if err != nil {
		t.Fatal(err)
	}
	return mac
}

func TestEnterprises(t *testing.T) {
	numbers := Embedded().Enterprises
	for number, want := range map[uint32]string{9: "ciscoSystems", 4329: "Siemens AG", 248: "Richard Hirschmann GmbH & Co.", 8691: "Moxa Technologies Co., Ltd."} {
		if got, _ := numbers.Lookup(number); got != want {
			t.Errorf("%d: %q, want %q", number, got, want)
		}
	}
	if got, ok := numbers.Lookup(4_000_000_000); ok {
		t.Errorf("a number that nobody has belongs to %q", got)
	}
}

func TestVendorNumbers(t *testing.T) {
	set := Embedded()
	for name, c := range map[string]struct {
		registry Numbers
		number   uint32
		want     string
	}{
		"cip":           {set.CIPVendors, 40, "WAGO Corporation"},
		"cip_unused":    {set.CIPVendors, 60_000, ""},
		"bacnet":        {set.BACnetVendors, 2, "The Trane Company"},
		"bacnet_unused": {set.BACnetVendors, 65_000, ""},
	} {
		if got, ok := c.registry.Lookup(c.number); got != c.want || ok != (c.want != "") {
			t.Errorf("%s %d: got %q, %v, want %q", name, c.number, got, ok, c.want)
		}
	}
}

func TestProfinet(t *testing.T) {
	p := Embedded().Profinet
	if got, ok := p.Vendor(0x011d); got != "" || ok {
		t.Errorf("a vendor of whom no device is known is %q", got)
	}
	if got, _ := p.Vendor(0x00b0); got != "Phoenix Contact GmbH & Co. KG" {
		t.Errorf("vendor 0x00b0 is %q", got)
	}
	if got, _ := p.Product(0x002a, 0x0313); got != "ET200SP" {
		t.Errorf("device 0x0313 of 0x002a is %q", got)
	}
	if got, ok := p.Product(0x0313, 0x002a); ok {
		t.Errorf("vendor and device changed about are %q", got)
	}
}

func TestProducts(t *testing.T) {
	info, _ := header(productsFile)
	rows, err := unpackProducts(productsFile)
	if err != nil || len(rows) != info.Rows || info.Source == "" || info.Licence == "" || info.Date == "" {
		t.Fatalf("header %+v, %d rows, %v", info, len(rows), err)
	}
	for oid, p := range rows {
		if p == (Product{}) || ParseProduct(p.String()) != p || strings.Trim(oid, ".0123456789") != "" {
			t.Errorf("%s: %+v", oid, p)
		}
	}
	products := Embedded().Products
	for oid, want := range map[string]Product{
		"1.3.6.1.4.1.9.1.1006":        {Family: "Catalyst", Model: "2960-8TCS"},
		".1.3.6.1.4.1.9.1.1473":       {Model: "IE-2000-8TCG"},
		"1.3.6.1.4.1.9.1.2494":        {Family: "Catalyst 9300"},
		"1.3.6.1.4.1.9.1.1208":        {}, // a stack of whatever
		"1.3.6.1.4.1.11.2.3.7.11.50":  {OrderNumber: "J8697A"},
		"1.3.6.1.4.1.2636.1.1.1.2.25": {Model: "MX480"},
		"1.3.6.1.4.1.25461.2.3.38":    {Model: "PA-220"},
		"1.3.6.1.4.1.207.1.14.114":    {Model: "AT-SBx8106"},
		"1.3.6.1.4.1.9.1":             {},
		"1.3.6.1.2.1.33":              {},
	} {
		if got, ok := products.Lookup(oid); got != want || ok != (want != Product{}) {
			t.Errorf("%s: %+v, %v, want %+v", oid, got, ok, want)
		}
	}
}

func FuzzUnpackProducts(f *testing.F) {
	f.Add(productsFile[:3000])
	f.Fuzz(func(_ *testing.T, file []byte) {
		rows, err := unpackProducts(file)
		if err != nil && rows != nil {
			panic("rows beside an error")
		}
	})
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("name: x\n\n"))
	f.Add(ouiFile[:2000])
	f.Fuzz(func(_ *testing.T, file []byte) {
		table, err := unpack(file, 2)
		if err == nil {
			table.lookup(1, 7)
		}
	})
}

func BenchmarkUnpack(b *testing.B) {
	for b.Loop() {
		if _, err := unpack(ouiFile, 3); err != nil {
			b.Fatal(err)
		}
	}
}
