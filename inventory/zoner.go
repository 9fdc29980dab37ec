package inventory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// The classes that do not share a zone.
const (
	classCell       = ""
	classOperations = "operations"
	classWayIn      = "way in"
	classSafety     = "safety"
	classOutside    = "outside"
)

// zoned is what is kept of an asset.
type zoned struct {
	id, name, site, segment string
	network                 string // subnet; empty when it has no IP
	vlan                    uint16
	level, kind, class      string
	said                    string // the zone that a person gave
	separate                Separation
	access                  string // its address, where it is a way in
	port                    string // where that is plugged in
	group                   int
	reason                  string
	// Partners by cyclic data, and, where it has no network, by any: of the own group, and of one other group (-1: of several).
	own   bool
	other int
}

type groupKey struct{ site, segment, network, class string }

// Zoner is ProposeZones for whoever reads the assets anyway, and hands them over.
type Zoner struct {
	from    Source
	known   []netip.Prefix
	assets  []zoned
	index   map[string]int
	groups  map[groupKey]int
	keys    []groupKey
	reasons []string
}

// NewZoner reads of the surveys which networks there are.
func NewZoner(ctx context.Context, from Source) (*Zoner, error) {
	known, err := knownNetworks(ctx, from)
	if err != nil {
		return nil, err
	}
	return &Zoner{from: from, known: known, index: map[string]int{}, groups: map[groupKey]int{}}, nil
}

// Zoning reads the rest, and says where the assets belong that were added.
func (z *Zoner) Zoning(ctx context.Context) (*Zoning, error) {
	z.group()
	for p, err := range partners(ctx, z.from, z.nowhere()) {
		if err != nil {
			return nil, fmt.Errorf("read conversations: %w", err)
		}
		z.partners(p)
	}
	z.move()
	zoning := z.zoning()
	notes, err := saidOf(ctx, z.from, prefixZone)
	if err != nil {
		return nil, fmt.Errorf("read what was said of zones: %w", err)
	}
	for i := range zoning.Zones {
		zoning.Zones[i].Annotations = notes[zoning.Zones[i].ID]
	}
	return zoning, nil
}

// Add takes an asset in, in the order of the inventory.
func (z *Zoner) Add(a Asset) {
	if a.Role == "sensor" {
		return
	}
	v := zoned{
		id: a.ID, name: cmp.Or(a.Name, firstAddress(a)), site: a.Site, segment: a.Segment, level: a.Level, kind: cmp.Or(a.Type, a.ProposedType),
		said: a.Annotations[FieldZone], other: none, group: none,
	}
	public := len(a.Addresses) > 0
	for _, address := range a.Addresses {
		ip, err := netip.ParseAddr(address.IP)
		if err != nil {
			public = false
			v.vlan = cmp.Or(v.vlan, address.VLAN)
			continue
		}
		public = public && address.MAC == "" && IsPublic(ip)
		v.vlan = cmp.Or(v.vlan, address.VLAN)
		if v.network == "" && !ip.IsLinkLocalUnicast() {
			v.network = networkOf(ip, z.known).String()
			v.segment = cmp.Or(address.Segment, a.Segment)
		}
	}
	switch {
	case public:
		v.class = classOutside
	case v.kind == "safety-controller":
		v.class = classSafety
	case a.Level == "3":
		v.class = classOperations
	case a.Level == "3.5":
		v.class = classWayIn
	}
	v.separate = separation(a, v)
	if a.Role == "router" || isWayIn(v.kind) {
		v.access = firstIP(a)
		for _, n := range a.Neighbours {
			if n.RemotePort != "" {
				v.port = strings.TrimSpace(n.Name + " " + n.RemotePort)
				break
			}
		}
	}
	z.index[a.ID] = len(z.assets)
	z.assets = append(z.assets, v)
}

const none = -1

// networkOf is the smallest known network that holds an address, else its /24 or /64.
func networkOf(ip netip.Addr, known []netip.Prefix) netip.Prefix {
	ip = ip.Unmap()
	bits := 24
	if ip.Is6() {
		bits = 64
	}
	best, _ := ip.Prefix(bits)
	found := false
	for _, p := range known {
		// A scope of single hosts, or of half the internet, is no network.
		if p.Contains(ip) && p.Bits() < ip.BitLen()-1 && p.Bits() >= bits-12 && (!found || p.Bits() > best.Bits()) {
			best, found = p.Masked(), true
		}
	}
	return best
}

// separation says whether ZCR 3.2 to 3.6 want an asset apart.
func separation(a Asset, v zoned) Separation {
	s := Separation{Asset: v.id, Name: v.name}
	switch v.kind {
	case "safety-controller":
		s.Rule, s.Why = "ZCR 3.3", "a safety system stands apart from what it protects against"
	case "engineering-workstation", "test-instrument":
		s.Rule, s.Why = "ZCR 3.4", "a device that is connected for a time only stands apart from what stays"
	case "wireless":
		s.Rule, s.Why = "ZCR 3.5", "wireless devices stand apart from wired ones"
	case "remote-access", "cellular-router":
		s.Rule, s.Why = "ZCR 3.6", "what is reached over external networks stands apart"
	case "printer", "print-server", "voip", "media", "camera", "nvr", "audio", "intercom":
		s.Rule, s.Why = "ZCR 3.2", "office and building devices stand apart from the plant's"
	}
	if s.Rule == "" && a.Annotations["safety"] != "" {
		s.Rule, s.Why = "ZCR 3.3", "it was designated safety related"
	}
	return s
}

