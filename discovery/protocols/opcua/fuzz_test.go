package opcua

import (
	"slices"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// FuzzConversation feeds both sides: the first byte of the input chooses who speaks and how the bytes are split.
func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	for _, s := range []discoverytest.Sample{discoverySample(f), sessionSample(f)} {
		for _, m := range s.Messages {
			f.Add(uint8(m.Side), uint16(0), m.Bytes)
			f.Add(uint8(m.Side), uint16(7), slices.Concat(m.Bytes, m.Bytes))
		}
	}
	der, _ := instance(f, "urn:press-3:plc")
	f.Add(uint8(1), uint16(100), opening("x#Basic256Sha256", der))
	protocol, in := Protocol(), testFlow()
	question := from(discovery.Client, chunks(f, 7, 0, readOf(nodeNamespaceArray, nodeBuildInfo, nodeProductName)))
	f.Fuzz(func(t *testing.T, side uint8, split uint16, b []byte) {
		at := min(int(split), len(b))
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: in, Messages: []discoverytest.Message{
			question,
			from(discovery.Side(side&1), b[:at]),
			{Side: discovery.Side(side & 1), Time: testTime, Bytes: b[at:], Gap: int(side >> 1)},
		}})
	})
}

func FuzzVariant(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	for _, v := range []any{"text", []string{"a", "b"}, testTime, good("inside")} {
		b, err := good(v).Value.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newReader(b)
		if v := r.variant(4); len(v.texts) > 4 {
			t.Errorf("%d texts, want at most 4", len(v.texts))
		}
		if r.Offset() > len(b) {
			t.Errorf("read %d of %d bytes", r.Offset(), len(b))
		}
	})
}
