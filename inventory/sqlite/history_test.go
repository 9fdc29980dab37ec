package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// history is the changes of a survey, a line each.
func history(t *testing.T, s *Store, survey string) []string {
	t.Helper()
	var out []string
	for _, c := range all(t, s.Changes(t.Context(), time.Time{}, survey)) {
		if c.Survey != survey {
			continue
		}
		line := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s: %s > %s (%s)", c.Asset[len(c.Asset)-1:], c.Kind, c.Attribute, c.Old, c.New, c.Via)), " ")
		out = append(out, strings.TrimSuffix(line, " ()"))
	}
	return out
}

// listening is a survey that listens for some minutes from the hour on, at a place.
func listening(hour, minutes int, place string) inventory.Survey {
	start := noon.Add(time.Duration(hour) * time.Hour)
	return inventory.Survey{Kind: "listen", Started: start, Ended: start.Add(time.Duration(minutes) * time.Minute), Plug: inventory.PlugInPoint{Address: place}}
}

// conduct records a survey with its own end, and lines of a ledger.
func conduct(t *testing.T, s *Store, v inventory.Survey, ledger []discovery.Exchange, list ...discovery.Observation) string {
	t.Helper()
	r, err := s.Begin(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		r.Observe(o)
	}
	for _, e := range ledger {
		r.Exchange(e)
	}
	if err := r.End(t.Context(), inventory.Survey{Ended: v.Ended}); err != nil {
		t.Fatal(err)
	}
	return r.ID()
}

func sent(hour int, ip string, outcome discovery.Outcome) discovery.Exchange {
	return discovery.Exchange{Time: noon.Add(time.Duration(hour) * time.Hour), Target: host("", ip), Protocol: "modbus", Request: "read", Outcome: outcome}
}

func TestWhoFellSilentWhereItWasHeardHasVanished(t *testing.T) {
	s := newStore(t)
	const here = "10.0.0.9/24"
	conduct(t, s, listening(0, 30, here), nil, bound(1, plc, "10.0.0.1"), bound(1, plc2, "10.0.0.2"))
	shorter := conduct(t, s, listening(24, 10, here), nil, bound(24*60+1, plc, "10.0.0.1"))
	expect(t, "listened for a shorter time", nil, history(t, s, shorter))
	elsewhere := conduct(t, s, listening(48, 60, "10.9.0.9/24"), nil, bound(48*60+1, plc, "10.0.0.1"))
	expect(t, "listened elsewhere", nil, history(t, s, elsewhere))
	deaf := conduct(t, s, listening(72, 60, here), nil)
	expect(t, "heard nobody at all", nil, history(t, s, deaf))
	gone := conduct(t, s, listening(96, 60, here), nil, bound(96*60+1, plc, "10.0.0.1"))
	expect(t, "gone", []string{"2 vanished : " + plc2 + " 10.0.0.2 > (listened for 1h0m0s at the place where it was heard within 30m0s)"}, history(t, s, gone))
	again := conduct(t, s, listening(120, 60, here), nil, bound(120*60+1, plc, "10.0.0.1"))
	expect(t, "it is told once", nil, history(t, s, again))
	back := conduct(t, s, listening(144, 60, here), nil, bound(144*60+1, plc2, "10.0.0.2"))
	expect(t, "it is back", []string{"2 appeared again: > " + plc2 + " 10.0.0.2", "1 vanished : " + plc + " 10.0.0.1 > (listened for 1h0m0s at the place where it was heard within 1h0m0s)"}, history(t, s, back))
}

func TestWhoAnsweredAndIsSilentNowHasVanished(t *testing.T) {
	s := newStore(t)
	ask := func(hour int) inventory.Survey {
		return inventory.Survey{Kind: "ask", Started: noon.Add(time.Duration(hour) * time.Hour), Ended: noon.Add(time.Duration(hour+1) * time.Hour)}
	}
	asked := func(hour int, mac, ip string) discovery.Observation {
		o := tells(hour*60+1, host(mac, ip), "dev.model=x")
		o.Mode = discovery.Asked
		return o
	}
	conduct(t, s, ask(0), []discovery.Exchange{sent(0, "10.0.0.1", discovery.Answered), sent(0, "10.0.0.2", discovery.Answered)},
		asked(0, "", "10.0.0.1"), asked(0, "", "10.0.0.2"))
	unplugged := conduct(t, s, ask(24), []discovery.Exchange{sent(24, "10.0.0.1", discovery.Silent), sent(24, "10.0.0.2", discovery.Silent)})
	expect(t, "nobody answered: our own cable may be out", nil, history(t, s, unplugged))
	gone := conduct(t, s, ask(48), []discovery.Exchange{
		sent(48, "10.0.0.1", discovery.Answered), sent(48, "10.0.0.2", discovery.Silent), sent(48, "10.0.0.2", discovery.Silent),
	}, asked(48, "", "10.0.0.1"))
	expect(t, "gone", []string{"2 vanished : 10.0.0.2 > (asked 2 times, no answer)"}, history(t, s, gone))
}

func TestNewTalksAreTold(t *testing.T) {
	s := newStore(t)
	at := func(hour int) inventory.Survey { return listening(hour, 30, "10.0.0.9/24") }
	client, server := host(hmi, "10.0.0.3"), host(plc, "10.0.0.1")
	known := []discovery.Observation{bound(1, plc, "10.0.0.1"), bound(1, hmi, "10.0.0.3"), talks(1, client, server, 102, "s7", 9, true)}
	first := conduct(t, s, at(0), nil, known...)
	for _, line := range history(t, s, first) {
		if strings.Contains(line, "conversation") {
			t.Errorf("in the first survey everything is new, and %q says nothing", line)
		}
	}
	same := conduct(t, s, at(1), nil, talks(61, client, server, 102, "s7", 9, true))
	expect(t, "the same again", nil, history(t, s, same))
	stranger := host(plc2, "10.0.0.2")
	fresh := conduct(t, s, at(2), nil, talks(121, client, server, 102, "s7", 9, true), bound(121, plc2, "10.0.0.2"),
		talks(122, stranger, server, 102, "s7", 9, true), talks(122, client, stranger, 5353, "mdns", 1, true),
		talks(122, client, host("", "8.8.8.8"), 443, "tls", 20, true), talks(122, client, host("", "10.0.0.200"), 80, "", 1, false))
	expect(t, "new", []string{
		"3 appeared : > " + plc2 + " 10.0.0.2", "2 external tcp/443 tls: > 8.8.8.8", "1 conversation tcp/102 s7: > 10.0.0.2 (a-0000000000000003)",
	}, strip(history(t, s, fresh)))
}

// strip leaves out what a talk makes of an asset beside the talk itself: services.
func strip(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "service") })
}
