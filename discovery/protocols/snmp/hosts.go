package snmp

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Of the status of a row of the forwarding tables (RFC 4188, RFC 4363): what was learnt from frames. The others are the bridge's
// own, or are not in use.
const statusLearned = 3

// station tells a host that the bridge has learnt, and the port behind which it is. A host of its own, or one that nobody can be,
// is none.
func (r *reader) station(o discovery.Observation, known *row) discovery.Observation {
	index := known.index
	fdb := uint32(0)
	if known.entry == vlanFdbEntry && len(index) > 0 {
		fdb, index = index[0], index[1:]
	}
	mac, ok := arcMAC(index)
	number := known.int(2)
	status := known.int(3)
	if !ok || number <= 0 || number > maxPort || status != 0 && status != statusLearned || !isHost(mac) || r.isOwn(mac) {
		return discovery.Observation{}
	}
	name := r.bridgePortName(uint32(number))
	if strings.HasPrefix(strings.ToUpper(name), "CPU") {
		return discovery.Observation{} // the bridge's own inner port
	}
	if len(r.stations) < maxRows {
		set(&r.stations, mac, uint32(number))
	}
	o.Subject.MAC = mac
	// The id of a forwarding database is its VLAN in most bridges, and surely where the port's VLAN has the same number.
	if pvid := r.vlans[uint32(number)]; pvid != 0 && uint32(pvid) == fdb {
		o.Subject.VLAN = pvid
	}
	if r.vlan != 0 {
		o.Subject.VLAN = r.vlan
	}
	o.Facts = []discovery.Fact{discovery.NewFact(KeyBridgePort, name)}
	return o
}

// maxPort is the highest number of a bridge port (RFC 4188).
const maxPort = 65535

// isHost reports whether a MAC can be that of one network interface.
func isHost(mac discovery.MAC) bool {
	return !mac.IsZero() && !mac.IsGroup() && !mac.IsVirtual()
}

// The types and states of the rows of ARP tables (RFC 4293) that say nothing of a host.
const (
	typeInvalid     = 2
	typeLocal       = 5
	stateInvalid    = 5
	stateIncomplete = 7
)

// resolved tells the MAC and the IP of a host that the agent has talked to. The index is the ifIndex and the address.
func resolved(o discovery.Observation, known *row) discovery.Observation {
	if len(known.index) < 2 {
		return discovery.Observation{}
	}
	address := known.index[1:]
	var ip netip.Addr
	var ok bool
	macColumn, kindColumn := uint32(2), uint32(4)
	if known.entry == neighbourEntry {
		ip, ok = arcSizedIP(address)
		macColumn, kindColumn = 4, 6
		if state := known.int(7); state == stateInvalid || state == stateIncomplete {
			return discovery.Observation{}
		}
	} else if len(address) == 4 {
		ip, ok = arcIP(address)
	}
	b := known.bytes(macColumn)
	kind := known.int(kindColumn)
	if !ok || len(b) != 6 || kind == typeInvalid || kind == typeLocal && known.entry == neighbourEntry {
		return discovery.Observation{}
	}
	mac := discovery.MAC(b)
	isAddress := ip.IsGlobalUnicast() || ip.Is6() && ip.IsLinkLocalUnicast()
	if mac.IsZero() || mac.IsGroup() || !isAddress {
		return discovery.Observation{}
	}
	o.Subject.MAC, o.Subject.IP = mac, ip
	o.Facts = []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "table")}
	return o
}

// maxBehind is how many hosts behind one port are worth a line each. Behind a port with more there is another switch.
const maxBehind = 8

// learnt are the cables that the forwarding table tells, after it was read to its end: behind which port a host is. What of it
// is the host's own cable, the inventory decides.
func (r *reader) learnt() []discovery.Link {
	behind := map[uint32][]discovery.MAC{}
	for mac, number := range r.stations {
		behind[number] = append(behind[number], mac)
	}
	var links []discovery.Link
	for number, macs := range behind {
		if len(macs) > maxBehind {
			continue
		}
		for _, mac := range macs {
			remote := discovery.Subject{Site: r.about.Site, Segment: r.about.Segment, MAC: mac}
			links = append(links, discovery.Link{LocalPort: r.bridgePortName(number), Remote: remote, Via: "fdb"})
		}
	}
	slices.SortFunc(links, func(a, b discovery.Link) int { return slices.Compare(a.Remote.MAC[:], b.Remote.MAC[:]) })
	return links
}
