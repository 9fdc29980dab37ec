package listen_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

var chatPort = discovery.Port{Transport: discovery.TCP, Number: 7000}

func TestStream(t *testing.T) {
	a, b := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 7000)
	// q and r are what the client and the server send, n bytes into their stream; the SYN took the first number.
	var isn, risn uint32 = 0xfffffffa, 900 // the client's numbers wrap
	q := func(n uint32, data string) []byte { return tcp(a, b, ack|psh, isn+1+n, risn+1, data) }
	qa := func(n, acked uint32, data string) []byte { return tcp(a, b, ack|psh, isn+1+n, risn+1+acked, data) }
	r := func(n, acked uint32, data string) []byte { return tcp(b, a, ack|psh, risn+1+n, isn+1+acked, data) }
	opening := [][]byte{tcp(a, b, syn, isn, 0, ""), tcp(b, a, syn|ack, risn, isn+1, ""), q(0, "")}
	cut := q(0, "#one\n#two\n")
	cases := map[string]struct {
		opening bool
		frames  [][]byte
		want    []string
	}{
		"in_order":            {true, [][]byte{q(0, "#one\n"), r(0, 5, "#two\n"), q(5, "#three\n")}, []string{"A one", "B two", "A three"}},
		"split":               {true, [][]byte{q(0, "#o"), q(2, "ne\n#t"), q(7, "wo\n")}, []string{"A one", "A two"}},
		"out_of_order":        {true, [][]byte{q(5, "#two\n"), q(10, "#three\n"), q(0, "#one\n")}, []string{"A one", "A two", "A three"}},
		"repeated":            {true, [][]byte{q(0, "#one\n"), q(0, "#one\n"), q(0, "#one\n#two\n"), q(5, "#two\n")}, []string{"A one", "A two"}},
		"overlap_held":        {true, [][]byte{q(5, "#two\n"), q(5, "#two\n#three\n"), q(13, "ree\n#four\n"), q(0, "#one\n")}, []string{"A one", "A two", "A three", "A four"}},
		"keep_alive":          {true, [][]byte{q(0, "#one\n"), tcp(a, b, ack, isn+5, risn+1, "\x00"), q(5, "#two\n")}, []string{"A one", "A two"}},
		"gap_acknowledged":    {true, [][]byte{q(0, "#one\n"), q(10, "#three\n"), r(0, 17, "#yes\n")}, []string{"A one", "A -", "A three", "B yes"}},
		"gap_not_yet":         {true, [][]byte{q(0, "#one\n"), q(10, "#three\n"), r(0, 5, "#yes\n"), q(5, "#two\n")}, []string{"A one", "B yes", "A two", "A three"}},
		"ack_before_data":     {true, [][]byte{r(0, 17, "#yes\n"), q(10, "#three\n")}, []string{"B yes", "A -", "A three"}},
		"gap_at_flush":        {true, [][]byte{q(0, "#one\n"), q(10, "#three\n")}, []string{"A one", "A -", "A three"}},
		"middle":              {false, [][]byte{q(5, "wo\n#three\n"), r(0, 0, "#yes\n")}, []string{"A -", "A three", "B -", "B yes"}},
		"one_side":            {false, [][]byte{q(0, "#one\n"), q(5, "#two\n")}, []string{"A -", "A one", "A two"}},
		"reset":               {true, [][]byte{q(0, "#one\n"), tcp(b, a, rst, risn+1, 0, "")}, []string{"A one"}},
		"fin_with_data":       {true, [][]byte{tcp(a, b, ack|fin|psh, isn+1, risn+1, "#one\n"), tcp(b, a, ack|fin, risn+1, isn+7, "")}, []string{"A one"}},
		"far_off":             {true, [][]byte{q(0, "#one\n"), q(1<<30, "#two\n")}, []string{"A one", "A -", "A two"}},
		"not_mine":            {true, [][]byte{q(0, "hello\n"), qa(6, 0, "#one\n")}, nil},
		"error":               {true, [][]byte{q(0, "#bad\n#two\n")}, []string{"A two"}},
		"panic":               {true, [][]byte{q(0, "#panic\n"), q(7, "#two\n")}, nil},
		"cut_by_capture":      {true, [][]byte{cut[:len(cut)-3], q(10, "#three\n")}, []string{"A one", "A -", "A three"}},
		"ports_used_again":    {true, [][]byte{q(0, "#one\n"), tcp(a, b, syn, 5000, 0, ""), tcp(a, b, ack|psh, 5001, 1, "#two\n")}, []string{"A one", "A two"}},
		"syn_repeated":        {true, [][]byte{q(0, "#o"), opening[0], q(2, "ne\n")}, []string{"A one"}},
		"data_on_syn":         {false, [][]byte{tcp(a, b, syn, isn, 0, "#one\n"), q(5, "#two\n")}, []string{"A one", "A two"}},
		"captured_twice":      {true, [][]byte{q(0, "#o"), q(0, "#o"), r(0, 2, "#yes\n"), r(0, 2, "#yes\n"), q(2, "ne\n"), q(2, "ne\n")}, []string{"B yes", "A one"}},
		"swapped_with_answer": {true, [][]byte{r(0, 5, "#yes\n"), q(0, "#one\n")}, []string{"B yes", "A one"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newEar(listen.Options{Protocols: []discovery.Protocol{chat(chatPort)}})
			if c.opening {
				e.hear(opening...)
			}
			e.hear(c.frames...)
			e.Flush()
			var got []string
			for _, line := range e.said() {
				got = append(got, strings.NewReplacer(a.ip.String(), "A", b.ip.String(), "B").Replace(line))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStream_of_one_side_gives_up_a_hole(t *testing.T) {
	a, b := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 7000)
	e := newEar(listen.Options{Protocols: []discovery.Protocol{chat(chatPort)}, Limits: listen.Limits{HeldPerStream: 100}})
	e.hear(tcp(a, b, syn, 0, 0, ""))
	for i := range uint32(30) {
		e.hear(tcp(a, b, psh, 10+i*5, 0, "#one\n"))
	}
	if said := e.said(); len(said) != 31 || e.Counts().Shed.Segments != 9 {
		t.Errorf("%d lines, counted %+v", len(said), e.Counts())
	}
}

func TestClaims(t *testing.T) {
	a, b := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 60000)
	cases := map[string]struct {
		frames   [][]byte
		protocol string
	}{
		"stream_elsewhere": {[][]byte{tcp(a, b, syn, 0, 0, ""), tcp(a, b, ack, 1, 1, "#one\n")}, "chat"},
		"by_server":        {[][]byte{tcp(a, b, syn, 0, 0, ""), tcp(b, a, syn|ack, 0, 1, ""), tcp(a, b, ack, 1, 1, "?"), tcp(b, a, ack, 1, 2, "#one\n")}, "chat"},
		"datagram":         {[][]byte{udp(a, b, "#one")}, "chat"},
		"nobody":           {[][]byte{udp(a, b, "one")}, ""},
		"too_late":         {[][]byte{udp(a, b, "1"), udp(a, b, "2"), udp(a, b, "3"), udp(a, b, "4"), udp(a, b, "#one")}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := newEar(listen.Options{Protocols: []discovery.Protocol{chat(chatPort, discovery.Port{Transport: discovery.UDP, Number: 7000})}})
			e.hear(c.frames...)
			e.Flush()
			talks := e.talks()
			if len(talks) != 1 || talks[0].Protocol != c.protocol || talks[0].Packets != uint64(len(c.frames)) {
				t.Errorf("told %+v", talks)
			}
			if (c.protocol != "") != (len(e.said()) == 1) {
				t.Errorf("said %q", e.said())
			}
		})
	}
}

func TestTwo_protocols_at_one_port(t *testing.T) {
	a, b := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 7000)
	shouts := chat(chatPort)
	shouts.Name = "shouts"
	shouts.Claims = func(b []byte) bool { return b[0] == '!' }
	shouts.Decode = discovery.Stateless(func(_ discovery.Flow, _ discovery.Side, _ time.Time, b []byte, out discovery.Sink) error {
		if b[0] != '!' {
			return discovery.ErrNotMine
		}
		out.Observe(discovery.Observation{Facts: []discovery.Fact{discovery.NewFact(keySaid, string(b))}})
		return nil
	})
	for data, want := range map[string]string{"#one\n": "chat", "!one\n": "shouts", "?one\n": ""} {
		e := newEar(listen.Options{Protocols: []discovery.Protocol{shouts, chat(chatPort)}})
		e.hear(tcp(a, b, syn, 0, 0, ""), tcp(a, b, ack|psh, 1, 1, data))
		e.Flush()
		if talks := e.talks(); len(talks) != 1 || talks[0].Protocol != want {
			t.Errorf("%q: told %+v", data, talks)
		}
	}
}

