package survey

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
)

// tellers is a protocol with a name question for everybody, and one for tables that only infrastructure is asked.
func tellers(port uint16) discovery.Protocol {
	question := func(name, hex string, safety discovery.Safety) discovery.Request {
		return discovery.Request{Name: name, Safety: safety, Max: 1, Template: discovery.MustTemplate(hex), Effect: "none", Yields: []discovery.Key{"tell.name"}}
	}
	tables := question("tables", "54", discovery.SafetyD)
	tables.ByClass = map[discovery.Class]discovery.Safety{discovery.ClassInfrastructure: discovery.SafetyB}
	return discovery.Protocol{Name: "tell", Keys: []discovery.Key{"tell.name"}, Asker: &discovery.Asker{
		Transport: discovery.UDP, Port: port, Requests: []discovery.Request{question("name", "4e", discovery.SafetyB), tables},
		Ask: func(ctx context.Context, s discovery.Session, t discovery.Target) error {
			conn, err := s.Dial(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			for request, word := range map[string]string{"name": "N", "tables": "T"} {
				if _, known := s.Known(discovery.Key("tell." + request)); known || !s.Allowed(request) {
					continue
				}
				if _, err := conn.Write([]byte(word)); err != nil {
					return err
				}
				if _, err := conn.Read(make([]byte, 10)); err != nil {
					return err
				}
			}
			return nil
		},
	}}
}

// plantOf answers on several loopback addresses with one port.
func plantOf(t *testing.T, hosts ...string) uint16 {
	t.Helper()
	var port uint16
	for _, host := range hosts {
		socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), port)))
		if err != nil {
			t.Skipf("listen on %s: %v", host, err)
		}
		port = socket.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		t.Cleanup(func() { _ = socket.Close() })
		go func() {
			buffer := make([]byte, 100)
			for {
				n, from, err := socket.ReadFromUDPAddrPort(buffer)
				if err != nil {
					return
				}
				_, _ = socket.WriteToUDPAddrPort(buffer[:n], from)
			}
		}()
	}
	return port
}

