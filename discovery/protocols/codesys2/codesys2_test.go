package codesys2

import (
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// There is no controller, simulator or capture to be had: the answer is laid out as public scanners read it.

const server1 = discoverytest.ServerIP

func flow() discovery.Flow { return discoverytest.Between(discovery.TCP, Port) }

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
		sample("asked", 0, told, discoverytest.Says(discovery.Client, question), discoverytest.Says(discovery.Server, whole), discoverytest.Says(discovery.Client, "\xbb\xbbwhatever follows"), discoverytest.Says(discovery.Server, "more")),
		sample("big_endian", 0, told, discoverytest.Says(discovery.Client, "\xbb\xbb\x00\x00\x00\x01\x01"), discoverytest.Says(discovery.Server, whole)),
		sample("empty_texts", 0, told[2:], discoverytest.Says(discovery.Client, question), discoverytest.Says(discovery.Server, answer("", "", "WAGO 750-841"))),
		sample("other_protocol", 1, nil, discoverytest.Says(discovery.Client, "GET / HTTP/1.1\r\n\r\n")),
		sample("answers_otherwise", 1, nil, discoverytest.Says(discovery.Client, question), discoverytest.Says(discovery.Server, "HTTP/1.1 400")),
	)
}

func TestAsk(t *testing.T) {
	asked := []string{"identify"}
	reply := func(text string) [][]byte { return [][]byte{[]byte(text)} }
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers": {Answers: reply(answer("VxWorks", "5.5", "PLC 4")), Want: asked, Told: []string{server1 + ": codesys2.product = PLC 4"}},
		"echoes":  {Answers: reply(question), Want: asked, Err: discovery.ErrNotUnderstood},
		"garbled": {Answers: reply("SSH-2.0-x\r\n"), Want: asked, Err: discovery.ErrNotUnderstood},
		"silent":  {Want: asked, Err: discovery.ErrSilent},
		"known":   {Known: map[discovery.Key]string{KeyProduct: "a"}},
	})
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(answer("VxWorks", "5.5", "PLC 4"))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, text string) {
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(), Messages: []discoverytest.Message{discoverytest.Says(discovery.Client, question), discoverytest.Says(discovery.Server, text)}})
	})
}
