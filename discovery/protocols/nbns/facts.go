package nbns

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
	"github.com/walkdown-ot/walkdown/discovery/wire/netbios"
)

// The keys.
const (
	KeyName   discovery.Key = "nbns.name"    // what the computer is called
	KeyGroup  discovery.Key = "nbns.group"   // its workgroup or domain
	KeyUnitID discovery.Key = "nbns.unit-id" // the MAC that a node status names
)

// Protocol is the hearing face of the NetBIOS name service.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     "nbns",
		Title:    "NetBIOS name service",
		Standard: "RFC 1001, RFC 1002, MS-NBTE",
		Hears:    "computer names, workgroups and domains, the MAC in a node status",
		Keys:     []discovery.Key{KeyName, KeyGroup, KeyUnitID},
		Ports:    []discovery.Port{{Transport: discovery.UDP, Number: Port}},
		Decode:   func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
	}
}

// owners tells who has a name: the sender itself, or those whom a name server knows.
func (d *decoder) owners(side discovery.Side, t time.Time, r dns.Record, out discovery.Sink) error {
	label, _, _ := r.Name.Cut()
	name, err := netbios.Decode(label)
	if err != nil {
		return err
	}
	sender := d.flow.Ends[side]
	isSender := func(o owner) bool { return o.ip == sender.IP.Unmap() || o.ip.IsUnspecified() }
	owners := parseOwners(r.Data)
	ours := slices.ContainsFunc(owners, isSender)
	for _, owner := range owners {
		key, ok := keyOf(name, owner.group)
		if !ok {
			continue
		}
		o := discovery.Observation{Time: t, Facts: []discovery.Fact{discovery.NewFact(key, name.Text)}}
		switch {
		case isSender(owner):
		case ours && !owner.group: // a further address of the sender
			continue
		case isHost(owner.ip):
			o.Subject, o.Teller = discovery.Subject{IP: owner.ip}, sender
		default:
			continue // "the whole group" stands as a broadcast address
		}
		d.told[side].Tell(out, o)
	}
	return nil
}

// status tells the names of a node.
func (d *decoder) status(side discovery.Side, t time.Time, r dns.Record, out discovery.Sink) error {
	s, err := parseStatus(r.Data)
	var facts []discovery.Fact
	for _, name := range s.names {
		if name.flags&(flagDeregister|flagConflict) != 0 {
			continue
		}
		if key, ok := keyOf(name.Name, name.flags&flagGroup != 0); ok {
			facts = append(facts, discovery.NewFact(key, name.Text))
		}
	}
	if !s.unitID.IsZero() && !s.unitID.IsGroup() { // Samba leaves it out
		facts = append(facts, discovery.NewFact(KeyUnitID, s.unitID.String()))
	}
	d.told[side].Tell(out, discovery.Observation{Time: t, Facts: facts})
	if err != nil {
		return fmt.Errorf("node status of %d bytes: %w", len(r.Data), err)
	}
	return nil
}

// keyOf says what a name is to its owner. Unique names of other suffixes are those of services and, some of them, of users.
func keyOf(name netbios.Name, group bool) (discovery.Key, bool) {
	switch {
	case !group:
		return KeyName, name.IsComputer()
	case name.Suffix == netbios.Workstation, name.Suffix == netbios.DomainMembers, name.Suffix == netbios.Elections:
		return KeyGroup, name.IsPlain()
	}
	return "", false
}

func isHost(ip netip.Addr) bool { return ip.IsGlobalUnicast() || ip.IsLinkLocalUnicast() }
