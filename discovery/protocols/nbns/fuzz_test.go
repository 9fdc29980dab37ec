package nbns

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(registration("HMI7", 0, "0000", "0a000007"))
	f.Add(answer("PLANT", 0x1c, "e000 0a000009"))
	f.Add(nodeStatus("000c295acf2e"))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, b []byte) {
		d := protocol.Decode(in)
		n, _ := d.Feed(discovery.Server, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
			for _, fact := range o.Facts {
				if fact.Value == "" || fact.Value != discovery.Text(fact.Value) || len(fact.Value) > 64 {
					t.Errorf("%s = %q", fact.Key, fact.Value)
				}
			}
		}))
		if n != len(b) {
			t.Errorf("read %d of %d bytes", n, len(b))
		}
	})
}
