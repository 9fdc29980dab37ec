package pcworx

import (
	"slices"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// The frames of two controllers, as they stand in published captures: an ILC 151 ETH that was asked (hi-KK/ICS-Protocol-identify), and the
// answer of an ILC 191 ETH 2TX to its engineering tool (reidmefirst/PC-PCAP).
const (
	opening = "0101001a0000000078800003000c494245544830314e305f4d00"
	opened  = "81010014000000010000000000020000004c0000"
	put     = "01050016000100007880004c00000006000402950000"
	taken   = "81050012000100010000000000020000004c"
	fetch   = "0106000e0002000000000 04c0400"
	ilc151  = "810600b0000200010000000000020000004c0000000600988295004a0000494c43203135312045544800000000000000000000000000000000000000000000000000342e34310000" +
		"0000000000000030392f32382f31350000000031343a33353a30310030340000000020000000000000000020000000000000000000000000000000200000000000000000200000000000000000" +
		"303100323730303937340042310000002000000000200000000000"
	ilc191 = "810600b0000c00010000000000020000004c0000000000988295004a0000494c43203139312045544820325458000000000000000000000000000000000000000000342e34320000" +
		"0000000000000031312f32362f31350000000031383a34363a35350030340000000020000000000000000020000000000000000000000000000000200000000000000000200000000000000000" +
		"303100323730303937360042300000002000000000200000000000"
)

func told(facts ...string) []string {
	var out []string
	for _, fact := range facts {
		out = append(out, discoverytest.ServerIP+": pcworx."+fact)
	}
	return out
}

func toldILC151() []string {
	return told("plc-type = ILC 151 ETH", "firmware = 4.41", "firmware-date = 09/28/15 14:35:01", "order-number = 2700974")
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: discoverytest.Between(discovery.TCP, Port), Want: want, Problems: problems, Messages: messages}
	}
	asked := func(frames ...string) discoverytest.Message {
		return discoverytest.Says(discovery.Client, discoverytest.Unhex(frames...))
	}
	answered := func(frames ...string) discoverytest.Message {
		return discoverytest.Says(discovery.Server, discoverytest.Unhex(frames...))
	}
	afterGap := answered(ilc151)
	afterGap.Gap = 20
	talk := discoverytest.ClientIP + " -> " + discoverytest.ServerIP + " tcp/1962 pcworx: read"
	discoverytest.Run(
		t, Protocol(),
		sample("asked", 0, append([]string{talk}, toldILC151()...), asked(opening), answered(opened), asked(put), answered(taken), asked(fetch), answered(ilc151)),
		sample("by_its_tool", 0, told("plc-type = ILC 191 ETH 2TX", "firmware = 4.42", "firmware-date = 11/26/15 18:46:55", "order-number = 2700976"), answered(ilc191)),
		sample("another_message", 0, nil, answered("8106001c 0002 0001 0000 0000 0002 0000 004c 0000 0000 0098 82b0 0000")),
		sample("short_identity", 1, toldILC151()[:3], answered("81060080"+ilc151[8:256])),
		sample("after_a_gap", 0, nil, afterGap),
		sample("wrong_side", 1, nil, answered(opening)),
		sample("garbled_later", 1, nil, answered(opened), answered("ff000000")),
		sample("other_stream", 1, nil, asked("474554202f20485454502f312e310d0a")),
	)
}

func TestClaims(t *testing.T) {
	for text, want := range map[string]bool{opening: true, put: false, opened: false, opening[:30]: false, "0101001a" + opened[8:] + "000000000000": false} {
		if got := isOpening(discoverytest.Unhex(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestAsk(t *testing.T) {
	all := []string{requestOpen, requestPut, requestFetch}
	answers := func(frames ...string) [][]byte {
		var out [][]byte
		for _, frame := range frames {
			out = append(out, discoverytest.Unhex(frame))
		}
		return out
	}
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"answers":         {Answers: answers(opened, taken, ilc151), Want: all, Told: toldILC151()},
		"echoes":          {Answers: answers(opening), Want: all[:1], Err: discovery.ErrNotUnderstood},
		"garbled":         {Answers: [][]byte{[]byte("SSH-2.0-x\r\n")}, Want: all[:1], Err: discovery.ErrNotUnderstood},
		"another_service": {Answers: answers(taken), Want: all[:1], Err: discovery.ErrNotUnderstood},
		"no_session":      {Answers: answers("81010006 0000"), Want: all[:1], Err: discovery.ErrNotUnderstood},
		"no_identity":     {Answers: answers(opened, taken, "8106001a"+opened[8:]+"000000000000"), Want: all, Err: discovery.ErrNotUnderstood},
		"ends":            {Ends: true, Want: all[:1], Err: discovery.ErrNotOffered},
		"silent":          {Want: all[:1], Err: discovery.ErrSilent},
		"silent_later":    {Answers: slices.Concat(answers(opened), [][]byte{nil}), Want: all[:2], Err: discovery.ErrSilent},
		"known":           {Known: map[discovery.Key]string{KeyType: "a", KeyFirmware: "b", KeyOrderNumber: "c"}},
	})
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex(opening, put, fetch), discoverytest.Unhex(opened, taken, ilc151))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, a, b []byte) {
		isOpening(a)
		discoverytest.Check(t, protocol, discoverytest.Sample{
			Name: "fuzz", Flow: discoverytest.Between(discovery.TCP, Port),
			Messages: []discoverytest.Message{discoverytest.Says(discovery.Client, a), discoverytest.Says(discovery.Server, b)},
		})
	})
}
