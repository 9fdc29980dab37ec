package ask

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

func lineOf(e discovery.Exchange) Line {
	return Line{
		Time: e.Time, Address: e.Target.IP, Protocol: e.Protocol, Request: e.Request, Setup: e.Setup, Bytes: e.Bytes, Outcome: e.Outcome,
	}
}

// A run against devices of all manners agrees with its plan; each way to deviate from it is found.
func TestReconcile(t *testing.T) {
	var plan Plan
	var lines []Line
	synctest.Test(t, func(t *testing.T) {
		l := &lab{handle: answerAfter(time.Millisecond)}
		p := wordProtocol("word", discovery.TCP, askWords("S", "Lsecret", "Q1", "Q2"))
		k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}})
		k.dial = l.dial
		made := k.Plan([]Host{host("10.0.0.5", Controller, "word"), host("10.0.0.6", Computer, "word")})
		mustRun(t, k, host("10.0.0.5", Controller, "word"), host("10.0.0.6", Computer, "word"))
		text, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &plan); err != nil {
			t.Fatal(err)
		}
		for _, e := range book.ledger {
			lines = append(lines, lineOf(e))
		}
	})
	r, err := Reconcile([]Plan{plan}, lines)
	if err != nil || len(r.Deviations) > 0 || r.Sent != 8 || r.Devices != 2 || r.Untouched != 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	question := lines[len(lines)-1]
	for _, c := range []struct {
		name string
		add  func(Line) Line
		want string
	}{
		{"another_device", func(l Line) Line { l.Address = addr("10.0.0.7"); return l }, "the device is not in the plan"},
		{"another_protocol", func(l Line) Line { l.Protocol = "modbus"; return l }, "the protocol is not in the plan"},
		{"another_request", func(l Line) Line { l.Request = "risky"; return l }, "the request is not in the plan"},
		{"another_form", func(l Line) Line { l.Bytes = word("W5=1"); return l }, "another form"},
		{"too_soon", func(l Line) Line { l.Time = l.Time.Add(100 * time.Millisecond); return l }, "100ms after the question before, instead of"},
		{"a_search", func(l Line) Line { l.Protocol, l.Request = "arp", "resolve"; return l }, "the address is not in the plan"},
		{"skipped_is_not_sent", func(l Line) Line { l.Address, l.Outcome = addr("10.0.0.7"), discovery.Skipped; return l }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Reconcile([]Plan{plan}, append(lines[:len(lines):len(lines)], c.add(question)))
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if len(r.Deviations) > 0 || r.Skipped != 1 {
					t.Errorf("got %+v", r)
				}
				return
			}
			if len(r.Deviations) != 1 || !strings.Contains(r.Deviations[0].Reason, c.want) {
				t.Errorf("got %+v, want %q", r.Deviations, c.want)
			}
		})
	}
	t.Run("too_often", func(t *testing.T) {
		many := lines
		for i := range 40 {
			l := question
			l.Time = l.Time.Add(time.Duration(i+1) * time.Hour)
			many = append(many[:len(many):len(many)], l)
		}
		r, err := Reconcile([]Plan{plan}, many)
		if err != nil || len(r.Deviations) == 0 || !strings.Contains(r.Deviations[len(r.Deviations)-1].Reason, "more than") {
			t.Errorf("%v, %+v", err, r.Deviations)
		}
	})
	t.Run("outside_of_the_window", func(t *testing.T) {
		closed := plan
		other := question.Time.Local().Add(12 * time.Hour)
		closed.Windows = []string{other.Format("15:04") + "-" + other.Add(time.Hour).Format("15:04")}
		r, err := Reconcile([]Plan{closed}, lines)
		if err != nil || len(r.Deviations) != r.Sent || r.Deviations[0].Reason != "sent outside of the window" {
			t.Errorf("%v, %+v", err, r)
		}
	})
	t.Run("without_a_plan", func(t *testing.T) {
		r, err := Reconcile(nil, lines)
		if err != nil || len(r.Deviations) != r.Sent {
			t.Errorf("%v, %+v", err, r)
		}
	})
}
