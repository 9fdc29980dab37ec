package cdp

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzParse(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(frame(f, everything()...))
	f.Add(frame(f, tlv(1, "0016b9ff0102"), tlv(0x1001, ascii("CNC1234567"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, _ := Parse(b)
		if facts := frame.facts(); len(facts) > 20+3*maxRepeated {
			t.Errorf("%d facts", len(facts))
		}
	})
}
