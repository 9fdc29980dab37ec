package modbus

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(adu(255, "2b0e01 01 00 00 03"+basicObjects), adu(3, "2b0e0100"), 0)
	f.Add(adu(1, "11 02 01ff"), adu(1, "83 0b"), 3)
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, a, b []byte, gap int) {
		claims(a)
		s := discovery.Stream{Decoder: protocol.Decode(in)}
		sink := discovery.SinkFunc(func(o discovery.Observation) {
			if len(o.Facts) > maxMessage/2+1 {
				t.Errorf("%d facts", len(o.Facts))
			}
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
