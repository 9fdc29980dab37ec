package mms

import (
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
)

const name = "mms"

// The keys, named by the fields of the answer to Identify. They are of the protocol's stack, which many makers buy.
const (
	KeyVendorName discovery.Key = "mms.identify-vendor-name"
	KeyModelName  discovery.Key = "mms.identify-model-name"
	KeyRevision   discovery.Key = "mms.identify-revision"
)

// Protocol is MMS, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "MMS (IEC 61850)",
		Standard: "ISO 9506-2, ISO 8650, ISO 8823, ISO 8327; IEC 61850-8-1",
		Hears:    "maker, model and revision in answers to Identify, and whether clients read, write or control",
		Keys:     []discovery.Key{KeyVendorName, KeyModelName, KeyRevision},
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}},
		Claims:   claims,
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:    asker(),
	}
}

// conversation reads both sides of one connection.
type conversation struct {
	flow      discovery.Flow
	transport cotp.Reassembler
	known     bool
	told      discovery.Operations
	said      [3]string // what was told last, by key
}

// Feed reads one packet.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	n, tpdu, err := c.transport.Feed(side, b, gap)
	if err != nil || tpdu.Kind != cotp.Data || len(tpdu.Data) == 0 {
		return n, err
	}
	if !isMine(tpdu.Data) {
		switch {
		case tpdu.Torn:
			return n, nil // the end of a message
		case c.known:
			return n, fmt.Errorf("read session unit: % x at byte 0", tpdu.Data[:min(len(tpdu.Data), 4)])
		}
		return n, fmt.Errorf("read session unit: % x: %w", tpdu.Data[:min(len(tpdu.Data), 4)], discovery.ErrNotMine)
	}
	c.known = true
	message, ok, err := pdu(tpdu.Data)
	if err != nil || !ok {
		return n, err
	}
	switch message.tag {
	case confirmedRequest:
		s, err := service(message.content)
		if err == nil {
			c.talk(side, t, operation(s.number), out)
		}
		return n, err
	case confirmedResponse:
		s, err := service(message.content)
		if err == nil && s.tag == identifyResponse {
			err = c.identified(side, t, s.content, out)
		}
		return n, err
	}
	return n, nil
}

// identified tells an answer to Identify (ISO 9506-2 clause 9.4): three texts, each once.
func (c *conversation) identified(side discovery.Side, t time.Time, content []byte, out discovery.Sink) error {
	var facts []discovery.Fact
	keys := [...]discovery.Key{KeyVendorName, KeyModelName, KeyRevision}
	r := wire.NewReader(content)
	for r.Len() > 0 {
		e := next(&r)
		if r.Err() != nil || e.tag < vendorName || e.tag > revision {
			continue
		}
		i := e.tag - vendorName
		if fact := discovery.NewFact(keys[i], string(e.content)); fact.Value != "" && fact.Value != c.said[i] {
			c.said[i] = fact.Value
			facts = append(facts, fact)
		}
	}
	if len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Subject: c.flow.Ends[side], Facts: facts})
	}
	if r.Err() != nil {
		return fmt.Errorf("read answer to identify of %d bytes: %w", len(content), io.ErrUnexpectedEOF)
	}
	return nil
}

// talk tells an operation once in a conversation.
func (c *conversation) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^c.told == 0 {
		return
	}
	c.told |= op
	server := client.Other()
	out.Observe(discovery.Observation{Time: t, Subject: c.flow.Ends[client], Talks: []discovery.Conversation{{
		Client: c.flow.Ends[client], Server: c.flow.Ends[server], Transport: c.flow.Transport, Port: c.flow.Ports[server],
		Protocol: name, Operations: op, First: t, Last: t,
	}}})
}
