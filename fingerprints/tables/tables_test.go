package tables

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

func TestEmbeddedTables(t *testing.T) {
	for i, file := range [][]byte{ouiFile, enterprisesFile} {
		columns := []int{3, 1}[i]
		table, err := unpack(file, columns)
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
