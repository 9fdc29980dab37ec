package cotp

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzReassembler(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(dt(true, "one"), dt(false, "two"), 0)
	f.Add([]byte("\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x0f\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a"), dt(true, ""), 7)
	f.Fuzz(func(t *testing.T, a, b []byte, gap int) {
		var r Reassembler
		for i, stream := range [][]byte{a, b, a} {
			g := 0
			if i == 1 {
				g = max(gap, 0)
			}
			for len(stream) > 0 {
				n, tpdu, err := r.Feed(discovery.Client, stream, g)
				if n < 0 || n > len(stream) || n == 0 && err != nil {
					t.Fatalf("read %d of %d, %v", n, len(stream), err)
				}
				if len(tpdu.Data) > len(a)+len(b)+len(a) || len(tpdu.Data) > MaxMessage && !tpdu.EOT {
					t.Fatalf("%d bytes", len(tpdu.Data))
				}
				if n == 0 {
					break
				}
				stream, g = stream[n:], 0
			}
		}
	})
}
