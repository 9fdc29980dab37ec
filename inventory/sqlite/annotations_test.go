package sqlite

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

func TestAnnotations(t *testing.T) {
	s := newStore(t)
	survey(t, s, inventory.Survey{Kind: "read"}, arp("28:63:36:aa:bb:01", "10.0.0.5", noon))
	const plc = "a-0000000000000001"
	say := func(of, field, value string) int {
		t.Helper()
		n, err := s.Annotate(t.Context(), []inventory.Annotation{{Of: of, Attribute: field, Value: value, Author: "meier"}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := say(plc, "zone", "presses") + say(plc, "owner", "maintenance") + say("c-1", "purpose", "supervision"); n != 3 {
		t.Errorf("%d of 3 were added", n)
	}
	if n := say(plc, "zone", "presses"); n != 0 {
		t.Error("what is in effect was added again")
	}
	if n := say(plc, "backup", ""); n != 0 {
		t.Error("what nobody said was taken back")
	}
	say(plc, "zone", "press line")
	say(plc, "owner", "")
	a, err := s.Asset(t.Context(), plc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"zone": "press line"}, a.Annotations); diff != "" {
		t.Error(diff)
	}
	var history []string
	for e, err := range s.Annotations(t.Context(), plc) {
		if err != nil {
			t.Fatal(err)
		}
		history = append(history, e.Attribute+"="+e.Value+" by "+e.Author)
	}
	slices.Sort(history)
	if diff := cmp.Diff([]string{"owner= by meier", "owner=maintenance by meier", "zone=press line by meier", "zone=presses by meier"}, history); diff != "" {
		t.Error(diff)
	}
	others, err := s.Said(t.Context(), "c-")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]map[string]string{"c-1": {"purpose": "supervision"}}, others); diff != "" {
		t.Error(diff)
	}
}

// arp says that a MAC and an IP belong together.
func arp(mac, ip string, at time.Time) discovery.Observation {
	return discovery.Observation{
		Time: at, Protocol: "arp", Mode: discovery.Heard, Subject: host(mac, ip), Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "arp")},
	}
}

// byHand is what a person entered.
func byHand(about discovery.Subject, at time.Time, pairs ...string) discovery.Observation {
	o := discovery.Observation{Time: at, Protocol: inventory.PersonProtocol, Mode: discovery.Person, Subject: about}
	for i := 0; i < len(pairs); i += 2 {
		o.Facts = append(o.Facts, discovery.NewFact(inventory.StatedKey(pairs[i]), pairs[i+1]))
	}
	return o
}

