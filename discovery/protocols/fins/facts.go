package fins

import (
	"fmt"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

const name = "fins"

// The keys.
const (
	KeyModel   discovery.Key = "fins.controller-model"   // "CJ2M-CPU32"
	KeyVersion discovery.Key = "fins.controller-version" // "02.01"
)

// Protocol is FINS, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "Omron FINS",
		Standard: "Omron W227 (FINS commands), W421 (FINS/UDP, FINS/TCP)",
		Hears:    "models and versions of controllers and their units, and whether clients read, write or control",
		Keys:     []discovery.Key{KeyModel, KeyVersion},
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}, {Transport: discovery.TCP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
		Asker:    asker(),
	}
}

// The pieces of the path of what answers through or beside the CPU.
const (
	pathNetwork = "fins-net"  // network and node, decimal
	pathUnit    = "fins-unit" // unit address, decimal: 16 to 31 are CPU bus units
)

// decoder reads both sides of a conversation. An answer names the command that it answers, so that questions need not be remembered.
type decoder struct {
	flow discovery.Flow
	told discovery.Operations
	seen map[string]bool // what was told
	lost bool
}

// maxSeen bounds the facts that are remembered.
const maxSeen = 64

// Feed reads one datagram, or one message of a stream.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if d.flow.Transport == discovery.UDP {
		return len(b), d.message(side, t, b, out)
	}
	if gap > 0 {
		d.lost = true
	}
	n, err := length(b)
	switch {
	case err != nil && d.lost:
		return d.resync(b), nil
	case err != nil:
		return len(b), fmt.Errorf("read message: %w: %w", discovery.ErrNotMine, err)
	case n == 0 || n > len(b):
		return 0, nil
	}
	d.lost = false
	if b[11] != tcpFrame || n == tcpHeader {
		return n, nil
	}
	return n, d.message(side, t, b[tcpHeader:n], out)
}

// resync passes over what belongs to no message.
func (d *decoder) resync(b []byte) int {
	at := 1
	for at < len(b) {
		if _, err := length(b[at:]); err == nil {
			break
		}
		at++
	}
	return at
}

func (d *decoder) message(side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	m, err := parse(b)
	if err != nil {
		return err
	}
	client := side
	if m.Response {
		client = side.Other()
	}
	d.talk(client, t, m.Command.operation(), out)
	if !m.Response || m.Command != controllerDataRead || !m.succeeded() {
		return nil
	}
	about := d.flow.Ends[side]
	if m.Source.network != 0 {
		about = about.At(pathNetwork, fmt.Sprintf("%d.%d", m.Source.network, m.Source.node))
	}
	if m.Source.unit != 0 {
		about = about.At(pathUnit, strconv.Itoa(int(m.Source.unit)))
	}
	model, version, err := m.controller()
	var facts []discovery.Fact
	for _, said := range []discovery.Fact{discovery.NewFact(KeyModel, model), discovery.NewFact(KeyVersion, version)} {
		if said.Value != "" && d.isNew(about.Path+"\x00"+string(said.Key)+"\x00"+said.Value) {
			facts = append(facts, said)
		}
	}
	if len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Subject: about, Facts: facts})
	}
	return err
}

// isNew reports whether something was not told yet. Who has told much tells it again.
func (d *decoder) isNew(said string) bool {
	if d.seen[said] {
		return false
	}
	if d.seen == nil || len(d.seen) >= maxSeen {
		d.seen = map[string]bool{}
	}
	d.seen[said] = true
	return true
}

// talk tells an operation once in a conversation.
func (d *decoder) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^d.told == 0 {
		return
	}
	d.told |= op
	out.Observe(d.flow.Talk(name, client, t, op))
}