// isWayIn reports whether a type leads from one network to another.
func isWayIn(kind string) bool {
	switch kind {
	case "router", "firewall", "remote-access", "cellular-router", "load-balancer":
		return true
	}
	return false
}

func firstIP(a Asset) string {
	for _, address := range a.Addresses {
		if address.IP != "" {
			return address.IP
		}
	}
	return firstAddress(a)
}

// group puts each asset into the group of its network and class.
func (z *Zoner) group() {
	type network struct{ site, segment, name string }
	vlans := map[network]map[uint16]int{}
	ofVLAN := map[network]map[string]bool{} // name is the VLAN
	for _, v := range z.assets {
		if v.network == "" || v.vlan == 0 {
			continue
		}
		at := network{v.site, v.segment, v.network}
		if vlans[at] == nil {
			vlans[at] = map[uint16]int{}
		}
		vlans[at][v.vlan]++
		at.name = fmt.Sprint(v.vlan)
		if ofVLAN[at] == nil {
			ofVLAN[at] = map[string]bool{}
		}
		ofVLAN[at][v.network] = true
	}
	networks := map[[2]string]map[string]bool{} // of a segment
	for _, v := range z.assets {
		at := [2]string{v.site, v.segment}
		if v.network != "" && v.class != classOutside {
			if networks[at] == nil {
				networks[at] = map[string]bool{}
			}
			networks[at][v.network] = true
		}
	}
	for i := range z.assets {
		v := &z.assets[i]
		if v.class == classOutside {
			v.group, v.reason = z.groupOf(groupKey{class: classOutside, network: outsideInternet}), "it has a public address"
			continue
		}
		if v.network == "" {
			switch near := ofVLAN[network{v.site, v.segment, fmt.Sprint(v.vlan)}]; {
			case v.vlan != 0 && len(near) == 1:
				v.network = slices.Collect(maps.Keys(near))[0]
			case len(networks[[2]string{v.site, v.segment}]) == 1:
				v.network = slices.Collect(maps.Keys(networks[[2]string{v.site, v.segment}]))[0]
			case v.vlan != 0:
				v.network = fmt.Sprintf("VLAN %d", v.vlan)
			}
		}
		label := v.network
		if several := vlans[network{v.site, v.segment, v.network}]; len(several) > 1 && v.vlan != 0 {
			label = fmt.Sprintf("%s VLAN %d", v.network, v.vlan)
		}
		v.group = z.groupOf(groupKey{v.site, v.segment, label, v.class})
	}
	z.explain()
}

func (z *Zoner) groupOf(key groupKey) int {
	n, ok := z.groups[key]
	if !ok {
		n = len(z.keys)
		z.groups[key] = n
		z.keys = append(z.keys, key)
	}
	return n
}

// explain writes the reason of each group, and of its assets.
func (z *Zoner) explain() {
	z.reasons = make([]string, len(z.keys))
	for i, key := range z.keys {
		where := "no address in any network"
		switch {
		case key.class == classOutside:
			z.reasons[i] = "public addresses"
			continue
		case strings.HasPrefix(key.network, "VLAN"):
			where = key.network
		case key.network != "":
			where = "network " + key.network
		}
		where += " of segment " + key.segment
		switch key.class {
		case classSafety:
			where += ": safety systems stand apart (ZCR 3.3)"
		case classOperations:
			where += ": site operations, level 3, stand apart from control"
		case classWayIn:
			where += ": ways in from outside stand apart (ZCR 3.6)"
		}
		z.reasons[i] = where
	}
	for i := range z.assets {
		if v := &z.assets[i]; v.reason == "" {
			v.reason = z.reasons[v.group]
		}
	}
}

// nowhere are the assets of which no network is known.
func (z *Zoner) nowhere() []string {
	var out []string
	for _, v := range z.assets {
		if v.network == "" {
			out = append(out, v.id)
		}
	}
	return out
}

// partners notes at both ends in which group the other is.
func (z *Zoner) partners(p Partners) {
	client, ok1 := z.index[p.Client]
	server, ok2 := z.index[p.Server]
	if !ok1 || !ok2 || client == server {
		return
	}
	for _, ends := range [2][2]int{{client, server}, {server, client}} {
		v, partner := &z.assets[ends[0]], z.assets[ends[1]]
		if !p.Cyclic && v.network != "" || partner.class == classOutside {
			continue
		}
		switch {
		case partner.group == v.group:
			v.own = true
		case v.other == none:
			v.other = partner.group
		case v.other != partner.group:
			v.other = several
		}
	}
}

const several = -2

