package dhcp

import (
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Name is the protocol's name and the value of the bindings it tells.
const Name = "dhcp"

// The keys of what clients say of themselves, named by the options of the standards.
const (
	KeyHostName         discovery.Key = "dhcp.host-name"
	KeyFQDN             discovery.Key = "dhcp.fqdn"
	KeyVendorClass      discovery.Key = "dhcp.vendor-class"
	KeyUserClass        discovery.Key = "dhcp.user-class"
	KeyClientID         discovery.Key = "dhcp.client-id"              // text, a MAC, or hex with the type first
	KeyParameters       discovery.Key = "dhcp.parameter-request-list" // "1,3,6,15": which options, in whose order
	KeyRequestedAddress discovery.Key = "dhcp.requested-address"
	KeyMachineID        discovery.Key = "dhcp.client-machine-id" // UUID
	KeyEnterprise       discovery.Key = "dhcp.enterprise"        // IANA number of whose words the next two are
	KeyEnterpriseClass  discovery.Key = "dhcp.vendor-identifying-class"
	KeyEnterpriseInfo   discovery.Key = "dhcp.vendor-identifying-information" // "3561.2 0123ABC": enterprise, sub-option, text
)

// The keys of what servers say.
const (
	KeyServer     discovery.Key = "dhcp.server" // "yes": it hands out addresses
	KeyRouter     discovery.Key = "dhcp.router" // that it tells clients to use, as the next three
	KeyNameServer discovery.Key = "dhcp.domain-name-server"
	KeyDomainName discovery.Key = "dhcp.domain-name"
	KeyNTPServer  discovery.Key = "dhcp.ntp-server"
)

// Protocol is the hearing face of DHCP.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     Name,
		Title:    "DHCP",
		Standard: "RFC 2131, RFC 2132, RFC 3396, RFC 3925, RFC 4361, RFC 4702",
		Hears:    "host names, vendor classes and requested options of clients, which address a server gives to which station, and the routers, name and time servers it hands out",
		Keys: []discovery.Key{
			KeyHostName, KeyFQDN, KeyVendorClass, KeyUserClass, KeyClientID, KeyParameters, KeyRequestedAddress, KeyMachineID,
			KeyEnterprise, KeyEnterpriseClass, KeyEnterpriseInfo,
			KeyServer, KeyRouter, KeyNameServer, KeyDomainName, KeyNTPServer,
		},
		// Not ClientPort: it would make the client of an overheard answer the server of the conversation.
		Ports:  []discovery.Port{{Transport: discovery.UDP, Number: ServerPort}},
		Claims: claims,
		Decode: func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f, told: map[digest]time.Time{}} },
	}
}

// collector gathers facts that say something.
type collector []discovery.Fact

func (c *collector) add(key discovery.Key, value string) {
	if f := discovery.NewFact(key, value); f.Value != "" {
		*c = append(*c, f)
	}
}

func (s *speech) clientFacts() []discovery.Fact {
	var c collector
	c.add(KeyHostName, string(s.option(optionHostName)))
	c.add(KeyFQDN, fqdn(s.option(optionFQDN)))
	c.add(KeyVendorClass, string(s.option(optionVendorClass)))
	for _, class := range userClasses(s.option(optionUserClass)) {
		c.add(KeyUserClass, class)
	}
	c.add(KeyClientID, clientID(s.option(optionClientID)))
	c.add(KeyParameters, numbers(s.option(optionParameters)))
	if s.message.Type != Decline {
		c.addresses(KeyRequestedAddress, s.option(optionRequestedAddress))
	}
	c.add(KeyMachineID, machineID(s.option(optionMachineID)))
	c.vendorIdentifying(s.option(optionEnterpriseClass), false)
	c.vendorIdentifying(s.option(optionVendorSpecificInfo), true)
	return c
}

func (s *speech) serverFacts() []discovery.Fact {
	var c collector
	if _, known := s.decoder.note(s.digest(optionServerID, nil), s.time); !known {
		c.add(KeyServer, "yes")
	}
	c.addresses(KeyRouter, s.option(optionRouter))
	c.addresses(KeyNameServer, s.option(optionNameServer))
	c.add(KeyDomainName, string(s.option(optionDomainName)))
	c.addresses(KeyNTPServer, s.option(optionNTPServer))
	return c
}

// maxRepeated bounds the values of one option.
const maxRepeated = 16

func (c *collector) addresses(key discovery.Key, list []byte) {
	for count := 0; len(list) >= 4 && count < maxRepeated; count++ {
		if ip := host(list[:4]); ip.IsValid() {
			c.add(key, ip.String())
		}
		list = list[4:]
	}
}
