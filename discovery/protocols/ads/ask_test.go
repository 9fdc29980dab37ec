package ads

import (
	"bytes"
	"net"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func TestAsk(t *testing.T) {
	asked := []string{"search"}
	found := search(searchAnswer|searchInfo, tag(5, "CX-1234\x00"), tag(3, "\x02\x0b\xb4\x08"))
	reply := func(text string) [][]byte { return [][]byte{[]byte(text)} }
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers": {Answers: reply(found), Want: asked, Told: []string{discoverytest.ServerIP + ": ads.host-name = CX-1234"}},
		"garbled": {Answers: reply("\x03\x66\x14"), Want: asked, Err: discovery.ErrNotUnderstood},
		"echoes":  {Answers: reply(search(searchInfo)), Want: asked, Err: discovery.ErrNotUnderstood},
		"silent":  {Want: asked, Err: discovery.ErrSilent},
		"known":   {Known: map[discovery.Key]string{KeyHostName: "a", KeyTwinCATVersion: "b"}},
	})
}

// The datagram is the one of the standards, byte for byte.
func TestSearchIsExact(t *testing.T) {
	got := newSearch(&net.UDPAddr{IP: net.IPv4(192, 0, 2, 9)})
	if want := []byte("\x03\x66\x14\x71\x00\x00\x00\x00\x01\x00\x00\x00\xc0\x00\x02\x09\x01\x01\x10\x27\x00\x00\x00\x00"); !bytes.Equal(got, want) {
		t.Errorf("got % x", got)
	}
}
