package fins

import (
	"fmt"
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// There is no controller, simulator or capture to be had: the messages are laid out by the manuals (W227 section 5-3-15).

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

// data is what a CPU says behind the end code: model, version, for system use, area data.
func data(model, version string) string {
	return fmt.Sprintf("%x%x%s%s", fmt.Sprintf("%-20s", model), version, strings.Repeat("00", 20-len(version)), strings.Repeat("00", 52))
}

// tcp puts the header of FINS/TCP before a message.
func tcp(command int, message string) string {
	return fmt.Sprintf("46494e53 %08x %08x 00000000", 8+len(discoverytest.Unhex(message)), command) + message
}

const (
	question = "80 00 02 00 01 00 00 fe 00 2a 0501 00"
	answer   = "c0 00 02 00 fe 00 00 01 00 2a 0501 0000"
)

func TestProtocol(t *testing.T) {
	sample := func(name string, transport discovery.Transport, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(transport), Want: want, Problems: problems, Messages: messages}
	}
	talk := func(transport, op string) string {
		return client1 + " -> " + server1 + " " + transport + "/9600 fins: " + op
	}
	told := []string{server1 + ": fins.controller-model = CJ2M-CPU32", server1 + ": fins.controller-version = 02.01"}
	afterGap := answered("0002 0501", tcp(2, answer+data("CJ2M-CPU32", "02.01")))
	afterGap.Gap = 100
	discoverytest.Run(
		t, Protocol(),
		sample(
			"controller_data", discovery.UDP, 0, append([]string{talk("udp", "read")}, told...),
			asked(question), answered(answer, data("CJ2M-CPU32", "02.01")), answered(answer, data("CJ2M-CPU32", "02.01")),
		),
		sample("refused", discovery.UDP, 0, []string{talk("udp", "read")}, asked(question), answered("c0 00 02 00 fe 00 00 01 00 2a 0501 0401")),
		sample("relayed_flags", discovery.UDP, 0, append([]string{talk("udp", "read")}, told...), answered("c0 00 02 00 fe 00 00 01 00 2a 0501 0040", data("CJ2M-CPU32", "02.01"))),
		sample(
			"behind", discovery.UDP, 0,
			[]string{
				talk("udp", "read"), server1 + " fins-net=3.7: fins.controller-model = CP1L-EM30", server1 + " fins-net=3.7: fins.controller-version = 01.10",
				server1 + " fins-unit=16: fins.controller-model = CJ1W-ETN21", server1 + " fins-unit=16: fins.controller-version = V1.20",
			},
			answered("c0 00 02 00 fe 00 03 07 00 2a 0501 0000", data("CP1L-EM30", "01.10")), answered("c0 00 02 00 fe 00 00 01 10 2a 0501 0000", data("CJ1W-ETN21", "V1.20")),
		),
		sample(
			"operations", discovery.UDP, 0, []string{talk("udp", "write"), talk("udp", "read"), talk("udp", "control")},
			asked("80 00 02 00 01 00 00 fe 00 2b 0102 82 0064 00 0001 0001"), answered("c0 00 02 00 fe 00 00 01 00 2b 0102 0000"),
			asked("80 00 02 00 01 00 00 fe 00 2c 0101 82 0064 00 0001"), asked("81 00 02 00 01 00 00 fe 00 2d 0402"),
		),
		sample("short_data", discovery.UDP, 1, []string{talk("udp", "read"), server1 + ": fins.controller-model = CJ2M-CPU32"}, answered(answer, data("CJ2M-CPU32", "02.01")[:60])),
		sample("not_fins", discovery.UDP, 1, nil, asked("00 00 00 01 00 00 00 00 00 00 00 00")),
		sample(
			"by_tcp", discovery.TCP, 0, append([]string{talk("tcp", "read")}, told...),
			asked(tcp(0, "00000000")), answered(tcp(1, "000000fe 00000001")), asked(tcp(2, question)), answered(tcp(2, answer+data("CJ2M-CPU32", "02.01"))),
		),
		sample("after_a_gap", discovery.TCP, 0, append([]string{talk("tcp", "read")}, told...), afterGap),
		sample("other_stream", discovery.TCP, 1, nil, asked(fmt.Sprintf("%x", "GET / HTTP/1.1\r\n\r\n"))),
	)
}

func TestClaims(t *testing.T) {
	for text, want := range map[string]bool{
		question: true, answer + data("CJ2M-CPU32", "02.01"): true, tcp(2, question): true,
		"80 00 02 00 01 00 00 fe 00 2c 0101 82 0064 00 0001": false, "46494e53 ffffffff 00000002 00000000": false, "8000": false,
	} {
		if got := claims(discoverytest.Unhex(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestAsk(t *testing.T) {
	asked := []string{"read-controller-data"}
	reply := func(text string) [][]byte { return [][]byte{discoverytest.Unhex(text)} }
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers": {
			Answers: reply(strings.Replace(answer, "2a", "01", 1) + data("CJ2M-CPU32", "02.01")), Want: asked,
			Told: []string{server1 + ": fins.controller-model = CJ2M-CPU32", server1 + ": fins.controller-version = 02.01"},
		},
		"refuses":          {Answers: reply("c0 00 02 00 fe 00 00 01 00 01 0501 0401"), Want: asked},
		"another_question": {Answers: reply(answer), Want: asked, Err: discovery.ErrNotUnderstood},
		"garbled":          {Answers: reply("ffff"), Want: asked, Err: discovery.ErrNotUnderstood},
		"silent":           {Want: asked, Err: discovery.ErrSilent},
		"known":            {Known: map[discovery.Key]string{KeyModel: "a", KeyVersion: "b"}},
	})
}

func FuzzDecoder(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex(answer+data("CJ2M-CPU32", "02.01")), false)
	f.Add(discoverytest.Unhex(tcp(2, question)), true)
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte, stream bool) {
		claims(b)
		in := flow(discovery.UDP)
		if stream {
			in = flow(discovery.TCP)
		}
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: in, Messages: []discoverytest.Message{{Side: discovery.Server, Bytes: b}}})
	})
}
