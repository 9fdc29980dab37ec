package smb

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add([]byte(negotiated2(0x0311, guid)), []byte(setup2(unhex(f, challenge))), 0)
	f.Add([]byte(request139("PANEL")), []byte(version1(command1SessionSetup, 0x88, 0xc001, u16(0xff, 0, 0), "\x00"+wide("Windows 4.0", "NT", "PLANT"))), 7)
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, a, b []byte, gap int) {
		claims(a)
		s := discovery.Stream{Decoder: protocol.Decode(in)}
		sink := discovery.SinkFunc(func(o discovery.Observation) {
			for _, fact := range o.Facts {
				if fact.Value == "" || fact.Value != discovery.Text(fact.Value) {
					t.Errorf("%s = %q", fact.Key, fact.Value)
				}
			}
		})
		s.Feed(discovery.Server, time.Time{}, a, 0, sink, nil)
		s.Feed(discovery.Client, time.Time{}, b, max(gap, 0), sink, nil)
		s.Feed(discovery.Server, time.Time{}, b, max(gap, 0), sink, nil)
		s.Feed(discovery.Server, time.Time{}, a, 0, sink, nil)
	})
}
