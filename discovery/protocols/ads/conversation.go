package ads

import (
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// conversation reads both sides of one AMS/TCP connection. Answers name what they answer, so requests need not be remembered;
// nothing is allocated for them.
type conversation struct {
	flow       discovery.Flow
	halves     [2]half
	understood bool
	operations discovery.Operations // told
	ids        [2]netID             // of each side, told
	infos      map[string]info      // told, by endpoint
}

type half struct {
	left    int // bytes of a message that are passed over
	lost    bool
	skipped int
}

// The bounds of what is remembered, and of what is passed over before a conversation that was joined late is some other protocol's.
const (
	maxInfos   = 64
	maxSkipped = 1 << 20
)

// Feed reads a message, or passes over the rest of one.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	h := &c.halves[side]
	if gap > 0 {
		h.lost = gap > h.left || h.left == 0
		h.left = max(0, h.left-gap)
	}
	if h.left > 0 {
		n := min(h.left, len(b))
		h.left -= n
		return n, nil
	}
	if len(b) < headers {
		return 0, nil
	}
	p, err := parse(b[:headers])
	if err != nil {
		return c.search(h, b, err)
	}
	h.lost, h.skipped, c.understood = false, 0, true
	need := 0
	switch {
	case !p.response:
		need = min(p.size, firstFields)
	case p.command == readDeviceInfo:
		need = min(p.size, deviceInfo)
	}
	if len(b) < headers+need {
		return 0, nil
	}
	n := min(len(b), headers+p.size)
	h.left = headers + p.size - n
	return n, c.read(side, t, p, b[headers:headers+need], out)
}

// search passes over what is no message. Messages mostly begin a segment, so the next one is looked for there.
func (c *conversation) search(h *half, b []byte, reason error) (int, error) {
	if !h.lost && !c.understood {
		return len(b), fmt.Errorf("%w: %w", discovery.ErrNotMine, reason)
	}
	if h.skipped += len(b); !c.understood && h.skipped > maxSkipped {
		return len(b), fmt.Errorf("find ads message in %d bytes: %w", h.skipped, discovery.ErrNotMine)
	}
	if h.lost {
		return len(b), nil
	}
	h.lost = true
	return len(b), reason
}

// read tells what one message says. data is the beginning of its data.
func (c *conversation) read(side discovery.Side, t time.Time, p packet, data []byte, out discovery.Sink) error {
	if !p.response {
		c.talk(side, t, p.command, data, out)
		return nil
	}
	if p.failed {
		return nil
	}
	if c.ids[side] == (netID{}) && p.isOfHost() {
		c.ids[side] = p.source
		tellNetID(t, p.source, out)
	}
	if p.command != readDeviceInfo {
		return nil
	}
	i, err := parseInfo(data)
	if err != nil || i.name == "" {
		return err
	}
	where := endpoint(p.source, p.port)
	if had, ok := c.infos[where]; ok && had == i || len(c.infos) == maxInfos && !ok {
		return nil
	}
	if c.infos == nil {
		c.infos = map[string]info{}
	}
	c.infos[where] = i
	tellInfo(c.flow.Ends[side], t, p, i, out)
	return nil
}

// talk tells an operation of the client once. Two routers share one connection, so the server may ask, too; that is not told.
func (c *conversation) talk(side discovery.Side, t time.Time, cmd command, data []byte, out discovery.Sink) {
	var group uint32
	for i, b := range data {
		group |= uint32(b) << (8 * i)
	}
	op := cmd.operation(group)
	if side != discovery.Client || op&^c.operations == 0 {
		return
	}
	c.operations |= op
	client, server := c.flow.Ends[discovery.Client], c.flow.Ends[discovery.Server]
	out.Observe(discovery.Observation{Time: t, Subject: client, Talks: []discovery.Conversation{{
		Client: client, Server: server, Transport: discovery.TCP, Port: c.flow.Ports[discovery.Server], Protocol: name, Operations: op, First: t, Last: t,
	}}})
}
