package telnet

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(f *testing.F) {
	f.Add(offer+"sw-3 login:", answer, uint8(0))
	f.Add("\x1b[1;1HACME\x1b]0;x\x1b\\", "a", uint8(1))
	f.Fuzz(func(t *testing.T, a, b string, gap uint8) {
		claims([]byte(a))
		lines, _ := discoverytest.Read(t, Protocol(), discoverytest.Sample{Name: "fuzz", Flow: flow(), Messages: []discoverytest.Message{
			server(a), {Side: discovery.Server, Bytes: []byte(b), Gap: int(gap)}, client(b), server(a),
		}})
		if len(lines) > 1 {
			t.Errorf("told %q", lines)
		}
	})
}
