package main

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// Addresses for which one station answers are assets of their own without a MAC, and are asked, or not, as what stands behind it.
func TestCandidatesKnowWhoAnswersForThem(t *testing.T) {
	db := filepath.Join(t.TempDir(), "a.db")
	store, err := sqlite.Open(t.Context(), db, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	recorder, err := store.Begin(t.Context(), inventory.Survey{})
	if err != nil {
		t.Fatal(err)
	}
	proxy := discovery.MAC{2, 0x79, 0, 0, 0, 1}
	for last := range byte(20) {
		recorder.Observe(discovery.Observation{
			Time: time.Now(), Protocol: "arp", Mode: discovery.Asked, Subject: discovery.Subject{MAC: proxy, IP: netip.AddrFrom4([4]byte{10, 79, 0, 1 + last})},
			Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "arp")},
		})
	}
	if err := recorder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := candidates(t.Context(), store, "default", "default", wishes{scope: []netip.Prefix{netip.MustParsePrefix("10.79.0.0/24")}})
	if err != nil || len(list) != 20 {
		t.Fatalf("%d candidates, %v", len(list), err)
	}
	for _, c := range list {
		if c.Subject.MAC != proxy {
			t.Errorf("%s stands behind %s", c.Subject.IP, c.Subject.MAC)
		}
	}
}

// What came to nothing is asked again when a person says so, and not by the calendar.
func TestWhatCameToNothingWaitsForADay(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	tries := map[[2]string]inventory.Try{
		{"snmp", "get-system-group"}:                     {Time: at, Outcome: discovery.Refused},
		{"snmp", "get-agent"}:                            {Time: at, Outcome: discovery.Answered},
		{"snmp", "get-nameplate"}:                        {Time: at, Outcome: discovery.Failed},
		{"modbus", discovery.ConnectRequest}:             {Time: at, Outcome: discovery.Refused},
		{"s7", discovery.ConnectRequest}:                 {Time: at, Outcome: discovery.Failed},
		{"modbus", "read-device-identification-regular"}: {Time: at.Add(-time.Hour), Outcome: discovery.Answered},
	}
	group, agent := ask.Question{Protocol: "snmp", Request: "get-system-group"}, ask.Question{Protocol: "snmp", Request: "get-agent"}
	basic := ask.Question{Protocol: "modbus", Request: "read-device-identification-basic"}
	byHand := answered(tries, false)
	if when, tried := byHand[group]; !tried || !when.IsZero() || !byHand[agent].Equal(at) {
		t.Errorf("by hand: %v", byHand)
	}
	if _, tried := byHand[basic]; tried {
		t.Error("a connection that was refused counts for a question by hand")
	}
	byCalendar := answered(tries, true)
	if !byCalendar[group].Equal(at) || !byCalendar[agent].Equal(at) || !byCalendar[basic].Equal(at) {
		t.Errorf("by the calendar: %v", byCalendar)
	}
	if !byCalendar[ask.Question{Protocol: "snmp", Request: "get-nameplate"}].IsZero() || !byCalendar[ask.Question{Protocol: "s7", Request: "connect-transport"}].IsZero() {
		t.Error("what could not be sent counts as asked")
	}
}
