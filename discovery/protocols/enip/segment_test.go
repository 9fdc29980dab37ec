package enip

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func TestListIdentityOfASegment(t *testing.T) { synctest.Test(t, listsASegment) }

func listsASegment(t *testing.T) {
	for stations, delay := range map[int]string{32: "f401", 200: "8813"} {
		var asked []byte
		got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
			Target: discovery.Target{Stations: stations},
			Datagrams: func(b []byte) []discoverytest.Datagram {
				asked = bytes.Clone(b)
				return []discoverytest.Datagram{
					{From: netip.MustParseAddrPort("10.1.1.164:44818"), Bytes: message(ListIdentity, 0, "0100"+identityItem("0a0101a4", "1756-ENBT/A"))},
					{From: netip.MustParseAddrPort("10.1.1.165:44818"), Bytes: message(ListIdentity, 0, "0100"+identityItem("0a0101a5", "1769-L33ER"))},
				}
			},
		})
		if got.Err != nil || !slices.Equal(got.Requests(), []string{"list-identity-broadcast"}) {
			t.Fatalf("sent %v, error %v", got.Requests(), got.Err)
		}
		if want := unhex("6300 0000 00000000 00000000" + delay + "000000000000 00000000"); !bytes.Equal(asked, want) {
			t.Errorf("%d stations: asked % x", stations, asked)
		}
		for _, line := range []string{"10.1.1.164: enip.product-name = 1756-ENBT/A", "10.1.1.165: enip.product-name = 1769-L33ER"} {
			if !slices.ContainsFunc(got.Lines, func(l string) bool { return strings.Contains(l, line) }) {
				t.Errorf("not told: %s in %q", line, got.Lines)
			}
		}
	}
}
