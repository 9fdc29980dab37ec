package mdns

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// asked packs a question by the Go project's own codec.
func asked(t *testing.T, names ...string) []byte {
	t.Helper()
	m := dnsmessage.Message{}
	for _, name := range names {
		m.Questions = append(m.Questions, dnsmessage.Question{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET | cacheFlush})
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answered packs an answer with further records in its last section.
func answered(t *testing.T, answers []dnsmessage.Resource, additional ...dnsmessage.Resource) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true, Authoritative: true}, Answers: answers, Additionals: additional}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const types = "_services._dns-sd._udp.local"

func TestAsk(t *testing.T) {
	list := answered(t, []dnsmessage.Resource{
		ptr(types, "_http._tcp.local"), ptr(types, "_workstation._tcp.local"), ptr(types, "_http._tcp.local"), ptr(types, "Press._http._tcp.local"), ptr(types, "_x._tcp.example.com"),
	})
	instances := answered(
		t, []dnsmessage.Resource{ptr("_http._tcp.local", "Press 3._http._tcp.local")},
		srv("Press 3._http._tcp.local", 8080, "press-3.local"), txt("Press 3._http._tcp.local", "model=HMI 7", "path=/"), a("press-3.local", discoverytest.ServerIP),
	)
	told := func(facts ...string) []string {
		var out []string
		for _, fact := range facts {
			out = append(out, discoverytest.ServerIP+": mdns."+fact)
		}
		return out
	}
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers": {
			Answers: [][]byte{list, instances}, Want: []string{requestTypes, requestInstances},
			Told: told("instance = Press 3._http._tcp.local", "service = _http._tcp 8080 Press 3", "txt = _http._tcp model=HMI 7", "host-name = press-3.local"),
		},
		"no_services":  {Answers: [][]byte{answered(t, nil)}, Want: []string{requestTypes}},
		"garbled":      {Answers: [][]byte{[]byte("hello")}, Want: []string{requestTypes}, Err: discovery.ErrNotUnderstood},
		"echoes":       {Answers: [][]byte{asked(t, types)}, Want: []string{requestTypes}, Err: discovery.ErrNotUnderstood},
		"silent":       {Want: []string{requestTypes}, Err: discovery.ErrSilent},
		"silent_later": {Answers: [][]byte{list}, Want: []string{requestTypes, requestInstances}, Err: discovery.ErrSilent},
		"known":        {Known: map[discovery.Key]string{KeyService: "_http._tcp 80 x"}},
	})
}

// However many types a host lists, eight of them are asked for, and the one that tells the model is among them.
func TestManyTypes(t *testing.T) {
	var list []dnsmessage.Resource
	for i := range 20 {
		list = append(list, ptr(types, fmt.Sprintf("_service-%d._tcp.local", i)))
	}
	list = append(list, ptr(types, "_device-info._tcp.local"))
	var want []string
	want = append(want, "_device-info._tcp.local")
	for i := range maxTypes - 1 {
		want = append(want, fmt.Sprintf("_service-%d._tcp.local", i))
	}
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
		Target: discovery.Target{Port: Port}, Allowed: []string{"mdns"}, Serve: discoverytest.Serve(answered(t, list), answered(t, nil)),
	})
	if got.Err != nil || len(got.Sent) != 2 {
		t.Fatalf("sent %d, error %v", len(got.Sent), got.Err)
	}
	for i, names := range [][]string{{types}, want} {
		var m dnsmessage.Message
		if err := m.Unpack(got.Sent[i].Bytes); err != nil {
			t.Fatal(err)
		}
		var asks []string
		for _, q := range m.Questions {
			asks = append(asks, strings.TrimSuffix(q.Name.String(), "."))
			if q.Type != dnsmessage.TypePTR || q.Class != dnsmessage.ClassINET|cacheFlush {
				t.Errorf("question of type %s, class %s", q.Type, q.Class)
			}
		}
		if m.Response || !slices.Equal(asks, names) {
			t.Errorf("question %d: for %q, want %q", i, asks, names)
		}
	}
}
