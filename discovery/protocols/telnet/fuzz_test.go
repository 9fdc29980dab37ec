package telnet

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(offer+"sw-3 login:", answer, uint8(0))
	f.Add("\x1b[1;1HACME\x1b]0;x\x1b\\", "a", uint8(1))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, a, b string, gap uint8) {
		claims([]byte(a))
		told := discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: in, Messages: []discoverytest.Message{
			server(a), {Side: discovery.Server, Bytes: []byte(b), Gap: int(gap)}, client(b), server(a),
		}})
		if told > 1 {
			t.Errorf("told %d things", told)
		}
	})
}
