package mms

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

const name = "mms"

// The keys, named by the fields of the answer to Identify. They are of the protocol's stack, which many makers buy.
const (
	KeyVendorName discovery.Key = "mms.identify-vendor-name"
	KeyModelName  discovery.Key = "mms.identify-model-name"
	KeyRevision   discovery.Key = "mms.identify-revision"
)

// The keys of the nameplates of IEC 61850, named by its attributes: of the device, and of the software of a logical device.
const (
	KeyPhysicalVendor   discovery.Key = "mms.phynam-vendor"
	KeyPhysicalModel    discovery.Key = "mms.phynam-model"
	KeyPhysicalSerial   discovery.Key = "mms.phynam-ser-num"
	KeyPhysicalHardware discovery.Key = "mms.phynam-hw-rev"
	KeyPhysicalSoftware discovery.Key = "mms.phynam-sw-rev"
	KeyPhysicalLocation discovery.Key = "mms.phynam-location"
	KeyLogicalVendor    discovery.Key = "mms.namplt-vendor"
	KeyLogicalSoftware  discovery.Key = "mms.namplt-sw-rev"
	// KeyDomain is the name of a domain: of a logical device, in IEC 61850.
	KeyDomain discovery.Key = "mms.domain"
)

// pathDomain is the path piece of a logical device whose nameplate is another than that of the device: it stands for another one.
const pathDomain = "mms-domain"

func plateKeys() []discovery.Key {
	return []discovery.Key{
		KeyPhysicalVendor, KeyPhysicalModel, KeyPhysicalSerial, KeyPhysicalHardware, KeyPhysicalSoftware, KeyPhysicalLocation, KeyLogicalVendor, KeyLogicalSoftware,
	}
}

// Protocol is MMS, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "MMS (IEC 61850)",
		Standard: "ISO 9506-2, ISO 8650, ISO 8823, ISO 8327; IEC 61850-8-1",
		Hears:    "maker, model and revision in answers to Identify, logical devices and their nameplates where they are read, and whether clients read, write or control",
		Keys:     append(plateKeys(), KeyVendorName, KeyModelName, KeyRevision, KeyDomain),
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
	pending   []question
	plates    once.Memory
	first     string                   // the domain whose nameplate passes for the device's
	own       map[discovery.Key]string // what that says
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
			c.remember(message.content)
		}
		return n, err
	case confirmedResponse:
		s, err := service(message.content)
		switch {
		case err != nil:
		case s.tag == identifyResponse:
			err = c.identified(side, t, s.content, out)
		case s.tag == namesResponse, s.tag == readResponse:
			err = c.answered(side, t, message.content, s, out)
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

// remember keeps a question whose answer is to be told.
func (c *conversation) remember(content []byte) {
	q, ok := newQuestion(content)
	if !ok {
		return
	}
	if len(c.pending) >= maxPending {
		c.pending = c.pending[:copy(c.pending, c.pending[1:])]
	}
	c.pending = append(c.pending, q)
}

// answered tells what an answer says to a question that is remembered.
func (c *conversation) answered(side discovery.Side, t time.Time, content []byte, s element, out discovery.Sink) error {
	r := wire.NewReader(content)
	invoke := string(next(&r).content)
	at := slices.IndexFunc(c.pending, func(q question) bool { return q.invoke == invoke })
	if at < 0 {
		return nil
	}
	q := c.pending[at]
	c.pending = slices.Delete(c.pending, at, at+1)
	tell := func(about discovery.Subject, facts []discovery.Fact) {
		c.plates.Tell(out, discovery.Observation{Time: t, Subject: about, Facts: facts})
	}
	if q.domains != (s.tag == namesResponse) {
		return nil
	}
	if q.domains {
		names, err := parseNames(s.content)
		var facts []discovery.Fact
		for _, domain := range names {
			facts = append(facts, discovery.NewFact(KeyDomain, domain))
		}
		tell(c.flow.Ends[side], facts)
		return err
	}
	texts, err := parseResults(s.content)
	var domains []string
	for _, v := range q.variables {
		if v.item != "" && !slices.Contains(domains, v.domain) {
			domains = append(domains, v.domain)
		}
	}
	for _, domain := range domains {
		facts := plate(q.variables, texts, domain)
		if len(facts) > 0 {
			tell(c.whose(side, domain, facts))
		}
	}
	return err
}

// whose says whom the nameplate of a domain is about, and what of it is new: the first one that is read passes for the device's, and
// another one that says the same adds nothing.
func (c *conversation) whose(side discovery.Side, domain string, facts []discovery.Fact) (discovery.Subject, []discovery.Fact) {
	if c.own == nil {
		c.first, c.own = domain, map[discovery.Key]string{}
	}
	about := c.flow.Ends[side]
	if domain == c.first {
		for _, f := range facts {
			c.own[f.Key] = f.Value
		}
		return about, facts
	}
	facts = slices.DeleteFunc(facts, func(f discovery.Fact) bool { return c.own[f.Key] == f.Value })
	return about.At(pathDomain, domain), facts
}

// talk tells an operation once in a conversation.
func (c *conversation) talk(client discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if op&^c.told == 0 {
		return
	}
	c.told |= op
	out.Observe(c.flow.Talk(name, client, t, op))
}
