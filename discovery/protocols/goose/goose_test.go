package goose

import (
	"slices"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// The frame is one of a GE F650, as it stands in a published capture (ITI/ICS-Security-Tools, CC BY 4.0), and as Wireshark reads it.
const f650 = "0001009100000000618186801a4745446576696365463635302f4c4c4e3024474f2467636230318103009c4082184745446576696365463635302f4c4c4e3024474f4f534531830b463635305f474f4f5345318408386ebbf34217280a85010186010a8701008801018901008a0108ab208301008403030000830100840303000083010084030300008301008403030000"

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{MAC: discovery.MAC{0x00, 0xa0, 0xf4, 0x08, 0x2f, 0x77}}, {MAC: discovery.MAC{0x01, 0xa0, 0xf4, 0x08, 0x2f, 0x77}}},
		Ports: [2]uint16{0, EtherType}, Transport: discovery.EtherType,
	}
}

func told() []string {
	const station = "00:a0:f4:08:2f:77: goose."
	return []string{
		station + "app-id = 0x0001", station + "control-block = GEDeviceF650/LLN0$GO$gcb01", station + "data-set = GEDeviceF650/LLN0$GOOSE1", station + "id = F650_GOOSE1",
	}
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, frames ...[]byte) discoverytest.Sample {
		s := discoverytest.Sample{Name: name, Flow: flow(), Want: want, Problems: problems}
		for _, frame := range frames {
			s.Messages = append(s.Messages, discoverytest.Says(discovery.Client, frame))
		}
		return s
	}
	frame := discoverytest.Unhex(f650)
	other := slices.Clone(frame)
	other[1] = 2
	discoverytest.Run(
		t, Protocol(),
		sample("frame", 0, told(), frame, frame, append(slices.Clone(frame), make([]byte, 20)...)),
		sample("two_blocks", 0, append(told(), slices.Concat([]string{"00:a0:f4:08:2f:77: goose.app-id = 0x0002"}, told()[1:])...), frame, other, frame),
		sample("another_pdu", 1, nil, discoverytest.Unhex("0001 000d 0000 0000 a003800100")),
		sample("endless", 1, nil, discoverytest.Unhex("0001 000d 0000 0000 6184 800100")),
	)
}

// A station repeats itself all day: what was told costs nothing.
func TestRepeatsAreFree(t *testing.T) {
	d := Protocol().Decode(flow())
	frame := discoverytest.Unhex(f650)
	sink := discovery.SinkFunc(func(discovery.Observation) {})
	feed := func() { _, _ = d.Feed(discovery.Client, time.Time{}, frame, 0, sink) }
	feed()
	if n := testing.AllocsPerRun(100, feed); n > 0 {
		t.Errorf("%v allocations for a repeated message", n)
	}
}

func FuzzFrame(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(discoverytest.Unhex(f650))
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, b []byte) {
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(), Messages: []discoverytest.Message{discoverytest.Says(discovery.Client, b)}})
	})
}
