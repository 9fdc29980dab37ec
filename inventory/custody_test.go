package inventory

import (
	"strings"
	"testing"
)

func TestTheRecordOfASurveyInWords(t *testing.T) {
	v := Survey{
		Operator: "m.huber", Permission: "WO-4711", Scope: []string{"10.0.0.0/24", "10.0.1.7"}, Site: "works", Segment: "cell-1", Sensor: "eth0", Version: "1.2",
		Plug: PlugInPoint{SwitchName: "sw-1", Port: "1/8", Switch: "00:0c:be:00:00:02", Address: "10.0.0.0/24"},
		Custody: Custody{
			Clock:    &Clock{Synchronized: true, OffsetMS: -0.25, MaxErrorMS: 12.5, Source: "kernel"},
			Versions: map[string]string{"rules": "4189", "oui": "2026-08"},
			Captures: []CaptureFile{{File: "own.pcapng", SHA256: "ab12", Bytes: 300, Own: true}, {File: "in.pcap", SHA256: "cd34", Bytes: 9}},
		},
	}
	var got []string
	for _, p := range v.Record() {
		got = append(got, p.Name+": "+p.Value)
	}
	want := `operator: m.huber
permission: WO-4711
scope: 10.0.0.0/24, 10.0.1.7
site: works
segment: cell-1
sensor: eth0
plugged into: sw-1, port 1/8, chassis 00:0c:be:00:00:02
network: 10.0.0.0/24
clock: synchronised, -0.250 ms to correct, at most 12.500 ms wrong, says the kernel
program: walkdown 1.2
identified by: oui 2026-08, rules 4189
own traffic in: own.pcapng, 300 bytes, SHA-256 ab12
read from: in.pcap, 9 bytes, SHA-256 cd34`
	if got := strings.Join(got, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	v.Custody = Custody{Clock: &Clock{Source: "kernel"}}
	v.Plug = PlugInPoint{}
	for _, p := range v.Record() {
		if p.Name == "plugged into" || p.Name == "identified by" || p.Name == "clock" && p.Value != "not synchronised, says the kernel" {
			t.Errorf("%s: %q", p.Name, p.Value)
		}
	}
}
