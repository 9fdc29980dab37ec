package listen_test

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

// start is the time of the first frame of a test.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// host is an end of what a test sends.
type host struct {
	mac  discovery.MAC
	ip   netip.Addr
	port uint16
	hops uint8
}

func at(mac byte, ip string, port uint16) host {
	return host{discovery.MAC{0x00, 0x1b, 0x1b, 0, 0, mac}, netip.MustParseAddr(ip), port, 64}
}

func (h host) on(port uint16) host {
	h.port = port
	return h
}

func (h host) via(mac, hops byte) host {
	h.mac[5], h.hops = mac, hops
	return h
}

func ethernet(from, to discovery.MAC, etherType uint16, payload []byte, tags ...uint16) []byte {
	b := slices.Concat(to[:], from[:])
	for i, tag := range tags {
		kind := uint16(0x8100)
		if i < len(tags)-1 {
			kind = 0x88a8
		}
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint16(b, tag)
	}
	return append(binary.BigEndian.AppendUint16(b, etherType), payload...)
}

// ipPacket is an IPv4 or IPv6 packet without options; fragment is the field of that name of IPv4.
func ipPacket(from, to host, protocol byte, fragment, id uint16, payload []byte) []byte {
	if from.ip.Is6() {
		b := []byte{0x60, 0, 0, 0}
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
		b = append(b, protocol, from.hops)
		return slices.Concat(b, from.ip.AsSlice(), to.ip.AsSlice(), payload)
	}
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(payload)))
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, fragment)
	b = append(b, from.hops, protocol, 0, 0)
	return slices.Concat(b, from.ip.AsSlice(), to.ip.AsSlice(), payload)
}

func udpDatagram(from, to host, data []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, from.port)
	b = binary.BigEndian.AppendUint16(b, to.port)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	return append(append(b, 0, 0), data...)
}

func etherOf(ip netip.Addr) uint16 {
	if ip.Is6() {
		return 0x86dd
	}
	return 0x0800
}

func udp(from, to host, data string) []byte {
	return ethernet(from.mac, to.mac, etherOf(from.ip), ipPacket(from, to, 17, 0, 0, udpDatagram(from, to, []byte(data))))
}

// TCP flags.
const (
	fin = 1
	syn = 2
	rst = 4
	psh = 8
	ack = 16
)

func tcp(from, to host, flags byte, seq, acked uint32, data string) []byte {
	b := binary.BigEndian.AppendUint16(nil, from.port)
	b = binary.BigEndian.AppendUint16(b, to.port)
	b = binary.BigEndian.AppendUint32(b, seq)
	b = binary.BigEndian.AppendUint32(b, acked)
	b = append(b, 0x50, flags, 1, 0, 0, 0, 0, 0)
	return ethernet(from.mac, to.mac, etherOf(from.ip), ipPacket(from, to, 6, 0, 0, append(b, data...)))
}

// ear is a Listener with what it told.
type ear struct {
	*listen.Listener
	told []discovery.Observation
	now  time.Time
}

func newEar(o listen.Options) *ear {
	e := &ear{now: start}
	o.Out = discovery.SinkFunc(func(o discovery.Observation) { e.told = append(e.told, o) })
	e.Listener = listen.New(o)
	return e
}

// hear takes frames of Ethernet, all at once.
func (e *ear) hear(frames ...[]byte) {
	for _, b := range frames {
		e.Frame(&discovery.Frame{Time: e.now, Link: discovery.LinkEthernet, Length: len(b), Data: b})
	}
}

// talks are the conversations that were told, with their counters added up.
func (e *ear) talks() []discovery.Conversation {
	var out []discovery.Conversation
	for _, o := range e.told {
		for _, c := range o.Talks {
			at := slices.IndexFunc(out, func(have discovery.Conversation) bool {
				return have.Client.IP == c.Client.IP && have.Server.IP == c.Server.IP && have.Transport == c.Transport && have.Port == c.Port &&
					have.Protocol == c.Protocol && have.Client.VLAN == c.Client.VLAN && (c.Client.IP.IsValid() || have.Client.MAC == c.Client.MAC)
			})
			if at < 0 {
				out = append(out, c)
				continue
			}
			c.Packets += out[at].Packets
			c.Bytes += out[at].Bytes
			out[at] = c
		}
	}
	return out
}

// facts are the subjects that a key was told of, with the values.
func (e *ear) facts(key discovery.Key) []string {
	var out []string
	for _, o := range e.told {
		for _, f := range o.Facts {
			if f.Key == key {
				text := o.Subject.String() + " " + f.Value
				if o.Subject.IP.IsValid() && !o.Subject.MAC.IsZero() {
					text = o.Subject.MAC.String() + " " + text
				}
				out = append(out, text)
			}
		}
	}
	return out
}

// keySaid is the fact that the protocol of the tests tells for each of its messages.
const keySaid discovery.Key = "chat.said"

var errChat = errors.New("message 17 of \"somebody\" is rubbish")

// chat is a protocol for tests: lines that begin with "#". A line "#bad" is an error, "#panic" a panic, "#write" an operation,
// and any other line some other protocol's. A gap is told as "-".
func chat(ports ...discovery.Port) discovery.Protocol {
	return discovery.Protocol{
		Name: "chat", Ports: ports,
		Claims: func(b []byte) bool { return len(b) > 0 && b[0] == '#' },
		Decode: func(f discovery.Flow) discovery.Decoder { return &chatDecoder{flow: f} },
	}
}

type chatDecoder struct{ flow discovery.Flow }

func (d *chatDecoder) Feed(side discovery.Side, _ time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if gap > 0 {
		out.Observe(discovery.Observation{Facts: []discovery.Fact{{Key: keySaid, Value: "-"}}})
		if i := slices.Index(b, '#'); i != 0 {
			if i < 0 {
				i = len(b)
			}
			return i, nil
		}
	}
	if b[0] != '#' {
		return 0, discovery.ErrNotMine
	}
	line, n := string(b), len(b)
	if d.flow.Transport == discovery.TCP {
		end := slices.Index(b, '\n')
		if end < 0 {
			return 0, nil
		}
		line, n = string(b[:end]), end+1
	}
	switch line {
	case "#bad":
		return n, errChat
	case "#panic":
		panic("chat")
	case "#write":
		out.Observe(discovery.Observation{Talks: []discovery.Conversation{{
			Client: d.flow.Ends[side], Server: d.flow.Ends[side.Other()], Port: d.flow.Ports[discovery.Server], Operations: discovery.OpWrite,
		}}})
	default:
		out.Observe(discovery.Observation{Facts: []discovery.Fact{{Key: keySaid, Value: line[1:]}}})
	}
	return n, nil
}

// said is what the chat's sides told, with the address of each.
func (e *ear) said() []string {
	var out []string
	for _, o := range e.told {
		for _, f := range o.Facts {
			if f.Key == keySaid {
				out = append(out, o.Subject.IP.String()+" "+f.Value)
			}
		}
	}
	return out
}
