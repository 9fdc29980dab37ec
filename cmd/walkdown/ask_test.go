package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/plant"
	"github.com/walkdown-ot/walkdown/fingerprints"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// command runs walkdown as from a shell and gives its output and exit status.
func command(ctx context.Context, args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	err := run(ctx, args, strings.NewReader(""), &out, &errs, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	status = explain(&errs, err)
	return out.String(), errs.String(), status
}

func mustCommand(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	out, errs, status := command(t.Context(), args...)
	if status != want {
		t.Fatalf("%s: status %d, want %d\n%s%s", strings.Join(args, " "), status, want, out, errs)
	}
	return out, errs
}

// modbusOf is a device of the simulated plant that speaks Modbus, as --try names it, and how often it was connected to.
func modbusOf(t *testing.T) string {
	t.Helper()
	simulated, err := plant.Start(t.Context())
	if err != nil {
		t.Skip("the simulated plant cannot start here:", err)
	}
	t.Cleanup(func() { _ = simulated.Close() })
	for _, d := range simulated.Devices() {
		if port, ok := d.Ports["modbus"]; ok && len(d.Units) == 0 {
			return fmt.Sprintf("modbus:%s:%d", d.Addr, port)
		}
	}
	t.Fatal("nobody in the plant speaks Modbus")
	return ""
}

// A plan is made, signed off and run; the ledger agrees with it; what was answered is not asked again.
func TestAskAPlan(t *testing.T) {
	try := modbusOf(t)
	_, target, _ := strings.Cut(try, ":")
	address := netip.MustParseAddrPort(target).Addr().String()
	dir := t.TempDir()
	db, file := filepath.Join(dir, "a.db"), filepath.Join(dir, "plan.json")
	// The host must be known: it is named alone, and a first survey has it from the ask itself.
	text, _ := mustCommand(t, 0, "plan", "--ask", address, "--try", try, "--json", "--db", db)
	var plan ask.Plan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Devices) != 1 || plan.Devices[0].Address.String() != address {
		t.Fatalf("the plan asks %+v", plan.Devices)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := mustCommand(t, 2, "ask", "--plan", file, "--db", db); !strings.Contains(errs, "needs --yes") {
		t.Errorf("without a terminal: %s", errs)
	}
	if _, errs := mustCommand(t, 2, "ask", "--plan", file, "--yes", "--allow", "all", "--db", db); !strings.Contains(errs, "changes nothing in a plan") {
		t.Errorf("beside a plan: %s", errs)
	}
	mustCommand(t, 0, "ask", "--plan", file, "--yes", "--gap", "1s", "--db", db)
	out, _ := mustCommand(t, 0, "ledger", "--check", "--db", db)
	if !strings.Contains(out, "the ledger of s-1 agrees with its plan") {
		t.Errorf("ledger --check: %s", out)
	}
	var report checkReport
	out, _ = mustCommand(t, 0, "ledger", "--check", "--json", "--db", db)
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.Agrees || report.Sent == 0 || report.Devices != 1 {
		t.Errorf("%v: %s", err, out)
	}
	out, _ = mustCommand(t, 0, "plan", "--ask", address, "--try", try, "--db", db)
	if strings.Contains(out, "read-device-identification-basic (at most") || !strings.Contains(out, "--refresh modbus asks again") {
		t.Errorf("the second plan: %s", out)
	}
	out, _ = mustCommand(t, 0, "plan", "--ask", address, "--try", try, "--refresh", "all", "--db", db)
	if !strings.Contains(out, "read-device-identification-basic (at most") {
		t.Errorf("with --refresh: %s", out)
	}
	// A plan that was touched does not run.
	for name, change := range map[string]func(string) string{
		"another_form":  func(s string) string { return strings.Replace(s, "2b 0e 01", "2b 0e 04", 1) },
		"unknown_field": func(s string) string { return strings.Replace(s, `"scope"`, `"hurry": true, "scope"`, 1) },
		"out_of_scope":  func(s string) string { return strings.Replace(s, `"address": "`+address, `"address": "127.77.0.99`, 1) },
		"no_gap":        func(s string) string { return strings.Replace(s, `"gap_ms": 1000`, `"gap_ms": 1`, 1) },
		"cut":           func(s string) string { return s[:len(s)/2] },
	} {
		t.Run(name, func(t *testing.T) {
			changed := change(text)
			if changed == text {
				t.Fatal("nothing was changed")
			}
			path := filepath.Join(t.TempDir(), "plan.json")
			if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, errs, status := command(t.Context(), "ask", "--plan", path, "--yes", "--db", filepath.Join(t.TempDir(), "b.db")); status != 1 && status != 2 {
				t.Errorf("status %d\n%s%s", status, out, errs)
			}
		})
	}
}

// A plan that was signed off before a device was known to be a safety system is not run.
func TestAskNoSafetySystemOfAPlan(t *testing.T) {
	try := modbusOf(t)
	_, target, _ := strings.Cut(try, ":")
	address := netip.MustParseAddrPort(target).Addr()
	dir := t.TempDir()
	db, file := filepath.Join(dir, "a.db"), filepath.Join(dir, "plan.json")
	text, _ := mustCommand(t, 0, "plan", "--ask", netip.PrefixFrom(address, 24).Masked().String(), "--try", try, "--json", "--db", db)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	engine, err := fingerprints.New(fingerprints.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), db, sqlite.Options{Identify: engine.Identify})
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := store.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	recorder.Observe(discovery.Observation{
		Time: time.Now(), Protocol: "modbus", Mode: discovery.Heard, Subject: discovery.Subject{IP: address},
		Facts: []discovery.Fact{discovery.NewFact("modbus.vendor-name", "HIMA Paul Hildebrandt GmbH"), discovery.NewFact("modbus.product-code", "X-CPU 01")},
	})
	if err := errors.Join(recorder.End(t.Context(), inventory.Survey{}), store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, errs := mustCommand(t, 1, "ask", "--plan", file, "--yes", "--db", db); !strings.Contains(errs, address.String()+" may not be asked: a safety system") {
		t.Errorf("got %s", errs)
	}
}

func TestStopFile(t *testing.T) {
	try := modbusOf(t)
	_, target, _ := strings.Cut(try, ":")
	address := netip.MustParseAddrPort(target).Addr().String()
	db := filepath.Join(t.TempDir(), "a.db")
	file := db + ".stop"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := mustCommand(t, 1, "ask", "--ask", address, "--try", try, "--yes", "--db", db); !strings.Contains(errs, "the stop file "+file+" is there") {
		t.Errorf("it is there already: %s", errs)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	var made time.Time
	time.AfterFunc(2*time.Second, func() {
		made = time.Now()
		_ = os.WriteFile(file, nil, 0o600)
	})
	// At the whisper pace there are five seconds between two connections to a device.
	_, errs := mustCommand(t, 130, "ask", "--ask", address, "--try", try, "--protocols", "opcua", "--pace", "whisper", "--yes", "--db", db)
	if took := time.Since(made); took > 1500*time.Millisecond { // a second, and what it takes to store and to print
		t.Errorf("it ended %s after the file was made", took)
	}
	out, _ := mustCommand(t, 0, "surveys", "--json", "--db", db)
	if !strings.Contains(out, "stopped by the file") || !strings.Contains(out, "interrupted") {
		t.Errorf("%s\n%s", errs, out)
	}
	mustCommand(t, 0, "ledger", "--check", "--db", db)
}

func TestAskFlags(t *testing.T) {
	db := filepath.Join(t.TempDir(), "none.db")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"ask"}, "needs a scope"},
		{[]string{"plan", "--ask", "10.0.0.0/24", "--pace", "hasty"}, "want whisper, gentle, brisk"},
		{[]string{"plan", "--ask", "10.0.0.0/24", "--window", "Sat"}, "want days and times"},
		{[]string{"plan", "--ask", "10.0.0.0/24", "--refresh", "telepathy"}, "no host can be asked"},
	} {
		if _, errs := mustCommand(t, 2, append(c.args, "--db", db)...); !strings.Contains(errs, c.want) {
			t.Errorf("%q: %s", c.args, errs)
		}
	}
	config := filepath.Join(t.TempDir(), "walkdown.yaml")
	if err := os.WriteFile(config, []byte("ask: [10.0.0.0/24]\nwindows: [\"Sat,Sun 02:00-04:00\", \"Mon 03:00-04:00\"]\npace: whisper\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := mustCommand(t, 0, "plan", "--config", config, "--db", db)
	for _, want := range []string{"pace whisper: at most 2 questions and 10 packets a second", "only inside Sat,Sun 02:00-04:00; Mon 03:00-04:00"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

// ipFrame is an Ethernet frame with a TCP segment or a datagram in it.
func ipFrame(from, to discovery.MAC, src, dst string, proto byte, sport, dport uint16, payload string) *discovery.Frame {
	transport := binary.BigEndian.AppendUint16(nil, sport)
	transport = binary.BigEndian.AppendUint16(transport, dport)
	if proto == 17 {
		transport = append(transport, 0, byte(8+len(payload)), 0xab, 0xcd)
	} else {
		transport = append(transport, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 24, 1, 0, 0, 0, 0, 0)
	}
	transport = append(transport, payload...)
	ip := []byte{0x45, 0, 0, byte(20 + len(transport)), 0, 0, 0, 0, 64, proto, 0, 0}
	ip = append(ip, netip.MustParseAddr(src).AsSlice()...)
	ip = append(ip, netip.MustParseAddr(dst).AsSlice()...)
	frame := append(append(append([]byte{}, to[:]...), from[:]...), 8, 0)
	frame = append(append(frame, ip...), transport...)
	return &discovery.Frame{Link: discovery.LinkEthernet, Length: len(frame), Data: frame}
}

func TestOwnTrafficIsPickedOutAndClean(t *testing.T) {
	us, device, other := discovery.MAC{2, 0, 0, 0, 0, 1}, discovery.MAC{2, 0, 0, 0, 0, 2}, discovery.MAC{2, 0, 0, 0, 0, 3}
	o := &ownTraffic{filter: ownFilter{own: us, asked: map[ownPeer]bool{}, kinds: map[string]bool{}, noise: map[string]int{}, secrets: [][]byte{[]byte("s3cret"), []byte("ab")}}}
	o.ports = map[string]uint16{"bacnet": 47808, "profinet": 0x8892}
	segments := []ask.SegmentPlan{{Protocol: "bacnet", Transport: "udp"}, {Protocol: "profinet", Transport: "ethertype"}}
	dcp := &discovery.Frame{Link: discovery.LinkEthernet, Data: append(append([]byte{1, 14, 0xcf, 0, 0, 0}, us[:]...), 0x88, 0x92, 0xfe, 0xfe)}
	o.planned(ask.Plan{Segments: segments, Devices: []ask.DevicePlan{{Address: netip.MustParseAddr("10.0.0.5"), Items: []ask.Item{
		{Protocol: "snmp", Transport: "udp", Port: 161}, {Protocol: "modbus", Transport: "tcp", Port: 502, Requests: []ask.Planned{{Transport: "udp"}}},
	}}}})
	arp := &discovery.Frame{Link: discovery.LinkEthernet, Data: append(append(append([]byte{}, discovery.Broadcast[:]...), us[:]...), 8, 6)}
	for _, c := range []struct {
		name  string
		frame *discovery.Frame
		keeps bool
		text  string // that must be in it
		not   string
	}{
		{"question", ipFrame(us, device, "10.0.0.1", "10.0.0.5", 17, 40000, 161, "0\x06s3cret!"), true, "0\x06xxxxxx!", "s3cret"},
		{"answer", ipFrame(device, us, "10.0.0.5", "10.0.0.1", 17, 161, 40000, "0\x06s3cret?"), true, "0\x06xxxxxx?", "s3cret"},
		{"a_short_secret_far_in", ipFrame(us, device, "10.0.0.1", "10.0.0.5", 17, 40000, 161, "ab"+strings.Repeat(".", 50)+"ab"), true, "xx" + strings.Repeat(".", 50) + "ab", ""},
		{"stream", ipFrame(us, device, "10.0.0.1", "10.0.0.5", 6, 40000, 502, "read"), true, "read", ""},
		{"by_a_request's_own_transport", ipFrame(us, device, "10.0.0.1", "10.0.0.5", 17, 40000, 502, "read"), true, "", ""},
		{"arp", arp, true, "", ""},
		{"to_everybody", ipFrame(us, discovery.Broadcast, "10.0.0.1", "255.255.255.255", 17, 40000, 47808, "who"), true, "who", ""},
		{"an_answer_of_anybody", ipFrame(other, us, "10.0.0.77", "10.0.0.1", 17, 47808, 40000, "I am"), true, "I am", ""},
		{"straight_on_the_link", dcp, true, "", ""},
		{"another_port", ipFrame(us, device, "10.0.0.1", "10.0.0.5", 6, 40000, 443, "update"), false, "", ""},
		{"another_host", ipFrame(us, other, "10.0.0.1", "10.0.0.6", 17, 40000, 161, "s3cret"), false, "", ""},
		{"others_talk", ipFrame(other, device, "10.0.0.6", "10.0.0.5", 6, 40000, 502, "read"), false, "", ""},
		{"cut", &discovery.Frame{Link: discovery.LinkEthernet, Data: arp.Data[:10]}, false, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := bytes.Clone(c.frame.Data)
			if got := o.filter.keeps(c.frame); got != c.keeps {
				t.Errorf("kept: %v", got)
			}
			if !bytes.Contains(c.frame.Data, []byte(c.text)) || c.not != "" && bytes.Contains(c.frame.Data, []byte(c.not)) || len(c.frame.Data) != len(before) {
				t.Errorf("got %q", c.frame.Data)
			}
		})
	}
	if got := fmt.Sprint(o.filter.noise); got != "map[tcp/443:1 udp/161:1]" {
		t.Errorf("noise %s", got)
	}
	var none *ownTraffic
	none.planned(ask.Plan{}) // nobody wants it
}

func TestOwnTrafficNeedsAnInterface(t *testing.T) {
	r := &recording{}
	if _, err := r.keepOwnTraffic("x.pcapng", nil); err == nil {
		t.Error("kept without an interface")
	}
	if o, err := r.keepOwnTraffic("", &net.Interface{}); o != nil || err != nil {
		t.Errorf("kept without a file: %v", err)
	}
}

func TestHarmless(t *testing.T) {
	second := func(n float64) ask.Beat {
		return ask.Beat{Messages: 10, Interval: time.Duration(n * float64(time.Second))}
	}
	for _, c := range []struct {
		name string
		list []ask.Rhythm
		want string
	}{
		{"nothing", nil, ""},
		{"as_before", []ask.Rhythm{{Before: second(1), During: second(1.02), After: second(0.99)}}, "1 conversation heard before; poll intervals while and after asking changed by -1 to +2 %; no more resets"},
		{"too_little", []ask.Rhythm{{Before: second(1)}, {Before: second(2)}}, "2 conversations heard before; too little was heard"},
		{"reset", []ask.Rhythm{{Before: second(1), During: ask.Beat{Interval: time.Second, Resets: 1}}}, "more resets or repeated segments than before in 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := harmless(c.list); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
