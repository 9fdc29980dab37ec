package ssdp

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

func FuzzDecoder(f *testing.F) {
	f.Add(alive())
	f.Add([]byte("HTTP/1.1 200 OK\nst:x\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := Protocol().Decode(flow())
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
