package listen_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

// etherLine is the EtherType of the protocol line, which is spoken between stations: "r" reads, "w" writes, "R" answers a read,
// "S" says nothing, and a "c" that comes by UDP sets up a talk in which who sent it writes to who got it.
const etherLine = 0x8892

func line() discovery.Protocol {
	return discovery.Protocol{
		Name: "line", Ports: []discovery.Port{{Transport: discovery.EtherType, Number: etherLine}, {Transport: discovery.UDP, Number: 34964}},
		Decode: discovery.Stateless(func(f discovery.Flow, side discovery.Side, _ time.Time, b []byte, out discovery.Sink) error {
			talk := discovery.Conversation{Client: f.Ends[side], Server: f.Ends[side.Other()], Transport: discovery.EtherType, Port: etherLine}
			switch b[0] {
			case 'r':
				talk.Operations = discovery.OpRead
			case 'w', 'c':
				talk.Operations = discovery.OpWrite
			case 'R':
				talk.Operations = discovery.OpRead
				talk.Client, talk.Server = talk.Server, talk.Client
			default:
				return nil
			}
			out.Observe(discovery.Observation{Talks: []discovery.Conversation{talk}})
			return nil
		}),
	}
}

// links are the conversations without IP, one line each.
func (e *ear) links() []string {
	var out []string
	for _, c := range e.talks() {
		if c.Transport == discovery.EtherType {
			out = append(out, c.Client.MAC.String()[15:]+" to "+c.Server.MAC.String()[15:]+" "+c.Protocol+" "+c.Operations.String()+" "+c.Frequency)
		}
	}
	slices.Sort(out)
	return out
}

func TestStationsTalk(t *testing.T) {
	one, two := at(1, "10.0.0.1", 34964), at(2, "10.0.0.2", 34964)
	frame := func(from, to host, text string) []byte {
		return ethernet(from.mac, to.mac, etherLine, append([]byte(text), make([]byte, 40)...))
	}
	group := host{mac: discovery.MAC{0x01, 0x0e, 0xcf}}
	for _, c := range []struct {
		name   string
		frames [][]byte
		want   []string
	}{
		{"who_speaks_first_is_the_client", [][]byte{frame(one, two, "S"), frame(two, one, "S"), frame(one, two, "S")}, []string{"01 to 02 line  one-off"}},
		{"a_read", [][]byte{frame(one, two, "r"), frame(two, one, "R")}, []string{"01 to 02 line read one-off"}},
		{"an_answer_alone", [][]byte{frame(two, one, "S"), frame(two, one, "R"), frame(two, one, "S")}, []string{"01 to 02 line read one-off"}},
		{"a_write_later", [][]byte{frame(two, one, "S"), frame(one, two, "S"), frame(one, two, "w")}, []string{"01 to 02 line write one-off"}},
		{"to_all", [][]byte{frame(one, group, "r")}, nil},
		{"each_reads_the_other", [][]byte{frame(one, two, "r"), frame(two, one, "w")}, []string{"01 to 02 line read one-off", "02 to 01 line write "}},
		{"set_up_over_UDP", [][]byte{
			udp(one, two, "S"), udp(two, one, "S"), // their addresses are known now
			udp(one, two, "c"), frame(two, one, "S"), frame(one, two, "S"),
		}, []string{"01 to 02 line write one-off"}},
		{"set_up_over_UDP_later", [][]byte{
			frame(two, one, "S"), udp(two, one, "S"), udp(one, two, "c"), frame(one, two, "S"),
		}, []string{"01 to 02 line write one-off"}},
		{"set_up_and_never_heard", [][]byte{udp(two, one, "S"), udp(one, two, "c")}, nil},
		{"no_reader", [][]byte{ethernet(one.mac, two.mac, 0x88a4, []byte("data"))}, []string{"01 to 02 ethercat  one-off"}},
		{"no_name", [][]byte{ethernet(one.mac, two.mac, 0x9999, []byte("data"))}, []string{"01 to 02   one-off"}},
		{"no_talk", [][]byte{ethernet(one.mac, two.mac, 0x0806, []byte("data")), ethernet(one.mac, one.mac, 0x9999, []byte("data")), ethernet(one.mac, two.mac, 38, []byte{0x42, 0x42, 3})}, nil},
		{"tagged", [][]byte{ethernet(one.mac, two.mac, etherLine, []byte("w"), 0xc000)}, []string{"01 to 02 line write one-off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEar(listen.Options{Protocols: []discovery.Protocol{line()}})
			e.hear(c.frames...)
			e.Flush()
			if diff := cmp.Diff(c.want, e.links()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStationsTalkInCycles(t *testing.T) {
	one, two := at(1, "10.0.0.1", 0), at(2, "10.0.0.2", 0)
	e := newEar(listen.Options{Protocols: []discovery.Protocol{line()}})
	data := append([]byte("S"), bytes.Repeat([]byte{0}, 45)...)
	for range 500 {
		e.hear(ethernet(two.mac, one.mac, etherLine, data, 0xc000), ethernet(one.mac, two.mac, etherLine, data, 0xc000))
		e.now = e.now.Add(4 * time.Millisecond)
	}
	e.Flush()
	talks := e.talks()
	if len(talks) != 1 {
		t.Fatalf("%+v", talks)
	}
	c := talks[0]
	if c.Packets != 1000 || c.Bytes != 64000 || c.Frequency != "cyclic" || !c.Answered || c.Port != etherLine || c.Client.IP.IsValid() ||
		c.MedianInterval.Round(time.Millisecond) != 4*time.Millisecond || !c.Last.Equal(start.Add(499*4*time.Millisecond)) {
		t.Errorf("%+v", c)
	}
	// A talk that was silent for long and begins with the other station is still the same.
	e.told = nil
	e.now = e.now.Add(time.Hour)
	e.hear(ethernet(discovery.MAC{0, 1, 2, 3, 4, 5}, discovery.Broadcast, 0x9999, data))
	e.Flush()
	e.hear(ethernet(one.mac, two.mac, etherLine, data))
	e.Flush()
	if diff := cmp.Diff([]string{"02 to 01 line  cyclic"}, e.links()); diff != "" {
		t.Error(diff)
	}
}

// TestCutInTheOptions has a capture with 64 bytes of each frame, which end inside of the TCP options: who talks to whom is still seen.
func TestCutInTheOptions(t *testing.T) {
	e := newEar(listen.Options{})
	for _, way := range [][2]host{{at(1, "10.0.0.1", 50000), at(2, "10.0.0.2", 502)}, {at(2, "10.0.0.2", 502), at(1, "10.0.0.1", 50000)}} {
		b := tcp(way[0], way[1], ack|psh, 1, 1, string(make([]byte, 12))+"a message of twenty b")
		b[14+20+12] = 0x80 // the first twelve bytes are options
		e.Frame(&discovery.Frame{Time: e.now, Link: discovery.LinkEthernet, Length: len(b), Data: b[:64]})
	}
	e.Flush()
	if talks := e.talks(); len(talks) != 1 || talks[0].Port != 502 || talks[0].Packets != 2 || !talks[0].Answered || e.Counts().Malformed > 0 {
		t.Errorf("%+v, %+v", talks, e.Counts())
	}
}
