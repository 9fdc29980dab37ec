package discovery

import (
	"errors"
	"time"
)

// ErrNotMine says that the bytes belong to some other protocol. The rest of the conversation is then not fed any more.
var ErrNotMine = errors.New("not this protocol")

// Transport is what a protocol rides on.
type Transport uint8

// The transports.
const (
	EtherType Transport = iota + 1 // straight on the link; the number is an EtherType (IEEE 802.3)
	UDP
	TCP
	// IP is straight on IPv4 or IPv6, between stations of one link; the number is that of the IP protocol (ICMPv6 is 58). Only
	// packets that no router can have passed on are heard: their hop limit is the highest, 255 (RFC 5082).
	IP
)

// String is the transport in lower case, as in the JSON contract.
func (t Transport) String() string {
	switch t {
	case EtherType:
		return "ethertype"
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	case IP:
		return "ip"
	}
	return "unknown"
}

// Port is where a protocol is to be found: an EtherType, an IP protocol, or the server's UDP or TCP port.
type Port struct {
	Transport Transport
	Number    uint16
}

// Protocol is one room under discovery/protocols: both faces of a protocol as a plain value. The zero value of a face means
// that the protocol cannot be heard, or is never asked.
type Protocol struct {
	Name     string // lower case, the protocol's part of its keys: "modbus"
	Title    string // for people: "Modbus/TCP"
	Standard string // what it was written from: "MODBUS Application Protocol V1.1b3"
	Hears    string // one sentence: what can be learnt by listening
	Keys     []Key  // every key that it tells, apart from the shared ones
	Retells  []Key  // keys of other protocols, whose announcements it passes on: a switch's table of its neighbours
	Ports    []Port
	// Claims recognises the first bytes of a stream or a datagram on a port that is not listed. Nil: by port alone.
	Claims func(first []byte) bool
	// Decode makes the decoder of one conversation. Nil: cannot be heard.
	Decode func(Flow) Decoder
	// Asker is the other face: it asks one host. Nil: no host is asked.
	Asker *Asker
	// Segment asks whoever is on the link, by broadcast or multicast. Nil: no link is asked.
	Segment *Asker
}

// Side is an end of a conversation.
type Side uint8

// The sides. On layer 2, and straight on IP, the sender of the frame is the Client, and the Server is whom it went to: frames
// to another station, or the other way, are a conversation of their own.
const (
	Client Side = iota // asks, opened the connection
	Server             // answers
)

// Other is the opposite side.
func (s Side) Other() Side { return s ^ 1 }

// Flow is what is known of a conversation before its first byte.
type Flow struct {
	Ends      [2]Subject // by Side
	Ports     [2]uint16  // by Side; the EtherType or the IP protocol stands at Server
	Transport Transport
}

// Talk is the observation that the client of a conversation does something to its server over a protocol.
func (f Flow) Talk(protocol string, client Side, t time.Time, op Operations) Observation {
	server := client.Other()
	return Observation{Time: t, Subject: f.Ends[client], Talks: []Conversation{{
		Client: f.Ends[client], Server: f.Ends[server], Transport: f.Transport, Port: f.Ports[server],
		Protocol: protocol, Operations: op, First: t, Last: t,
	}}}
}

// A Decoder turns the bytes of one conversation into observations. It is deterministic: no clock, no I/O, no goroutine, bounded
// memory. It is not safe for concurrent use.
type Decoder interface {
	// Feed takes the unread bytes of one side of a stream, or one whole message, at the frame's time t. gap bytes were lost
	// before b (the decoder then looks for the next message of its own). It returns how many bytes it has read; on a stream
	// the rest comes again with what follows, and n = 0 with a nil error waits for more. A datagram is always read whole.
	// An error other than ErrNotMine is counted, and the bytes read with it are skipped. Observations go to out, also those
	// made before the error. b is only valid during the call.
	Feed(side Side, t time.Time, b []byte, gap int, out Sink) (n int, err error)
}

// Stateless makes decoders of a function that needs no memory of the conversation.
func Stateless(feed func(f Flow, side Side, t time.Time, message []byte, out Sink) error) func(Flow) Decoder {
	return func(f Flow) Decoder { return &stateless{flow: f, feed: feed} }
}

type stateless struct {
	flow Flow
	feed func(Flow, Side, time.Time, []byte, Sink) error
}

func (s *stateless) Feed(side Side, t time.Time, b []byte, _ int, out Sink) (int, error) {
	return len(b), s.feed(s.flow, side, t, b, out)
}

// Stream keeps the unread bytes of both sides of a conversation for its decoder. It is shared by what is overheard and what is
// asked, so that both are read alike. The zero Stream is not usable; set Decoder.
type Stream struct {
	Decoder Decoder
	// Limit bounds the unread bytes of one side; more than that and they are dropped as a gap. 0 means MaxUnread.
	Limit int

	unread [2][]byte
	lost   [2]int
	dead   bool
}

// MaxUnread is the default bound on the unread bytes of one side of a stream: the largest message that a decoder can wait for.
const MaxUnread = 128 << 10

// Feed hands the next bytes of one side to the decoder, after gap lost ones, and calls problem for each error. It reports false
// when the conversation turned out to be some other protocol, or did before.
func (s *Stream) Feed(side Side, t time.Time, b []byte, gap int, out Sink, problem func(error)) bool {
	if s.dead {
		return false
	}
	if gap > 0 {
		s.unread[side] = s.unread[side][:0]
		s.lost[side] += gap
	}
	data := b
	if len(s.unread[side]) > 0 {
		s.unread[side] = append(s.unread[side], b...)
		data = s.unread[side]
	}
	for len(data) > 0 {
		n, err := s.Decoder.Feed(side, t, data, s.lost[side], out)
		if n > 0 || err != nil {
			s.lost[side] = 0
		}
		if errors.Is(err, ErrNotMine) {
			s.dead = true
			s.unread = [2][]byte{}
			return false
		}
		if err != nil {
			if problem != nil {
				problem(err)
			}
			if n <= 0 {
				n = len(data)
			}
		}
		if n <= 0 {
			break
		}
		data = data[min(n, len(data)):]
	}
	limit := s.Limit
	if limit == 0 {
		limit = MaxUnread
	}
	if len(data) > limit {
		s.lost[side] += len(data)
		data = nil
	}
	if len(data) == 0 {
		s.unread[side] = s.unread[side][:0]
		return true
	}
	s.unread[side] = append(s.unread[side][:0], data...)
	return true
}
