package ask

import (
	"fmt"
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// meter decides about each whole message that an asker wants to send: it must have the form of a planned request, and the
// budgets of the request and of the device must allow it.
type meter struct {
	mu       sync.Mutex
	asker    *discovery.Asker
	requests []allowance
	device   *budget
}

type allowance struct {
	discovery.Request
	atMost int // repeats counted; Max counts what the asker sends itself
	fresh  int
	total  int
}

// budget is what is left for a device in this run, over all protocols.
type budget struct {
	mu          sync.Mutex
	questions   int
	connections int
}

// charge gives the request that the message is and where its secrets stand, and charges it. The error wraps ErrNotListed or
// ErrBudget; with ErrBudget the request is given all the same. again says that we repeat a message that was charged before.
func (m *meter) charge(transport discovery.Transport, message []byte, again bool) (discovery.Request, []discovery.Span, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var full *allowance
	var fullSecrets []discovery.Span
	for i := range m.requests {
		a := &m.requests[i]
		if m.asker.TransportOf(a.Request) != transport {
			continue
		}
		secrets, ok := a.Template.Match(message)
		if !ok {
			continue
		}
		if a.total >= a.atMost || !again && a.fresh >= a.Max {
			full, fullSecrets = a, secrets
			continue
		}
		if !a.Setup && !m.device.takeQuestion() {
			return a.Request, secrets, fmt.Errorf("%s: the device's questions: %w", a.Name, discovery.ErrBudget)
		}
		a.total++
		if !again {
			a.fresh++
		}
		return a.Request, secrets, nil
	}
	if full != nil {
		return full.Request, fullSecrets, fmt.Errorf("%s: at most %d times: %w", full.Name, full.Max, discovery.ErrBudget)
	}
	return discovery.Request{}, nil, fmt.Errorf("a message of %d bytes: %w", len(message), discovery.ErrNotListed)
}

func (b *budget) takeQuestion() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.questions <= 0 {
		return false
	}
	b.questions--
	return true
}

// giveBack returns a connection that did not come about: a closed port has taken no place at the device.
func (b *budget) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.connections++
}

func (b *budget) takeConnection() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.connections <= 0 {
		return false
	}
	b.connections--
	return true
}
