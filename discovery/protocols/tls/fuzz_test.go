package tls

import (
	gotls "crypto/tls"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	for _, version := range []uint16{gotls.VersionTLS12, gotls.VersionTLS13} {
		sound := shake(f, version, "press-3.plant.example")
		f.Add(sound[0].Bytes, sound[1].Bytes, uint8(0))
	}
	sound := shake(f, gotls.VersionTLS12, "press-3.plant.example")
	f.Add(sound[0].Bytes, split(sound[1].Bytes, 40), uint8(1))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, a, b []byte, gap uint8) {
		claims(a)
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: in, Messages: []discoverytest.Message{
			message(discovery.Client, a), message(discovery.Server, b),
			{Side: discovery.Server, Bytes: a, Gap: int(gap)},
			{Side: discovery.Client, Bytes: b, Gap: int(gap)},
		}})
	})
}

// FuzzHandshake feeds one message as a record of its own, so that every input gets behind the headers.
func FuzzHandshake(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	for _, version := range []uint16{gotls.VersionTLS12, gotls.VersionTLS13} {
		for _, m := range shake(f, version, "press-3.plant.example")[:2] {
			n, _ := recordLength(m.Bytes)
			f.Add(uint8(m.Side), m.Bytes[recordHeader:n])
		}
	}
	f.Fuzz(func(t *testing.T, side uint8, b []byte) {
		c := conversation{flow: flow()}
		sink := discovery.SinkFunc(func(o discovery.Observation) {
			for _, fact := range o.Facts {
				if fact.Value == "" || fact.Value != discovery.Text(fact.Value) {
					t.Errorf("%s = %q", fact.Key, fact.Value)
				}
			}
		})
		at := discovery.Side(side & 1)
		_ = c.handshake(at, time.Time{}, b, sink)
		_ = c.handshake(at, time.Time{}, b, sink)
		if n := len(c.halves[at].message); n > maxMessage+len(b) {
			t.Errorf("%d bytes kept", n)
		}
	})
}
