package ftp

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(f *testing.F) {
	f.Add("220-AXIS\r\n220 ready\r\n", "USER x\r\n", uint8(0))
	f.Add("215 VxWorks\r\n", "AUTH", uint8(1))
	f.Fuzz(func(t *testing.T, a, b string, gap uint8) {
		claims([]byte(a))
		discoverytest.Read(t, Protocol(), discoverytest.Sample{Name: "fuzz", Flow: flow(), Messages: []discoverytest.Message{
			client(b), server(a), server(b), {Side: discovery.Server, Bytes: []byte(a), Gap: int(gap)},
		}})
	})
}
