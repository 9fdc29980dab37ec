package ssdp

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(alive())
	f.Add([]byte("HTTP/1.1 200 OK\nst:x\n\n"))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, b []byte) {
		d := protocol.Decode(in)
		n, _ := d.Feed(discovery.Client, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
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
