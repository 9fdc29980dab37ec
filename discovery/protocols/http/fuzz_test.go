package http

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(string(client(get+head).Bytes), string(server("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5;x=y\n<titl\n9\ne>RT</tit\n3\nle>\n0\n\n").Bytes), uint8(0))
	f.Add("GET http://x/ HTTP/1.0\n\n", "HTTP/1.0 401 x\nWWW-Authenticate: Basic realm=\"a\\\"\nContent-Length: 9\n\n", uint8(3))
	f.Add("CONNECT a HTTP/1.0\n\n", "HTTP/1.0 200 x\nContent-Encoding: gzip\n\n\x1f\x8b\x08\x00", uint8(1))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, a, b string, gap uint8) {
		claims([]byte(a))
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: in, Messages: []discoverytest.Message{
			{Side: discovery.Client, Bytes: []byte(a)},
			{Side: discovery.Server, Bytes: []byte(b)},
			{Side: discovery.Client, Bytes: []byte(b), Gap: int(gap)},
			{Side: discovery.Server, Bytes: []byte(a), Gap: int(gap)},
		}})
	})
}

func FuzzPage(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add([]byte("<title>x</title>"), uint8(plain), 3)
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), uint8(gzipped), 300)
	f.Fuzz(func(t *testing.T, b []byte, coding uint8, at int) {
		at = min(max(at, 0), len(b))
		p := page{open: true, packing: packing(coding % 3), tryAt: 1}
		found := p.write(b[:at])
		if p.open {
			found = p.write(b[at:])
		}
		if p.open {
			found = p.end()
		}
		if len(p.packed) > maxPacked || len(p.title) > maxTitle+16 || found && len(p.title) > maxTitle {
			t.Errorf("%d packed, title of %d bytes", len(p.packed), len(p.title))
		}
		if text := titleText(p.title); isGeneric(text) != isGeneric(" "+text+".") {
			t.Errorf("%q is generic, or not, by its ends", text)
		}
	})
}
