package dnp3

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex(firstSegment, lastSegment), true)
	f.Add(discoverytest.Unhex(someAsked), false)
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte, stream bool) {
		claims(b)
		flow := discoverytest.Between(discovery.UDP, Port)
		if stream {
			flow = discoverytest.Between(discovery.TCP, Port)
		}
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow, Messages: []discoverytest.Message{{Side: discovery.Server, Bytes: b}}})
	})
}

// The checks keep most inputs of the other target away from what is inside the frames.
func FuzzFragment(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex("c0c0810000 00fa00000001034432 30"), uint16(10))
	f.Add(discoverytest.Unhex("45c0810000 00fa17010001034432 30"), uint16(11))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, data []byte, source uint16) {
		data = data[:min(len(data), 250)]
		b := appendFrame(appendFrame(nil, 0x44, 1, source, data), 0x44, 1, source^1, data)
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: discoverytest.Between(discovery.TCP, Port), Messages: []discoverytest.Message{{Side: discovery.Server, Bytes: b}}})
	})
}
