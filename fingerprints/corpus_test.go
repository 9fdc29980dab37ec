package fingerprints

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// sharedDir is the folder of reference data beside the repository; the test is skipped where there is none.
func sharedDir(t testing.TB, inside string) string {
	t.Helper()
	dir := os.Getenv("WALKDOWN_SHARED")
	if dir == "" {
		dir = "../../shared"
	}
	dir = filepath.Join(dir, inside)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no reference data: %v", err)
	}
	return dir
}

// heldOut says which lines are kept apart: a third, by a hash of the line's id. For SNMP the rules were not written from them, so
// their scores are what unknown devices may expect. Of the other protocols, a few lines each, all were read while their rules
// were written: there the two halves say the same.
func heldOut(id string) bool {
	sum := sha256.Sum256([]byte(id))
	return sum[0]%3 == 0
}

// eachLine gives the lines of a file of the corpus with what says where they belong.
func eachLine(t testing.TB, path string, do func(line []byte, id, segment string)) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(bytes.NewReader(file))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line struct{ ID, Segment string }
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		do(bytes.Clone(scanner.Bytes()), line.ID, line.Segment)
	}
}

func TestParseCorpusLine(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want []discovery.Fact
	}{
		"modbus": {`{"via":"modbus","given":{"objects":{"1":"PM710","0":"Schneider Electric"},"slave_id_data":"x"},"expect":{"vendor":"never read"}}`, say(
			"modbus.vendor-name", "Schneider Electric", "modbus.product-code", "PM710", "modbus.server-id", "x")},
		"lldp":  {`{"via":"lldp","given":{"sysDescr":"a","med":{"model":"m"}}}`, say("lldp.system-description", "a", "lldp.med-model", "m")},
		"opcua": {`{"via":"opcua","given":{"BuildInfo":{"ProductName":"p"},"NamespaceArray":["n1","n2"]}}`, say("opcua.product-name", "p", "opcua.namespace", "n1", "opcua.namespace", "n2")},
		"snmp_takes_the_chassis": {`{"via":"snmp","given":{"sysDescr":"d","entPhysical":[{"class":"module","model":"x"},{"class":"chassis","model":"y"}],"private":{"1.3.6.1.4.1.9.1":"z"}}}`, say(
			"snmp.sysDescr", "d", "snmp.entPhysicalClass", "chassis", "snmp.entPhysicalModelName", "y", "snmp.1.3.6.1.4.1.9.1", "z")},
		"other_protocol": {`{"via":"enip","given":{"vendor_id":1,"product_name":"1756-L61"}}`, say("enip.product-name", "1756-L61", "enip.vendor-id", "1")},
		"camel_case":     {`{"via":"smb","given":{"nativeOS":"Windows 5.1"}}`, say("smb.native-os", "Windows 5.1")},
		"s7": {`{"via":"s7","given":{"szl_0011":{"0001":"6ES7 315-2AG10-0AB0 ","0007_version":"V2.6.9"},"szl_001c":{"0005_serial":"S C-X4U421302009","9":"x"}}}`, say(
			"s7.order-number", "6ES7 315-2AG10-0AB0", "s7.firmware-version", "V2.6.9", "s7.serial-number", "S C-X4U421302009")},
		"profinet": {`{"via":"profinet","given":{"vendor_id":"0x002A","type_of_station":"INC"}}`, say("profinet.type-of-station", "INC", "profinet.vendor-id", "0x002a")},
		"im0":      {`{"via":"im0","given":{"manufacturer_id":"0x001A","order_id":"68469325"}}`, say("profinet.im-vendor-id", "0x001a", "profinet.im-order-id", "68469325")},
		"annotation": {`{"via":"profinet-cm","given":{"annotation":"S7-1500                   6ES7 672-5DC01-0YA0      0 V  2  1  7"}}`, say(
			"profinet.epm-annotation", "S7-1500 6ES7 672-5DC01-0YA0 0 V 2 1 7", "profinet.epm-device-type", "S7-1500", "profinet.epm-order-id", "6ES7 672-5DC01-0YA0",
			"profinet.epm-hardware-revision", "0", "profinet.epm-software-revision", "V2.1.7")},
		"http": {`{"via":"http","given":{"headers":{"Server":"x/1","WWW-Authenticate":"Basic realm=\"NetPing\""},"title":"A &amp; B"}}`, say(
			"http.server", "x/1", "http.realm", "NetPing", "http.title", "A & B")},
		"tls":           {`{"via":"tls","given":{"subject":"CN=a"}}`, say("tls.certificate-subject", "CN=a")},
		"ssh":           {`{"via":"ssh","given":{"banner":"SSH-2.0-moxa_1.0"}}`, say("ssh.server-version", "SSH-2.0-moxa_1.0")},
		"nothing_given": {`{"via":"telepathy"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseCorpusLine([]byte(c.line))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := ParseCorpusLine([]byte("no line")); err == nil {
		t.Error("what is no line was accepted")
	}
}

func FuzzParseCorpusLine(f *testing.F) {
	f.Add([]byte(`{"via":"snmp","given":{"entPhysical":[{"class":"chassis"}],"hrDeviceDescr":["a",1,{}],"upsIdent":7}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		facts, err := ParseCorpusLine(line)
		if err != nil && facts != nil || len(facts) > maxCorpusFacts {
			t.Errorf("%d facts, %v", len(facts), err)
		}
	})
}
