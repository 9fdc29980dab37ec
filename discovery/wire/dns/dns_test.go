package dns

import (
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// pack encodes a message with the Go project's own codec.
func pack(t testing.TB, m dnsmessage.Message) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func answer(t testing.TB) []byte {
	header := func(name string, kind dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET, TTL: 300}
	}
	return pack(t, dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, Response: true, Authoritative: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("hmi.plant.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{
			{Header: header("hmi.plant.example.", dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("Panel7.plant.example.")}},
			{Header: header("Panel7.plant.example.", dnsmessage.TypeA), Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, 7}}},
			{Header: header("Panel7.plant.example.", dnsmessage.TypeAAAA), Body: &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("fd00::7").As16()}},
		},
		Additionals: []dnsmessage.Resource{
			{Header: header("_http._tcp.plant.example.", dnsmessage.TypeSRV), Body: &dnsmessage.SRVResource{Port: 8080, Target: dnsmessage.MustNewName("panel7.plant.example.")}},
			{Header: header("x.plant.example.", dnsmessage.TypeTXT), Body: &dnsmessage.TXTResource{TXT: []string{"model=7", "fw=1.2"}}},
		},
	})
}

func TestParse(t *testing.T) {
	m, err := Parse(answer(t))
	if err != nil {
		t.Fatal(err)
	}
	if m.ID != 7 || !m.Response || m.Opcode != Query || m.Flags != 0x40 || m.RCode != 0 || len(m.Questions) != 1 || len(m.Records) != 5 {
		t.Fatalf("got %+v", m)
	}
	if q := m.Questions[0]; q.Name.String() != "hmi.plant.example" || q.Type != A || q.Class != IN {
		t.Errorf("question %+v", q)
	}
	alias, err := m.Records[0].Target()
	if err != nil || alias.String() != "Panel7.plant.example" || m.Records[0].Section != Answers || m.Records[0].TTL != 300 {
		t.Errorf("alias %q, error %v", alias, err)
	}
	for i, want := range map[int]string{1: "10.0.0.7", 2: "fd00::7"} {
		if ip, ok := m.Records[i].IP(); !ok || ip.String() != want {
			t.Errorf("record %d: address %s", i, ip)
		}
	}
	service := m.Records[3]
	if target, err := service.Target(); err != nil || target.Fold() != alias.Fold() || service.Port() != 8080 || service.Section != Additional {
		t.Errorf("service at %q port %d, error %v", target, service.Port(), err)
	}
	if texts := m.Records[4].Texts(); len(texts) != 2 || string(texts[1]) != "fw=1.2" {
		t.Errorf("texts %q", texts)
	}
}

func TestParseCut(t *testing.T) {
	whole := answer(t)
	for n := range whole {
		if _, err := Parse(whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: error %v", n, err)
		}
	}
}

func TestParseDamaged(t *testing.T) {
	question := func(name string) []byte {
		return []byte("\x00\x07\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + "\x00\x01\x00\x01")
	}
	for _, c := range []struct{ name, bytes, want string }{
		{"pointer_to_itself", "\xc0\x0c", "does not point back"},
		{"pointer_ahead", "\xc0\x20", "does not point back"},
		{"loop_through_label", "\x01a\xc0\x0c", "does not point back"},
		{"loop_of_two", "\x01a\xc0\x10\xc0\x0c", "does not point back"},
		{"label_type", "\x41a", "label of type 0x40"},
		{"too_long", strings.Repeat("\x3f"+strings.Repeat("a", 63), 4) + "\x00", "more than 255 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse(question(c.bytes)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	many := append([]byte("\x00\x07\x80\x00\x00\x00\xff\xff\x00\x00\x00\x00"), strings.Repeat("\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00", 600)...)
	if m, err := Parse(many); err == nil || len(m.Records) != maxRecords {
		t.Errorf("%d records, error %v", len(m.Records), err)
	}
}

// A chain of pointers, each to the one before, is allowed; it ends since each points back.
func TestPointerChain(t *testing.T) {
	b := []byte("\x00\x07\x80\x00\x00\x02\x00\x00\x00\x00\x00\x00" + "\x01a\x00\x00\x01\x00\x01" + "\x01b\xc0\x0c\x00\x01\x00\x01")
	m, err := Parse(b)
	if err != nil || m.Questions[1].Name.String() != "b.a" {
		t.Errorf("got %+v, error %v", m.Questions, err)
	}
}

func TestName(t *testing.T) {
	n := NewName("Press 3. hall", "_HTTP", "", "_tcp", "local")
	if got := n.String(); got != `Press 3\. hall._HTTP._tcp.local` {
		t.Errorf("got %q", got)
	}
	if labels := n.Fold().Labels(); len(labels) != 4 || labels[1] != "_http" {
		t.Errorf("labels %q", labels)
	}
	if _, _, ok := Name("\x09short").Cut(); ok {
		t.Error("a label that is longer than its name was cut off")
	}
}

func TestReverseAddr(t *testing.T) {
	for name, want := range map[string]string{
		"1.238.16.172.in-addr.arpa":   "172.16.238.1",
		"1.238.16.172.IN-ADDR.ARPA":   "172.16.238.1",
		"238.16.172.in-addr.arpa":     "",
		"1.238.16.300.in-addr.arpa":   "",
		"1.238.16.172.in-addr.local":  "",
		"b._dns-sd._udp.in-addr.arpa": "",
		"arpa":                        "",
		"7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa": "fd00::7",
		"70.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.ip6.arpa":  "",
	} {
		ip, ok := NewName(strings.Split(name, ".")...).ReverseAddr()
		if ok != (want != "") || ok && ip.String() != want {
			t.Errorf("%s: got %s", name, ip)
		}
	}
}
