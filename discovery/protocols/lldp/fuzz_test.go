package lldp

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzParse(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(payload(f, append(switchTLVs(), end)...))
	f.Add(payload(f, tlv(1, "05 01 c0000207"), tlv(2, "07 00"), tlv(127, "000ecf 05 08000693cf32")))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Parse(b)
		facts := frame.facts()
		if err == nil && len(facts) == 0 && frame.Chassis.Subtype != "" {
			t.Error("a sound frame that names a chassis tells nothing")
		}
		if len(facts) > 30+4*maxRepeated {
			t.Errorf("%d facts", len(facts))
		}
	})
}
