package llmnr

import (
	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
)

// KeyHostName is the name that the sender answers to.
const KeyHostName discovery.Key = "llmnr.host-name"

// Protocol is the hearing face of LLMNR.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "llmnr",
		Title:    "LLMNR",
		Standard: "RFC 4795",
		Hears:    "host names, from the answers of those who have them",
		Keys:     []discovery.Key{KeyHostName},
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}},
		Decode:   func(discovery.Flow) discovery.Decoder { return &decoder{} },
	}
}

// hostNames are the names in the answers. A host answers for its own names only (RFC 4795 section 2.3), whichever of its
// addresses it gives.
func hostNames(m dns.Message) []discovery.Fact {
	var facts []discovery.Fact
	for _, r := range m.Records {
		if r.Section != dns.Answers || r.Class != dns.IN {
			continue
		}
		if _, ok := r.IP(); ok {
			facts = append(facts, discovery.NewFact(KeyHostName, r.Name.String()))
			continue
		}
		if _, ok := r.Name.ReverseAddr(); ok && r.Type == dns.PTR {
			if name, err := r.Target(); err == nil {
				facts = append(facts, discovery.NewFact(KeyHostName, name.String()))
			}
		}
	}
	return facts
}
