//go:build lab

package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLabIdentities lets every SNMP device of the identity corpus speak on loopback, with what the corpus holds of it, and surveys
// them all. What the inventory then says is held against the truth. It measures the asker and the rules together: what a rule
// could read is worth nothing when it is not asked for.
func TestLabIdentities(t *testing.T) {
	folder := filepath.Join(sharedFolder(), "identities")
	also := readAliases(t, filepath.Join(folder, "vendors.json"))
	file, err := os.Open(filepath.Join(folder, "snmp.jsonl"))
	if err != nil {
		t.Skipf("no identities: %v", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	dir := t.TempDir()
	var paths []string
	expected, segments := map[string]map[string][]string{}, map[string]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			ID, Segment string
			Given       givenSNMP
			Expect      map[string]any
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, line.ID)
		if err := os.WriteFile(path, []byte(line.Given.recording()), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
		expected[line.ID], segments[line.ID] = answersOf(line.Expect), line.Segment
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	found, report := surveyRecordings(t, paths, netip.MustParsePrefix("127.78.0.0/22"))
	t.Logf("%d of %d devices answered; %d questions", len(found), len(paths), report.Asked.Counts.Questions)
	if len(found) < len(paths)*99/100 {
		t.Errorf("%d devices found, want %d", len(found), len(paths))
	}
	scores := map[string]*recordedScore{"o": newRecordedScore(also), "f": newRecordedScore(also), "i": newRecordedScore(also)}
	for name, asset := range found {
		scores[segments[name]].add(name, asset, expected[name])
	}
	for _, segment := range []string{"o", "f", "i"} {
		s := scores[segment]
		for _, field := range recordedFields {
			precision, recall := s.of(field)
			t.Logf("%s %-9s wanted %3d, precision %.3f, recall %.3f", segment, field, s.wanted[field], precision, recall)
			if floor := labIdentityFloors[field]; precision < floor[0] || recall < floor[1] {
				t.Errorf("%s of segment %s: precision %.3f, recall %.3f; %.2f and %.2f had been reached", field, segment, precision, recall, floor[0], floor[1])
			}
		}
		slices.Sort(s.misses)
		if file := os.Getenv("WALKDOWN_MISSES"); file != "" {
			if err := os.WriteFile(file+"."+segment, []byte(strings.Join(s.misses, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// labIdentityFloors are precision and recall that every segment reached.
var labIdentityFloors = map[string][2]float64{
	"vendor": {0.98, 0.94}, "model": {0.92, 0.85}, "firmware": {0.97, 0.88}, "serial": {0.95, 0.82}, "type": {0.92, 0.90},
}

// givenSNMP is what the corpus holds of a device.
type givenSNMP struct {
	SysDescr, SysObjectID, SysName                string
	PrtGeneralPrinterName, PrtGeneralSerialNumber string
	HRDeviceDescr                                 []string `json:"hrDeviceDescr"`
	UPSIdent                                      map[string]string
	EntPhysical                                   []map[string]any
	Private                                       map[string]string
}

// recording writes it in the format of snmpsim.
func (g givenSNMP) recording() string {
	var out strings.Builder
	text := func(oid, value string) {
		if value != "" {
			fmt.Fprintf(&out, "%s|4x|%s\n", oid, hex.EncodeToString([]byte(value)))
		}
	}
	text("1.3.6.1.2.1.1.1.0", g.SysDescr)
	if strings.Trim(g.SysObjectID, "0123456789.") == "" && strings.Count(g.SysObjectID, ".") > 2 {
		fmt.Fprintf(&out, "1.3.6.1.2.1.1.2.0|6|%s\n", g.SysObjectID)
	}
	fmt.Fprintf(&out, "1.3.6.1.2.1.1.3.0|67|4711\n")
	text("1.3.6.1.2.1.1.5.0", g.SysName)
	for i, descr := range g.HRDeviceDescr {
		text(fmt.Sprintf("1.3.6.1.2.1.25.3.2.1.3.%d", i+1), descr)
	}
	for i, name := range []string{"manufacturer", "model", "upsSoftware", "agentSoftware", "name"} {
		text(fmt.Sprintf("1.3.6.1.2.1.33.1.1.%d.0", i+1), g.UPSIdent[name])
	}
	text("1.3.6.1.2.1.43.5.1.1.16.1", g.PrtGeneralPrinterName)
	text("1.3.6.1.2.1.43.5.1.1.17.1", g.PrtGeneralSerialNumber)
	classes := []string{"", "other", "unknown", "chassis", "backplane", "container", "powerSupply", "fan", "sensor", "module", "port", "stack", "cpu"}
	for i, row := range g.EntPhysical {
		index, ok := row["index"].(float64)
		if !ok {
			index = float64(i + 1)
		}
		for column, name := range map[int]string{2: "descr", 7: "name", 8: "hw", 9: "fw", 10: "sw", 11: "serial", 12: "mfg", 13: "model"} {
			value, _ := row[name].(string)
			fmt.Fprintf(&out, "1.3.6.1.2.1.47.1.1.1.1.%d.%d|4x|%s\n", column, int(index), hex.EncodeToString([]byte(value)))
		}
		class, _ := row["class"].(string)
		fmt.Fprintf(&out, "1.3.6.1.2.1.47.1.1.1.1.5.%d|2|%d\n", int(index), max(slices.Index(classes, class), 1))
	}
	for oid, value := range g.Private {
		text(oid, value)
	}
	return out.String()
}
