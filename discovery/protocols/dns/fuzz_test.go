package dns

import (
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

var (
	noTime  time.Time
	nothing = discovery.SinkFunc(func(discovery.Observation) {})
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(message(f, dnsmessage.Header{Response: true}, "a.example A", "a.example CNAME b.example", "b.example A 10.0.0.7", "7.0.0.10.in-addr.arpa PTR c.example"), false)
	f.Add(message(f, dnsmessage.Header{OpCode: 5}, "example SOA", "|", "a.example A 10.0.0.20"), true)
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte, stream bool) {
		sink := discovery.SinkFunc(func(o discovery.Observation) {
			for _, fact := range o.Facts {
				if fact.Value == "" || fact.Value != discovery.Text(fact.Value) || !o.Subject.IP.IsValid() {
					t.Errorf("%s: %s = %q", o.Subject, fact.Key, fact.Value)
				}
			}
		})
		if stream {
			s := discovery.Stream{Decoder: protocol.Decode(flow(discovery.TCP))}
			s.Feed(discovery.Server, noTime, b, 0, sink, nil)
			s.Feed(discovery.Client, noTime, b, 0, sink, nil)
			s.Feed(discovery.Server, noTime, b, 1, sink, nil)
			return
		}
		d := protocol.Decode(flow(discovery.UDP))
		if n, _ := d.Feed(discovery.Server, noTime, b, 0, sink); n != len(b) {
			t.Errorf("read %d of %d bytes", n, len(b))
		}
	})
}
