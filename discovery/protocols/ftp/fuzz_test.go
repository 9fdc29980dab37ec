package ftp

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add("220-AXIS\r\n220 ready\r\n", "USER x\r\n", uint8(0))
	f.Add("215 VxWorks\r\n", "AUTH", uint8(1))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, a, b string, gap uint8) {
		claims([]byte(a))
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: in, Messages: []discoverytest.Message{
			client(b), server(a), server(b), {Side: discovery.Server, Bytes: []byte(a), Gap: int(gap)},
		}})
	})
}
