package ads

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(request(plc, readDeviceInfo, "").Bytes, answer(plc, readDeviceInfo, device("\x02\x0b\x37\x08", "PLC Server")).Bytes, uint8(0))
	f.Add(answer(plc, read, "abcd").Bytes, request(plc, write, "abcd").Bytes, uint8(3))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, a, b []byte, gap uint8) {
		claims(a)
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(discovery.TCP), Messages: []discoverytest.Message{
			{Side: discovery.Client, Bytes: a},
			{Side: discovery.Server, Bytes: b},
			{Side: discovery.Server, Bytes: a, Gap: int(gap)},
			{Side: discovery.Client, Bytes: b, Gap: int(gap)},
		}})
	})
}

func FuzzSearch(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add([]byte(search(searchAnswer|searchInfo, tag(5, "CX-1234\x00"), tag(4, windows(2, 10, 0, 17763, "")), tag(3, "\x03\x01\xb8\x0f"))))
	f.Add([]byte(search(6, tag(2, "secret"))))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) {
		discoverytest.Check(t, protocol, discoverytest.Sample{
			Name: "fuzz", Flow: flow(discovery.UDP), Messages: []discoverytest.Message{{Side: discovery.Server, Bytes: b}},
		})
	})
}
