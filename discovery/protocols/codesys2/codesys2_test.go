package codesys2

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// There is no controller, simulator or capture to be had: the answer is laid out as public scanners read it.

const server1 = "192.0.2.1"

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr("192.0.2.9")}, {IP: netip.MustParseAddr(server1)}},
		Ports: [2]uint16{40000, Port}, Transport: discovery.TCP,
	}
}

func say(side discovery.Side, text string) discoverytest.Message {
	return discoverytest.Message{Side: side, Bytes: []byte(text)}
}

const question = "\xbb\xbb\x01\x00\x00\x00\x01"

// answer has texts at 64, 96 and 128, and something before and behind them.
func answer(texts ...string) string {
	b := []byte("\xbb\xbb\xcd\x00\x00\x00" + strings.Repeat("\x01", 58))
	for _, text := range texts {
		b = append(b, text+strings.Repeat("\x00", textSize-len(text))...)
	}
	return string(append(b, make([]byte, 40)...))
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Problems: problems, Messages: messages}
	}
	told := []string{
		server1 + ": codesys2.os-name = Nucleus PLUS", server1 + ": codesys2.os-type = Nucleus PLUS version unknown", server1 + ": codesys2.product = WAGO 750-841",
	}
	whole := answer("Nucleus PLUS", "Nucleus PLUS version unknown", "WAGO 750-841")
	discoverytest.Run(
		t, Protocol(),
		sample("asked", 0, told, say(discovery.Client, question), say(discovery.Server, whole), say(discovery.Client, "\xbb\xbbwhatever follows"), say(discovery.Server, "more")),
		sample("big_endian", 0, told, say(discovery.Client, "\xbb\xbb\x00\x00\x00\x01\x01"), say(discovery.Server, whole)),
		sample("empty_texts", 0, told[2:], say(discovery.Client, question), say(discovery.Server, answer("", "", "WAGO 750-841"))),
		sample("other_protocol", 1, nil, say(discovery.Client, "GET / HTTP/1.1\r\n\r\n")),
		sample("answers_otherwise", 1, nil, say(discovery.Client, question), say(discovery.Server, "HTTP/1.1 400")),
	)
}

func TestAsk(t *testing.T) {
	for name, c := range map[string]struct {
		answer string // "" is silence
		known  map[discovery.Key]string
		told   string
		err    error
		sent   int
	}{
		"answers": {answer: answer("VxWorks", "5.5", "PLC 4"), told: server1 + ": codesys2.product = PLC 4", sent: 1},
		"echoes":  {answer: question, err: discovery.ErrNotUnderstood, sent: 1},
		"garbled": {answer: "SSH-2.0-x\r\n", err: discovery.ErrNotUnderstood, sent: 1},
		"silent":  {err: discovery.ErrSilent, sent: 1},
		"known":   {known: map[discovery.Key]string{KeyProduct: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(server1)}, Port: Port}, Known: c.known, Allowed: []string{"codesys2"},
					Serve: func(conn net.Conn) {
						buffer := make([]byte, 2048)
						for {
							if _, err := conn.Read(buffer); err != nil {
								return
							}
							if c.answer != "" {
								_, _ = conn.Write([]byte(c.answer))
							}
						}
					},
				})
				if len(got.Sent) != c.sent || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("sent %d, error %v; want %d, %v", len(got.Sent), got.Err, c.sent, c.err)
				}
				if c.told != "" && !slices.Contains(got.Lines, c.told) {
					t.Errorf("told %q", got.Lines)
				}
			})
		})
	}
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(answer("VxWorks", "5.5", "PLC 4"))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, text string) {
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(), Messages: []discoverytest.Message{say(discovery.Client, question), say(discovery.Server, text)}})
	})
}
