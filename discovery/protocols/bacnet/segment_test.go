package bacnet

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func TestWhoIs(t *testing.T) { synctest.Test(t, asksWhoIs) }

func asksWhoIs(t *testing.T) {
	// Clause 20.2 by hand: Who-Is of 3 to 300, and of 100000 to 4194302.
	for want, r := range map[string][2]uint32{
		"810b000d 0100 1008 0903 1a012c":       {3, 300},
		"810b0010 0100 1008 0b0186a0 1b3ffffe": {100_000, 4_194_302},
	} {
		if got := hex.EncodeToString(whoIsMessage(r[0], r[1])); got != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%v: got %s, want %s", r, got, want)
		}
	}
	iAmMessage, err := hex.DecodeString("810b0014010010" + "00" + "c402000123" + "2201e0" + "9103" + "2105")
	if err != nil {
		t.Fatal(err)
	}
	iAmMessage[3] = byte(len(iAmMessage))
	asked := 0
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Allowed: []string{"who-is"}, Datagrams: func(b []byte) []discoverytest.Datagram {
		asked++
		if !bytes.Equal(b, whoIsMessage(0, 999)) {
			return nil
		}
		return []discoverytest.Datagram{{From: netip.MustParseAddrPort("10.0.0.5:47808"), Bytes: iAmMessage}}
	}})
	if got.Err != nil || asked != len(instanceRanges()) {
		t.Errorf("%d ranges asked, error %v, problems %v", asked, got.Err, got.Problems)
	}
	for _, line := range []string{"bacnet.device-instance = 291", "bacnet.vendor-id = 5"} {
		if !slices.ContainsFunc(got.Lines, func(l string) bool { return strings.Contains(l, "10.0.0.5") && strings.Contains(l, line) }) {
			t.Errorf("not told: %s in %q", line, got.Lines)
		}
	}
}
