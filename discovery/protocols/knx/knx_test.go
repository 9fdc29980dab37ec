package knx

import (
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// The search response is the one that xknx, an independent implementation, proves itself by (a router of Gira).
const (
	gira = "06100202 0050 0801c0a82a0a0e57 36010200110000001122334455 66e000170c010203040506 47697261204b4e582f49502d526f75746572000000000000000000000000" +
		"0c02 0201 0302 0401 0501 0701"
	described = "06100204 0048 36010200110000001122334455 66e000170c010203040506 47697261204b4e582f49502d526f75746572000000000000000000000000 0c02 0201 0302 0401 0501 0701"
	describe  = "06100203 000e 0801 00000000 0000"
	talk      = discoverytest.ClientIP + " -> " + discoverytest.ServerIP + " udp/3671 knx: "
)

func told() []string {
	var out []string
	for _, fact := range []string{
		"friendly-name = Gira KNX/IP-Router", "serial-number = 1122:33445566", "manufacturer-id = 0x1122", "individual-address = 1.1.0",
		"mac-address = 01:02:03:04:05:06", "medium = TP1", "service-families = core 1, device management 2, tunnelling 1, routing 1, remote configuration 1",
	} {
		out = append(out, discoverytest.ServerIP+": knx."+fact)
	}
	return out
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: discoverytest.Between(discovery.UDP, Port), Want: want, Problems: problems, Messages: messages}
	}
	asks := func(text string) discoverytest.Message {
		return discoverytest.Says(discovery.Client, discoverytest.Unhex(text))
	}
	says := func(text string) discoverytest.Message {
		return discoverytest.Says(discovery.Server, discoverytest.Unhex(text))
	}
	discoverytest.Run(
		t, Protocol(),
		sample("search", 0, told(), says(gira), says(gira)),
		sample("description", 0, told(), asks(describe), says(described)),
		sample("unnamed", 0, []string{discoverytest.ServerIP + ": knx.individual-address = 15.15.255"}, says("06100204 003c 3601 00 00 ffff 0000 000000000000 00000000 000000000000"+"000000000000000000000000000000000000000000000000000000000000")),
		sample(
			"tunnel", 0, []string{talk + "write", talk + "read"}, // L_Data.req: write 1 to 1/2/3, read 1/2/3
			asks("06100420 0015 04490000 1100bce0 0000 0a03 01 0081"), asks("06100420 0015 04490100 1100bce0 0000 0a03 01 0000"), says("06100420 0015 04490000 2900bce0 1101 0a03 01 0081"),
		),
		sample("configured", 0, []string{talk + "read", talk + "write"}, asks("06100310 0011 04490000 fc000b01341001"), asks("06100310 0012 04490000 f6000b0134100100")),
		sample("short_block", 1, nil, says("06100204 000a 36010200")),
		sample("cut", 1, nil, says("06100202 0050 0801c0a82a0a0e57")),
		sample("no_length", 1, nil, says("06100202 0002 0801")),
		sample("other_protocol", 1, nil, asks("000100000000")),
	)
}

func TestClaims(t *testing.T) {
	for text, want := range map[string]bool{gira: true, describe: true, describe + "00": false, "06100420 0006": false, "0610": false} {
		if got := claims(discoverytest.Unhex(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestAsk(t *testing.T) {
	asked := []string{"describe"}
	reply := func(text string) [][]byte { return [][]byte{discoverytest.Unhex(text)} }
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers": {Answers: reply(described), Want: asked, Told: told()},
		"echoes":  {Answers: reply(describe), Want: asked, Err: discovery.ErrNotUnderstood},
		"garbled": {Answers: reply("ffff"), Want: asked, Err: discovery.ErrNotUnderstood},
		"silent":  {Want: asked, Err: discovery.ErrSilent},
		"known":   {Known: map[discovery.Key]string{KeySerial: "a", KeyName: "b"}},
	})
}

func FuzzDatagram(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex(gira))
	f.Add(discoverytest.Unhex("06100420 0015 04490000 1100bce0 0000 0a03 01 0081"))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) {
		claims(b)
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: discoverytest.Between(discovery.UDP, Port), Messages: []discoverytest.Message{discoverytest.Says(discovery.Server, b)}})
	})
}
