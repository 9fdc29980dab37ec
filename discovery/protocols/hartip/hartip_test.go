package hartip

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// There is no device, simulator or capture to be had: the messages are laid out by the specifications, and Wireshark's dissector, which is
// independent, reads those of both sides here as what they are meant to be.

const (
	client1 = discoverytest.ClientIP
	server1 = discoverytest.ServerIP
)

func flow(transport discovery.Transport) discovery.Flow {
	return discoverytest.Between(transport, Port)
}

func asked(b ...string) discoverytest.Message {
	return discoverytest.Says(discovery.Client, discoverytest.Unhex(b...))
}

func answered(b ...string) discoverytest.Message {
	return discoverytest.Says(discovery.Server, discoverytest.Unhex(b...))
}

// message puts the header before a body in hex.
func message(kind, id, sequence int, body string) string {
	return fmt.Sprintf("01 %02x %02x 00 %04x %04x %s", kind, id, sequence, headerSize+len(discoverytest.Unhex(body)), body)
}

// reply is a frame of a device: what stands before the count, then response code, status and data.
func reply(head, data string) string {
	text := fmt.Sprintf("%s %02x %s", head, 2+len(discoverytest.Unhex(data)), "0000"+data)
	return hex.EncodeToString(seal(discoverytest.Unhex(text)))
}

const (
	identity7 = "fe 2606 05 07 03 02 09 00 123456 05 04 0001 00 0026 0026 01"
	identity5 = "fe 2606 05 05 03 02 09 00 123456"
	tag       = "hall 4 level"
)

func longTag() string { return fmt.Sprintf("%x", tag+strings.Repeat("\x00", 32-len(tag))) }

func identified(about string) []string {
	var out []string
	for _, fact := range []string{
		"manufacturer-id = 0x0026", "device-type = 0x2606", "device-id = 0x123456", "universal-revision = 7", "device-revision = 3", "software-revision = 2", "hardware-revision = 1",
	} {
		out = append(out, about+": hartip."+fact)
	}
	return out
}

func TestProtocol(t *testing.T) {
	sample := func(name string, transport discovery.Transport, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(transport), Want: want, Problems: problems, Messages: messages}
	}
	talk := func(transport, op string) string {
		return client1 + " -> " + server1 + " " + transport + "/5094 hartip: " + op
	}
	session := []discoverytest.Message{
		asked(message(0, 0, 1, "00 00004e20")), answered(message(1, 0, 1, "00 00004e20")), asked(message(0, 3, 2, "02 00 00 00 02")), answered(message(1, 3, 2, reply("06 00 00", identity7))),
		asked(message(0, 3, 3, "82 2606123456 14 00 d2")), answered(message(1, 3, 3, reply("86 2606123456 14", longTag()))), asked(message(0, 1, 4, "")), answered(message(1, 1, 4, "")),
	}
	whole := func(transport string) []string {
		return slices.Concat([]string{talk(transport, "read")}, identified(server1), []string{server1 + ": hartip.long-tag = " + tag})
	}
	afterGap := answered("ff00 01", message(1, 3, 2, reply("06 00 00", identity7)))
	afterGap.Gap = 30
	older := identified(server1)
	older[3] = server1 + ": hartip.universal-revision = 5"
	discoverytest.Run(
		t, Protocol(),
		sample("by_udp", discovery.UDP, 0, whole("udp"), session...),
		sample("by_tcp", discovery.TCP, 0, whole("tcp"), session...),
		sample("older", discovery.UDP, 0, older, answered(message(1, 3, 2, reply("06 00 00", identity5)))),
		sample("behind_a_gateway", discovery.UDP, 0, []string{server1 + " hart-device=1a02000007: hartip.long-tag = " + tag}, answered(message(1, 3, 2, reply("86 1a02000007 14", longTag())))),
		sample("refused", discovery.UDP, 0, nil, answered(message(1, 3, 2, "06 00 00 02 4000 44"))),
		sample(
			"operations", discovery.UDP, 0, []string{talk("udp", "write"), talk("udp", "read"), talk("udp", "control")},
			asked(message(0, 3, 1, "82 2606123456 13 03 000001 d7")), asked(message(0, 3, 2, "82 2606123456 03 00 c5")), asked(message(0, 3, 3, "82 2606123456 2a 00 ec")),
		),
		sample("wrong_identity", discovery.UDP, 1, nil, answered(message(1, 3, 2, reply("06 00 00", "00"+identity5[2:])))),
		sample("after_a_gap", discovery.TCP, 0, identified(server1), afterGap),
		sample("not_hart", discovery.TCP, 1, nil, asked(fmt.Sprintf("%x", "GET / HTTP/1.1\r\n\r\n"))),
		sample("empty_frame", discovery.UDP, 1, nil, answered(message(1, 3, 2, "86 00000000"))),
		sample("lost", discovery.TCP, 1, nil, answered(message(1, 1, 4, "")), answered("ffff"), answered("ffff")),
	)
}

func TestClaims(t *testing.T) {
	for text, want := range map[string]bool{
		message(0, 0, 1, "01 00004e20"): true, message(0, 3, 2, "02 00 00 00 02"): true, message(0, 0, 1, "02 00004e20"): false, message(0, 1, 1, ""): false,
		message(0, 3, 2, "02"): false, "0100": false,
	} {
		if got := claims(discoverytest.Unhex(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestAsk(t *testing.T) {
	all := []string{requestInitiate, requestIdentity, requestLongTag, requestClose}
	short := []string{requestInitiate, requestIdentity, requestClose}
	session, identity := message(1, 0, 1, "00 00004e20"), message(1, 3, 2, reply("06 00 00", identity7))
	// replies are one to each message; "" is silence.
	replies := func(texts ...string) [][]byte {
		var out [][]byte
		for _, text := range texts {
			var b []byte
			if text != "" {
				b = discoverytest.Unhex(text)
			}
			out = append(out, b)
		}
		return out
	}
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers": {
			Answers: replies(session, identity, message(1, 3, 3, reply("86 2606123456 14", longTag()))), Want: all,
			Told: append(identified(server1), server1+": hartip.long-tag = "+tag),
		},
		"no_session":    {Answers: replies(strings.Replace(session, "01 01 00 00", "01 01 00 10", 1)), Want: all[:1], Err: discovery.ErrNotOffered},
		"not_identity":  {Answers: replies(session, message(1, 3, 2, reply("06 00 00", "00"))), Want: short},
		"garbled":       {Answers: replies(session, "ffff"), Want: short, Err: discovery.ErrNotUnderstood},
		"tag_is_silent": {Answers: replies(session, identity), Want: all, Told: identified(server1), Err: discovery.ErrSilent},
		"silent":        {Want: all[:1], Err: discovery.ErrSilent},
		"late_ones":     {Answers: replies(session, message(1, 3, 1, reply("06 00 00", identity7))), Want: short, Err: discovery.ErrSilent},
		"known":         {Known: map[discovery.Key]string{KeyDeviceID: "a", KeyLongTag: "b"}},
	})
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex(message(1, 3, 2, reply("06 00 00", identity7))))
	f.Add(discoverytest.Unhex(message(1, 3, 3, reply("86 2606123456 14", longTag()))))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) {
		claims(b)
		for _, transport := range []discovery.Transport{discovery.TCP, discovery.UDP} {
			discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(transport), Messages: []discoverytest.Message{{Side: discovery.Server, Bytes: b}}})
		}
	})
}