func TestOperations_are_told_with_the_counters(t *testing.T) {
	a, b := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 7000)
	e := newEar(listen.Options{Protocols: []discovery.Protocol{chat(chatPort)}})
	e.hear(tcp(a, b, syn, 0, 0, ""), tcp(a, b, ack|psh, 1, 1, "#write\n#write\n"), tcp(b, a, psh, 1, 0, "#write\n"))
	if talks := e.talks(); len(talks) != 0 {
		t.Errorf("told early: %+v", talks)
	}
	e.Flush()
	if talks := e.talks(); len(talks) != 1 || talks[0].Operations != discovery.OpWrite || talks[0].Packets != 3 {
		t.Errorf("told %+v", talks)
	}
}

func TestTroubles(t *testing.T) {
	a, b := at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 7000)
	e := newEar(listen.Options{Protocols: []discovery.Protocol{chat(chatPort)}})
	e.hear(tcp(a, b, syn, 0, 0, ""), tcp(a, b, ack|psh, 1, 1, "#bad\n#bad\n#panic\n"))
	want := []listen.Trouble{
		{
			Protocol: "chat", Reason: `message N of "..." is rubbish`, Count: 2,
			Example: `message 17 of "somebody" is rubbish (10.0.0.1 to 10.0.0.2, tcp 7000)`,
		},
		{Protocol: "chat", Reason: "panic: chat", Count: 1, Example: "panic: chat (10.0.0.1 to 10.0.0.2, tcp 7000)"},
	}
	if diff := cmp.Diff(want, e.Troubles()); diff != "" {
		t.Error(diff)
	}
}
