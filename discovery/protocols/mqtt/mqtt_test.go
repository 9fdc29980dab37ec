package mqtt

import (
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// The packets are those of Mosquitto 2.0.11, broker and clients, of MQTT 3.1.1 and 5.0.
const (
	connect4    = "102300044d51545404c2003c0005686d692d3700086f70657261746f720006736563726574" // hmi-7, user "operator", password "secret"
	connect5    = "101600044d5154540502003c032100140006686973742d31"                           // hist-1
	accepted4   = "20020000"
	accepted5   = "200900000622000a210014"
	subscribed4 = "822200010013245359532f62726f6b65722f76657273696f6e000007706c616e742f2300"
	version4    = "312d0013245359532f62726f6b65722f76657273696f6e6d6f7371756974746f2076657273696f6e20322e302e3131"
	version5    = "33300013245359532f62726f6b65722f76657273696f6e0001006d6f7371756974746f2076657273696f6e20322e302e3131" // confirmed, no properties
	value       = "30180012706c616e742f70726573732d332f74656d7032332e34"
	birth       = "3027002373704276312e302f68616c6c342f4442495254482f656467652d312f64726976652d320078"

	talk = discoverytest.ClientIP + " -> " + discoverytest.ServerIP + " tcp/1883 mqtt: "
)

func client(facts ...string) []string {
	var out []string
	for _, fact := range facts {
		out = append(out, discoverytest.ClientIP+": mqtt."+fact)
	}
	return out
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: discoverytest.Between(discovery.TCP, Port), Want: want, Problems: problems, Messages: messages}
	}
	asks := func(packets ...string) discoverytest.Message {
		return discoverytest.Says(discovery.Client, discoverytest.Unhex(packets...))
	}
	says := func(packets ...string) discoverytest.Message {
		return discoverytest.Says(discovery.Server, discoverytest.Unhex(packets...))
	}
	broker := discoverytest.ServerIP + ": mqtt.broker-version = mosquitto version 2.0.11"
	// A publication of 3,000 bytes, of which the beginning is read and the rest passed over.
	large := "30ba17" + "0003612f62" + strings.Repeat("00", 3002-5)
	garbled := says(version4)
	garbled.Gap = 7
	discoverytest.Run(
		t, Protocol(),
		sample(
			"subscriber", 0, append(client("protocol-version = 3.1.1", "client-id = hmi-7"), talk+"read", broker),
			asks(connect4), says(accepted4), asks(subscribed4), says(version4, value, version4), asks("c000"), says("d000"),
		),
		sample("of_version_5", 0, append(client("protocol-version = 5.0", "client-id = hist-1"), broker), asks(connect5), says(accepted5, version5)),
		sample(
			"sparkplug", 0, append([]string{talk + "write"}, client("sparkplug-edge-node = hall4/edge-1", "sparkplug-device = hall4/edge-1/drive-2")...),
			asks(value, birth, birth, "300b000973704276312e302f61"),
		),
		sample("large", 0, []string{talk + "write"}, asks(large), asks(value)),
		sample("old_version", 0, client("protocol-version = 3.1", "client-id = a"), asks("100f 0006 4d5149736470 03 02 003c 0001 61")),
		sample("without_an_id", 0, client("protocol-version = 3.1.1"), asks("100c 0004 4d515454 04 02 003c 0000")),
		sample("after_a_gap", 0, nil, garbled),
		sample("topic_with_a_wildcard", 1, nil, says("3005 0003 612f23")),
		sample("other_protocol", 1, nil, asks("100c 0004 414d5150 04 02 003c 0000")),
		sample("other_stream", 1, nil, asks("474554202f20485454502f312e310d0a")),
	)
}

// What was lost of a packet that is passed over anyway does not cost the rest.
func TestLostValues(t *testing.T) {
	beginning := discoverytest.Unhex("30ba17" + "0003612f62" + strings.Repeat("00", 2043+500))
	behind := discoverytest.Says(discovery.Client, discoverytest.Unhex(birth))
	behind.Gap = 3 + 3002 - len(beginning)
	lines, problems := discoverytest.Read(t, Protocol(), discoverytest.Sample{
		Flow: discoverytest.Between(discovery.TCP, Port), Messages: []discoverytest.Message{discoverytest.Says(discovery.Client, beginning), behind},
	})
	if len(lines) != 3 || len(problems) > 0 {
		t.Errorf("told %q, problems %v", lines, problems)
	}
}

func TestSecretsAreNotTold(t *testing.T) {
	lines, _ := discoverytest.Read(t, Protocol(), discoverytest.Sample{
		Flow: discoverytest.Between(discovery.TCP, Port), Messages: []discoverytest.Message{discoverytest.Says(discovery.Client, discoverytest.Unhex(connect4))},
	})
	if all := strings.Join(lines, "\n"); len(lines) == 0 || strings.Contains(all, "secret") || strings.Contains(all, "operator") {
		t.Errorf("told %q", lines)
	}
}

func TestClaims(t *testing.T) {
	for text, want := range map[string]bool{connect4: true, connect5: true, value: false, "100c0004414d5150040200": false, "10": false} {
		if got := claims(discoverytest.Unhex(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex(connect4, subscribed4, birth), discoverytest.Unhex(accepted4, version4))
	f.Add(discoverytest.Unhex(connect5), discoverytest.Unhex(accepted5, version5))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, a, b []byte) {
		claims(a)
		discoverytest.Check(t, protocol, discoverytest.Sample{
			Name: "fuzz", Flow: discoverytest.Between(discovery.TCP, Port),
			Messages: []discoverytest.Message{discoverytest.Says(discovery.Client, a), discoverytest.Says(discovery.Server, b)},
		})
	})
}
