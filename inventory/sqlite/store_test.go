package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// noon is when the tests' surveys run.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// identify is a small engine: "dev.vendor" and the like are what they say.
func identify(facts []discovery.Fact) []discovery.Fact {
	var out []discovery.Fact
	for _, f := range facts {
		if name, ok := strings.CutPrefix(string(f.Key), "dev."); ok {
			out = append(out, discovery.Fact{Key: discovery.Key("id." + name), Value: f.Value, Confidence: 0.9, Rule: "test/" + name, From: []discovery.Key{f.Key}})
		}
	}
	return out
}

// options give ids in the order in which assets are found: a-0000000000000001 and on.
func options() Options {
	n := 0
	return Options{
		Identify: identify,
		Now:      func() time.Time { return noon.Add(time.Hour) },
		NewID:    func() string { n++; return fmt.Sprintf("a-%016x", n) },
	}
}

func openStore(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newStore(t testing.TB) *Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "walkdown.db"), options())
}

// survey records observations as one survey.
func survey(t testing.TB, s *Store, v inventory.Survey, list ...discovery.Observation) string {
	t.Helper()
	r, err := s.Begin(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		r.Observe(o)
	}
	if err := r.End(t.Context(), inventory.Survey{}); err != nil {
		t.Fatal(err)
	}
	sound(t, s)
	return r.ID()
}

// host is a subject: MAC and IP, each may be empty.
func host(mac, ip string) discovery.Subject {
	var s discovery.Subject
	if mac != "" {
		if err := s.MAC.UnmarshalText([]byte(mac)); err != nil {
			panic(err)
		}
	}
	if ip != "" {
		s.IP = netip.MustParseAddr(ip)
	}
	return s
}

// tells is an observation at a minute after noon; facts are "key=value".
func tells(minute int, about discovery.Subject, facts ...string) discovery.Observation {
	o := discovery.Observation{Time: noon.Add(time.Duration(minute) * time.Minute), Sensor: "eth0", Protocol: "dev", Mode: discovery.Heard, Subject: about}
	for _, f := range facts {
		key, value, _ := strings.Cut(f, "=")
		o.Facts = append(o.Facts, discovery.NewFact(discovery.Key(key), value))
	}
	return o
}

func bound(minute int, mac, ip string) discovery.Observation {
	o := tells(minute, host(mac, ip), "address.binding=arp")
	o.Protocol = "arp"
	return o
}

func talks(minute int, client, server discovery.Subject, port uint16, protocol string, packets uint64, answered bool) discovery.Observation {
	at := noon.Add(time.Duration(minute) * time.Minute)
	return discovery.Observation{Time: at, Sensor: "eth0", Mode: discovery.Heard, Talks: []discovery.Conversation{{
		Client: client, Server: server, Transport: discovery.TCP, Port: port, Protocol: protocol, Packets: packets, Bytes: 100 * packets,
		Operations: discovery.OpRead, Answered: answered, First: at, Last: at.Add(time.Second), Frequency: "cyclic", MedianInterval: 500 * time.Millisecond,
	}}}
}

