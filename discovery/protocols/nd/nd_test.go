package nd

import (
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

const (
	station = "00:1b:1b:23:eb:3b"
	own     = "001b1b23eb3b"
	other   = "90e6ba845e41"
	linkIP  = "fe80::21b:1bff:fe23:eb3b"

	linkTarget   = "fe80000000000000021b1bfffe23eb3b"
	globalTarget = "20010db8000000000000000000000007"
)

func message(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func flow(t testing.TB, ip string) discovery.Flow {
	t.Helper()
	mac, err := discovery.ParseMAC(station)
	if err != nil {
		t.Fatal(err)
	}
	f := discovery.Flow{Transport: discovery.IP, Ports: [2]uint16{0, ProtocolNumber}}
	f.Ends[discovery.Client] = discovery.Subject{Site: "s", Segment: "g", MAC: mac, VLAN: 7}
	if ip != "" {
		f.Ends[discovery.Client].IP = netip.MustParseAddr(ip)
	}
	return f
}

// The heads of the messages, with a checksum that is not looked at.
const (
	rs     = "85 00 beef 00000000"
	ra     = "86 00 beef 40 00 0708 00000000 00000000"
	raLast = "86 00 beef 40 00 0000 00000000 00000000"
	ns     = "87 00 beef 00000000"
	na     = "88 00 beef 60000000"
	naShy  = "88 00 beef 40000000" // without the override flag
)

func TestProtocol(t *testing.T) {
	const bound = station + " " + linkIP + " vlan=7: address.binding = nd"
	sample := func(name, ip string, problems int, want []string, texts ...string) discoverytest.Sample {
		s := discoverytest.Sample{Name: name, Flow: flow(t, ip), Want: want, Problems: problems}
		for _, text := range texts {
			s.Messages = append(s.Messages, discoverytest.Message{Bytes: message(t, text)})
		}
		return s
	}
	discoverytest.Run(
		t, Protocol(),
		sample("advertisement", linkIP, 0, []string{bound}, na+linkTarget+"0201"+own),
		sample("advertisement_without_option", linkIP, 0, []string{bound}, naShy+linkTarget),
		sample("probe", "", 0, nil, ns+linkTarget),
		sample("echo", linkIP, 0, nil, "80 00 beef 0001 0002 aabb"),
		sample("group_report", linkIP, 0, nil, "8f 00 beef 0000 0001 04000000 ff0200000000000000000000ff23eb3b"),
		sample("group_target", linkIP, 1, nil, na+"ff020000000000000000000000000001"),
		sample("code", linkIP, 1, nil, "88 07 beef 60000000"+linkTarget),
		sample("ipv4", "192.0.2.1", 1, nil, na+linkTarget),
	)
}

// TestOptions has messages that say less, and not less soundly, when they end before an option.
func TestOptions(t *testing.T) {
	const (
		bound    = station + " " + linkIP + " vlan=7: address.binding = nd"
		bound2   = station + " 2001:db8::7 vlan=7: address.binding = nd"
		prefix   = "0304 40 c0 00015180 00003840 00000000 20010db8000000010000000000000000"
		mtu      = "0501 0000 000005dc"
		route0   = "1801 00 00 00000708"
		route48  = "1802 30 08 00000708 20010db800ff0000"
		routeOff = "1802 30 08 00000000 20010db800fe0000"
		dns      = "1905 0000 00000708 20010db8000000000000000000000053 20010db8000000000000000000000054"
		domains  = "1f04 0000 00000708 05706c616e74 076578616d706c65 00 03616263 00 00000000"
	)
	router := func(facts ...string) []string {
		for i := range facts {
			facts[i] = station + " " + linkIP + " vlan=7: " + facts[i]
		}
		return facts
	}
	for _, c := range []struct {
		name, ip string
		problems int
		want     []string
		messages []string
	}{
		{"solicitation", linkIP, 0, []string{bound}, []string{ns + globalTarget + "0101" + own}},
		{"solicitation_without_option", linkIP, 0, nil, []string{ns + globalTarget}},
		{"solicitation_of_another_station", linkIP, 1, nil, []string{ns + globalTarget + "0101" + other}},
		{"probe_with_option", "", 0, nil, []string{ns + linkTarget + "0101" + own}},
		{"advertisement_of_another_station", linkIP, 1, nil, []string{na + linkTarget + "0201" + other}},
		{"advertisement_of_a_second_address", linkIP, 0, []string{bound2}, []string{na + globalTarget + "0201" + own}},
		{"advertisement_for_another", linkIP, 0, nil, []string{naShy + globalTarget + "0201" + own}},
		{"advertisement_of_a_second_address_without_option", linkIP, 0, nil, []string{na + globalTarget}},
		{"router_solicitation", linkIP, 0, []string{bound}, []string{rs + "0101" + own}},
		{"unknown_option", linkIP, 0, []string{bound}, []string{rs + "0e01 aabbccddeeff 0101" + own}},
		{
			"router", linkIP, 0,
			append(router("address.role = router", "nd.router-lifetime = 1800", "nd.mtu = 1500", "nd.prefix = 2001:db8:0:1::/64", "nd.route = ::/0", "nd.route = 2001:db8:ff::/48",
				"nd.dns-server = 2001:db8::53", "nd.dns-server = 2001:db8::54", "nd.search-domain = plant.example", "nd.search-domain = abc"), bound),
			[]string{ra + "0101" + own + mtu + prefix + route0 + route48 + routeOff + dns + domains},
		},
		{"router_that_leads_nowhere", linkIP, 0, append(router("nd.prefix = 2001:db8:0:1::/64"), bound), []string{raLast + "0101" + own + prefix}},
		{"router_from_afar", "2001:db8::1", 0, nil, []string{ra + prefix}},
		{"damaged_prefix", linkIP, 1, router("address.role = router", "nd.router-lifetime = 1800", "nd.mtu = 1500"), []string{ra + "0304 ff" + prefix[7:] + mtu}},
		{"route_longer_than_said", linkIP, 1, router("address.role = router", "nd.router-lifetime = 1800"), []string{ra + "1802 41 08 00000708 20010db800ff0000"}},
		{"damaged_domain", linkIP, 1, router("address.role = router", "nd.router-lifetime = 1800"), []string{ra + "1f02 0000 00000708 3f706c616e740000"}},
		{"short_option", linkIP, 1, nil, []string{rs + "0100" + own}},
		{"repeats", linkIP, 0, []string{bound}, []string{rs + "0101" + own, ns + globalTarget + "0101" + own, na + linkTarget}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := discoverytest.Sample{Name: c.name, Flow: flow(t, c.ip)}
			for _, text := range c.messages {
				s.Messages = append(s.Messages, discoverytest.Message{Bytes: message(t, text)})
			}
			lines, problems := discoverytest.Read(t, Protocol(), s)
			if diff := cmp.Diff(c.want, lines); diff != "" || len(problems) != c.problems {
				t.Errorf("problems %v, told (-want +got):\n%s", problems, diff)
			}
			if c.problems > 0 {
				return
			}
			whole := s.Messages[0].Bytes
			s.Messages = s.Messages[:1]
			for n := range whole {
				s.Messages[0].Bytes = whole[:n]
				lines, _ := discoverytest.Read(t, Protocol(), s)
				for _, line := range lines {
					if !slices.Contains(c.want, line) {
						t.Errorf("cut to %d bytes it tells %q", n, line)
					}
				}
			}
		})
	}
}

func TestListsAreBounded(t *testing.T) {
	text := ra + strings.Repeat("0304 40 c0 00015180 00003840 00000000 20010db8000000010000000000000000 1801 00 00 00000708", 2*maxRepeated)
	text += strings.Repeat("1903 0000 00000708 20010db8000000000000000000000053 1f02 0000 00000708 03616263 00 000000", 2*maxRepeated)
	m, err := Parse(message(t, text))
	if err != nil || len(m.Prefixes) != maxRepeated || len(m.Routes) != maxRepeated || len(m.DNS) != maxRepeated || len(m.Domains) != maxRepeated {
		t.Errorf("%d prefixes, %d routes, %d servers, %d domains, error %v", len(m.Prefixes), len(m.Routes), len(m.DNS), len(m.Domains), err)
	}
}

func TestRepeats(t *testing.T) {
	d := Protocol().Decode(flow(t, linkIP))
	told := 0
	sink := discovery.SinkFunc(func(discovery.Observation) { told++ })
	at := time.Unix(1000, 0)
	texts := []string{ns + globalTarget + "0101" + own, na + linkTarget + "0201" + own, rs + "0101" + own, "80 00 beef 0001 0002"}
	var messages [][]byte
	for _, text := range texts {
		messages = append(messages, message(t, text))
	}
	feed := func() {
		for _, b := range messages {
			if _, err := d.Feed(discovery.Client, at, b, 0, sink); err != nil {
				t.Fatal(err)
			}
		}
	}
	feed()
	if n := testing.AllocsPerRun(100, feed); n > 0 || told != 1 {
		t.Errorf("repeats allocate %v times and were told %d times", n, told)
	}
	at = at.Add(once.RetellAfter)
	feed()
	at = at.Add(-time.Hour)
	feed()
	if told != 3 {
		t.Errorf("told %d times", told)
	}
}

// TestCapture reads a capture with the listener, which gives on only what no router has passed.
func TestCapture(t *testing.T) {
	source, err := capture.OpenFile(discoverytest.Shared(t, filepath.Join("captures", "profinet-io-ge-versamax-scalance-mixed.pcap")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	var told []discovery.Observation
	l := listen.New(listen.Options{Protocols: []discovery.Protocol{Protocol()}, Out: discovery.SinkFunc(func(o discovery.Observation) {
		if o.Protocol == Name {
			told = append(told, o)
		}
	})})
	var f discovery.Frame
	for err = source.Next(&f); err == nil; err = source.Next(&f) {
		l.Frame(&f)
	}
	if !errors.Is(err, io.EOF) || len(l.Troubles()) > 0 {
		t.Fatalf("error %v, troubles %v", err, l.Troubles())
	}
	want := []string{"00:a0:45:6d:d3:44 fe80::14ea:3851:8243:3893: address.binding = nd"}
	if diff := cmp.Diff(want, discoverytest.Lines(told)); diff != "" {
		t.Error(diff)
	}
}
