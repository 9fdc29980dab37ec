package mdns

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
)

const sender = "10.0.0.7"

func flow(from string) discovery.Flow {
	f := discovery.Flow{Transport: discovery.UDP, Ports: [2]uint16{Port, Port}}
	f.Ends[discovery.Client].IP = netip.MustParseAddr(from)
	f.Ends[discovery.Server].IP = netip.MustParseAddr("224.0.0.251")
	return f
}

// record is packed by the Go project's own codec from a name and a body.
func record(name string, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Class: dnsmessage.ClassINET | cacheFlush, TTL: 120}, Body: body}
}

func a(name, address string) dnsmessage.Resource {
	ip := netip.MustParseAddr(address)
	if ip.Is4() {
		return record(name, &dnsmessage.AResource{A: ip.As4()})
	}
	return record(name, &dnsmessage.AAAAResource{AAAA: ip.As16()})
}

func ptr(name, target string) dnsmessage.Resource {
	return record(name, &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(target + ".")})
}

func srv(name string, port uint16, target string) dnsmessage.Resource {
	return record(name, &dnsmessage.SRVResource{Port: port, Target: dnsmessage.MustNewName(target + ".")})
}

func txt(name string, texts ...string) dnsmessage.Resource {
	return record(name, &dnsmessage.TXTResource{TXT: texts})
}

func goodbye(r dnsmessage.Resource) dnsmessage.Resource {
	r.Header.TTL = 0
	return r
}

func message(t testing.TB, header dnsmessage.Header, records ...dnsmessage.Resource) discoverytest.Message {
	t.Helper()
	b, err := (&dnsmessage.Message{Header: header, Answers: records}).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return discoverytest.Message{Side: discovery.Client, Bytes: b}
}

func announce(t testing.TB, records ...dnsmessage.Resource) discoverytest.Message {
	t.Helper()
	return message(t, dnsmessage.Header{Response: true, Authoritative: true}, records...)
}

func TestProtocol(t *testing.T) {
	own := func(facts ...string) []string {
		for i := range facts {
			facts[i] = sender + ": mdns." + facts[i]
		}
		return facts
	}
	sample := func(name string, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(sender), Want: want, Messages: messages}
	}
	panel := announce(
		t, ptr("_http._tcp.local", "Press 3._http._tcp.local"), ptr("_services._dns-sd._udp.local", "_http._tcp.local"),
		srv("Press 3._http._tcp.local", 8080, "HMI7.local"), srv("Press 3._printer._tcp.local", 0, "HMI7.local"),
		txt("Press 3._http._tcp.local", "path=/index", "model=TP1200", "version="), txt("HMI7._device-info._tcp.local", "model=MacBookPro14,3"),
		a("hmi7.local", sender), a("HMI7.local", "fe80::7"), a("HMI7.local", "127.0.0.1"), ptr("7.0.0.10.in-addr.arpa", "HMI7.local"),
		record("HMI7.local", &dnsmessage.UnknownResource{Type: dnsmessage.TypeHINFO, Data: []byte("\x04I686\x05LINUX")}),
	)
	told := own(
		"instance = Press 3._http._tcp.local", "service = _http._tcp 8080 Press 3", "txt = _http._tcp model=TP1200",
		"device-info = model=MacBookPro14,3", "host-name = hmi7.local", "host-name = HMI7.local", "hinfo-cpu = I686", "hinfo-os = LINUX",
	)
	// Facts keep the order of the records, so the addresses stand among them.
	told = append(told[:5], append(own("address = fe80::7"), told[5:]...)...)

	reflected := announce(t, srv("Cell 9._ssh._tcp.local", 22, "plc9.local"), ptr("_ssh._tcp.local", "Cell 9._ssh._tcp.local"), txt("plc9._device-info._tcp.local", "model=X"), a("plc9.local", "10.9.0.9"), a("plc9.local", "fd00::9"))
	other := func(ip, fact string) string { return ip + " (said by " + sender + "): mdns." + fact }

	byIPv6 := sample("ipv6_sender_ipv4_address", []string{"10.0.0.7 (said by fe80::7): mdns.host-name = hmi7.local", "10.0.0.7 (said by fe80::7): mdns.service = _http._tcp 80 x"}, announce(t, a("hmi7.local", sender), srv("x._http._tcp.local", 80, "hmi7.local")))
	byIPv6.Flow = flow("fe80::7")

	discoverytest.Run(
		t, Protocol(), byIPv6,
		sample("announcement", told, panel, panel),
		sample("reflected", []string{
			other("10.9.0.9", "service = _ssh._tcp 22 Cell 9"), other("10.9.0.9", "instance = Cell 9._ssh._tcp.local"),
			other("10.9.0.9", "device-info = model=X"), other("10.9.0.9", "host-name = plc9.local"), other("fd00::9", "host-name = plc9.local"),
		}, reflected),
		sample("remembers_its_host", own("host-name = hmi7.local", "address = fd00::7"), announce(t, a("hmi7.local", sender)), announce(t, a("hmi7.local", "fd00::7"))),
		sample("service_without_address", own("service = _opcua-tcp._tcp 4840 LDS"), announce(t, srv("LDS._opcua-tcp._tcp.local", 4840, "hmi7.local"))),
		sample(
			"nothing", nil,
			message(t, dnsmessage.Header{}, a("wanted.local", sender)), message(t, dnsmessage.Header{Response: true, RCode: 3}, a("refused.local", sender)),
			announce(t, goodbye(a("hmi7.local", sender)), a("none.local", "0.0.0.0"), a("LDS._opcua-tcp._tcp.local", sender)),
		),
	)
}

func TestCaptures(t *testing.T) {
	for file, want := range map[string][]string{
		"mdns-http-ftp-ssh-services.pcap": {"00:50:56:c0:00:08 172.16.238.1: mdns.host-name = tangent.local"},
		"opcua-open62541-discovery-getendpoints.pcapng": {
			"192.168.224.105: mdns.host-name = Maui-16714", "192.168.224.105: mdns.instance = LDS-Maui-16714._opcua-tcp._tcp.local",
			"192.168.224.105: mdns.address = 10.1.96.37",
		},
	} {
		t.Run(file, func(t *testing.T) {
			var got []string
			for _, s := range discoverytest.Capture(t, file, discovery.UDP, Port) {
				lines, problems := discoverytest.Read(t, Protocol(), s)
				if len(problems) > 0 {
					t.Errorf("%s: %v", s.Name, problems)
				}
				got = append(got, lines...)
			}
			for _, line := range want {
				if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+line+"\n") {
					t.Errorf("%q is missing in %q", line, got)
				}
			}
		})
	}
}

func TestSplitInstance(t *testing.T) {
	for _, c := range []struct {
		labels            []string
		instance, service string
	}{
		{[]string{"Press 3", "_http", "_tcp", "local"}, "Press 3", "_http._tcp"},
		{[]string{"_http", "_tcp", "local"}, "", "_http._tcp"},
		{[]string{"a", "b", "_x", "_udp"}, "a.b", "_x._udp"},
		{[]string{"plain", "local"}, "", ""},
		{[]string{"x", "_http"}, "", ""},
	} {
		if instance, service, ok := splitInstance(dns.NewName(c.labels...)); instance != c.instance || service != c.service || ok != (service != "") {
			t.Errorf("%q: got %q, %q, %v", c.labels, instance, service, ok)
		}
	}
}
