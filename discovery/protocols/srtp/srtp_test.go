package srtp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// There is no controller or capture to be had. The text of the identity is the example of GFK-0529C (page 6-40, a Series 90-30 331 CPU
// named 33101A with the program ESS331), the frame that of DFRWS 2017 tables 1 and 4.
const (
	text331  = "3333313031410000 10 23 01 00 4553533333310000 0100 a3070000 9a01 9bcd0000 d606 2201 c8eb0000"
	opened   = "01000000 0000 0000 0f" // and zeroes
	asked331 = "02000100 0000 000000 01 00000000000000 01 0000000000000000 000000 00 01 c0 00000000 100e0000 01 01 43 00 00000000 0000000000000000"

	talk = discoverytest.ClientIP + " -> " + discoverytest.ServerIP + " tcp/18245 srtp: "
)

// zeroes fills a frame up.
func zeroes(text string) []byte {
	return append(discoverytest.Unhex(text), make([]byte, headerSize-len(discoverytest.Unhex(text)))...)
}

// answer is a frame of the kind 3 with a mailbox message and text.
func answer(sequence, mailbox byte, text string) []byte {
	b := make([]byte, headerSize)
	b[0], b[2], b[4], b[17], b[31] = 3, sequence, byte(len(discoverytest.Unhex(text))), 1, mailbox
	copy(b[32:], discoverytest.Unhex("100e0000 205a0000 01 01 2800"))
	return append(b, discoverytest.Unhex(text)...)
}

// request is a frame of the kind 2 that asks for a service.
func request(sequence, service byte) []byte {
	b := discoverytest.Unhex(asked331)
	b[2], b[30], b[42] = sequence, sequence, service
	return b
}

func told() []string {
	return []string{
		discoverytest.ServerIP + ": srtp.controller-id = 33101A", discoverytest.ServerIP + ": srtp.cpu-type = 16.35", discoverytest.ServerIP + ": srtp.program-name = ESS331",
	}
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: discoverytest.Between(discovery.TCP, Port), Want: want, Problems: problems, Messages: messages}
	}
	asks := func(frames ...[]byte) discoverytest.Message { return discoverytest.Says(discovery.Client, frames...) }
	says := func(frames ...[]byte) discoverytest.Message { return discoverytest.Says(discovery.Server, frames...) }
	extended := request(7, 0)
	extended[4], extended[31], extended[50] = 8, boxRequestText, 0x07
	afterGap := says(answer(1, boxDoneText, text331))
	afterGap.Gap = 10
	discoverytest.Run(
		t, Protocol(),
		sample(
			"identity", 0, append([]string{talk + "read"}, told()...),
			asks(zeroes("")), says(zeroes(opened)), asks(request(1, 0x43)), says(answer(1, boxDoneText, text331)), says(answer(1, boxDoneText, text331)),
		),
		sample(
			"operations", 0, []string{talk + "write", talk + "control", talk + "read"},
			asks(append(extended, make([]byte, 8)...)), asks(request(8, 0x23)), asks(request(9, 0x04)), asks(request(10, 0x20)), says(answer(9, boxDone, "")),
		),
		sample("other_answer", 0, []string{talk + "read"}, asks(request(1, 0x04)), says(answer(1, boxDoneText, text331))),
		sample("refused", 0, []string{talk + "read"}, asks(request(1, 0x43)), says(answer(1, boxRefused, ""))),
		sample("short_identity", 1, append([]string{talk + "read"}, told()[:2]...), asks(request(1, 0x43)), says(answer(1, boxDoneText, text331[:26]))),
		sample("after_a_gap", 0, []string{talk + "read"}, asks(request(1, 0x43)), afterGap),
		sample("other_stream", 1, nil, asks([]byte("GET / HTTP/1.1\r\n\r\n"))),
		sample("garbled_later", 1, []string{talk + "read"}, asks(request(1, 0x43)), asks(bytes.Repeat([]byte{0xff}, 60))),
	)
}

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		first []byte
		want  bool
	}{
		"request": {request(1, 0x43), true}, "zeroes": {zeroes(""), false}, "answer": {answer(1, boxDone, ""), false}, "cut": {request(1, 0x43)[:40], false}, "odd_service": {request(1, 0xee), false},
	} {
		if got := claims(c.first); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAsk(t *testing.T) {
	all := []string{requestOpen, requestIdentity}
	ready := zeroes(opened)
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers":      {Answers: [][]byte{ready, answer(1, boxDoneText, text331)}, Want: all, Told: told()},
		"refuses":      {Answers: [][]byte{ready, answer(1, boxRefused, "")}, Want: all},
		"odd_answer":   {Answers: [][]byte{ready, ready}, Want: all, Err: discovery.ErrNotUnderstood},
		"echoes":       {Answers: [][]byte{zeroes("")}, Want: all[:1], Err: discovery.ErrNotUnderstood},
		"garbled":      {Answers: [][]byte{[]byte("SSH-2.0-x\r\n")}, Want: all[:1], Err: discovery.ErrNotUnderstood},
		"ends":         {Ends: true, Want: all[:1], Err: discovery.ErrNotOffered},
		"silent":       {Want: all[:1], Err: discovery.ErrSilent},
		"silent_later": {Answers: [][]byte{ready}, Want: all, Err: discovery.ErrSilent},
		"known":        {Known: map[discovery.Key]string{KeyCPUType: "16.35", KeyControllerID: "a"}},
	})
}

// What is sent is the frame of table 1 with the service of the manual.
func TestQuestionIsExact(t *testing.T) {
	if got, want := question(), discoverytest.Unhex(strings.ReplaceAll(asked331, " ", "")); !bytes.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(request(1, 0x43), answer(1, boxDoneText, text331))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, a, b []byte) {
		claims(a)
		discoverytest.Check(t, protocol, discoverytest.Sample{
			Name: "fuzz", Flow: discoverytest.Between(discovery.TCP, Port),
			Messages: []discoverytest.Message{discoverytest.Says(discovery.Client, a), discoverytest.Says(discovery.Server, b)},
		})
	})
}
