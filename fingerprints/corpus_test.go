package fingerprints

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// sharedDir is the folder of reference data beside the repository; the test is skipped where there is none.
func sharedDir(t *testing.T, inside string) string {
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

// answer is the identity of a line as `fingerprint --json` prints it.
func answer(facts []discovery.Fact) map[string]any {
	names := map[discovery.Key]string{
		discovery.KeyVendor: "vendor", discovery.KeyFamily: "family", discovery.KeyModel: "model", discovery.KeyOrderNumber: "order_number",
		discovery.KeySerial: "serial", discovery.KeyHardware: "hardware", discovery.KeyFirmware: "firmware", discovery.KeyType: "type", discovery.KeyOS: "os",
	}
	out, sure := map[string]any{}, map[string]float32{}
	for _, f := range facts {
		name, ok := names[f.Key]
		if _, done := out[name]; !ok || done {
			continue
		}
		out[name], sure[name] = f.Value, f.Confidence
	}
	out["confidences"] = sure
	return out
}

// heldOut says which lines the rules were not written from: a third, by a hash of the line's id.
func heldOut(id string) bool {
	sum := sha256.Sum256([]byte(id))
	return sum[0]%3 == 0
}

// TestCorpus scores the engine on the corpus of real devices and prints the table, for the lines that the rules were written
// from and for the third that was held out.
func TestCorpus(t *testing.T) {
	dir := sharedDir(t, "identities")
	score := filepath.Join(sharedDir(t, "scoring"), "identities.py")
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to score with")
	}
	engine := mustDefault(t)
	for _, via := range []string{"snmp", "modbus", "opcua", "lldp"} {
		file, err := os.ReadFile(filepath.Join(dir, via+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, half := range []string{"seen", "held_out"} {
			t.Run(via+"_"+half, func(t *testing.T) {
				var lines, answers bytes.Buffer
				scanner := bufio.NewScanner(bytes.NewReader(file))
				scanner.Buffer(nil, 1<<20)
				for scanner.Scan() {
					var line struct{ ID string }
					if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
						t.Fatal(err)
					}
					if heldOut(line.ID) != (half == "held_out") {
						continue
					}
					facts, err := ParseCorpusLine(scanner.Bytes())
					if err != nil {
						t.Fatal(err)
					}
					said, err := json.Marshal(answer(engine.Identify(facts)))
					if err != nil {
						t.Fatal(err)
					}
					lines.Write(append(scanner.Bytes(), '\n'))
					answers.Write(append(said, '\n'))
				}
				if lines.Len() == 0 {
					t.Skip("no line in this half")
				}
				in, out := filepath.Join(t.TempDir(), "lines"), filepath.Join(t.TempDir(), "answers")
				if keep := os.Getenv("WALKDOWN_ANSWERS"); keep != "" {
					in, out = filepath.Join(keep, via+"-"+half+".lines"), filepath.Join(keep, via+"-"+half+".answers")
				}
				for path, text := range map[string][]byte{in: lines.Bytes(), out: answers.Bytes()} {
					if err := os.WriteFile(path, text, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				table, err := exec.Command(python, score, in, out).CombinedOutput()
				if err != nil {
					t.Fatalf("score: %v\n%s", err, table)
				}
				t.Logf("\n%s", table)
			})
		}
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
		"nothing_given":  {`{"via":"telepathy"}`, nil},
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
