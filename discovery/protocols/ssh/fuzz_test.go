package ssh

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add("SSH-2.0-moxa_1.0\r\n", "SSH-2.0-x\n\x00", uint8(0))
	f.Add("Hello\r\n", "SSH-1.5-x", uint8(1))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, a, b string, gap uint8) {
		claims([]byte(a))
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: in, Messages: []discoverytest.Message{
			server(a), client(b), {Side: discovery.Server, Bytes: []byte(b), Gap: int(gap)}, client(a),
		}})
	})
}
