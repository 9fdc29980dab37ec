package snmp

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add([]byte(v2c(pdu(Response, 0, bind("1.3.6.1.2.1.1.1.0", text("x")), bind(entPhysical+"2.1", text("y"))))))
	f.Add([]byte(v2c(pdu(Response, 0, bind(lldpRemoteEntry+"4.0.3.1", integer(4)), bind(lldpRemoteEntry+"5.0.3.1", text("\x28\x63\x36\xaa\x00\x01"))))))
	f.Add([]byte(v2c(pdu(Response, 0, bind(vlanFdbEntry+"2.20.0.160.69.1.2.3", integer(7)), bind(arpEntry+"2.1.192.0.2.9", text("\x00\xa0\x45\x01\x02\x03"))))))
	f.Add([]byte(trapV1("\x0a\x00\x00\x01", 0)))
	f.Add([]byte(v3(0, engineWithMAC, tlv(0x30, text(""), text(""), pdu(Report, 0)))))
	protocol, in := Protocol(), flow()
	f.Fuzz(func(t *testing.T, b []byte) {
		claims(b)
		d := protocol.Decode(in)
		facts := 0
		n, _ := d.Feed(discovery.Server, time.Time{}, b, 0, discovery.SinkFunc(func(o discovery.Observation) {
			facts += len(o.Facts)
			for _, fact := range o.Facts {
				if fact.Value == "" || fact.Value != discovery.Text(fact.Value) {
					t.Errorf("%s = %q", fact.Key, fact.Value)
				}
			}
		}))
		if n != len(b) || facts > 5*maxBindings {
			t.Errorf("read %d of %d bytes, %d facts", n, len(b), facts)
		}
	})
}
