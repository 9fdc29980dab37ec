package dns

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

const (
	client = "10.0.0.20"
	server = "10.0.0.1"
)

func flow(transport discovery.Transport) discovery.Flow {
	f := discovery.Flow{Transport: transport, Ports: [2]uint16{40000, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(client)
	f.Ends[discovery.Server].IP = netip.MustParseAddr(server)
	return f
}

// message is packed by the Go project's own codec. Records are "name type value"; what stands behind "|" is the next section.
func message(t testing.TB, header dnsmessage.Header, question string, records ...string) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: header}
	if question != "" {
		name, kind, _ := strings.Cut(question, " ")
		m.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: types[kind], Class: dnsmessage.ClassINET}}
	}
	sections := [...]*[]dnsmessage.Resource{&m.Answers, &m.Authorities, &m.Additionals}
	section := 0
	for _, r := range records {
		if r == "|" {
			section++
			continue
		}
		field := strings.Fields(r)
		h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(field[0] + "."), Class: dnsmessage.ClassINET, TTL: 60}
		var body dnsmessage.ResourceBody
		switch field[1] {
		case "A":
			body = &dnsmessage.AResource{A: netip.MustParseAddr(field[2]).As4()}
		case "AAAA":
			body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(field[2]).As16()}
		case "CNAME":
			body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(field[2] + ".")}
		case "PTR":
			body = &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(field[2] + ".")}
		case "DELETE": // RFC 2136 section 2.5.2
			h.Class, h.TTL, body = dnsmessage.ClassANY, 0, &dnsmessage.UnknownResource{Type: dnsmessage.TypeA}
		}
		*sections[section] = append(*sections[section], dnsmessage.Resource{Header: h, Body: body})
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var types = map[string]dnsmessage.Type{"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "PTR": dnsmessage.TypePTR, "SOA": dnsmessage.TypeSOA, "SRV": dnsmessage.TypeSRV}

func TestProtocol(t *testing.T) {
	response := dnsmessage.Header{ID: 1, Response: true}
	update := dnsmessage.Header{ID: 2, OpCode: 5}
	sample := func(name string, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(discovery.UDP), Want: want, Messages: messages}
	}
	say := func(side discovery.Side, b []byte) discoverytest.Message {
		return discoverytest.Message{Side: side, Bytes: b}
	}
	from := func(address string) string { return address + " (said by " + server + "): dns.name = " }

	ask := message(t, dnsmessage.Header{ID: 1}, "historian.plant.example A")
	alias := message(
		t, response, "historian.plant.example A", "historian.plant.example CNAME srv7.plant.example", "srv7.plant.example A 10.0.0.7", "srv7.plant.example AAAA fd00::7",
		"|", "|", "dc1.plant.example A 10.0.0.1",
	)
	reverse := message(t, response, "9.0.0.10.in-addr.arpa PTR", "9.0.0.10.in-addr.arpa PTR Press-9.plant.example")
	outside := message(t, response, "licence.vendor.example A", "licence.vendor.example A 203.0.113.9")
	registers := message(
		t, update, "plant.example SOA", "HMI7.plant.example DELETE", "|", "HMI7.plant.example DELETE", "HMI7.plant.example A "+client, "hmi8.plant.example A 10.0.0.8",
	)
	refused := message(t, dnsmessage.Header{ID: 1, Response: true, RCode: dnsmessage.RCodeNameError}, "licence.vendor.example A")
	blocked := message(t, response, "ads.example A", "ads.example A 0.0.0.0", "ads.example A 127.0.0.1")
	bad := slices.Clone(reverse)
	bad[12] = 0x41 // no type of a label

	public := sample("plant_with_public_addresses", []string{"203.0.113.77 (said by 203.0.113.53): dns.name = plc.example"}, say(discovery.Server, message(t, response, "plc.example A", "plc.example A 203.0.113.77")))
	public.Flow.Ends[discovery.Client].IP = netip.MustParseAddr("203.0.113.20")
	public.Flow.Ends[discovery.Server].IP = netip.MustParseAddr("203.0.113.53")

	framed := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
	stream := sample("stream", []string{from("10.0.0.9") + "Press-9.plant.example", client + ": dns.looked-up = licence.vendor.example"}, say(discovery.Client, framed(ask)), say(discovery.Server, append(framed(reverse), framed(outside)...)))
	stream.Flow = flow(discovery.TCP)
	lost := sample("stream_with_a_loss", nil, discoverytest.Message{Side: discovery.Server, Gap: 3, Bytes: framed(reverse)}, say(discovery.Server, framed(reverse)))
	lost.Flow = flow(discovery.TCP)

	damaged := sample("damaged", nil, say(discovery.Server, bad))
	damaged.Problems = 1

	discoverytest.Run(
		t, Protocol(), public, stream, lost, damaged,
		sample("names", []string{from("10.0.0.7") + "srv7.plant.example", from("fd00::7") + "srv7.plant.example", server + ": dns.name = dc1.plant.example"}, say(discovery.Client, ask), say(discovery.Server, alias), say(discovery.Server, alias)),
		sample("reverse", []string{from("10.0.0.9") + "Press-9.plant.example"}, say(discovery.Server, reverse)),
		sample("looked_up", []string{client + ": dns.looked-up = licence.vendor.example"}, say(discovery.Server, outside), say(discovery.Server, outside)),
		sample("update", []string{client + ": dns.name = HMI7.plant.example", "10.0.0.8 (said by " + client + "): dns.name = hmi8.plant.example"}, say(discovery.Client, registers)),
		sample("nothing", nil, say(discovery.Client, ask), say(discovery.Server, refused), say(discovery.Server, blocked)),
	)
}

func TestCapture(t *testing.T) {
	names := map[string]bool{}
	for _, s := range discoverytest.Capture(t, "mdns-http-ftp-ssh-services.pcap", discovery.UDP, Port) {
		lines, problems := discoverytest.Read(t, Protocol(), s)
		if len(problems) > 0 {
			t.Errorf("%s: %v", s.Name, problems)
		}
		for _, line := range lines {
			_, fact, _ := strings.Cut(line, ": ")
			names[fact] = true
		}
	}
	if len(names) != 15 || !names["dns.looked-up = scholar.google.com"] || !names["dns.looked-up = osage.localdomain"] {
		t.Errorf("got %v", names)
	}
}

func BenchmarkNoise(b *testing.B) {
	ask := message(b, dnsmessage.Header{ID: 1}, "historian.plant.example A")
	again := message(b, dnsmessage.Header{ID: 1, Response: true}, "historian.plant.example A", "historian.plant.example A 10.0.0.7")
	d := Protocol().Decode(flow(discovery.UDP))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = d.Feed(discovery.Client, noTime, ask, 0, nothing)
		_, _ = d.Feed(discovery.Server, noTime, again, 0, nothing)
	}
}
