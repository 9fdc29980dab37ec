package enip

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	logix := identity(54, "3f825100", "1756-L61/B LOGIX5561")
	f.Add(rr(1, "81000000"+logix), rr(1, allOfIdentity), 0)
	f.Add(rr(1, several(severalAnswer, readTagAnswer, "81000000"+logix)), rr(1, routed(several(severalRequest, readTagPPP, allOfIdentity), "0100")), 0)
	f.Add(rr(1, opened), rr(1, "54 02 2006 2401"+openParameters+"03 0100 2002 2401"), 2)
	f.Add(message(ListIdentity, 0, "0100"+identityItem("0a0101a4", "1756-ENBT/A")), rr(2, "4b 02 2067 2401 07 4d00 d323aa07 06 00 d7b1 03"), 0)
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, a, b []byte, gap int) {
		claims(a)
		sink := discovery.SinkFunc(func(o discovery.Observation) {
			if len(o.Facts) > len(protocol.Keys) {
				t.Errorf("%d facts", len(o.Facts))
			}
			for _, fact := range o.Facts {
				if fact.Value == "" || fact.Value != discovery.Text(fact.Value) {
					t.Errorf("%s = %q", fact.Key, fact.Value)
				}
			}
		})
		s := discovery.Stream{Decoder: protocol.Decode(flow(discovery.TCP))}
		s.Feed(discovery.Client, time.Time{}, b, 0, sink, nil)
		s.Feed(discovery.Server, time.Time{}, a, 0, sink, nil)
		s.Feed(discovery.Client, time.Time{}, b, max(gap, 0), sink, nil)
		s.Feed(discovery.Server, time.Time{}, a, max(gap, 0), sink, nil)
		d := protocol.Decode(flow(discovery.UDP))
		for _, datagram := range [][]byte{a, b} {
			_, _ = d.Feed(discovery.Server, time.Time{}, datagram, 0, sink) // only that it does not panic
		}
	})
}
