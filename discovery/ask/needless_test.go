package ask

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// reasonsOf are what stands under not asked, and whether anything is.
func reasonsOf(p Plan) (reasons string, asked bool) {
	var out []string
	for _, n := range p.NotAsked {
		out = append(out, strings.TrimSpace(n.Protocol+" "+n.Request)+": "+n.Reason)
	}
	return strings.Join(out, "; "), len(p.Devices) > 0
}

func TestWhatWasAnsweredIsNotAskedAgain(t *testing.T) {
	now := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		answered map[Question]time.Time
		refresh  []string
		allow    []string
		named    []uint8
		asked    bool
		reason   string
	}{
		{name: "never_asked", asked: true},
		{name: "answered", answered: map[Question]time.Time{{"modbus", "question"}: now.Add(-23 * time.Hour)}, reason: "less than 24 h ago: --refresh modbus asks again"},
		{name: "a_day_ago", answered: map[Question]time.Time{{"modbus", "question"}: now.Add(-24 * time.Hour)}, asked: true},
		{name: "came_to_nothing", answered: map[Question]time.Time{{"modbus", "question"}: {}}, asked: true},
		{name: "of_another_protocol", answered: map[Question]time.Time{{"datagram", "question"}: now.Add(-time.Hour)}, asked: true},
		{name: "refresh_all", answered: map[Question]time.Time{{"modbus", "question"}: now}, refresh: []string{"all"}, asked: true},
		{name: "refresh_it", answered: map[Question]time.Time{{"modbus", "question"}: now}, refresh: []string{"modbus"}, asked: true},
		{name: "refresh_another", answered: map[Question]time.Time{{"modbus", "question"}: now}, refresh: []string{"snmp"}, reason: "asked on"},
		{name: "opted_in_since", answered: map[Question]time.Time{{"modbus", "question"}: now}, allow: []string{"risky"}, asked: true},
		{
			name: "opted_in_and_answered", answered: map[Question]time.Time{{"modbus", "question"}: now, {"modbus", "risky"}: now}, allow: []string{"risky"},
			reason: "asked on",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := planKeeper(t, Options{Refresh: c.refresh, Allow: c.allow})
			k.now = func() time.Time { return now }
			h := host("10.0.0.4", Controller, "modbus")
			h.Answered = c.answered
			reasons, asked := reasonsOf(k.Plan([]Host{h}))
			if asked != c.asked || !strings.Contains(reasons, c.reason) {
				t.Errorf("asked %v, not asked: %s", asked, reasons)
			}
		})
	}
}

// A device that was asked as one of which nothing was known turns out to be a switch: its tables may be asked then.
func TestAnotherClassMayBeAskedMore(t *testing.T) {
	now := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	k := planKeeper(t, Options{})
	k.now = func() time.Time { return now }
	for i, p := range k.o.Protocols {
		if p.Name != "modbus" {
			continue
		}
		walk, _ := requestByName(p.Asker, "question")
		walk.Name, walk.Safety, walk.ByClass = "walk", discovery.SafetyD, map[Class]discovery.Safety{Infrastructure: discovery.SafetyB}
		other := walk
		other.Name = "walk-further"
		k.o.Protocols[i].Asker.Requests = slices.Concat(p.Asker.Requests, []discovery.Request{walk, other})
	}
	h := host("10.0.0.4", Unknown, "modbus")
	h.Answered = map[Question]time.Time{{"modbus", "question"}: now.Add(-time.Hour)}
	if reasons, asked := reasonsOf(k.Plan([]Host{h})); asked {
		t.Errorf("asked again as it was: %s", reasons)
	}
	h.Class = Infrastructure
	if reasons, asked := reasonsOf(k.Plan([]Host{h})); !asked {
		t.Errorf("its tables are not asked: %s", reasons)
	}
	h.Answered[Question{"modbus", "walk"}] = now.Add(-time.Minute) // and the other was not needed
	if reasons, asked := reasonsOf(k.Plan([]Host{h})); asked {
		t.Errorf("asked again: %s", reasons)
	}
}

