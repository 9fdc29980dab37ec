package discovery

import (
	"strings"
	"time"
)

// Mode says how a fact was come by.
type Mode uint8

// The modes.
const (
	Heard   Mode = iota + 1 // overheard; nothing was sent
	Asked                   // the device's answer to a question of ours
	Deduced                 // a rule's conclusion from other facts
	Person                  // entered by a person
)

// String is the mode in lower case.
func (m Mode) String() string {
	switch m {
	case Heard:
		return "heard"
	case Asked:
		return "asked"
	case Deduced:
		return "deduced"
	case Person:
		return "person"
	}
	return "unknown"
}

// Observation is the one thing that enters the inventory: at a time, by a sensor, over a protocol, about a subject, these facts.
// A decoder fills Subject, Teller, Facts, Links and Talks; an empty Subject means the side that spoke. Listen or ask fill the rest.
type Observation struct {
	Time     time.Time
	Survey   string // id of the survey
	Sensor   string // interface or file
	Protocol string
	Mode     Mode
	Subject  Subject
	Teller   Subject // who said it about the subject (a router's ARP row, a forwarded I-Am); zero = the subject itself
	Facts    []Fact
	Links    []Link
	Talks    []Conversation
}

// Link says that a port of the subject is wired to a port of somebody else.
type Link struct {
	LocalPort  string  // the subject's own port
	Remote     Subject // the other end, as far as its address is known
	RemoteName string  // chassis id or system name of the other end
	RemotePort string
	Via        string // the protocol that told: "lldp", "cdp", "fdb"
}

// Operations are what a client does to a server, as a set of bits.
type Operations uint8

// The operations.
const (
	OpRead Operations = 1 << iota
	OpWrite
	OpControl // start, stop, program, firmware
)

// Names lists the operations in the words of the JSON contract.
func (o Operations) Names() []string {
	var names []string
	for _, bit := range []struct {
		op   Operations
		name string
	}{{OpRead, "read"}, {OpWrite, "write"}, {OpControl, "control"}} {
		if o&bit.op != 0 {
			names = append(names, bit.name)
		}
	}
	return names
}

// String joins the names with a plus sign.
func (o Operations) String() string { return strings.Join(o.Names(), "+") }

// Conversation is who talks to whom. Packets and Bytes are those since the conversation was last told (a decoder that only adds
// operations leaves them zero), so that the reader may add them up; both ends count.
type Conversation struct {
	Client, Server Subject
	Transport      Transport
	Port           uint16 // the server's
	Protocol       string // "" = not recognised
	Operations     Operations
	Packets, Bytes uint64
	// Answered says that the server was heard too, and not only to refuse, or that the client's acknowledgements prove it: without
	// it, the server may be an address that nobody has, and nobody listens at the port.
	Answered    bool
	First, Last time.Time
	// MedianInterval is the median time between two of the client's messages, 0 when there were too few to tell.
	MedianInterval time.Duration
	// Frequency is "cyclic" (regular, up to 10 s), "periodic" (regular, slower), "sporadic" (irregular) or "one-off".
	Frequency string
}

// Sink takes observations. It may keep the slices of the observation.
type Sink interface{ Observe(Observation) }

// SinkFunc makes a Sink of a function.
type SinkFunc func(Observation)

// Observe calls the function.
func (f SinkFunc) Observe(o Observation) { f(o) }
