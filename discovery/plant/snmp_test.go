package plant

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

func snmpClient(t *testing.T, p *Plant, community string) *gosnmp.GoSNMP {
	t.Helper()
	addr := at(t, p, switchAddr, "snmp")
	client := &gosnmp.GoSNMP{
		Context: t.Context(), Target: addr.Addr().String(), Port: addr.Port(), Community: community,
		Version: gosnmp.Version2c, Timeout: 300 * time.Millisecond, MaxOids: 60, MaxRepetitions: 10,
	}
	if err := client.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Conn.Close() })
	return client
}

func TestSNMPGet(t *testing.T) {
	client := snmpClient(t, start(t), community)
	got, err := client.Get([]string{"1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.5.0"})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(got.Variables[0].Value.([]byte)); text != switchDescr {
		t.Errorf("sysDescr %q", text)
	}
	if oid := got.Variables[1].Value.(string); !strings.HasPrefix(oid, ".1.3.6.1.4.1.248.11.2.1.") {
		t.Errorf("sysObjectID %s", oid)
	}
	if ticks := got.Variables[2].Value.(uint32); ticks > 6000 {
		t.Errorf("sysUpTime %d", ticks)
	}
	if name := string(got.Variables[3].Value.([]byte)); name != switchName {
		t.Errorf("sysName %q", name)
	}
}

func TestSNMPGetOfNothing(t *testing.T) {
	client := snmpClient(t, start(t), community)
	got, err := client.Get([]string{"1.3.6.1.2.1.1.1.7", "1.3.6.1.2.1.99.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Variables[0].Type != gosnmp.NoSuchInstance || got.Variables[1].Type != gosnmp.NoSuchObject {
		t.Errorf("types %v and %v", got.Variables[0].Type, got.Variables[1].Type)
	}
}

func TestSNMPWalk(t *testing.T) {
	client := snmpClient(t, start(t), community)
	want := 0
	for _, o := range switchTable(time.Now()) {
		if strings.HasPrefix(o.name, ".1.3.6.1.") {
			want++
		}
	}
	for name, walk := range map[string]func(string) ([]gosnmp.SnmpPDU, error){"getnext": client.WalkAll, "getbulk": client.BulkWalkAll} {
		t.Run(name, func(t *testing.T) {
			got, err := walk(".1.3.6.1")
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != want {
				t.Errorf("%d objects, want %d", len(got), want)
			}
		})
	}
}

func TestSNMPIsSilent(t *testing.T) {
	p := start(t)
	if _, err := snmpClient(t, p, "private").Get([]string{"1.3.6.1.2.1.1.1.0"}); err == nil {
		t.Error("another community was answered")
	}
}

func TestSNMPRefusesSet(t *testing.T) {
	client := snmpClient(t, start(t), community)
	got, err := client.Set([]gosnmp.SnmpPDU{{Name: ".1.3.6.1.2.1.1.5.0", Type: gosnmp.OctetString, Value: "mine"}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Error != gosnmp.NoAccess {
		t.Errorf("error status %v, want %v", got.Error, gosnmp.NoAccess)
	}
}

func TestNetSNMPReadsTheSwitch(t *testing.T) {
	command, err := exec.LookPath("snmpwalk")
	if err != nil {
		t.Skip("net-snmp is not installed")
	}
	p := start(t)
	out, err := exec.CommandContext(t.Context(), command, "-v2c", "-c", community, "-On", "-t1", "-r0",
		at(t, p, switchAddr, "snmp").String(), ".1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{switchDescr, switchVersion, "942298201077000202"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	// One line for each object and one that says the end of the table.
	if lines := strings.Count(string(out), "\n."); lines < len(switchTable(time.Now()))-1 {
		t.Errorf("%d lines in:\n%s", lines, out)
	}
}

func FuzzSNMP(f *testing.F) {
	for _, kind := range []gosnmp.PDUType{gosnmp.GetRequest, gosnmp.GetNextRequest, gosnmp.GetBulkRequest, gosnmp.SetRequest} {
		packet := &gosnmp.SnmpPacket{
			Version: gosnmp.Version2c, Community: community, PDUType: kind, RequestID: 7, MaxRepetitions: 10,
			Variables: []gosnmp.SnmpPDU{{Name: ".1.3.6.1.2.1.1", Type: gosnmp.Null}},
		}
		message, err := packet.MarshalMsg()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	agent := newAgent(switchTable(time.Now()))
	f.Fuzz(func(t *testing.T, request []byte) {
		if reply := agent.serve(request); len(reply) > 65507 {
			t.Errorf("%s bytes of answer", strconv.Itoa(len(reply)))
		}
	})
}
