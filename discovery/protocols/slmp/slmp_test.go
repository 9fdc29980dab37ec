package slmp

import (
	"fmt"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// There is no controller, simulator or capture to be had: the frames are laid out by the manual (SH-080956ENG sections 4.2 and 5.3).

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

// body puts its length before what follows the route.
func body(text string) string {
	n := len(discoverytest.Unhex(text))
	return fmt.Sprintf("00 ff ff03 00 %02x%02x %s", n&255, n>>8, text)
}

func model(name string) string { return fmt.Sprintf("%x 6603", fmt.Sprintf("%-16s", name)) }

const typeNameRequest = "0800 0101 0000"

func TestProtocol(t *testing.T) {
	sample := func(name string, transport discovery.Transport, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(transport), Want: want, Problems: problems, Messages: messages}
	}
	talk := func(transport, op string) string {
		return client1 + " -> " + server1 + " " + transport + "/5007 slmp: " + op
	}
	told := []string{server1 + ": slmp.model-name = Q03UDVCPU", server1 + ": slmp.model-code = 0x0366"}
	afterGap := asked("0102 50", "5000", body(typeNameRequest))
	afterGap.Gap = 50
	discoverytest.Run(
		t, Protocol(),
		sample(
			"type_name", discovery.TCP, 0, append([]string{talk("tcp", "read")}, told...), asked("5000", body(typeNameRequest)), answered("d000", body("0000"+model("Q03UDVCPU"))),
			asked("5000", body(typeNameRequest)), answered("d000", body("0000"+model("Q03UDVCPU"))),
		),
		sample(
			"numbered", discovery.UDP, 0, append([]string{talk("udp", "read")}, told...), asked("5400 3412 0000", body("0800 0104 0000 640000a80100")),
			asked("5400 3512 0000", body(typeNameRequest)), answered("d400 3512 0000", body("0000"+model("Q03UDVCPU"))), answered("d400 3412 0000", body("0000 1234")),
		),
		sample("refused", discovery.TCP, 0, []string{talk("tcp", "read")}, asked("5000", body(typeNameRequest)), answered("d000", body("59c0 00ffff0300 0101 0000"))),
		sample("unasked", discovery.TCP, 0, nil, answered("d000", body("0000"+model("Q03UDVCPU")))),
		sample(
			"operations", discovery.TCP, 0, []string{talk("tcp", "write"), talk("tcp", "control")},
			asked("5000", body("0800 0114 0000 640000a801003412")), answered("d000", body("0000")), asked("5000", body("0800 0210 0000 0100")),
		),
		sample("short_type_name", discovery.TCP, 1, []string{talk("tcp", "read"), told[0]}, asked("5000", body(typeNameRequest)), answered("d000", body("0000"+model("Q03UDVCPU")[:33]))),
		sample("after_a_gap", discovery.TCP, 0, append([]string{talk("tcp", "read")}, told...), afterGap, answered("d000", body("0000"+model("Q03UDVCPU")))),
		sample("not_slmp", discovery.TCP, 1, nil, asked(fmt.Sprintf("%x", "GET / HTTP/1.1\r\n\r\n"))),
		sample("lost", discovery.TCP, 1, []string{talk("tcp", "read")}, asked("5000", body(typeNameRequest)), answered("ffff"), answered("ffff")),
	)
}

func TestClaims(t *testing.T) {
	for text, want := range map[string]bool{
		"5000" + body(typeNameRequest): true, "5400 0100 0000" + body(typeNameRequest): true, "5000" + body("0800 ffff 0000"): false,
		"d000" + body("0000"): false, "5000" + body(typeNameRequest) + "00": false, "50": false,
	} {
		if got := claims(discoverytest.Unhex(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestAsk(t *testing.T) {
	asked := []string{"read-type-name"}
	reply := func(text string) [][]byte { return [][]byte{discoverytest.Unhex(text)} }
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers": {Answers: reply("d000" + body("0000"+model("R04CPU"))), Want: asked, Told: []string{server1 + ": slmp.model-name = R04CPU"}},
		"refuses": {Answers: reply("d000" + body("59c0")), Want: asked},
		"garbled": {Answers: reply("ffff"), Want: asked, Err: discovery.ErrNotUnderstood},
		"silent":  {Want: asked, Err: discovery.ErrSilent},
		"known":   {Known: map[discovery.Key]string{KeyModelName: "a"}},
	})
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex("5000"+body(typeNameRequest)), discoverytest.Unhex("d000"+body("0000"+model("R04CPU"))))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, a, b []byte) {
		claims(a)
		for _, transport := range []discovery.Transport{discovery.TCP, discovery.UDP} {
			discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(transport), Messages: []discoverytest.Message{
				{Side: discovery.Client, Bytes: a}, {Side: discovery.Server, Bytes: b},
			}})
		}
	})
}
