package browser

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	names := encoded("HMI7", 0x20) + encoded("PLANT", 0x1d)
	f.Add(datagram(sender, names, transaction(`\MAILSLOT\BROWSE`, announcement(HostAnnouncement, "HMI7", 6, 1, 0x51003, "a comment"))).Bytes)
	f.Add(datagram("10.9.0.9", names, transaction(`\MAILSLOT\BROWSE`, "\x02\x00HMI7\x00")).Bytes)
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
