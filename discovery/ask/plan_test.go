package ask

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/walkdown-ot/walkdown/discovery"
)

var update = flag.Bool("update", false, "write the golden files anew")

// planKeeper has a link, a stream, a datagram and a layer 2 protocol.
func planKeeper(t *testing.T, o Options) *Keeper {
	t.Helper()
	trim := func(p discovery.Protocol, names ...string) discovery.Protocol {
		var keep []discovery.Request
		for _, name := range names {
			r, _ := requestByName(p.Asker, name)
			r.Max = 2
			keep = append(keep, r)
		}
		p.Asker.Requests = keep
		return p
	}
	// What lives behind the address is asked too, where it is known.
	gateway := trim(wordProtocol("modbus", discovery.TCP, askWords()), "hello", "question", "risky")
	behind, _ := requestByName(gateway.Asker, "question")
	behind.Name, behind.PerUnit = "question-unit", true
	gateway.Asker.Requests = append(gateway.Asker.Requests, behind)
	o.Protocols = []discovery.Protocol{
		gateway,
		trim(wordProtocol("datagram", discovery.UDP, askWords()), "login"),
		arpProtocol(nil),
		{Name: "heard-only"},
	}
	k, _ := newKeeper(t, o)
	k.o.Interface = &net.Interface{Name: "eth9", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	k.links = []link{{net: netip.MustParsePrefix("10.0.0.0/29"), own: addr("10.0.0.1")}, {net: netip.MustParsePrefix("10.1.0.0/16"), own: addr("10.1.0.1")}}
	k.own = []netip.Addr{addr("10.0.0.1"), addr("10.1.0.1")}
	return k
}

func mac(text string) discovery.MAC {
	m, err := discovery.ParseMAC(text)
	if err != nil {
		panic(err)
	}
	return m
}

func TestPlanGolden(t *testing.T) {
	scope, err := ParseScope("10.0.0.0/28,10.1.0.0/16,10.8.0.0/30,fd00::/64")
	if err != nil {
		t.Fatal(err)
	}
	exclude, err := ParseExclusions("10.0.0.5,10.1.2.0/25,10.1.2.192/26")
	if err != nil {
		t.Fatal(err)
	}
	k := planKeeper(t, Options{Scope: scope, Exclude: exclude})
	plc := host("10.0.0.4", Controller)
	plc.Subject.MAC = mac("28:63:36:aa:bb:cc")
	plc.Evidence = map[string]discovery.Grade{"modbus": discovery.GradeNamed, "datagram": discovery.GradeLikely, "heard-only": discovery.GradeOverheard}
	plc.Ports, plc.Units = map[string]uint16{"modbus": 5020}, []uint8{7, 3, 7}
	plcAgain := host("::ffff:10.0.0.4", Gateway, "modbus")
	plcAgain.Evidence["modbus"] = discovery.GradeOverheard
	blind := host("10.1.2.140", Unknown, "modbus")
	blind.Evidence["datagram"] = discovery.GradeBlind
	others := Host{Evidence: map[string]discovery.Grade{"datagram": discovery.GradeNamed}}
	plan := k.Plan([]Host{
		plc, host("10.0.0.5", Computer, "modbus"), host("10.1.2.3", Infrastructure, "datagram"), host("10.9.9.9", Computer, "modbus"), plcAgain,
		host("10.0.0.3", Computer), blind, host("10.0.0.6", Infrastructure, "datagram"), others,
	})
	got, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join("testdata", "plan.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var read Plan
	if err := json.Unmarshal(got, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plan, read, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("a plan read back (-want +got):\n%s", diff)
	}
	if err := k.check(read); err != nil {
		t.Errorf("a plan read back: %v", err)
	}
}

func TestPlanOptIns(t *testing.T) {
	for _, c := range []struct {
		name  string
		allow []string
		grade discovery.Grade
		want  []string // requests
	}{
		{"class_c_left_out", nil, discovery.GradeNamed, []string{"hello", "question"}},
		{"class_c_by_name", []string{"risky"}, discovery.GradeNamed, []string{"hello", "question", "risky"}},
		{"class_c_by_protocol", []string{"modbus"}, discovery.GradeNamed, []string{"hello", "question", "risky"}},
		{"blind_left_out", []string{"modbus"}, discovery.GradeBlind, nil},
		{"blind", []string{"blind"}, discovery.GradeBlind, []string{"hello", "question"}},
		{"all", []string{"all"}, discovery.GradeBlind, []string{"hello", "question", "risky"}},
		{"no_evidence", []string{"all"}, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := planKeeper(t, Options{Allow: c.allow})
			h := host("10.0.0.4", Controller)
			h.Evidence["modbus"] = c.grade
			plan := k.Plan([]Host{h})
			var got []string
			for _, d := range plan.Devices {
				for _, r := range d.Items[0].Requests {
					got = append(got, r.Name)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if left := len(c.want) < 3; left != (len(plan.NotAsked) > 0) {
				t.Errorf("not asked: %+v", plan.NotAsked)
			}
		})
	}
}

func TestPlanSweep(t *testing.T) {
	hosts := []Host{host("10.1.7.9", Controller), host("10.0.0.4", Controller), host("10.0.0.5", Controller)}
	hosts[1].Subject.MAC, hosts[1].Heard = mac("28:63:36:aa:bb:cc"), time.Now().Add(-time.Minute)
	hosts[2].Subject.MAC, hosts[2].Heard = mac("28:63:36:aa:bb:cd"), time.Now().Add(-time.Hour) // it may be gone, or another one
	for _, c := range []struct {
		name, scope string
		max         int
		addresses   int
		notSwept    int
	}{
		{"within", "10.0.0.0/30", 1024, 1, 0}, // .1 is ours, .0 and .3 the edges of the /30
		{"known_left_out", "10.0.0.0/29", 1024, 4, 0},
		{"partly_on_link", "10.0.0.0/24", 1024, 4, 1},
		{"large_only_with_evidence", "10.1.0.0/16", 1024, 256, 1},
		{"just_small_enough", "10.1.4.0/22", 2000, 1022, 0},
		{"cut", "10.1.4.0/22", 100, 100, 1},
		{"elsewhere", "10.7.0.0/24", 1024, 0, 1},
		{"ipv6", "fd00::/64", 1024, 0, 1},
		{"overlapping", "10.0.0.0/29,10.0.0.2/31", 1024, 4, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			scope, err := ParseScope(c.scope)
			if err != nil {
				t.Fatal(err)
			}
			limits := DefaultLimits()
			limits.SweepMax = c.max
			k := planKeeper(t, Options{Scope: scope, Limits: limits})
			plan := k.PlanSweep(hosts)
			if plan.Packets != c.addresses || len(plan.NotSwept) != c.notSwept {
				t.Errorf("%d addresses, not swept %+v", plan.Packets, plan.NotSwept)
			}
			if _, err := k.checkSweep(plan); err != nil {
				t.Error(err)
			}
		})
	}
}

// The same request is of another safety class for another class of device: the plan, the session and the meter all go by it.
func TestSafetyByClass(t *testing.T) {
	for _, c := range []struct {
		name  string
		class Class
		allow []string
		want  []string // requests that are sent
		not   map[string]string
	}{
		{"infrastructure", Infrastructure, nil, []string{"login", "question"}, nil},
		{"controller", Controller, nil, []string{"question"}, map[string]string{"login": "never sent to a device of the class controller"}},
		{"never_is_never", Controller, []string{"all"}, []string{"question"}, map[string]string{"login": "never sent to a device of the class controller"}},
		{
			"gateway", Gateway, nil, nil,
			map[string]string{
				"login": "never sent to a device of the class gateway", "question": "safety class C for a device of the class gateway: needs --allow question",
			},
		},
		{"gateway_opted_in", Gateway, []string{"question"}, []string{"question"}, map[string]string{"login": "never sent to a device of the class gateway"}},
		{"unknown_as_listed", Unknown, nil, []string{"question"}, map[string]string{"login": "never sent to a device of the class unknown"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen []string
			p := wordProtocol("modbus", discovery.TCP, func(ctx context.Context, s discovery.Session, target discovery.Target) error {
				if target.Class != c.class {
					t.Errorf("the asker was told %s", target.Class)
				}
				conn, err := s.Dial(ctx)
				if err != nil {
					return err
				}
				defer func() { _ = conn.Close() }()
				for _, request := range []string{"login", "question"} {
					if s.Allowed(request) {
						seen = append(seen, request)
					}
				}
				// An asker that does not look is stopped by the meter.
				_, err = exchangeWord(conn, "Lsecret")
				if sent := slices.Contains(c.want, "login"); sent != (err == nil) || !sent && !errors.Is(err, discovery.ErrNotListed) {
					t.Errorf("login: %v", err)
				}
				return nil
			})
			login, _ := requestByName(p.Asker, "login")
			login.Safety, login.ByClass = discovery.SafetyD, map[Class]discovery.Safety{Infrastructure: discovery.SafetyB}
			question, _ := requestByName(p.Asker, "question")
			question.ByClass = map[Class]discovery.Safety{Gateway: discovery.SafetyC}
			p.Asker.Requests = []discovery.Request{login, question}
			device := tcpPeer(t, answerAll)
			k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Allow: c.allow, Limits: quick()})
			plan := k.Plan([]Host{device.host(c.class, "modbus")})
			var planned []string
			for _, d := range plan.Devices {
				for _, r := range d.Items[0].Requests {
					planned = append(planned, r.Name)
				}
			}
			not := map[string]string{}
			for _, n := range plan.NotAsked {
				not[n.Request] = n.Reason
			}
			if diff := cmp.Diff(c.want, planned); diff != "" {
				t.Errorf("planned: %s", diff)
			}
			if diff := cmp.Diff(c.not, not, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("not asked: %s", diff)
			}
			if _, err := k.Run(t.Context(), plan); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, seen); diff != "" {
				t.Errorf("allowed: %s", diff)
			}
			// A plan that was written for another class of device does not hold.
			for i := range plan.Devices {
				plan.Devices[i].Class = Gateway
				if err := k.check(plan); (err == nil) != (c.class == Gateway) {
					t.Errorf("as a gateway: %v", err)
				}
			}
		})
	}
}

