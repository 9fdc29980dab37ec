package nd

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	for _, text := range []string{
		na + linkTarget + "0201" + own, ns + globalTarget + "0101" + own, rs + "0101" + own,
		ra + "0101" + own + "0501 0000 000005dc 0304 40 c0 00015180 00003840 00000000 20010db8000000010000000000000000 1801 00 00 00000708",
		ra + "1903 0000 00000708 20010db8000000000000000000000053 1f02 0000 00000708 03616263 00 000000",
	} {
		f.Add(message(f, text))
	}
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) {
		d := protocol.Decode(flow(t, linkIP))
		facts := 0
		_, _ = d.Feed(discovery.Client, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
			facts += len(o.Facts)
			if o.Subject.MAC.String() != station || !isHost(o.Subject.IP) {
				t.Errorf("tells of %s at %s", o.Subject.MAC, o.Subject.IP)
			}
		}))
		if facts > 4+4*maxRepeated {
			t.Errorf("%d facts", facts)
		}
	})
}
