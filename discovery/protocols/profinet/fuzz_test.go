package profinet

import (
	"strings"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// maxFacts is more than a message of a datagram's length can hold.
const maxFacts = 40 * maxEndpoints

func FuzzLink(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(dcp(f, "feff 05 01", dcpBlock("0202", "0000", ascii("x208")), dcpBlock("0103", "0001", strings.Repeat("c0a80001", 7)), dcpBlock("0203", "0000", "002a 0a01")))
	f.Add(dcp(f, "fefd 03 01", dcpBlock("0204", "0000", "0300"), dcpBlock("0101", "0000", "08000693cf32")))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) { feed(t, protocol, discovery.Flow{Transport: discovery.EtherType}, b) })
}

func FuzzCall(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	nameplate := im0("6ES7 131-6BF00-0BA0", "S C-1234567", "0003", "56 040201")
	for _, m := range []message{
		{operation: operationConnect, body: array(arRequest, iocrInOut)},
		{kind: kindResponse, operation: operationRead, order: littleEndian, body: array(readHeadBlock("0002", "0001", "aff0"), nameplate)},
		{kind: kindResponse, operation: operationRead, body: array(readHeadBlock("0000", "0000", "f841"), pnioBlock("0400", "0000 00000000 0000 8000"+
			pnioBlock("020f", "0000 0000 8001 08"+ascii("port-001")+"01 0000 08"+ascii("port-004")+"01 41 0000 00000000 000e8cef75c5 0000")))},
		{kind: kindResponse, operation: operationLookup, face: mapperInterface, body: lookup()},
		{kind: kindResponse, operation: operationRead, flags: flagFragment, body: array(readHeadBlock("0000", "0000", "f841"))},
	} {
		f.Add(m.bytes(f))
	}
	protocol, in := Protocol(), callFlow()
	f.Fuzz(func(t *testing.T, b []byte) {
		isCall(b)
		feed(t, protocol, in, b)
	})
}

// feed gives the bytes to a decoder whole, and then a second time in two halves.
func feed(t *testing.T, protocol discovery.Protocol, flow discovery.Flow, b []byte) {
	t.Helper()
	told := 0
	sink := discovery.SinkFunc(func(o discovery.Observation) { told += len(o.Facts) + len(o.Links) + len(o.Talks) })
	d := protocol.Decode(flow)
	for side, piece := range [][]byte{b, b[:len(b)/2], b[len(b)/2:]} {
		if n, _ := d.Feed(discovery.Side(side%2), time.Time{}, piece, 0, sink); n < 0 || n > len(piece) {
			t.Errorf("read %d of %d bytes", n, len(piece))
		}
	}
	if told > maxFacts {
		t.Errorf("%d facts of %d bytes", told, len(b))
	}
}
