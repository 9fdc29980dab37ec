package listen

import "time"

// Limits bound the memory of a Listener, whatever comes in. What does not fit is shed, the longest unused first, and counted.
type Limits struct {
	Flows         int // connections and datagram pairs that are followed at once
	Conversations int // folded conversations kept for their rhythm; one that is shed has been told
	Stations      int // MAC addresses that are known to have been told
	Addresses     int // IP addresses that are known to have been told, and those bound to a MAC
	Known         int // addresses of both kinds that are told of without a look at how many are new
	Waiting       int // addresses that are not told of yet, because too many are new
	Sessions      int // flows and stations with a decoder
	Unread        int // bytes that decoders may leave unread, of all streams together
	Held          int // bytes held back for reassembly of streams, of all together
	HeldPerStream int // bytes held back in one direction of one stream before what is missing is given up
	Datagrams     int // IP datagrams in fragments
	Fragments     int // bytes of all fragments together
	Reasons       int // kinds of trouble that are told apart
}

// DefaultLimits keep a Listener below about 400 MiB at the very worst, and far below in a plant.
func DefaultLimits() Limits {
	return Limits{
		Flows:         32768,
		Conversations: 32768,
		Stations:      65536,
		Addresses:     131072,
		Known:         131072,
		Waiting:       16384,
		Sessions:      16384,
		Unread:        64 << 20,
		Held:          32 << 20,
		HeldPerStream: 128 << 10,
		Datagrams:     1024,
		Fragments:     8 << 20,
		Reasons:       256,
	}
}

// orDefault fills the limits that are not set.
func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, pair := range [...][2]*int{
		{&l.Flows, &d.Flows},
		{&l.Conversations, &d.Conversations},
		{&l.Stations, &d.Stations},
		{&l.Addresses, &d.Addresses},
		{&l.Known, &d.Known},
		{&l.Waiting, &d.Waiting},
		{&l.Sessions, &d.Sessions},
		{&l.Unread, &d.Unread},
		{&l.Held, &d.Held},
		{&l.HeldPerStream, &d.HeldPerStream},
		{&l.Datagrams, &d.Datagrams},
		{&l.Fragments, &d.Fragments},
		{&l.Reasons, &d.Reasons},
	} {
		if *pair[0] <= 0 {
			*pair[0] = *pair[1]
		}
	}
	return l
}

// The smaller bounds, which nobody needs to turn.
const (
	maxTries          = 4                // data segments or datagrams of a side that protocols may claim a flow by
	maxSegments       = 64               // segments held back in one direction of a stream
	maxJump           = 16 << 20         // a sequence number farther off starts a stream anew
	maxPieces         = 64               // fragments of one datagram
	fragmentTime      = 30 * time.Second // a datagram that is not whole by then is given up (RFC 1122 section 3.3.2: 60 s at least, to hosts)
	idleTime          = 10 * time.Minute // a flow silent for so long is closed at a Flush
	maxNear           = 3                // addresses that one station may have on the link before it is taken for a router
	maxFar            = 3                // off-link addresses that one station may send for before it is taken for a router
	samples           = 64               // intervals kept of a conversation
	reasonsOfProtocol = 32               // kinds of trouble told apart in one protocol
)
