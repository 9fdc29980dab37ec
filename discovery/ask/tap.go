package ask

import (
	"fmt"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// tap feeds what passes over one connection to the protocol's own decoder, as the listener does with what it overhears.
type tap struct {
	flow    discovery.Flow
	decoder discovery.Decoder // nil: the protocol cannot be read
	observe func(discovery.Observation)

	mu     sync.Mutex
	stream discovery.Stream
}

func newTap(p discovery.Protocol, flow discovery.Flow, observe func(discovery.Observation)) *tap {
	t := &tap{flow: flow, observe: observe}
	if p.Decode != nil {
		t.decoder = p.Decode(flow)
		t.stream.Decoder = t.decoder
	}
	return t
}

// feed decodes one whole message and gives the decoder's first complaint. A decoder that panics on what a device said must
// not end the run.
func (t *tap) feed(side discovery.Side, at time.Time, message []byte) (problem error) {
	if t.decoder == nil || len(message) == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Errorf("the decoder failed: %v", p)
		}
	}()
	out := discovery.SinkFunc(func(o discovery.Observation) { t.tell(side, o) })
	if t.flow.Transport != discovery.TCP {
		_, err := t.decoder.Feed(side, at, message, 0, out)
		return err
	}
	mine := t.stream.Feed(side, at, message, 0, out, func(err error) {
		if problem == nil {
			problem = err
		}
	})
	if !mine && problem == nil {
		problem = discovery.ErrNotMine
	}
	return problem
}

// tell hands on what the device said. What we said ourselves is no evidence, nor is what is said about us or about our talking.
func (t *tap) tell(side discovery.Side, o discovery.Observation) {
	if side == discovery.Client && t.flow.Transport != discovery.EtherType {
		return
	}
	if o.Subject.IsZero() {
		o.Subject = t.flow.Ends[side]
	}
	us := t.flow.Ends[side.Other()].Host()
	if !us.IsZero() && o.Subject.Host() == us {
		return
	}
	o.Talks = nil
	if len(o.Facts) == 0 && len(o.Links) == 0 {
		return
	}
	t.observe(o)
}
