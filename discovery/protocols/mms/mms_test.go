package mms

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
)

// There is no server to be had in Debian, npm or the Go proxy, and no capture: the messages are laid out by the standards, and Wireshark's
// dissector, which is independent, reads the asker's as what they are meant to be.

const (
	client1 = "192.0.2.9"
	server1 = "192.0.2.1"
	talk    = client1 + " -> " + server1 + " tcp/102 mms: "
)

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr(client1)}, {IP: netip.MustParseAddr(server1)}},
		Ports: [2]uint16{40000, Port}, Transport: discovery.TCP,
	}
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func data(message string) []byte { return cotp.AppendData(nil, unhex(message)) }

// tlv is an element in hex.
func tlv(tag, content string) string {
	if n := len(unhex(content)); n > 127 {
		return fmt.Sprintf("%s82%04x%s", tag, n, content)
	}
	return fmt.Sprintf("%s%02x%s", tag, len(unhex(content)), content)
}

// carried is a PDU of MMS in the data of a session.
func carried(pdu string) []byte {
	return data("01000100" + tlv("61", tlv("30", "020103"+tlv("a0", pdu))))
}

func identity(vendor, model, revision string) string {
	return tlv("a1", "020101"+tlv("a2", tlv("80", fmt.Sprintf("%x", vendor))+tlv("81", fmt.Sprintf("%x", model))+tlv("82", fmt.Sprintf("%x", revision))))
}

var (
	confirm = unhex("0300 0016 11 d0 0001 0003 00 c0 01 0a c1 02 0001 c2 02 0001")
	accept  = data("0e06 05041301 0016")
	ended   = carried("8c00")
)

func asked(b ...[]byte) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Client, Bytes: slices.Concat(b...)}
}

func answered(b ...[]byte) discoverytest.Message {
	return discoverytest.Message{Side: discovery.Server, Bytes: slices.Concat(b...)}
}

func told(vendor, model, revision string) []string {
	return []string{
		server1 + ": mms.identify-vendor-name = " + vendor, server1 + ": mms.identify-model-name = " + model, server1 + ": mms.identify-revision = " + revision,
	}
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Problems: problems, Messages: messages}
	}
	long := strings.Repeat("long name ", 20) + "end"
	discoverytest.Run(
		t, Protocol(),
		sample(
			"session", 0, append([]string{talk + "read"}, told("SISCO", "MMS-LITE-80X-001", "5.1")...),
			asked(cotp.AppendConnect(nil, 1, []byte(defaultTSAP), []byte(defaultTSAP))), answered(confirm), asked(data(initiate)), answered(accept), asked(data(identify)),
			answered(carried(identity("SISCO", "MMS-LITE-80X-001", "5.1"))), answered(carried(identity("SISCO", "MMS-LITE-80X-001", "5.1"))), asked(data(conclude)), answered(ended),
		),
		sample("long_texts", 0, told("ABB", long, "1"), answered(carried(identity("ABB", long, "1")))),
		sample(
			"operations", 0, []string{talk + "read", talk + "write", talk + "control"},
			asked(carried(tlv("a0", "020102"+tlv("a4", "a000")))), asked(carried(tlv("a0", "020103"+tlv("a5", "a000")))), asked(carried(tlv("a0", "020104"+tlv("bf28", "")))),
			asked(carried(tlv("a0", "020105"+tlv("bf48", "")))), answered(carried(tlv("a1", "020102"+tlv("a4", "")))), answered(carried(tlv("a2", "8001028200"))),
		),
		sample("report", 0, nil, answered(carried(tlv("a3", "a000")))),
		sample("cut_identify", 1, told("ABB", "REL670", "1")[:1], answered(carried(tlv("a1", "020101"+tlv("a2", tlv("80", "414242")+"810a41"))))),
		sample("no_pdv", 1, nil, answered(data("01000100"+tlv("61", tlv("31", "020103a000"))))),
		sample("s7", 1, nil, asked(data("3201 0000 0001 0008 0000 f000 0001 0001 01e0"))),
		sample("abort", 0, nil, answered(data("1903 110103"))),
	)
}

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		first []byte
		want  bool
	}{
		"connect":       {cotp.AppendConnect(nil, 1, []byte(defaultTSAP), []byte(defaultTSAP)), true},
		"initiate":      {data(initiate), true},
		"data":          {data(identify), true},
		"s7":            {data("3201 0000 0001 0008 0000 f000 0001 0001 01e0"), false},
		"rack_and_slot": {cotp.AppendConnect(nil, 1, []byte{1, 0}, []byte{3, 2}), false},
		"http":          {[]byte("GET / HTTP/1.1\r\n\r\n"), false},
	} {
		if got := claims(c.first); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAsk(t *testing.T) {
	opened := []string{requestConnect, requestInitiate}
	all := slices.Concat(opened, []string{requestIdentify, requestConclude})
	for name, c := range map[string]struct {
		answers [][]byte // one for each message; nil is silence
		known   map[discovery.Key]string
		want    []string
		told    []string
		err     error
	}{
		"identifies":       {answers: [][]byte{confirm, accept, carried(identity("SISCO", "MMS-LITE", "5"))}, want: all, told: told("SISCO", "MMS-LITE", "5")},
		"rejects":          {answers: [][]byte{confirm, accept, carried(tlv("a2", "8001018200"))}, want: all},
		"garbled":          {answers: [][]byte{confirm, accept, data("01000100 6155")}, want: all, err: discovery.ErrNotUnderstood},
		"silent":           {answers: [][]byte{confirm, accept, nil}, want: all, err: discovery.ErrSilent},
		"no_association":   {answers: [][]byte{confirm, data("0c03 320102")}, want: opened, err: discovery.ErrNotOffered},
		"another_selector": {answers: [][]byte{unhex("0300 000b 06 80 0001 0000 80")}, want: opened[:1], err: discovery.ErrNotOffered},
		"ends":             {answers: [][]byte{confirm}, want: opened, err: discovery.ErrNotOffered},
		"known":            {known: map[discovery.Key]string{KeyVendorName: "a", KeyModelName: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(server1)}, Port: Port}, Known: c.known, Allowed: []string{"mms"},
					Serve: func(conn net.Conn) {
						buffer := make([]byte, 4096)
						for _, answer := range c.answers {
							if _, err := conn.Read(buffer); err != nil {
								return
							}
							if answer != nil {
								_, _ = conn.Write(answer)
							}
						}
						_, _ = conn.Read(buffer) // the farewell, or what is not answered any more
					},
				})
				if !slices.Equal(got.Requests(), c.want) || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("asked %q, error %v; want %q, %v", got.Requests(), got.Err, c.want, c.err)
				}
				for _, line := range c.told {
					if !slices.Contains(got.Lines, line) {
						t.Errorf("%q was not told, but:\n%s", line, strings.Join(got.Lines, "\n"))
					}
				}
			})
		})
	}
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(carried(identity("SISCO", "MMS-LITE-80X-001", "5.1")))
	f.Add(data(initiate))
	f.Add(data(identify))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) {
		claims(b)
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(), Messages: []discoverytest.Message{answered(b), answered(carried(hex.EncodeToString(b[:min(len(b), 100)])))}})
	})
}
