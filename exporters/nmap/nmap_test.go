package nmap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

func export(t *testing.T, from inventory.Source) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Export(t.Context(), from, &out, Options{Version: "0.1.0", TLP: "GREEN"}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The golden is held against nmap's own DTD in .ci/run.
func TestGolden(t *testing.T) { exporterstest.Golden(t, "full.xml", export(t, exporterstest.Full())) }

func TestHostsAreRead(t *testing.T) {
	var run struct {
		Hosts []host `xml:"host"`
		Stats struct {
			Hosts struct {
				Total int `xml:"total,attr"`
			} `xml:"hosts"`
		} `xml:"runstats"`
	}
	if err := xml.Unmarshal(export(t, exporterstest.Full()), &run); err != nil {
		t.Fatal(err)
	}
	byIP := map[string]host{}
	for _, h := range run.Hosts {
		if len(h.Addresses) == 0 {
			t.Error("a host without an address")
			continue
		}
		byIP[h.Addresses[0].Addr+" "+h.Script.Elements[2].Value] = h
	}
	if len(byIP) != run.Stats.Hosts.Total || len(byIP) != len(run.Hosts) {
		t.Errorf("%d hosts, %d different, %d told", len(run.Hosts), len(byIP), run.Stats.Hosts.Total)
	}
	plc, ok := byIP["10.20.30.11 cell-1"]
	if !ok {
		t.Fatalf("no PLC among %v", byIP)
	}
	if plc.Addresses[1].Addr != "28:63:36:AA:BB:CC" || plc.Names[0].Name != "press-3-cpu" || len(*plc.Ports) != 3 || (*plc.Ports)[1].Service.Name != "modbus" ||
		plc.OS.Match.Name != "Siemens CPU 1511-1 PN 2.8.1" || plc.OS.Match.Accuracy != 97 || plc.OS.Match.Classes[0].CPE[0] != "cpe:/o:siemens:simatic_s7-1500_cpu_1511-1_pn_firmware:2.8.1" {
		t.Errorf("%+v", plc)
	}
	if _, ok := byIP["10.20.40.11 office"]; !ok {
		t.Error("the other IP of the twin, in its own segment, is missing")
	}
	if _, ok := byIP["02:00:00:00:00:07 cell-1"]; !ok {
		t.Error("the stranger that has only a MAC is missing")
	}
}

func TestURI(t *testing.T) {
	for name, want := range map[string]string{
		`cpe:2.3:o:siemens:simatic_s7-1500_cpu_1511-1_pn_firmware:2.8.1:*:*:*:*:*:*:*`: "cpe:/o:siemens:simatic_s7-1500_cpu_1511-1_pn_firmware:2.8.1",
		`cpe:2.3:o:wago:752-8303\/8000-002_firmware:03.10.08:*:*:*:*:*:*:*`:            "cpe:/o:wago:752-8303%2f8000-002_firmware:03.10.08",
		`cpe:2.3:h:moxa:eds-405a:-:*:*:*:*:*:*:*`:                                      "cpe:/h:moxa:eds-405a:-",
		`cpe:2.3:a:hp:insight:7.4\:1:b?:*:*:*:*:*:*`:                                   "cpe:/a:hp:insight:7.4%3a1:b%01",
		`cpe:2.3:x:a:b:1:*:*:*:*:*:*:*`:                                                "",
		`cpe:2.3:o:a:b:1`:                                                              "",
		`=1+1`:                                                                         "",
		``:                                                                             "",
	} {
		if got := uri(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func FuzzURI(f *testing.F) {
	f.Add(`cpe:2.3:o:wago:752-8303\/8000-002_firmware:03.10.08:*:*:*:*:*:*:*`)
	f.Fuzz(func(t *testing.T, name string) {
		if got := uri(name); strings.ContainsAny(got, "\x00\n <>&\"'") || len(got) > 3*len(name)+8 {
			t.Errorf("%q became %q", name, got)
		}
	})
}

func TestErrors(t *testing.T) {
	if err := Export(t.Context(), exporterstest.Large(5_000), exporterstest.FullDisk{}, Options{}); !errors.Is(err, exporterstest.ErrFull) {
		t.Errorf("full disk: %v", err)
	}
	if err := Export(t.Context(), exporterstest.Full(), io.Discard, Options{TLP: "PURPLE"}); err == nil {
		t.Error("takes an unknown mark")
	}
}