func TestWhatWasOverheardIsNotAsked(t *testing.T) {
	known := map[discovery.Key]string{"word.vendor": "ACME"}
	k := planKeeper(t, Options{Known: func(_ discovery.Subject, key discovery.Key) (string, bool) { v, ok := known[key]; return v, ok }})
	for i := range k.o.Protocols {
		if k.o.Protocols[i].Name == "modbus" {
			k.o.Protocols[i].Asker.Enough = []discovery.Key{"word.vendor", "word.model"}
		}
	}
	h := host("10.0.0.4", Controller, "modbus")
	if reasons, asked := reasonsOf(k.Plan([]Host{h})); !asked {
		t.Errorf("half of it is known, and it is not asked: %s", reasons)
	}
	known["word.model"] = "M-1"
	if reasons, asked := reasonsOf(k.Plan([]Host{h})); asked || !strings.Contains(reasons, "known already, overheard") {
		t.Errorf("asked %v, not asked: %s", asked, reasons)
	}
	// The units behind it are another matter.
	h.Named = []uint8{7}
	plan := k.Plan([]Host{h})
	if len(plan.Devices) != 1 {
		t.Fatal("the units are not asked")
	}
	for _, r := range plan.Devices[0].Items[0].Requests {
		if r.Name == "question" {
			t.Error("the device is asked again because of its units")
		}
	}
}

func TestClientsAreCountedBeforeAConnectionIsTaken(t *testing.T) {
	for _, c := range []struct {
		name   string
		class  Class
		others int
		allow  []string
		asked  bool
	}{
		{"nobody", Unknown, 0, nil, true},
		{"one_other", Unknown, 1, nil, true},
		{"two_others", Unknown, 2, nil, false},
		{"two_others_opted_in", Unknown, 2, []string{"modbus"}, true},
		{"a_drive", Field, 2, nil, false},
		{"a_gateway", Gateway, 2, nil, false},
		{"a_controller_has_more", Controller, 3, nil, true},
		{"but_not_so_many", Controller, 4, nil, false},
		{"a_server", Computer, 40, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := planKeeper(t, Options{Allow: c.allow})
			k.o.Protocols[0].Asker.Scarce = true
			h := host("10.0.0.4", c.class, "modbus")
			h.Clients = map[string]int{"modbus": c.others}
			reasons, asked := reasonsOf(k.Plan([]Host{h}))
			if asked != c.asked || !asked && !strings.Contains(reasons, "needs --allow modbus") {
				t.Errorf("asked %v, not asked: %s", asked, reasons)
			}
		})
	}
}

// Those that came since the plan was made count as well.
func TestClientsAreCountedAgainWhenItsTurnComes(t *testing.T) {
	noLeak(t)
	device := tcpPeer(t, answerAll)
	w := NewWatch(Limits{})
	p := wordProtocol("word", discovery.TCP, askWords("Q1"))
	p.Asker.Scarce = true
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: quick(), Watch: w})
	plan := k.Plan([]Host{device.host(Unknown, "word")})
	for i := range 2 {
		w.Hear(discovery.Pulse{
			Client: netip.AddrFrom4([4]byte{10, 0, 0, byte(20 + i)}), Server: device.addr.Addr(), Transport: discovery.TCP, Port: device.addr.Port(), Open: 1,
		})
	}
	r, err := k.Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	device.end()
	if device.conns != 0 || !strings.Contains(strings.Join(r.Reasons, ";"), "2 others were heard to hold connections") {
		t.Errorf("%d connections; %q", device.conns, r.Reasons)
	}
	wantLines(t, book, "login skipped", "question skipped")
}

func TestSafetySystemsAreKnownBeforeTheyAreAsked(t *testing.T) {
	for _, c := range []struct {
		name  string
		host  Host
		scope string
		want  string
	}{
		{"plain", Host{Names: []string{"press-3", "himalaya", "pilzwald"}, Listens: []discovery.Port{{Transport: discovery.TCP, Number: 1502}}}, "10.0.0.0/24", ""},
		{"by_maker", Host{Subject: discovery.Subject{MAC: mac("00:e0:a1:00:00:01")}}, "10.0.0.0/24", "its MAC is one of HIMA"},
		{"by_name", Host{Names: []string{"sis-tricon2.plant"}}, "10.0.0.0/24", "its name is sis-tricon2.plant"},
		{"by_port", Host{Listens: []discovery.Port{{Transport: discovery.UDP, Number: 1502}}}, "10.0.0.0/24", "serve TriStation on udp/1502"},
		{"named_alone", Host{Names: []string{"HIMax-1"}}, "10.0.0.4", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			scope, err := ParseScope(c.scope)
			if err != nil {
				t.Fatal(err)
			}
			k := planKeeper(t, Options{Scope: scope})
			c.host.Subject.IP, c.host.Class = addr("10.0.0.4"), Controller
			c.host.Evidence = map[string]discovery.Grade{"modbus": discovery.GradeNamed}
			reasons, asked := reasonsOf(k.Plan([]Host{c.host}))
			if asked != (c.want == "") || !strings.Contains(reasons, c.want) {
				t.Errorf("asked %v, not asked: %s", asked, reasons)
			}
		})
	}
}
