package slmp

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

const name = "slmp"

// The keys.
const (
	KeyModelName discovery.Key = "slmp.model-name" // "Q03UDVCPU"
	KeyModelCode discovery.Key = "slmp.model-code" // "0x0366"
)

// Protocol is SLMP, both faces.
func Protocol() discovery.Protocol {
	var ports []discovery.Port
	for _, number := range []uint16{5006, Port} {
		ports = append(ports, discovery.Port{Transport: discovery.UDP, Number: number}, discovery.Port{Transport: discovery.TCP, Number: number})
	}
	return discovery.Protocol{
		Name:     name,
		Title:    "SLMP (MELSEC)",
		Standard: "Mitsubishi Electric SH-080956ENG (SLMP)",
		Hears:    "models of controllers, and whether clients read, write or control",
		Keys:     []discovery.Key{KeyModelName, KeyModelCode},
		Ports:    ports,
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:    asker(),
	}
}

// maxWaiting bounds the requests that are remembered: an answer does not say what it answers.
const maxWaiting = 16

// conversation reads both sides of one conversation.
type conversation struct {
	flow    discovery.Flow
	waiting []question // the oldest first
	told    discovery.Operations
	said    string
	known   bool
	lost    bool
}

type question struct {
	serial  uint16
	command Command
}

// Feed reads one frame.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if gap > 0 {
		c.lost, c.waiting = true, nil
	}
	n, err := length(b)
	switch {
	case err != nil && c.lost:
		return c.resync(b), nil
	case err != nil && !c.known:
		return len(b), fmt.Errorf("read frame: %w: %w", discovery.ErrNotMine, err)
	case err != nil:
		c.lost = true
		return c.resync(b), fmt.Errorf("read frame: %w", err)
	case n == 0 || n > len(b):
		if c.flow.Transport == discovery.UDP {
			return len(b), fmt.Errorf("read frame of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
		return 0, nil
	}
	c.lost = false
	m, err := parse(b[:n])
	if c.flow.Transport == discovery.UDP {
		n = len(b)
	}
	if err != nil {
		return n, err
	}
	c.known = true
	return n, c.message(side, t, m, out)
}

// resync passes over what belongs to no frame.
func (c *conversation) resync(b []byte) int {
	for at := 1; at < len(b); at++ {
		if _, err := length(b[at:]); err == nil {
			return at
		}
	}
	return len(b)
}

func (c *conversation) message(side discovery.Side, t time.Time, m Message, out discovery.Sink) error {
	if !m.Response {
		if len(c.waiting) == maxWaiting {
			c.waiting = slices.Delete(c.waiting, 0, 1)
		}
		c.waiting = append(c.waiting, question{m.Serial, m.Command})
		c.talk(side, t, m.Command.operation(), out)
		return nil
	}
	i := slices.IndexFunc(c.waiting, func(q question) bool { return q.serial == m.Serial })
	if i < 0 {
		return nil
	}
	command := c.waiting[i].command
	c.waiting = slices.Delete(c.waiting, i, i+1)
	if command != readTypeName || m.EndCode != 0 {
		return nil
	}
	model, code, err := typeName(m.Data)
	if model == "" || model == c.said {
		return err
	}
	facts := []discovery.Fact{discovery.NewFact(KeyModelName, model)}
	if err == nil {
		c.said = model
		facts = append(facts, discovery.NewFact(KeyModelCode, fmt.Sprintf("0x%04x", code)))
	}
	out.Observe(discovery.Observation{Time: t, Subject: c.flow.Ends[side], Facts: facts})
	return err
}

// talk tells an operation once in a conversation.
func (c *conversation) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^c.told == 0 {
		return
	}
	c.told |= op
	out.Observe(c.flow.Talk(name, client, t, op))
}
