package listen_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

func (e *ear) pulses() []discovery.Pulse {
	var out []discovery.Pulse
	e.Pulses(func(p discovery.Pulse) { out = append(out, p) })
	return out
}

func TestPulses(t *testing.T) {
	const syn, ack, push, reset = 2, 16, 24, 4
	hmi, plc := at(1, "10.0.0.9", 50000), at(2, "10.0.0.5", 502)
	e := newEar(listen.Options{Pulse: true})
	e.hear(tcp(hmi, plc, syn, 99, 0, ""), tcp(plc, hmi, syn|ack, 499, 100, ""), tcp(hmi, plc, ack, 100, 500, ""))
	asked, answered := uint32(100), uint32(500)
	poll := func(answer time.Duration) {
		e.hear(tcp(hmi, plc, push, asked, answered, "read!"))
		asked += 5
		e.now = e.now.Add(answer)
		e.hear(tcp(plc, hmi, push, answered, asked, "value"))
		answered += 5
		e.now = e.now.Add(200*time.Millisecond - answer)
	}
	for range 5 {
		poll(10 * time.Millisecond)
	}
	want := discovery.Pulse{
		Client: hmi.ip, Server: plc.ip, Transport: discovery.TCP, Port: 502, Last: e.now.Add(-200 * time.Millisecond), Open: 1,
		Intervals: durations(200, 200, 200, 200), Answers: durations(10, 10, 10, 10, 10),
	}
	if diff := cmp.Diff([]discovery.Pulse{want}, e.pulses(), cmpopts.EquateComparable(hmi.ip)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := e.pulses(); len(got) != 0 {
		t.Errorf("a pulse of nothing: %+v", got)
	}

	// A frame that is captured twice is none that was sent twice; a keep-alive is none either.
	again := tcp(hmi, plc, push, asked, answered, "read!")
	e.hear(again)
	e.now = e.now.Add(2 * time.Millisecond)
	e.hear(again, tcp(plc, hmi, ack, answered-1, asked+5, "v"))
	if got := e.pulses(); len(got) != 1 || got[0].Repeats != 0 {
		t.Errorf("captured twice: %+v", got)
	}
	e.now = e.now.Add(300 * time.Millisecond)
	e.hear(again)
	if got := e.pulses(); len(got) != 1 || got[0].Repeats != 1 || !got[0].Waiting {
		t.Errorf("a message that waits for its answer: %+v", got)
	}
	e.now = e.now.Add(600 * time.Millisecond)
	e.hear(again, tcp(plc, hmi, reset, answered, 0, ""))
	if got := e.pulses(); len(got) != 1 || got[0].Repeats != 1 || got[0].Resets != 1 || got[0].Waiting || got[0].Open != 0 || len(got[0].Answers) != 0 {
		t.Errorf("sent again and reset: %+v", got)
	}
}

func TestAResetBetweenExchangesIsNone(t *testing.T) {
	hmi, plc := at(1, "10.0.0.9", 50000), at(2, "10.0.0.5", 502)
	e := newEar(listen.Options{Pulse: true})
	e.hear(tcp(hmi, plc, 24, 100, 500, "read!"))
	e.now = e.now.Add(time.Millisecond)
	e.hear(tcp(plc, hmi, 24, 500, 105, "value"), tcp(hmi, plc, 4, 105, 0, ""))
	if got := e.pulses(); len(got) != 1 || got[0].Resets != 0 || len(got[0].Answers) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestPulsesOfDatagrams(t *testing.T) {
	manager, agent := at(1, "10.0.0.9", 50000), at(2, "10.0.0.5", 161)
	e := newEar(listen.Options{Pulse: true, Protocols: []discovery.Protocol{chat(discovery.Port{Transport: discovery.UDP, Number: 161})}})
	for range 3 {
		e.hear(udp(manager, agent, "#get"))
		e.now = e.now.Add(30 * time.Millisecond)
		e.hear(udp(agent, manager, "#value"))
		e.now = e.now.Add(970 * time.Millisecond)
	}
	got := e.pulses()
	if len(got) != 1 || got[0].Protocol != "chat" || len(got[0].Intervals) != 2 || len(got[0].Answers) != 3 || got[0].Answers[0] != 30*time.Millisecond {
		t.Errorf("got %+v", got)
	}
}

// What is not asked for is not kept.
func TestNoPulseWithoutTheOption(t *testing.T) {
	e := newEar(listen.Options{})
	for range 3 {
		e.hear(tcp(at(1, "10.0.0.9", 50000), at(2, "10.0.0.5", 502), 24, 100, 500, "read!"))
		e.now = e.now.Add(time.Second)
	}
	if got := e.pulses(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func durations(ms ...int) []time.Duration {
	var out []time.Duration
	for _, n := range ms {
		out = append(out, time.Duration(n)*time.Millisecond)
	}
	return out
}
