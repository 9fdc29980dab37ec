package ask

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/plant/fragile"
	"github.com/walkdown-ot/walkdown/discovery/protocols/modbus"
	"github.com/walkdown-ot/walkdown/discovery/protocols/opcua"
	"github.com/walkdown-ot/walkdown/discovery/protocols/snmp"
)

// presets are the paces that a user can choose.
func presets() []Limits { return []Limits{WhisperLimits(), DefaultLimits(), BriskLimits()} }

// benchOptions asks the real protocols of the bench, sessions of OPC UA too.
func benchOptions(limits Limits) Options {
	return Options{
		Protocols: []discovery.Protocol{modbus.Protocol(), opcua.Protocol(), snmp.Protocol()}, Limits: limits, Allow: []string{"opcua"},
		Credentials: []discovery.Credential{{Protocol: "snmp", Kind: "community", Secret: "public"}},
	}
}

// plugIn puts devices on a network in memory, from 10.0.0.1 on, and gives the hosts that they are to the planner. They run
// until the context ends.
func plugIn(ctx context.Context, e *ether, devices ...*fragile.Device) []Host {
	var hosts []Host
	at := addr("10.0.0.1")
	for _, d := range devices {
		for _, name := range d.Protocols {
			plug(ctx, e, d, name, at)
		}
		go d.Panel(ctx)
		h := host(at.String(), Controller, d.Protocols...)
		d.OnDeath(func() { e.unplug(h.Subject.IP) })
		hosts = append(hosts, h)
		at = at.Next()
	}
	return hosts
}

// plug opens one port of a device.
func plug(ctx context.Context, e *ether, d *fragile.Device, protocol string, at netip.Addr) {
	for _, p := range hostAskers() {
		address := netip.AddrPortFrom(at, p.Asker.Port).String()
		switch {
		case p.Name != protocol:
		case p.Asker.Transport == discovery.UDP:
			go d.ServePacket(ctx, protocol, e.listenPacket(address))
		default:
			go d.Serve(ctx, protocol, e.listen(address))
		}
	}
}

// noticed is what must be said of a device of the bench after it was asked.
type noticed struct {
	items    string        // protocol and outcome of what was asked
	fact     discovery.Key // told about the device
	value    string        // a part of its value, and of the reason why the run is not complete
	ledger   string        // a line of the ledger: request and outcome
	resets   bool          // it does not stop in any other way
	silently bool          // the run is complete all the same
}

func notices() map[string]noticed {
	all := "modbus answered, opcua answered"
	return map[string]noticed{
		"two-slots": {items: all}, "four-slots": {items: all + ", snmp answered"}, "one-slot": {items: all}, "panel": {items: all},
		"rate": {items: all + ", snmp answered"}, "jealous": {items: all}, "dribbles": {items: all}, "alike": {items: "modbus answered"},
		"reboots": {items: "modbus answered"}, "reboots-snmp": {items: "snmp answered"},

		"slower": {
			items: "modbus distress", fact: discovery.KeyDistress, value: "times its own", ledger: "read-device-identification-regular answered",
		},
		"crawls": {
			items: "modbus not understood", fact: discovery.KeyDistress, value: "did not end the connection", ledger: "read-device-identification-basic garbage",
		},
		"deaf": {
			items: "modbus answered", fact: discovery.KeyDistress, value: "did not end the connection", ledger: "read-build-info skipped",
		},
		"breaks": {items: "modbus reset", ledger: "read-device-identification-basic reset", silently: true},
		"mortal": {
			items: "modbus distress", fact: discovery.KeyDistress, value: "no answer in time", ledger: "read-device-identification-basic silent",
		},
		"noise":       {items: "modbus not understood", fact: discovery.KeyNotUnderstood, value: "modbus:", ledger: "read-device-identification-basic garbage", silently: true},
		"noise-opcua": {items: "opcua not understood", fact: discovery.KeyNotUnderstood, value: "opcua:", ledger: "hello garbage", silently: true},
		"noise-snmp":  {items: "snmp not understood", fact: discovery.KeyNotUnderstood, value: "snmp:", ledger: "get-system-group garbage", silently: true},
		"misfit":      {items: "modbus not understood", fact: discovery.KeyNotUnderstood, value: "cut short", ledger: "read-device-identification-basic garbage", silently: true},
		"mangled":     {items: "modbus not understood", fact: discovery.KeyNotUnderstood, value: "modbus:", ledger: "read-device-identification-basic garbage", silently: true},
		"stranger":    {items: "modbus not understood", fact: discovery.KeyNotUnderstood, value: "modbus:", ledger: "read-device-identification-basic garbage", silently: true},
		"endless": {
			items: "modbus not understood", fact: discovery.KeyDistress, value: "did not end the connection",
			ledger: "read-device-identification-basic garbage", resets: true,
		},
	}
}