// move puts those who talk to one other group alone there. All are judged by where everybody stood before.
func (z *Zoner) move() {
	target := make([]int, len(z.assets))
	staying := make([]int, len(z.keys))
	for i, v := range z.assets {
		target[i] = none
		staying[v.group]++
		belongs := v.network == "" || v.level == "0" || v.level == "1"
		if v.said != "" || v.class != classCell || v.own || v.other < 0 || !belongs || z.keys[v.other].class != classCell {
			continue
		}
		target[i] = v.other
		staying[v.group]--
	}
	for i := range z.assets {
		v := &z.assets[i]
		// A network that everybody would leave stays as it is: two may name each other.
		if target[i] >= 0 && (staying[v.group] > 0 || v.network == "") {
			v.reason = "it exchanges data with " + z.reasons[target[i]] + " and with none of its own"
			if v.network == "" {
				v.reason = "no network of its own is known; it talks with " + z.reasons[target[i]]
			}
			v.group = target[i]
		}
	}
}

// outsideInternet is the name of the zone of public addresses.
const outsideInternet = "internet"

// names gives each group the name of its zone: the segment's, and the network's where the segment has several or no name.
func (z *Zoner) names() []string {
	count := map[[2]string]map[string]bool{}
	sites := map[string]bool{}
	for _, key := range z.keys {
		if key.class == classOutside {
			continue
		}
		at := [2]string{key.site, key.segment}
		if count[at] == nil {
			count[at] = map[string]bool{}
		}
		count[at][key.network] = true
		sites[key.site] = true
	}
	out := make([]string, len(z.keys))
	for i, key := range z.keys {
		if key.class == classOutside {
			out[i] = key.network
			continue
		}
		words := []string{}
		if key.segment != "default" || key.network == "" {
			words = append(words, key.segment)
		}
		if key.network != "" && (len(count[[2]string{key.site, key.segment}]) > 1 || len(words) == 0) {
			words = append(words, key.network)
		}
		if key.class != classCell {
			words = append(words, key.class)
		}
		out[i] = strings.Join(words, " ")
	}
	return out
}

// zoning gathers the groups, and what people said, into zones.
func (z *Zoner) zoning() *Zoning {
	out := &Zoning{places: make(map[string]placed, len(z.assets)), byName: map[[2]string]int{}, known: z.known, home: map[netip.Prefix]bool{}}
	names := z.names()
	called := z.called()
	for _, v := range z.assets {
		name, reason, accepted, shared := names[v.group], v.reason, false, z.reasons[v.group]
		switch other := called[v.group]; {
		case v.said != "":
			name, reason, accepted = v.said, "a person put it there", true
		case other != "":
			name, reason = other, "most of "+shared+" were put there by a person"
			shared = reason
		}
		i := out.zone(v.site, name, v.class == classOutside && !accepted)
		zone := &out.Zones[i]
		if accepted {
			zone.Accepted++
		} else {
			zone.Proposed++
			if zone.Reason == "" {
				zone.Reason = shared
			}
		}
		zone.Assets = append(zone.Assets, v.id)
		zone.Levels = insert(zone.Levels, v.level)
		zone.Segments = insert(zone.Segments, v.segment)
		if v.network != "" && v.class != classOutside {
			zone.Networks = insert(zone.Networks, v.network)
			if p, err := netip.ParsePrefix(v.network); err == nil { // else it is a VLAN
				out.home[p] = true
			}
		}
		if v.vlan != 0 && !slices.Contains(zone.VLANs, v.vlan) {
			zone.VLANs = append(zone.VLANs, v.vlan)
			slices.Sort(zone.VLANs)
		}
		if v.access != "" {
			zone.AccessPoints = insert(zone.AccessPoints, strings.TrimSpace(v.access+" "+nameBeside(v)))
			zone.ports = insert(zone.ports, v.port)
		}
		if v.separate.Rule != "" && v.class == classCell && !accepted {
			zone.Separate = append(zone.Separate, v.separate)
		}
		out.places[v.id] = placed{i, accepted, reason}
	}
	for i := range out.Zones {
		if zone := &out.Zones[i]; zone.Reason == "" {
			zone.Reason = "people put its assets there"
		}
	}
	out.sort()
	return out
}

// called is the zone that people put at least half of a group into, where they put nobody of it into another one.
func (z *Zoner) called() map[int]string {
	type naming struct {
		name      string
		said, all int
		many      bool
	}
	groups := map[int]*naming{}
	for _, v := range z.assets {
		n := groups[v.group]
		if n == nil {
			n = &naming{}
			groups[v.group] = n
		}
		n.all++
		if v.said != "" {
			n.many = n.many || n.said > 0 && n.name != v.said
			n.name = v.said
			n.said++
		}
	}
	out := map[int]string{}
	for group, n := range groups {
		if !n.many && 2*n.said >= n.all && z.keys[group].class != classOutside {
			out[group] = n.name
		}
	}
	return out
}

// nameBeside is the name of a way in, where it is not its address.
func nameBeside(v zoned) string {
	if v.name == v.access || strings.Contains(v.name, v.access) {
		return ""
	}
	return v.name
}
