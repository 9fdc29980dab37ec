package survey

import (
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
)

// Candidate is a host of the inventory that may be asked, with what speaks for the protocols it may know.
type Candidate struct {
	Subject   discovery.Subject
	Type      string           // device type, as identified so far
	Vendor    string           // maker, as identified so far
	MACVendor string           // maker of the network chip
	Names     []string         // what it calls itself
	Listens   []discovery.Port // where it was heard to serve
	Behind    string           // the switch port that it hangs on; "" = not known
	LastSeen  time.Time
	Answered  map[ask.Question]time.Time // when it last answered each question; the zero time: the last try came to nothing
	Serves    map[string]uint16          // protocols that it was heard to serve, with their ports; 0 = the usual one
	Bridge    bool                       // LLDP says that it forwards frames or packets
	Router    bool                       // it was heard to forward others' packets
	Units     []uint8                    // Modbus units that were overheard behind it
}

// Named is what a person asked for: a protocol, on one host or on every host of the scope.
type Named struct {
	Protocol string
	Host     netip.Addr // zero = every host of the scope
	Port     uint16     // 0 = the usual one
	Units    []uint8    // Modbus
}

// Likely says which protocols the devices of a maker mostly speak, best first.
type Likely func(vendor string) []string

// Host grades the evidence of a candidate for each protocol that can be asked (grades E1 to E5 as documented on
// discovery.Grade) and puts it into a class of devices.
func (c Candidate) Host(protocols []discovery.Protocol, named []Named, likely Likely) ask.Host {
	host := ask.Host{
		Subject:  c.Subject,
		Class:    c.class(),
		Evidence: make(map[string]discovery.Grade),
		Ports:    make(map[string]uint16),
		Units:    slices.Clone(c.Units),
		Type:     c.Type,
		Vendor:   c.Vendor,
		Names:    c.Names,
		Listens:  c.Listens,
		Behind:   c.Behind,
		Heard:    c.LastSeen,
		Answered: c.Answered,
	}
	var probable []string
	if likely != nil {
		if probable = likely(c.Vendor); len(probable) == 0 {
			probable = likely(c.MACVendor)
		}
	}
	for _, p := range protocols {
		if p.Asker == nil {
			continue
		}
		grade := discovery.GradeBlind
		for _, n := range named {
			if n.Protocol == p.Name && (!n.Host.IsValid() || n.Host == c.Subject.IP) {
				grade = discovery.GradeNamed
				if n.Port != 0 {
					host.Ports[p.Name] = n.Port
				}
				host.Named = append(host.Named, n.Units...)
			}
		}
		if slices.Contains(probable, p.Name) {
			grade = discovery.GradeLikely
		}
		if c.Bridge && p.Name == "snmp" {
			grade = discovery.GradeAnnounced
		}
		if port, ok := c.Serves[p.Name]; ok {
			grade = discovery.GradeOverheard
			if host.Ports[p.Name] == 0 {
				host.Ports[p.Name] = port
			}
		}
		if !c.Subject.IP.IsValid() && grade == discovery.GradeBlind {
			grade = discovery.GradeLikely // a host that is found later is asked what there is evidence for then
		}
		host.Evidence[p.Name] = grade
	}
	slices.Sort(host.Units)
	host.Units = slices.Compact(host.Units)
	host.Core = c.Router && host.Class == ask.Infrastructure
	return host
}

// class puts the candidate into a class of devices, by its type and by what LLDP and its Modbus traffic say of it.
func (c Candidate) class() ask.Class {
	switch c.Type {
	case "switch", "router", "firewall", "wireless", "media-converter", "load-balancer", "cellular-router", "remote-access":
		return ask.Infrastructure
	case "server", "workstation", "scada-server", "historian", "engineering-workstation", "hypervisor", "storage":
		return ask.Computer
	case "gateway", "serial-server":
		return ask.Gateway
	case "drive", "remote-io", "power-meter", "rtu", "ied", "sensor", "actuator", "comm-module":
		return ask.Field
	case "":
		if c.Bridge {
			return ask.Infrastructure
		}
		if c.manyUnits() {
			return ask.Gateway
		}
		return ask.Unknown
	}
	// An HMI may be a panel, and is asked like the controller that it is built as.
	return ask.Controller
}

// manyUnits reports whether several Modbus units were heard behind the address: that is a gateway until it is known better.
func (c Candidate) manyUnits() bool {
	units := map[uint8]bool{}
	for _, u := range c.Units {
		units[u] = true
	}
	return len(units) > 1
}
