package dhcp

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(datagram(f, fields{op: BootRequest}, discover+"0c 03 'plc' 51 0e 05 0000 03 'plc' 05 'plant' 00 7d 11 00000de9 0c 02 04 'S123' 04 04 00010203"+end))
	f.Add(datagram(f, fields{op: BootRequest, file: "0c 03 'plc' ff", sname: "3c 04 'AXIS' ff"}, request+"34 01 03 4d 05 'Panel' 3d 06 'PLC-12'"+end))
	f.Add(datagram(f, fields{op: BootReply, gets: "c6336407", by: "c6336401"}, acked+"36 04 c0000201 03 04 c0000201"+end))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) {
		claims(b)
		for _, flow := range []discovery.Flow{fresh(), known(), relayed(), delivered()} {
			d := protocol.Decode(flow)
			for side := range discovery.Side(2) {
				facts := 0
				n, _ := d.Feed(side, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
					facts += len(o.Facts)
					for _, fact := range o.Facts {
						if fact.Value == "" || fact.Value != discovery.Text(fact.Value) {
							t.Errorf("%s = %q", fact.Key, fact.Value)
						}
					}
				}))
				if n != len(b) || facts > 6*maxRepeated+10 {
					t.Errorf("read %d of %d bytes, %d facts", n, len(b), facts)
				}
			}
		}
	})
}
