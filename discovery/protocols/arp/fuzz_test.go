package arp

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(message(f, 0, "0001 0800 06 04 0002 001b1b23eb3b c0a80128 90e6ba845e41 c0a8010a").Bytes)
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) {
		told := 0
		d := protocol.Decode(discovery.Flow{Transport: discovery.EtherType})
		n, _ := d.Feed(discovery.Client, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
			told++
			if o.Subject.MAC.IsZero() || o.Subject.MAC.IsGroup() || !o.Subject.IP.Is4() || o.Subject.IP.IsMulticast() || o.Subject.IP.IsUnspecified() {
				t.Errorf("binds %s to %s", o.Subject.MAC, o.Subject.IP)
			}
		}))
		if n != len(b) || told > 1 {
			t.Errorf("read %d of %d bytes, told %d", n, len(b), told)
		}
	})
}
