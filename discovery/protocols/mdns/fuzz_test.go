package mdns

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(announce(f, srv("x._http._tcp.local", 80, "a.local"), a("a.local", sender), a("a.local", "fe80::1"), txt("x._http._tcp.local", "model=1")).Bytes)
	f.Add(announce(f, ptr("_http._tcp.local", "y._http._tcp.local"), a("b.local", "10.0.0.9")).Bytes)
	protocol, in := Protocol(), flow(sender)
	f.Fuzz(func(t *testing.T, b []byte) {
		d := protocol.Decode(in)
		n, _ := d.Feed(discovery.Client, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
			if len(o.Facts) > maxFacts {
				t.Errorf("%d facts", len(o.Facts))
			}
			for _, fact := range o.Facts {
				if fact.Value == "" || fact.Value != discovery.Text(fact.Value) {
					t.Errorf("%s = %q", fact.Key, fact.Value)
				}
			}
		}))
		if n != len(b) {
			t.Errorf("read %d of %d bytes", n, len(b))
		}
	})
}