// all reads a stream to its end.
func all[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// brief is an asset in one line.
func brief(a inventory.Asset) string {
	words := []string{a.ID[len(a.ID)-2:]}
	for _, address := range a.Addresses {
		words = append(words, strings.Trim(address.MAC+"/"+address.IP, "/"))
	}
	for _, w := range []string{a.Name, a.Vendor, a.Model, a.Serial, a.Firmware} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

func briefs(t testing.TB, s *Store) []string {
	t.Helper()
	var out []string
	for _, a := range all(t, s.Assets(t.Context())) {
		out = append(out, brief(a))
	}
	return out
}

func expect[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const (
	plc    = "00:1b:1b:00:00:01"
	plc2   = "00:1b:1b:00:00:02"
	hmi    = "00:0c:29:00:00:03"
	router = "00:1d:9c:00:00:fe"
)

func TestASurveyIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plant ?&#%1.db")
	s := openStore(t, path, options())
	v := inventory.Survey{
		Kind: "listen", Site: "works", Segment: "cell-1", Operator: "ann", Permission: "P-1", Sensor: "eth0", Started: noon, Version: "0.1",
		Scope: []string{"10.0.0.0/24"}, Own: []string{hmi, "10.0.0.9"}, Plug: inventory.PlugInPoint{Switch: plc2, Port: "3"},
	}
	r, err := s.Begin(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	r.Observe(bound(0, plc, "10.0.0.1"))
	r.Observe(tells(1, host("", "10.0.0.1"), "dev.vendor=Siemens", "dev.name=cpu", "dev.serial=SC-4711", "dev.firmware=2.8"))
	r.Observe(tells(1, host("", "10.0.0.9"), "dev.name=the laptop"))
	r.Observe(bound(1, hmi, "10.0.0.9"))
	r.Observe(talks(2, host(router, "10.9.0.1"), host(plc, "10.0.0.1"), 102, "s7", 7, true))
	r.Exchange(discovery.Exchange{
		Time: noon, Target: host("", "10.0.0.1"), Protocol: "snmp", Request: "get", Bytes: []byte{0x30, 0}, Outcome: discovery.Answered,
		RTT: 1500 * time.Microsecond,
	})
	end := inventory.Survey{
		Outcome: "incomplete", Reasons: []string{"two silent"}, Counts: map[string]int{"frames": 9}, Ended: noon.Add(time.Hour),
		Troubles: []inventory.Trouble{{Protocol: "lldp", Reason: "cut", Count: 2, Example: "01"}},
	}
	if err := r.End(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openStore(t, path, Options{ReadOnly: true})
	ctx := t.Context()
	expect(t, "assets", []string{"01 " + plc + "/10.0.0.1 cpu Siemens SC-4711 2.8", "02 10.9.0.1"}, briefs(t, s))
	v.ID, v.Outcome, v.Reasons, v.Counts, v.Ended, v.Troubles = "s-1", end.Outcome, end.Reasons, end.Counts, end.Ended, end.Troubles
	got, err := s.Survey(ctx, "s-1")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "survey", v, got)
	last, ok, err := s.LastPlugIn(ctx, "works")
	if err != nil || !ok || last.Plug.Port != "3" {
		t.Errorf("last plug-in point: %v %v %v", last, ok, err)
	}
	expect(t, "ledger", []inventory.LedgerEntry{{
		Time: noon, Survey: "s-1", Target: "10.0.0.1", Protocol: "snmp", Request: "get", Bytes: "3000", Outcome: "answered", RTTMS: 1.5,
	}}, all(t, s.Ledger(ctx, "s-1")))
	expect(t, "changes", []inventory.Change{
		{Time: end.Ended, Survey: "s-1", Asset: "a-0000000000000001", Kind: "appeared", New: plc + " 10.0.0.1"},
		{Time: end.Ended, Survey: "s-1", Asset: "a-0000000000000002", Kind: "appeared", New: "10.9.0.1"},
	}, all(t, s.Changes(ctx, time.Time{}, "")))
	expect(t, "conversations", []inventory.Conversation{{
		Client: "a-0000000000000002", ClientIP: "10.9.0.1", Server: "a-0000000000000001", ServerIP: "10.0.0.1", Transport: "tcp", Port: 102, Protocol: "s7",
		Packets: 7, Bytes: 700, Operations: []string{"read"}, Frequency: "cyclic", MedianIntervalMS: 500,
		FirstSeen: noon.Add(2 * time.Minute), LastSeen: noon.Add(2*time.Minute + time.Second),
	}}, all(t, s.Conversations(ctx)))
	var evidence []string
	for _, e := range all(t, s.Evidence(ctx, "a-0000000000000001")) {
		evidence = append(evidence, fmt.Sprintf("%s %s=%s %s %s", e.Subject, e.Fact.Key, e.Fact.Value, e.Mode, e.Fact.Rule))
	}
	expect(t, "evidence", []string{
		"10.0.0.1 dev.firmware=2.8 heard ", "10.0.0.1 dev.name=cpu heard ", "10.0.0.1 dev.serial=SC-4711 heard ", "10.0.0.1 dev.vendor=Siemens heard ",
		"10.0.0.1 id.firmware=2.8 deduced test/firmware", "10.0.0.1 id.name=cpu deduced test/name", "10.0.0.1 id.serial=SC-4711 deduced test/serial",
		"10.0.0.1 id.vendor=Siemens deduced test/vendor", "10.0.0.1 address.binding=arp heard ",
	}, evidence)
	counts, err := s.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "counts", Counts{Sites: 1, Segments: 1, Surveys: 1, Assets: 2, WithVendor: 1, WithFirmware: 1, Facts: 5, Conversations: 1, Asked: 1}, counts)
}

func TestChangesAreToldBetweenSurveys(t *testing.T) {
	s := newStore(t)
	survey(t, s, inventory.Survey{}, bound(0, plc, "10.0.0.1"), tells(0, host("", "10.0.0.1"), "dev.firmware=2.8", "dev.vendor=Siemens"),
		tells(0, host("", "10.0.0.5"), "dev.name=drive"))
	survey(t, s, inventory.Survey{}, bound(100, plc, "10.0.0.1"), tells(100, host("", "10.0.0.1"), "dev.firmware=2.9", "dev.vendor=Siemens"),
		bound(100, hmi, "10.0.0.5"), bound(100, plc2, "10.0.0.2"))
	survey(t, s, inventory.Survey{}, bound(200, plc2, "10.0.0.1"), bound(200, plc, "10.0.0.7"))
	var got []string
	for _, c := range all(t, s.Changes(t.Context(), time.Time{}, "s-2")) {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s: %s > %s", c.Survey, c.Asset[len(c.Asset)-1:], c.Kind, c.Attribute, c.Old, c.New)))
	}
	expect(t, "changes", []string{
		"s-2 1 changed firmware: 2.8 > 2.9", "s-2 2 changed mac:  > " + hmi, "s-2 3 appeared :  > " + plc2 + " 10.0.0.2",
		"s-3 1 changed ip:  > 10.0.0.7", "s-3 3 moved address: " + plc + " 10.0.0.1 > " + plc2 + " 10.0.0.1",
	}, got)
	if len(all(t, s.Changes(t.Context(), noon.Add(2*time.Hour), ""))) != 0 {
		t.Error("changes of the future")
	}
}

func TestMergeAndSplitAreTold(t *testing.T) {
	s := newStore(t)
	survey(t, s, inventory.Survey{}, tells(0, host("", "10.0.0.1"), "dev.name=cpu"), tells(0, host(plc, ""), "dev.vendor=Siemens"))
	expect(t, "two", []string{"01 10.0.0.1 cpu", "02 " + plc + " Siemens"}, briefs(t, s))
	survey(t, s, inventory.Survey{}, bound(60, plc, "10.0.0.1"))
	expect(t, "one", []string{"01 " + plc + "/10.0.0.1 cpu Siemens"}, briefs(t, s))
	a, err := s.Asset(t.Context(), "a-0000000000000002")
	if err != nil || a.ID != "a-0000000000000001" {
		t.Errorf("the id that was merged leads to %q, %v", a.ID, err)
	}
	// The MAC turns out to be a router's, which on-link binds nothing to: what it was taken for is cut off again.
	survey(t, s, inventory.Survey{}, tells(120, host(router, "10.0.0.8"), "address.binding=on-link"), tells(120, host(router, ""), "dev.name=gw"))
	survey(t, s, inventory.Survey{}, tells(180, host(router, ""), "address.role=router"), tells(180, host(router, "10.0.0.8"), "dev.name=far"))
	expect(t, "cut", []string{"01 " + plc + "/10.0.0.1 cpu Siemens", "04 10.0.0.8 far", "03 " + router + " gw"}, briefs(t, s))
	var kinds []string
	for _, c := range all(t, s.Changes(t.Context(), time.Time{}, "s-2")) {
		kinds = append(kinds, strings.TrimSpace(fmt.Sprintf("%s %s %s%s %s", c.Survey, c.Asset[len(c.Asset)-1:], c.Kind, c.Attribute, c.Old)))
	}
	expect(t, "changes", []string{
		"s-2 1 changedmac", "s-2 1 changedvendor", "s-2 1 merged a-0000000000000002", "s-3 3 appeared",
		"s-4 3 changedip 10.0.0.8", "s-4 3 changedrole", "s-4 4 split a-0000000000000003",
	}, kinds)
}

func TestTheSameAgainChangesNothing(t *testing.T) {
	s := newStore(t)
	list := []discovery.Observation{
		bound(0, plc, "10.0.0.1"), tells(0, host("", "10.0.0.1"), "dev.vendor=Siemens", "dev.serial=SC-4711"),
		talks(0, host(hmi, "10.0.0.2"), host(plc, "10.0.0.1"), 502, "modbus", 3, true),
	}
	survey(t, s, inventory.Survey{}, list...)
	before := all(t, s.Assets(t.Context()))
	survey(t, s, inventory.Survey{}, list...)
	expect(t, "assets", before, all(t, s.Assets(t.Context())))
	if changes := all(t, s.Changes(t.Context(), time.Time{}, "s-2")); len(changes) != 0 {
		t.Errorf("changes: %v", changes)
	}
	for _, e := range all(t, s.Evidence(t.Context(), before[0].ID)) {
		if e.Mode == discovery.Heard && (e.Count != 2 || e.Survey != "s-2") {
			t.Errorf("%s: counted %d, last seen by %s", e.Fact.Key, e.Count, e.Survey)
		}
	}
	expect(t, "packets", uint64(6), all(t, s.Conversations(t.Context()))[0].Packets)
}

func TestSeenAgainMovesLastSeen(t *testing.T) {
	s := newStore(t)
	r, err := s.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	for minute := range 3 {
		r.Observe(bound(minute, plc, "10.0.0.1"))
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		a, err := s.Asset(t.Context(), plc)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "last seen", noon.Add(time.Duration(minute)*time.Minute), a.LastSeen)
	}
}

func TestAssetGoesByManyNames(t *testing.T) {
	s := newStore(t)
	survey(t, s, inventory.Survey{}, bound(0, plc, "10.0.0.1"), tells(0, host("", "10.0.0.1"), "dev.vendor=Siemens", "dev.name=cpu", "dev.serial=SC-4711"),
		tells(0, host("", "fe80::1"), "dev.name=drive"), tells(0, host("", "10.0.0.3"), "dev.name=drive"))
	for _, ref := range []string{
		"a-0000000000000001", "10.0.0.1", plc, strings.ToUpper(plc), "00-1B-1B-00-00-01", "CPU", "sc-4711", "::ffff:10.0.0.1",
	} {
		a, err := s.Asset(t.Context(), ref)
		if err != nil || a.ID != "a-0000000000000001" {
			t.Errorf("%q: got %q, %v", ref, a.ID, err)
		}
	}
	var ambiguous *AmbiguousError
	if _, err := s.Asset(t.Context(), "drive"); !errors.As(err, &ambiguous) || len(ambiguous.Candidates) != 2 {
		t.Errorf("drive: %v", err)
	}
	if _, err := s.Asset(t.Context(), "a-00000000"); !errors.As(err, &ambiguous) || len(ambiguous.Candidates) != 3 {
		t.Errorf("beginning of three ids: %v", err)
	}
	for _, ref := range []string{"", "-", "%", "a-", "pump", "10.0.0.99", "a-ffff"} {
		if _, err := s.Asset(t.Context(), ref); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestNeighboursAreFoundAtBothEnds(t *testing.T) {
	s := newStore(t)
	o := tells(0, host(router, "10.0.0.254"), "dev.name=sw1", "address.binding=arp")
	o.Links = []discovery.Link{
		{LocalPort: "3", Remote: host(plc, ""), RemoteName: "cpu", RemotePort: "x1", Via: "lldp"},
		{LocalPort: "4", RemoteName: "hmi-1", Via: "lldp"},
		{LocalPort: "5", RemoteName: "camera", RemotePort: "eth0", Via: "lldp"},
	}
	survey(t, s, inventory.Survey{}, o, bound(0, plc, "10.0.0.1"), tells(0, host(hmi, "10.0.0.2"), "dev.name=hmi-1"))
	got := map[string][]inventory.Neighbour{}
	for _, a := range all(t, s.Assets(t.Context())) {
		got[a.Addresses[0].IP] = a.Neighbours
	}
	sw, cpu, panel := "a-0000000000000003", "a-0000000000000001", "a-0000000000000002"
	expect(t, "neighbours", map[string][]inventory.Neighbour{
		"10.0.0.254": {
			{LocalPort: "3", Asset: cpu, RemotePort: "x1", Via: "lldp"},
			{LocalPort: "4", Asset: panel, Via: "lldp"},
			{LocalPort: "5", Name: "camera", RemotePort: "eth0", Via: "lldp"},
		},
		"10.0.0.1": {{LocalPort: "x1", Asset: sw, RemotePort: "3", Via: "lldp"}},
		"10.0.0.2": {{Asset: sw, RemotePort: "4", Via: "lldp"}},
	}, got)
}

// A switch tells hosts that were never touched, and which of them hang on its ports; what it tells of its own ports joins what
// another switch has told of them before.
func TestHostsThatASwitchTells(t *testing.T) {
	s := newStore(t)
	toldBy := func(at int, teller, about discovery.Subject, fact string) discovery.Observation {
		o := tells(at, about, fact)
		o.Teller, o.Mode = teller, discovery.Asked
		return o
	}
	sw, core := host("", "10.0.0.250"), host("", "10.0.0.251")
	cables := tells(3, sw, "snmp.tables=read")
	cables.Links = []discovery.Link{
		{LocalPort: "Gi1/1", Remote: host(plc, ""), Via: "fdb"}, {LocalPort: "Gi1/2", Remote: host(hmi, ""), Via: "fdb"}, {LocalPort: "Gi1/2", Remote: host(router, ""), Via: "fdb"},
	}
	survey(t, s, inventory.Survey{}, tells(0, sw, "dev.name=sw1"), toldBy(1, sw, host(plc, ""), "snmp.dot1dTpFdbPort=Gi1/1"),
		toldBy(1, sw, host(hmi, ""), "snmp.dot1dTpFdbPort=Gi1/2"), toldBy(1, sw, host(router, ""), "snmp.dot1dTpFdbPort=Gi1/2"),
		toldBy(2, sw, host(plc, "10.0.0.9"), "address.binding=table"), cables)
	got := map[string][]inventory.Neighbour{}
	count := func() int {
		clear(got)
		list := all(t, s.Assets(t.Context()))
		for _, a := range list {
			for _, address := range a.Addresses {
				got[address.MAC+address.IP] = a.Neighbours
			}
		}
		return len(list)
	}
	if n := count(); n != 4 || len(got[plc+"10.0.0.9"]) != 1 || got[plc+"10.0.0.9"][0].RemotePort != "Gi1/1" || len(got[hmi])+len(got[router]) > 0 {
		t.Errorf("%d assets, neighbours %v", n, got)
	}
	// The one MAC on Gi1/2 turns out to be a port of another switch, the other one its bridge.
	survey(t, s, inventory.Survey{}, tells(10, core, "dev.name=core"), tells(10, core.At("if", "1"), "snmp.ifPhysAddress="+hmi), tells(11, core, "snmp.dot1dBaseBridgeAddress="+router))
	if n := count(); n != 3 || len(got["10.0.0.251"]) != 1 || got["10.0.0.251"][0].RemotePort != "Gi1/2" {
		t.Errorf("then %d assets, neighbours %v", n, got)
	}
}

func TestConversationsAddUp(t *testing.T) {
	s := newStore(t)
	client, server := host(hmi, "10.0.0.20"), host(plc, "10.0.0.3")
	write := talks(4, client, server.At(discovery.PathModbusUnit, "3"), 502, "modbus", 0, true)
	write.Talks[0].Operations = discovery.OpWrite
	survey(t, s, inventory.Survey{}, talks(1, client, server, 502, "", 2, false), talks(2, client, server, 502, "modbus", 3, true), write,
		talks(3, host(hmi, "10.0.0.20"), host(router, "8.8.8.8"), 53, "dns", 1, true), talks(3, client, host("", "10.0.0.99"), 80, "", 1, false))
	survey(t, s, inventory.Survey{}, talks(100, client, server, 502, "modbus", 5, true))
	var got []string
	for _, c := range all(t, s.Conversations(t.Context())) {
		got = append(got, fmt.Sprintf("%s>%s:%d %s %d %v external=%v known=%v", c.ClientIP, c.ServerIP, c.Port, c.Protocol, c.Packets, c.Operations, c.External, c.Server != ""))
	}
	expect(t, "conversations", []string{
		"10.0.0.20>8.8.8.8:53 dns 1 [read] external=true known=false",
		"10.0.0.20>10.0.0.3:502 modbus 10 [read write] external=false known=true",
		"10.0.0.20>10.0.0.99:80  1 [read] external=false known=false",
	}, got)
	a, err := s.Asset(t.Context(), "10.0.0.3")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "services", []inventory.Service{{Transport: "tcp", Port: 502, Protocol: "modbus"}}, a.Services)
	subjects, err := s.Subjects(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, subject := range subjects {
		paths = append(paths, subject.Path)
	}
	expect(t, "paths", []string{"", "modbus-unit=3"}, paths)
}

// What the device at an address was identified as is found under each of its addresses, deduced values too.
func TestAt(t *testing.T) {
	s := newStore(t)
	r, err := s.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	r.Observe(bound(0, plc, "10.0.0.1"))
	r.Observe(tells(0, host(plc, ""), "dev.vendor=HIMA", "dev.name=cpu"))
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		about discovery.Subject
		want  string
	}{
		{host("", "10.0.0.1"), "HIMA cpu"},
		{host(plc, "10.0.0.1"), "HIMA cpu"},
		{host(plc, ""), "HIMA cpu"},
		{host("", "10.0.0.2"), ""},
		{discovery.Subject{}, ""},
	} {
		c.about.Site, c.about.Segment = "default", "default"
		a, ok, err := s.At(t.Context(), c.about)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(a.Vendor + " " + a.Name); got != c.want || ok != (c.want != "") || ok && a.ID == "" {
			t.Errorf("%s: got %q %v %q, want %q", c.about, got, ok, a.ID, c.want)
		}
	}
}

func TestKnownIsAnsweredFromMemoryAndStore(t *testing.T) {
	s := newStore(t)
	r, err := s.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	r.Observe(bound(0, plc, "10.0.0.1"))
	r.Observe(tells(0, host(plc, ""), "dev.name=cpu"))
	r.Observe(tells(1, host("", "10.0.0.1"), "dev.vendor=Siemens"))
	r.Observe(tells(-48*60, host("", "10.0.0.1"), "dev.model=old"))
	r.Observe(tells(1, host("", "10.0.0.1").At(discovery.PathModbusUnit, "3"), "dev.type=meter"))
	r.Observe(tells(1, host(router, "10.0.0.9"), "dev.vendor=Cisco"))
	for _, settled := range []bool{false, true} {
		for _, c := range []struct {
			about discovery.Subject
			key   discovery.Key
			want  string
		}{
			{host(router, "10.0.0.9"), "dev.vendor", "Cisco"},
			{host("", "10.0.0.9"), "dev.vendor", "Cisco"},
			{host(plc, "10.0.0.9"), "dev.vendor", ""}, // another device has the address now
			{host("", "10.0.0.1"), "dev.vendor", "Siemens"},
			{host(router, "10.0.0.1"), "dev.vendor", "Siemens"},
			{host("", "10.0.0.1"), "dev.model", ""},
			{host("", "10.0.0.1"), "dev.type", ""},
			{host("", "10.0.0.1").At(discovery.PathModbusUnit, "3"), "dev.type", "meter"},
			{host("", "10.0.0.2"), "dev.vendor", ""},
		} {
			got, ok := r.Known(c.about, c.key)
			if got != c.want || ok != (c.want != "") {
				t.Errorf("settled %v: %s %s: got %q %v, want %q", settled, c.about, c.key, got, ok, c.want)
			}
		}
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := r.Known(host("", "10.0.0.1"), "dev.name"); got != "cpu" {
		t.Errorf("by the MAC of the asset: got %q", got)
	}
}

func TestOneRecorderAtATime(t *testing.T) {
	s := newStore(t)
	if _, err := s.Begin(t.Context(), inventory.Survey{Own: []string{"laptop"}}); err == nil {
		t.Error("took a word for an address of its own")
	}
	r, err := s.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), inventory.Survey{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second recorder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Observe(bound(0, plc, "10.0.0.1"))
	if err := r.End(ctx, inventory.Survey{Outcome: "interrupted"}); err != nil {
		t.Errorf("end after an interrupt: %v", err)
	}
	r.Observe(bound(0, plc2, "10.0.0.2"))
	expect(t, "assets", []string{"01 " + plc + "/10.0.0.1"}, briefs(t, s))
}
