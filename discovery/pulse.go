package discovery

import (
	"net/netip"
	"time"
)

// Pulse is how a conversation of others beat since its last pulse: what shows whether a device that is asked still serves its
// own clients as before. It is no observation; nothing of it enters the inventory as a fact.
type Pulse struct {
	Client, Server netip.Addr
	Transport      Transport
	Port           uint16 // the server's
	Protocol       string // "" = not recognised
	Last           time.Time
	// Intervals are the times between the beginnings of two of the client's messages, Answers the times that the server took to
	// answer one; a sample of each, in order, at most MaxPulse.
	Intervals, Answers []time.Duration
	Repeats            int // segments with data that were sent again, by either end
	Resets             int // connections that were reset after they had carried data, while a message waited for its answer
	Open               int // connections of the client that are open, at the end
	// Waiting says that a message of the client waits for its answer, at the end.
	Waiting bool
}

// MaxPulse bounds each sample of a Pulse.
const MaxPulse = 64
