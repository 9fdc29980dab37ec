package enip

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// maxStrange is how much of a stream may be no message before it counts as some other protocol's.
const maxStrange = 4 << 10

// decoder reads both sides of one conversation. Nothing is allocated for polls of tags and states.
type decoder struct {
	flow    discovery.Flow
	known   bool    // a message was read
	lost    [2]bool // by side: the next byte need not begin a message
	strange [2]int  // bytes that belonged to no message
	settled bool    // a message told who is who
	client  discovery.Side
	told    discovery.Operations
	asked   bool // a request was heard: answers without theirs answer what is of no interest
	memory  memory
}

// Feed reads one message.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if d.flow.Transport == discovery.UDP {
		return len(b), d.datagram(side, t, b, out)
	}
	if gap > 0 {
		d.lost[side] = true
	}
	n, err := length(b)
	if err == nil && d.lost[side] && startsNothing(b) {
		err = fmt.Errorf("encapsulation header % x at byte 0", b[:min(len(b), headerSize)])
	}
	if err != nil {
		return d.resync(side, b, err)
	}
	if n == 0 || n > len(b) {
		return 0, nil
	}
	d.known, d.lost[side], d.strange[side] = true, false, 0
	return n, d.message(side, t, parse(b[:n]), out)
}

// startsNothing reports whether bytes that may be a message are none to find one's place by: zeros are a NOP too.
func startsNothing(b []byte) bool { return len(b) > 0 && b[0] == 0 }

// resync passes over what belongs to no message. To get lost is an error, to still be is none; a stream that was met in the middle
// is lost from the start.
func (d *decoder) resync(side discovery.Side, b []byte, reason error) (int, error) {
	at := 1
	for at < len(b) && (startsNothing(b[at:]) || !mayStart(b[at:])) {
		at++
	}
	d.strange[side] += at
	if !d.known && d.strange[side] > maxStrange {
		return len(b), fmt.Errorf("find message in %d bytes: %w", d.strange[side], discovery.ErrNotMine)
	}
	wasLost := d.lost[side]
	d.lost[side] = true
	if d.known && !wasLost {
		return at, fmt.Errorf("find message: skipped %d bytes: %w", at, reason)
	}
	return at, nil
}

// datagram reads one message of UDP.
func (d *decoder) datagram(side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	n, err := length(b)
	switch {
	case err != nil:
		return fmt.Errorf("read datagram: %w: %w", discovery.ErrNotMine, err)
	case n == 0 || n > len(b):
		return fmt.Errorf("read datagram of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return d.message(side, t, parse(b[:n]), out)
}

// message reads one message. A list is asked for with an empty one.
func (d *decoder) message(side discovery.Side, t time.Time, m Message, out discovery.Sink) error {
	switch m.Command {
	case ListIdentity, ListServices:
		if len(m.Body) == 0 {
			d.settle(side)
			return nil
		}
		d.settle(side.Other())
		return items(m.Body, func(kind uint16, data []byte) error {
			switch kind {
			case itemIdentity:
				return d.identity(side, t, data, out)
			case itemService:
				d.service(side, t, data, out)
			}
			return nil
		})
	case SendRRData, SendUnitData:
		if m.Status != 0 || len(m.Body) == 0 {
			return nil
		}
		c, ok, err := parseCarried(m.Body)
		if err != nil || !ok {
			return err
		}
		k := key{number: m.Context}
		if c.connected {
			k = key{connected: true, number: uint64(c.connection)<<16 | uint64(c.sequence)}
		}
		if Service(c.cip[0])&replyFlag != 0 {
			d.settle(side.Other())
			return d.answer(side, t, k, c, out)
		}
		d.settle(side)
		return d.ask(side, t, k, c, out)
	}
	return nil
}

// settle notes who is the client. A listener that came late may have taken the server for it.
func (d *decoder) settle(client discovery.Side) {
	if !d.settled {
		d.settled, d.client = true, client
	}
}

// identity tells an item of an answer to ListIdentity.
func (d *decoder) identity(side discovery.Side, t time.Time, data []byte, out discovery.Sink) error {
	o, address, port, err := parseIdentityItem(data)
	if o.has == 0 || !d.memory.isNew(o.statement("").bytes(address[:]).number(uint32(port))) {
		return err
	}
	f := o.facts()
	f.socketAddress(address, port)
	d.observe(t, d.flow.Ends[side], f, out)
	return err
}

// service tells an item of an answer to ListServices (volume 2 section 2-4.6): version 2, flags 2, name 16.
func (d *decoder) service(side discovery.Side, t time.Time, data []byte, out discovery.Sink) {
	r := wire.NewReader(data)
	r.Skip(4)
	text, _, _ := bytes.Cut(r.Rest(), []byte{0})
	if len(text) == 0 || !d.memory.isNew(newStatement("service").bytes(text)) {
		return
	}
	var f facts
	f.text(KeyService, text)
	d.observe(t, d.flow.Ends[side], f, out)
}

// originator tells who a client says that it is.
func (d *decoder) originator(side discovery.Side, t time.Time, vendor uint16, serial uint32, out discovery.Sink) {
	if vendor == 0 || !isSerial(serial) || !d.memory.isNew(newStatement("originator").number(uint32(vendor)).number(serial)) {
		return
	}
	var f facts
	f.number(KeyOriginatorVendorID, vendor)
	f.serial(KeyOriginatorSerial, serial)
	d.observe(t, d.flow.Ends[side], f, out)
}

// observe tells facts, each once.
func (d *decoder) observe(t time.Time, about discovery.Subject, f facts, out discovery.Sink) {
	f = slices.DeleteFunc(f, func(fact discovery.Fact) bool {
		return !d.memory.isNew(newStatement(about.Path).text(string(fact.Key)).text(fact.Value))
	})
	if len(f) > 0 {
		out.Observe(discovery.Observation{Time: t, Subject: about, Facts: f})
	}
}

// talk tells an operation once in a conversation.
func (d *decoder) talk(t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^d.told == 0 {
		return
	}
	d.told |= op
	client, server := d.flow.Ends[d.client], d.flow.Ends[d.client.Other()]
	out.Observe(discovery.Observation{Time: t, Subject: client, Talks: []discovery.Conversation{{
		Client: client, Server: server, Transport: d.flow.Transport, Port: d.flow.Ports[d.client.Other()],
		Protocol: name, Operations: op, First: t, Last: t,
	}}})
}