func TestCoreBudget(t *testing.T) {
	k := planKeeper(t, Options{})
	core, edge, plc := host("10.0.0.3", Infrastructure, "datagram"), host("10.0.0.4", Infrastructure, "datagram"), host("10.0.0.6", Controller, "datagram")
	core.Core, plc.Core = true, true
	got := map[string]int{}
	for _, d := range k.Plan([]Host{core, edge, plc}).Devices {
		got[d.Address.String()] = d.AtMost
	}
	if diff := cmp.Diff(map[string]int{"10.0.0.3": 1500, "10.0.0.4": 400, "10.0.0.6": 20}, got); diff != "" {
		t.Error(diff)
	}
}

// An asker that tries several places takes a connection for each: the plan counts them, within the device's budget of connections.
func TestPlanCountsConnections(t *testing.T) {
	for name, c := range map[string]struct {
		connections, want int
	}{"one": {0, 1}, "three": {3, 3}, "more_than_may_be": {9, 3}} {
		t.Run(name, func(t *testing.T) {
			p := wordProtocol("word", discovery.TCP, askWords())
			p.Asker.Connections = c.connections
			k, _ := newKeeper(t, Options{Protocols: []discovery.Protocol{p}})
			d := k.Plan([]Host{host("10.0.0.6", Controller, "word")}).Devices[0]
			messages := d.Setup + d.Questions
			if got := (d.Packets - messages*packetsPerMessage) / packetsPerConnection; got != c.want {
				t.Errorf("%d connections in %d packets, want %d", got, d.Packets, c.want)
			}
			pauses := time.Duration(c.want-1) * DefaultLimits().Class(Controller).Pause
			if least := pauses.Seconds() + float64(d.Questions)*DefaultLimits().Class(Controller).Gap.Seconds(); d.Seconds < least {
				t.Errorf("%.1f s, want at least %.1f s", d.Seconds, least)
			}
		})
	}
}