// The core switch tells an edge switch, that one a PLC, and a box turns out to be a switch when it has told its name.
func TestRounds(t *testing.T) {
	const core, edge, plc, box = "127.7.0.1", "127.7.0.2", "127.7.0.3", "127.7.0.4"
	port := plantOf(t, core, edge, plc, box)
	for name, c := range map[string]struct {
		confirm bool
		agreed  func(*ask.Plan)
		want    []string
		not     string // is left out, for it was not agreed to
	}{
		"agreed_already":         {false, nil, []string{core + " name", core + " tables", edge + " name", edge + " tables", box + " name", box + " tables", plc + " name"}, ""},
		"confirmed":              {true, nil, []string{core + " name", core + " tables", edge + " name", edge + " tables", box + " name", box + " tables", plc + " name"}, ""},
		"confirmed_without_more": {true, func(p *ask.Plan) { p.Later.Infrastructure = nil }, []string{core + " name", core + " tables", edge + " name", box + " name", plc + " name"}, edge},
		"confirmed_nobody_else":  {true, func(p *ask.Plan) { p.Later = nil }, []string{core + " name", core + " tables", box + " name"}, edge},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			asked := map[string]bool{}
			var order []string
			limits := ask.DemoLimits()
			keeper, err := ask.New(ask.Options{
				Protocols: []discovery.Protocol{tellers(port)}, Limits: limits, Scope: []netip.Prefix{netip.MustParsePrefix("127.7.0.0/29")},
				Known: func(s discovery.Subject, key discovery.Key) (string, bool) {
					mu.Lock()
					defer mu.Unlock()
					return "", asked[s.IP.String()+" "+strings.TrimPrefix(string(key), "tell.")]
				},
				Ledger: func(e discovery.Exchange) {
					mu.Lock()
					defer mu.Unlock()
					line := e.Target.IP.String() + " " + e.Request
					if e.Outcome != discovery.Answered || asked[line] {
						t.Errorf("%s: %s", line, e.Outcome)
					}
					asked[line] = true
					order = append(order, line)
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			s := Survey{Protocols: []discovery.Protocol{tellers(port)}, Keeper: keeper, Named: []Named{{Protocol: "tell"}}}
			s.Candidates = func(context.Context) ([]Candidate, error) {
				mu.Lock()
				defer mu.Unlock()
				host := func(ip, kind string) Candidate {
					return Candidate{Subject: discovery.Subject{IP: netip.MustParseAddr(ip)}, Type: kind}
				}
				list := []Candidate{host(core, "switch")}
				if asked[core+" tables"] {
					list = append(list, host(edge, "switch"))
				}
				if asked[edge+" name"] {
					list = append(list, host(plc, "plc"))
				}
				kind := ""
				if asked[box+" name"] {
					kind = "switch"
				}
				return append(list, host(box, kind)), nil
			}
			if c.confirm {
				s.Confirm = func(_ context.Context, p ask.Plan) error {
					if c.agreed != nil {
						c.agreed(&p)
					}
					return nil
				}
			}
			agreed, err := s.Plan(t.Context(), Candidate{})
			if err != nil {
				t.Fatal(err)
			}
			if c.agreed != nil {
				c.agreed(&agreed)
			}
			first, err := s.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var report Report
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if err := s.rounds(ctx, agreed, first, &report); err != nil {
				t.Fatal(err)
			}
			got := slices.Sorted(slices.Values(order))
			want := slices.Sorted(slices.Values(c.want))
			if c.not == edge && !asked[edge+" name"] {
				want = slices.DeleteFunc(want, func(l string) bool { return strings.HasPrefix(l, plc) })
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if first := order[0]; !strings.HasPrefix(first, core) || len(order) > 3 && slices.Index(order, plc+" name") >= 0 && slices.Index(order, plc+" name") < slices.Index(order, edge+" name") {
				t.Errorf("in the order %v", order)
			}
			if report.Asked.Counts.Questions != len(order) || report.Asked.Counts.Asked != len(report.Asked.Devices) || len(report.Plan.Devices) < len(report.Asked.Devices) {
				t.Errorf("counts %+v of %d devices, %d planned", report.Asked.Counts, len(report.Asked.Devices), len(report.Plan.Devices))
			}
		})
	}
}

func TestWithin(t *testing.T) {
	item := func(protocol string, names ...string) ask.Item {
		out := ask.Item{Protocol: protocol}
		for _, n := range names {
			out.Requests = append(out.Requests, ask.Planned{Name: n, AtMost: 5, Setup: n == "open"})
		}
		return out
	}
	device := func(ip string, class ask.Class, items ...ask.Item) ask.DevicePlan {
		return ask.DevicePlan{Address: netip.MustParseAddr(ip), Class: class, Items: items}
	}
	few := item("snmp", "group")
	few.Requests[0].AtMost = 2
	infrastructure := device("10.0.0.1", ask.Infrastructure, item("snmp", "group", "walk"))
	agreed := ask.Plan{
		Devices: []ask.DevicePlan{device("10.0.0.1", ask.Unknown, few, item("modbus", "open", "read"))},
		Later:   &ask.LaterPlan{Each: device("10.0.0.9", ask.Unknown, item("snmp", "group")), Infrastructure: &infrastructure},
	}
	got := within(agreed, ask.Plan{Devices: []ask.DevicePlan{
		device("10.0.0.1", ask.Unknown, item("snmp", "group", "walk"), item("modbus", "open", "write")),
		device("10.0.0.2", ask.Unknown, item("snmp", "group"), item("modbus", "open", "read")),
		device("10.0.0.3", ask.Infrastructure, item("snmp", "group", "walk")),
	}})
	var lines []string
	for _, d := range got.Devices {
		for _, i := range d.Items {
			for _, r := range i.Requests {
				lines = append(lines, fmt.Sprintf("%s %s %s %d", d.Address, i.Protocol, r.Name, r.AtMost))
			}
		}
	}
	want := []string{"10.0.0.1 snmp group 2", "10.0.0.2 snmp group 5", "10.0.0.3 snmp group 5", "10.0.0.3 snmp walk 5"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if len(got.NotAsked) != 3 {
		t.Errorf("%d are told not to be asked: %v", len(got.NotAsked), got.NotAsked)
	}
}
