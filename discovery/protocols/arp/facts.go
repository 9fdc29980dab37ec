package arp

import (
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Name is the protocol's name and the value of the bindings it tells.
const Name = "arp"

// Protocol is both faces of ARP.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     Name,
		Title:    "ARP",
		Standard: "RFC 826, RFC 5227",
		Hears:    "which MAC and IPv4 address belong together, from each request, answer and announcement",
		Ports:    []discovery.Port{{Transport: discovery.EtherType, Number: EtherType}},
		Decode:   func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
		Segment:  asker(),
	}
}

// Stations repeat themselves: an answer to each poll of a scanner, a request for the same gateway every few seconds.
const (
	rememberedSenders = 16
	retellAfter       = time.Minute
)

// decoder remembers what it told last, so that a repeat costs nothing.
type decoder struct {
	flow discovery.Flow
	told [rememberedSenders]binding
	next int
}

type binding struct {
	mac discovery.MAC
	ip  netip.Addr
	at  time.Time
}

// Feed takes the payload of one frame.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	p, err := Parse(b)
	if err != nil {
		return len(b), err
	}
	if p.IsProbe() {
		return len(b), nil
	}
	subject := d.flow.Ends[side]
	if err := p.checkSender(subject.MAC); err != nil {
		return len(b), err
	}
	if d.toldLately(binding{p.SenderMAC, p.SenderIP, t}) {
		return len(b), nil
	}
	subject.MAC, subject.IP = p.SenderMAC, p.SenderIP
	out.Observe(discovery.Observation{Time: t, Subject: subject, Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, Name)}})
	return len(b), nil
}

// toldLately reports whether the same was told within the last minute, and notes it otherwise. Time that runs backwards (merged
// captures) tells again.
func (d *decoder) toldLately(b binding) bool {
	for i, old := range d.told {
		if old.mac != b.mac || old.ip != b.ip {
			continue
		}
		if since := b.at.Sub(old.at); since >= 0 && since < retellAfter {
			return true
		}
		d.told[i] = b
		return false
	}
	d.told[d.next] = b
	d.next = (d.next + 1) % len(d.told)
	return false
}
