package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// What a survey was to send is kept before it is sent, and cannot be changed afterwards; so is what its devices' clients saw.
func TestPlansAndRhythmsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Begin(t.Context(), inventory.Survey{Kind: "ask", Sensor: "eth0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, plan := range []string{`{"scope":["10.0.0.0/24"]}`, `{"scope":["10.0.0.0/24"],"devices":[]}`} {
		if err := r.Plan(t.Context(), []byte(plan)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Plan(t.Context(), []byte("no plan")); err == nil {
		t.Error("what is no JSON is kept")
	}
	if _, err := s.write.ExecContext(t.Context(), "UPDATE plans SET plan = '{}'"); err == nil {
		t.Error("a plan can be changed")
	}
	if _, err := s.write.ExecContext(t.Context(), "DELETE FROM plans"); err == nil {
		t.Error("a plan can be thrown away")
	}
	want := []inventory.Rhythm{
		{Server: "10.0.0.5", Client: "10.0.0.9", Transport: "tcp", Port: 502, Protocol: "modbus", Before: inventory.Beat{ListenedS: 60, Messages: 60, IntervalMS: 1000}},
		{Server: "10.0.0.6", Client: "10.0.0.9", Transport: "udp", Port: 161, During: inventory.Beat{Resets: 1}},
	}
	if err := r.End(t.Context(), inventory.Survey{Ended: time.Now(), Outcome: "done", Rhythms: want}); err != nil {
		t.Fatal(err)
	}
	plans, err := s.Plans(t.Context(), r.ID())
	if err != nil || len(plans) != 2 || string(plans[1]) != `{"scope":["10.0.0.0/24"],"devices":[]}` {
		t.Errorf("plans %s, %v", plans, err)
	}
	got, err := s.Survey(t.Context(), r.ID())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Rhythms); diff != "" {
		t.Error(diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// What counts is the last try of each question, to the same device, within the time.
func TestTries(t *testing.T) {
	now := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	r, err := s.Begin(t.Context(), inventory.Survey{Kind: "ask", Sensor: "eth0"})
	if err != nil {
		t.Fatal(err)
	}
	plc := host("28:63:36:aa:bb:cc", "10.0.0.5")
	send := func(about discovery.Subject, ago time.Duration, request string, setup bool, outcome discovery.Outcome) {
		r.Exchange(discovery.Exchange{Time: now.Add(-ago), Target: about, Protocol: "modbus", Request: request, Setup: setup, Outcome: outcome})
	}
	send(plc, 40*time.Hour, "long-ago", false, discovery.Answered)
	send(plc, 3*time.Hour, "answered", false, discovery.Answered)
	send(plc, 3*time.Hour, "hello", true, discovery.Answered)
	send(plc, 2*time.Hour, discovery.ConnectRequest, true, discovery.Refused)
	send(plc, 3*time.Hour, "then-silent", false, discovery.Answered)
	send(plc, 2*time.Hour, "then-silent", false, discovery.Silent)
	send(plc, 2*time.Hour, "answered", false, discovery.Skipped)
	send(host("28:63:36:00:00:01", "10.0.0.5"), time.Hour, "of-another", false, discovery.Answered)
	send(host("", "10.0.0.6"), time.Hour, "elsewhere", false, discovery.Answered)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := s.Tries(t.Context(), "default", "default", "10.0.0.5", plc.MAC.String(), now.Add(-24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := map[[2]string]inventory.Try{
		{"modbus", "answered"}: {Time: now.Add(-3 * time.Hour), Outcome: discovery.Answered}, {"modbus", "then-silent"}: {Time: now.Add(-2 * time.Hour), Outcome: discovery.Silent},
		{"modbus", "tcp-connect"}: {Time: now.Add(-2 * time.Hour), Outcome: discovery.Refused},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Where the MAC is not known, the address decides.
	if got, err := s.Tries(t.Context(), "default", "default", "10.0.0.5", "", now.Add(-24*time.Hour)); err != nil || len(got) != 4 {
		t.Errorf("without a MAC: %v, %v", got, err)
	}
	if got, err := s.Tries(t.Context(), "default", "cell-2", "10.0.0.5", "", now.Add(-24*time.Hour)); err != nil || len(got) != 0 {
		t.Errorf("in another segment: %v, %v", got, err)
	}
}
