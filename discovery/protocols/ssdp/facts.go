package ssdp

import "github.com/walkdown-ot/walkdown/discovery"

// The keys, after the header fields.
const (
	KeyServer   discovery.Key = "ssdp.server"   // system, UPnP version and product: "Linux/3.4 UPnP/1.0 Cam/2.1"
	KeyUSN      discovery.Key = "ssdp.usn"      // "uuid:...::" and what it is
	KeyLocation discovery.Key = "ssdp.location" // where its description is to be read
	KeyNT       discovery.Key = "ssdp.nt"       // what it is: device or service type; ST in an answer
)

// Protocol is the hearing face of SSDP.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "ssdp",
		Title:    "SSDP",
		Standard: "UPnP Device Architecture 2.0",
		Hears:    "system and product, unique ids, device and service types, from announcements and answers",
		Keys:     []discovery.Key{KeyServer, KeyUSN, KeyLocation, KeyNT},
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}},
		Decode:   func(discovery.Flow) discovery.Decoder { return &decoder{} },
		Asker:    asker(),
	}
}

func (m message) facts() []discovery.Fact {
	var facts []discovery.Fact
	for _, field := range []struct {
		key   discovery.Key
		value []byte
	}{{KeyServer, m.server}, {KeyUSN, m.usn}, {KeyLocation, m.location}, {KeyNT, m.target}} {
		if f := discovery.NewFact(field.key, string(field.value)); f.Value != "" {
			facts = append(facts, f)
		}
	}
	return facts
}
