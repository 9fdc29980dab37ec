package s7

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(answer(0, 1, false, allModules), connect("e0", "0102"), 0)
	f.Add(answer(6, 2, true, allComponents), question(6, 2), 3)
	f.Add(plus(1, "32 0000 04ca 0000 0001 36 313b364553372031"), job(Job, "04 01", ""), 0)
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, a, b []byte, gap int) {
		claims(a)
		s := discovery.Stream{Decoder: protocol.Decode(in)}
		sink := discovery.SinkFunc(func(o discovery.Observation) {
			if len(o.Facts) > 3*maxRecords {
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
