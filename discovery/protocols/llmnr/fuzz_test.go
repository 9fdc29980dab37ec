package llmnr

import (
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(message(f, dnsmessage.Header{Response: true}, "HMI7.", dnsmessage.TypeA, &dnsmessage.AResource{}))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, b []byte) {
		d := protocol.Decode(in)
		n, _ := d.Feed(discovery.Server, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
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
