package ask

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Rhythm is how one of its own clients was served by a device that was asked: before, while it was asked, and after. It is the
// proof that the asking did no harm, or the sign that it did.
type Rhythm struct {
	Server    netip.Addr
	Client    netip.Addr
	Transport discovery.Transport
	Port      uint16
	Protocol  string // "" = not recognised

	Before, During, After Beat
}

// Beat is what was heard in one of the three times.
type Beat struct {
	Listened        time.Duration
	Messages        int           // of the client, of which the interval to the one before is known
	Interval        time.Duration // the client's period; 0 = not known
	Answers         int
	Answer          time.Duration // that the device took, the median; 0 = not known
	Repeats, Resets int
}

// Rhythms are those of the devices that were asked, by device and client. Conversations with fewer than three messages before
// show nothing and are left out.
func (w *Watch) Rhythms() []Rhythm {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Rhythm
	for addr, h := range w.hosts {
		if h.began.IsZero() {
			continue
		}
		for _, t := range h.talks {
			if t.windows[before].intervals.count < fewest {
				continue
			}
			out = append(out, Rhythm{
				Server: addr, Client: t.client, Transport: t.transport, Port: t.port, Protocol: t.protocol,
				Before: t.windows[before].beat(), During: t.windows[during].beat(), After: t.windows[afterwards].beat(),
			})
		}
	}
	slices.SortFunc(out, func(a, b Rhythm) int {
		return cmp.Or(a.Server.Compare(b.Server), a.Client.Compare(b.Client), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Transport, b.Transport))
	})
	return out
}

func (w *window) beat() Beat {
	period, _ := w.intervals.period()
	return Beat{
		Listened: w.span, Messages: w.intervals.count, Interval: period,
		Answers: w.answers.count, Answer: w.answers.median(), Repeats: w.repeats, Resets: w.resets,
	}
}

// Waiting is how much longer the ear must listen until each device that was asked has shown how it serves its own clients
// afterwards, at most the given time. 0: nothing is waited for.
func (w *Watch) Waiting(most time.Duration) time.Duration {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var longest time.Duration
	for _, h := range w.hosts {
		if h.began.IsZero() || h.ended.IsZero() {
			continue
		}
		for _, t := range h.talks {
			period, regular := t.windows[before].intervals.period()
			if t.windows[before].intervals.count < fewest || !regular || t.windows[afterwards].intervals.count >= fewest {
				continue
			}
			// The ear is told of pulses once a second, so a client that polls still may not be counted yet.
			left := max(h.ended.Add(settling+(fewest+1)*period).Sub(w.now), time.Second)
			longest = max(longest, min(left, most))
		}
	}
	return longest
}
