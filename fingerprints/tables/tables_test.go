package tables

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

func TestEmbeddedTables(t *testing.T) {
	files := [][]byte{ouiFile, enterprisesFile, cipVendorsFile, bacnetVendorsFile, profinetFile}
	if len(files) != len(Version()) {
		t.Fatalf("%d versions of %d tables", len(Version()), len(files))
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
		info := Version()[i]
		if info.Name == "" || info.Source == "" || info.Licence == "" || info.Date == "" || info.Rows != rows {
			t.Errorf("header %+v, %d rows", info, rows)
		}
	}
}

func TestOUI(t *testing.T) {
	oui := NewOUI()
	for text, want := range map[string]string{
		"00:80:f4:01:02:03": "TELEMECANIQUE ELECTRIQUE",
		"00:90:e8:01:02:03": "MOXA TECHNOLOGIES CORP., LTD.",
		"70:b3:d5:00:1b:01": "",                        // a range of small blocks, this one not assigned
		"00:1b:c5:00:00:01": "Converging Systems Inc.", // MA-S, 36 bits
	} {
		mac, err := discovery.ParseMAC(text)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := oui.Lookup(mac)
		if want != "" && got != want || ok != (got != "") {
			t.Errorf("%s: got %q, %v, want %q", text, got, ok, want)
		}
	}
}

func TestEnterprises(t *testing.T) {
	numbers := NewEnterprises()
	if got, ok := numbers.Lookup(9); !ok || got != "ciscoSystems" {
		t.Errorf("9: %q, %v", got, ok)
	}
	if got, ok := numbers.Lookup(4_000_000_000); ok {
		t.Errorf("a number that nobody has belongs to %q", got)
	}
}

func TestVendorNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		registry Numbers
		number   uint32
		want     string
	}{
		"cip":           {NewCIPVendors(), 40, "WAGO Corporation"},
		"cip_unused":    {NewCIPVendors(), 60_000, ""},
		"bacnet":        {NewBACnetVendors(), 2, "The Trane Company"},
		"bacnet_unused": {NewBACnetVendors(), 65_000, ""},
	} {
		if got, ok := c.registry.Lookup(c.number); got != c.want || ok != (c.want != "") {
			t.Errorf("%s %d: got %q, %v, want %q", name, c.number, got, ok, c.want)
		}
	}
}

func TestProfinet(t *testing.T) {
	p := NewProfinet()
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
