package ssdp

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const sender = "10.0.0.7"

func flow() discovery.Flow {
	f := discovery.Flow{Transport: discovery.UDP, Ports: [2]uint16{50000, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(sender)
	f.Ends[discovery.Server].IP = netip.MustParseAddr("239.255.255.250")
	return f
}

// lines joins header lines as they are sent.
func lines(text ...string) []byte { return []byte(strings.Join(text, "\r\n") + "\r\n\r\n") }

// alive is the example of the UPnP Device Architecture 1.1, section 1.2.2, filled in.
func alive() []byte {
	return lines(
		"NOTIFY * HTTP/1.1", "HOST: 239.255.255.250:1900", "CACHE-CONTROL: max-age = 1800", "LOCATION: http://10.0.0.7:1900/igd.xml",
		"NT: upnp:rootdevice", "NTS: ssdp:alive", "SERVER: ipos/7.0 UPnP/1.0 TL-WDR3600/1.0", "USN: uuid:060b7353::upnp:rootdevice",
	)
}

func TestProtocol(t *testing.T) {
	own := func(facts ...string) []string {
		for i := range facts {
			facts[i] = sender + ": ssdp." + facts[i]
		}
		return facts
	}
	sample := func(name string, want []string, messages ...[]byte) discoverytest.Sample {
		s := discoverytest.Sample{Name: name, Flow: flow(), Want: want}
		for _, m := range messages {
			s.Messages = append(s.Messages, discoverytest.Message{Side: discovery.Client, Bytes: m})
		}
		return s
	}
	endless := sample("no_empty_line", own("server = a UPnP/1.1 b"), []byte("HTTP/1.1 200 OK\r\nServer: a UPnP/1.1 b\r\n"))
	endless.Problems = 1
	flood := sample("too_many_fields", own("usn = u"), append([]byte("HTTP/1.1 200 OK\r\nUSN: u\r\n"), strings.Repeat("X: y\r\n", 100)...))
	flood.Problems = 1

	discoverytest.Run(
		t, Protocol(), endless, flood,
		sample("alive", own("server = ipos/7.0 UPnP/1.0 TL-WDR3600/1.0", "usn = uuid:060b7353::upnp:rootdevice", "location = http://10.0.0.7:1900/igd.xml", "nt = upnp:rootdevice"), alive(), alive()),
		sample("answer", own("usn = uuid:1::urn:x:device:Y:1", "nt = urn:x:device:Y:1"), []byte("HTTP/1.1 200 OK\nst:urn:x:device:Y:1\nusn:  uuid:1::urn:x:device:Y:1\nEXT:\n\n")),
		sample(
			"nothing", nil,
			lines("M-SEARCH * HTTP/1.1", "MAN: \"ssdp:discover\"", "ST: upnp:rootdevice"),
			lines("NOTIFY * HTTP/1.1", "NT: upnp:rootdevice", "NTS: ssdp:byebye", "USN: uuid:1"),
			lines("HTTP/1.1 404 Not Found", "SERVER: x"), lines("GET / HTTP/1.1", "USN: x"),
		),
	)
}

func TestCapture(t *testing.T) {
	got := map[string]bool{}
	for _, s := range discoverytest.Capture(t, "ssdp-tplink-router.pcap", discovery.UDP, Port) {
		lines, problems := discoverytest.Read(t, Protocol(), s)
		if len(problems) > 0 {
			t.Errorf("%s: %v", s.Name, problems)
		}
		for _, line := range lines {
			got[line] = true
		}
	}
	const router = "e8:de:27:ff:c0:78 192.168.1.1: ssdp."
	if len(got) != 26 || !got[router+"server = ipos/7.0 UPnP/1.0 TL-WDR3600/1.0"] || !got[router+"nt = urn:schemas-wifialliance-org:service:WFAWLANConfig:1"] {
		t.Errorf("got %d: %v", len(got), got)
	}
}
