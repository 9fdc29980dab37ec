package bacnet

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(bvlc(f, originalBroadcast, plain+isAm+"22 01e0 91 03 22 0104"), bvlc(f, forwardedNPDU, "c6336407 bac0 "+routed+ack+"46 3e 75 08 00 'VAV 300' 3f"))
	f.Add(bvlc(f, originalUnicast, plain+acks+"29 4d 4e 75 06 00 'AHU-1' 4f 29 3a 5e 91 02 91 20 5f 1f"), bvlc(f, foreignTable, "c6336408 bac1 003c 0010"))
	f.Add(bvlc(f, originalUnicast, plain+"3c 07 00 04 0e 0c "+this+"1e 29 4d 4e 75 06"), bvlc(f, originalUnicast, plain+"38 07 01 04 0e 00 'AHU-1' 4f 1f"))
	f.Add(bvlc(f, originalUnicast, "01 80 07 02 07d1 01 00 07d2 02 03 aabbcc"), raw(f, "82 08 0028 00006f 20010db8000000000000000000000007 bac0 "+plain+isAm+"21 32 91 03 21 05"))
	f.Add(raw(f, "0000 80 06 ff 72 0011 1f"+plain+isAm+"21 32 91 03 21 05 aaaa"), raw(f, plain+"10 01 c4 "+this+"c4 "+this+"75 06 00 'AHU-1'"))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, first, second []byte) {
		claims(first)
		for _, number := range []uint16{Port, SAP, MSTP} {
			in := flow()
			if number != Port {
				in.Transport, in.Ports = discovery.EtherType, [2]uint16{0, number}
			}
			d := protocol.Decode(in)
			for _, b := range [][]byte{first, second} {
				facts := 0
				n, _ := d.Feed(discovery.Server, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
					facts += len(o.Facts)
					for _, fact := range o.Facts {
						if fact.Value != discovery.Text(fact.Value) || fact.Value == "" && len(fact.Raw) == 0 {
							t.Errorf("%s = %q", fact.Key, fact.Value)
						}
					}
				}))
				if n != len(b) || facts > maxTold {
					t.Errorf("read %d of %d bytes, %d facts", n, len(b), facts)
				}
			}
		}
	})
}
