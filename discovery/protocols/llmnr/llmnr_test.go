package llmnr

import (
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.UDP, Ports: [2]uint16{50000, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr("10.0.0.20")
	f.Ends[discovery.Server].IP = netip.MustParseAddr("10.0.0.7")
	return f
}

// message is packed by the Go project's own codec.
func message(t testing.TB, header dnsmessage.Header, name string, kind dnsmessage.Type, body dnsmessage.ResourceBody) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: header, Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	if body != nil {
		h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: 30}
		m.Answers = []dnsmessage.Resource{{Header: h, Body: body}}
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProtocol(t *testing.T) {
	address := &dnsmessage.AResource{A: [4]byte{192, 168, 56, 1}} // another one of its addresses
	response := dnsmessage.Header{ID: 5, Response: true}
	say := func(side discovery.Side, b []byte) discoverytest.Message {
		return discoverytest.Message{Side: side, Bytes: b}
	}
	ask := say(discovery.Client, message(t, dnsmessage.Header{ID: 5}, "hmi7.", dnsmessage.TypeA, nil))
	answer := say(discovery.Server, message(t, response, "HMI7.", dnsmessage.TypeA, address))
	discoverytest.Run(
		t, Protocol(),
		discoverytest.Sample{Name: "answer", Flow: flow(), Want: []string{"10.0.0.7: llmnr.host-name = HMI7"}, Messages: []discoverytest.Message{ask, answer, answer}},
		discoverytest.Sample{
			Name: "reverse", Flow: flow(), Want: []string{"10.0.0.7: llmnr.host-name = HMI7"},
			Messages: []discoverytest.Message{say(discovery.Server, message(t, response, "7.0.0.10.in-addr.arpa.", dnsmessage.TypePTR, &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("HMI7.")}))},
		},
		discoverytest.Sample{Name: "nothing", Flow: flow(), Messages: []discoverytest.Message{
			ask,
			say(discovery.Server, message(t, dnsmessage.Header{ID: 5, Response: true, RCode: 3}, "hmi7.", dnsmessage.TypeA, nil)),
			say(discovery.Server, message(t, dnsmessage.Header{ID: 5, Response: true, Authoritative: true /* here: a conflict */}, "hmi7.", dnsmessage.TypeA, address)),
		}},
	)
}
