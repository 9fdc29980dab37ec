package iec104

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex(startAct, interrogate, singleCommand), discoverytest.Unhex(startCon, singlePoint, otherStation))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, a, b []byte) {
		claims(a)
		discoverytest.Check(t, protocol, discoverytest.Sample{
			Name: "fuzz", Flow: discoverytest.Between(discovery.TCP, Port),
			Messages: []discoverytest.Message{discoverytest.Says(discovery.Client, a), discoverytest.Says(discovery.Server, b)},
		})
	})
}