// TestBench asks every fragile device with the real askers at every pace: none is upset, what is wrong with one is noticed and
// told, and it is left alone from then on.
func TestBench(t *testing.T) {
	wants := notices()
	for _, limits := range presets() {
		for i, d := range fragile.Bench() {
			want, ok := wants[d.Name]
			if !ok {
				t.Errorf("nothing says what must be noticed of %s", d.Name)
			}
			t.Run(limits.Name+"/"+d.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					device := fragile.Bench()[i]
					e := newEther()
					hosts := plugIn(ctx, e, device)
					time.Sleep(3 * time.Second) // its panel polls before we come
					k, book := newKeeper(t, benchOptions(limits))
					k.dial = e.dial
					r := mustRun(t, k, hosts...)
					time.Sleep(2 * time.Minute) // what we left behind shows
					want.check(t, r, book, e)
					report := device.Report()
					if len(report.Upset) > 0 || report.AtOnce > 1 {
						t.Errorf("upset: %q; %d connections at once", report.Upset, report.AtOnce)
					}
					if never := device.Name == "deaf" || report.Dead; report.Open > 0 && !never {
						t.Errorf("%d connections were left open", report.Open)
					}
					if t.Failed() {
						t.Logf("device %+v\nrun %+v\nledger %q", report, r, book.lines())
					}
				})
			})
		}
	}
}

func (want noticed) check(t *testing.T, r Result, book *notebook, e *ether) {
	t.Helper()
	var items []string
	for _, item := range r.Devices[0].Items {
		items = append(items, item.Protocol+" "+string(item.Outcome))
	}
	slices.Sort(items)
	if got := strings.Join(items, ", "); got != want.items {
		t.Errorf("outcome %q, want %q", got, want.items)
	}
	if want.ledger != "" && !slices.Contains(book.lines(), want.ledger) {
		t.Errorf("the ledger has no line %q", want.ledger)
	}
	for _, key := range []discovery.Key{discovery.KeyDistress, discovery.KeyNotUnderstood} {
		facts := strings.Join(book.facts(key), "; ")
		if want.fact == key && !strings.Contains(facts, want.value) {
			t.Errorf("%s told %q, want %q", key, facts, want.value)
		}
		if want.fact == "" && facts != "" {
			t.Errorf("%s told %q", key, facts)
		}
	}
	reasons := strings.Join(r.Reasons, "; ")
	if complete := want.fact == "" || want.silently; complete != (reasons == "") || !complete && !strings.Contains(reasons, want.value) {
		t.Errorf("reasons %q", reasons)
	}
	if distress := want.fact == discovery.KeyDistress; distress != (r.Devices[0].Distress != "") || distress != (r.Counts.Distress == 1) {
		t.Errorf("distress %q, counts %+v", r.Devices[0].Distress, r.Counts)
	}
	if n := e.brokenOff(); n > 0 {
		t.Errorf("%d connections were left half open", n)
	}
	if rude := e.left("rst", "icmp"); !want.resets && len(rude) > 0 {
		t.Errorf("%d packets that nobody asked for: %+v", len(rude), rude)
	}
}