// A device that a person entered keeps its id and what people said of it when it is heard, by its serial number or its address.
func TestEnteredDevicesAreMetLater(t *testing.T) {
	s := newStore(t)
	meter := discovery.Subject{Path: inventory.PathEntered + "=feeder-7"}
	survey(t, s, inventory.Survey{Kind: "annotate"},
		byHand(meter, noon, "vendor", "Schneider", "model", "PM5560", "serial", "77000560"), byHand(host("", "10.0.0.9"), noon, "model", "Old panel"))
	var before []inventory.Asset
	for a, err := range s.Assets(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		before = append(before, a)
	}
	if len(before) != 2 || before[0].Model != "Old panel" || before[1].Model != "PM5560" {
		t.Fatalf("%+v", before)
	}
	for _, a := range before {
		if a.Seen != "" || !a.FirstSeen.IsZero() || !a.LastSeen.IsZero() {
			t.Errorf("%s was seen %q from %v to %v", a.Model, a.Seen, a.FirstSeen, a.LastSeen)
		}
	}
	if _, err := s.Annotate(t.Context(), []inventory.Annotation{{Of: before[1].ID, Attribute: "zone", Value: "power"}}); err != nil {
		t.Fatal(err)
	}
	later := noon.Add(time.Hour)
	gateway := host("28:63:36:aa:bb:01", "10.0.0.5")
	survey(t, s, inventory.Survey{Kind: "survey"}, arp("28:63:36:aa:bb:01", "10.0.0.5", later), arp("28:63:36:aa:bb:02", "10.0.0.9", later), discovery.Observation{
		Time: later, Protocol: "dev", Mode: discovery.Asked, Subject: gateway,
		Facts: []discovery.Fact{discovery.NewFact("dev.vendor", "Schneider"), discovery.NewFact("dev.serial", "77000560"), discovery.NewFact("dev.firmware", "2.8")},
	})
	got, err := s.Asset(t.Context(), before[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Model != "PM5560" || got.Firmware != "2.8" || got.Annotations["zone"] != "power" || got.Seen != inventory.SeenBoth || !got.FirstSeen.Equal(later) ||
		len(got.Addresses) != 1 || got.Addresses[0].IP != "10.0.0.5" {
		t.Errorf("%+v", got)
	}
	panel, err := s.Asset(t.Context(), "10.0.0.9")
	if err != nil {
		t.Fatal(err)
	}
	if panel.ID != before[0].ID || panel.Addresses[0].MAC != "28:63:36:aa:bb:02" {
		t.Errorf("%+v", panel)
	}
	// Each fact of a person can be read with the asset that it is about now.
	stated := map[string]string{}
	for f, err := range s.Facts(t.Context(), inventory.StatedKey("model"), inventory.StatedKey("serial")) {
		if err != nil {
			t.Fatal(err)
		}
		stated[f.Asset+" "+string(f.Fact.Key)] = f.Fact.Value
	}
	want := map[string]string{before[0].ID + " person.model": "Old panel", before[1].ID + " person.model": "PM5560", before[1].ID + " person.serial": "77000560"}
	if diff := cmp.Diff(want, stated); diff != "" {
		t.Error(diff)
	}
}

// Who talks to whom is told the same with the conversations put together and without.
// What a person entered by mistake leaves the inventory; entered again, it has its id back, and all that was said of it.
func TestEnteredByMistake(t *testing.T) {
	s := newStore(t)
	at := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	meter := discovery.Subject{Site: "default", Segment: "default"}.At(inventory.PathEntered, "schneider_77000560")
	enter := func(minute int) discovery.Observation {
		return byHand(meter, at.Add(time.Duration(minute)*time.Minute), "vendor", "Schneider", "model", "PM5560", "serial", "77000560", "entered", inventory.EnteredYes)
	}
	mistake := func(minute int) discovery.Observation {
		return byHand(meter, at.Add(time.Duration(minute)*time.Minute), "entered", inventory.EnteredNo)
	}
	survey(t, s, inventory.Survey{Kind: "annotate", Sensor: "list.csv"}, enter(0))
	id := all(t, s.Assets(t.Context()))[0].ID
	if _, err := s.Annotate(t.Context(), []inventory.Annotation{{Of: id, Attribute: "owner", Value: "energy", Author: "m.huber"}}); err != nil {
		t.Fatal(err)
	}
	for minute := 1; minute < 6; minute += 2 {
		before := len(all(t, s.Changes(t.Context(), time.Time{}, "")))
		survey(t, s, inventory.Survey{Kind: "annotate", Sensor: "wrong.csv"}, mistake(minute))
		if list := all(t, s.Assets(t.Context())); len(list) > 0 {
			t.Fatalf("it is still there: %+v", list)
		}
		changes := all(t, s.Changes(t.Context(), time.Time{}, ""))[before:]
		if len(changes) != 1 || changes[0].Kind != inventory.Vanished || changes[0].Asset != id || changes[0].Via != whyTakenBack {
			t.Errorf("told: %+v", changes)
		}
		survey(t, s, inventory.Survey{Kind: "annotate", Sensor: "list.csv"}, enter(minute+1))
		list := all(t, s.Assets(t.Context()))
		if len(list) != 1 || list[0].ID != id || list[0].Annotations["owner"] != "energy" || list[0].Model != "PM5560" {
			t.Fatalf("entered again it is %+v, was %s", list, id)
		}
	}
	// A device that is met there afterwards is another one.
	survey(t, s, inventory.Survey{Kind: "annotate", Sensor: "wrong.csv"}, mistake(9))
	survey(t, s, inventory.Survey{Kind: "listen", Sensor: "eth0"}, tells(10, host("28:63:36:aa:bb:cc", "10.0.0.5"), "dev.vendor", "Schneider", "dev.serial", "77000560"))
	if list := all(t, s.Assets(t.Context())); len(list) != 1 || list[0].ID == id {
		t.Errorf("what was met has the id of what was taken back: %+v", list)
	}
}

// The newest word of a person counts, also where it goes back to what was said before.
func TestWordsGoToAndFro(t *testing.T) {
	s := newStore(t)
	at := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	panel := discovery.Subject{Site: "default", Segment: "default"}.At(inventory.PathEntered, "panel")
	for n, model := range []string{"TP700", "TP900", "TP700", "TP900", "TP700"} {
		survey(t, s, inventory.Survey{Kind: "annotate", Sensor: "list.csv"}, byHand(panel, at.Add(time.Duration(n)*time.Hour), "model", model))
		if list := all(t, s.Assets(t.Context())); len(list) != 1 || list[0].Model != model {
			t.Errorf("word %d: %+v, want %s", n, list, model)
		}
	}
}

func TestPartners(t *testing.T) {
	s := newStore(t)
	plc, panel := host("28:63:36:aa:bb:01", "10.0.0.5"), host("28:63:36:aa:bb:02", "10.0.0.6")
	for _, frequency := range []string{"cyclic", "sporadic"} {
		survey(t, s, inventory.Survey{Kind: "read"}, arp("28:63:36:aa:bb:01", "10.0.0.5", noon), arp("28:63:36:aa:bb:02", "10.0.0.6", noon), discovery.Observation{
			Time: noon, Protocol: "s7", Mode: discovery.Heard,
			Talks: []discovery.Conversation{
				{Client: panel, Server: plc, Transport: discovery.TCP, Port: 102, Protocol: "s7", Packets: 2, Answered: true, First: noon, Last: noon, Frequency: frequency},
				{Client: plc, Server: host("", "198.51.100.7"), Transport: discovery.TCP, Port: 443, Packets: 2, Answered: true, First: noon, Last: noon},
			},
		})
	}
	got := map[inventory.Partners]bool{}
	for p, err := range s.Partners(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		got[p] = true
	}
	want := map[inventory.Partners]bool{}
	for _, c := range all(t, s.Conversations(t.Context())) {
		if c.Server != "" && c.Port == 102 {
			want[inventory.Partners{Client: c.Client, Server: c.Server, Cyclic: true}] = true // as it was in one of the surveys
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 1 {
		t.Error(diff)
	}
}

// Who is in no inventory is told the same with the conversations put together and without: also by an address that stood for a device
// at other times only.
func TestStrangers(t *testing.T) {
	s := newStore(t)
	plc, panel, pump := host("28:63:36:aa:bb:01", "10.0.0.5"), host("28:63:36:aa:bb:02", "10.0.0.6"), host("28:63:36:aa:bb:03", "10.0.0.7")
	talk := func(client, server discovery.Subject, at time.Time) discovery.Observation {
		return discovery.Observation{Time: at, Protocol: "s7", Mode: discovery.Heard, Talks: []discovery.Conversation{
			{Client: client, Server: server, Transport: discovery.TCP, Port: 102, Protocol: "s7", Packets: 2, Answered: true, First: at, Last: at},
		}}
	}
	survey(t, s, inventory.Survey{Kind: "read"}, arp("28:63:36:aa:bb:01", "10.0.0.5", noon), arp("28:63:36:aa:bb:02", "10.0.0.6", noon),
		arp("28:63:36:aa:bb:03", "10.0.0.7", noon), talk(panel, plc, noon), talk(plc, pump, noon), talk(panel, pump, noon.Add(time.Hour)),
		talk(host("", "198.51.100.9"), plc, noon), talk(plc, host("", "198.51.100.7"), noon), talk(host("", "198.51.100.9"), host("", "198.51.100.7"), noon))
	if _, err := s.write.ExecContext(t.Context(), `UPDATE asset_subjects SET until = ? WHERE subject IN (SELECT id FROM subjects WHERE ip = '10.0.0.7')`,
		timeText(noon.Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	got, want := map[inventory.Stranger]bool{}, map[inventory.Stranger]bool{}
	for stranger, err := range s.Strangers(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[stranger] = true
	}
	for c, err := range s.Conversations(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Client == "" && c.Server != "" {
			want[inventory.Stranger{IP: c.ClientIP, With: c.Server}] = true
		}
		if c.Server == "" && c.Client != "" {
			want[inventory.Stranger{IP: c.ServerIP, With: c.Client}] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 3 {
		t.Error(got, diff)
	}
}

func TestIntents(t *testing.T) {
	s := newStore(t)
	r, err := s.Begin(t.Context(), inventory.Survey{Kind: "ask"})
	if err != nil {
		t.Fatal(err)
	}
	for _, plan := range []string{
		`{"excluded": ["10.0.0.9"], "sweep": {"not_swept": [{"network": "10.0.0.0/16", "reason": "too large"}]},
			"not_asked": [{"address": "10.0.0.7", "reason": "a safety system"}, {"address": "10.0.0.8", "protocol": "http", "grade": "E1", "reason": "needs --allow http"},
				{"address": "10.0.0.8", "protocol": "snmp", "grade": "E5", "reason": "blind"}]}`,
		`{"excluded": ["of the second round"]}`,
	} {
		if err := r.Plan(t.Context(), []byte(plan)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.End(t.Context(), inventory.Survey{}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Intents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Intent{{
		Survey: "s-1", Excluded: []string{"10.0.0.9"}, NotSwept: []inventory.Omission{{What: "10.0.0.0/16", Reason: "too large"}},
		NotAsked: []inventory.Omission{{What: "10.0.0.7", Reason: "a safety system"}, {What: "10.0.0.8", Reason: "http: needs --allow http"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
