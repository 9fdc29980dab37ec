package inventory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"net/netip"
	"slices"
)

// Zone is a group of assets with the same need for protection (IEC 62443-3-2, ZCR 3), as far as it was accepted by people or is
// proposed. What lies outside of the site is a zone too, so that conduits have two ends.
type Zone struct {
	ID       string   `json:"id"` // "z-" and 12 hex digits, of site and name
	Site     string   `json:"site,omitempty"`
	Name     string   `json:"name"`
	Accepted int      `json:"accepted"` // assets that a person put into it
	Proposed int      `json:"proposed"` // assets that walkdown would put into it
	Outside  bool     `json:"outside,omitempty"`
	Reason   string   `json:"reason"`
	Levels   []string `json:"levels,omitempty"` // of the Purdue model, ascending
	Segments []string `json:"segments,omitempty"`
	Networks []string `json:"networks,omitempty"`
	VLANs    []uint16 `json:"vlans,omitempty"`
	Assets   []string `json:"assets,omitempty"` // ids, in the order of the inventory
	// AccessPoints are the ways in: routers, firewalls, remote access; by their first address.
	AccessPoints []string `json:"access_points,omitempty"`
	// Separate are assets that ZCR 3.2 to 3.6 want in a zone of their own.
	Separate    []Separation      `json:"separate,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`

	ports []string // physical access points: where the access points are plugged in
}

// Separation is an asset that should stand in a zone of its own, and why.
type Separation struct {
	Asset string `json:"asset"`
	Name  string `json:"name"`
	Rule  string `json:"rule"` // the clause of IEC 62443-3-2
	Why   string `json:"why"`
}

// Placement is where an asset belongs.
type Placement struct {
	Zone     string `json:"zone"` // name
	Accepted bool   `json:"accepted"`
	Reason   string `json:"reason"`
}

// Zoning is which asset belongs into which zone.
type Zoning struct {
	Zones []Zone // by site and name; those outside last

	places map[string]placed // by asset
	byName map[[2]string]int // site and name
	known  []netip.Prefix
	home   map[netip.Prefix]bool // networks with assets inside
}

type placed struct {
	zone     int
	accepted bool
	reason   string
}

// Of is where an asset belongs; ok is false for an id that is not in the inventory.
func (z *Zoning) Of(asset string) (p Placement, ok bool) {
	at, ok := z.places[asset]
	if !ok {
		return p, false
	}
	return Placement{z.Zones[at.zone].Name, at.accepted, at.reason}, true
}

// ProposeZones reads the assets and the conversations once each and says which zone each asset belongs to:
//   - the one that a person put it into;
//   - else the one that at least half of its network was put into, where nobody of it was put into another one;
//   - else its network: the subnet in its segment (the sensor's own or that of a scope, else its /24 or /64), cut by VLAN where a
//     subnet has several. Control and its supervision (levels 0
//     to 2) stay together; safety systems, site operations (level 3) and ways in from outside (level 3.5) get zones of their own;
//   - an asset of which no network is known, and one that exchanges cyclic data with another zone and nothing with its own, goes
//     where its partners are.
//
// It keeps a few words for each asset and nothing for a conversation.
func ProposeZones(ctx context.Context, from Source) (*Zoning, error) {
	z, err := NewZoner(ctx, from)
	if err != nil {
		return nil, err
	}
	if err := readAssets(ctx, from, z.Add); err != nil {
		return nil, err
	}
	return z.Zoning(ctx)
}

// Partners are two assets that talk to each other.
type Partners struct {
	Client, Server string
	Cyclic         bool
}

// PartnerSource is a Source that can tell who talks to whom without putting the conversations together and in order, which is
// cheaper.
type PartnerSource interface {
	// Partners are who ever exchanged data in a cycle, and everybody with whom one of the assets named talks. The same two may come
	// several times.
	Partners(ctx context.Context, of []string) iter.Seq2[Partners, error]
}

// partners tells who exchanges data in a cycle, and with whom the assets named talk.
func partners(ctx context.Context, from Source, of []string) iter.Seq2[Partners, error] {
	if source, ok := from.(PartnerSource); ok {
		return source.Partners(ctx, of)
	}
	return func(yield func(Partners, error) bool) {
		for c, err := range from.Conversations(ctx) {
			if !yield(Partners{c.Client, c.Server, c.Frequency == "cyclic"}, err) {
				return
			}
		}
	}
}

// ZoneID is the id of a zone.
func ZoneID(site, name string) string { return shortID(prefixZone, site, name) }

// shortID is a prefix and 12 hex digits of what makes a thing unique.
func shortID(prefix string, fields ...string) string {
	h := sha256.New()
	for _, f := range fields {
		_, _ = fmt.Fprintf(h, "%d:%s", len(f), f) // never fails
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:6])
}

// zone is the index of a zone, which is made if there is none.
func (z *Zoning) zone(site, name string, outside bool) int {
	if outside {
		site = ""
	}
	key := [2]string{site, name}
	if i, ok := z.byName[key]; ok {
		return i
	}
	i := len(z.Zones)
	z.byName[key] = i
	z.Zones = append(z.Zones, Zone{ID: ZoneID(site, name), Site: site, Name: name, Outside: outside})
	return i
}

// sort orders the zones and moves the indices along.
func (z *Zoning) sort() {
	order := make([]int, len(z.Zones))
	for i := range order {
		order[i] = i
	}
	rank := func(zone Zone) int {
		if zone.Outside {
			return 1
		}
		return 0
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := z.Zones[a], z.Zones[b]
		return cmp.Or(rank(x)-rank(y), cmp.Compare(x.Site, y.Site), cmp.Compare(x.Name, y.Name))
	})
	sorted, to := make([]Zone, len(order)), make([]int, len(order))
	for i, from := range order {
		sorted[i], to[from] = z.Zones[from], i
	}
	z.Zones = sorted
	for key, i := range z.byName {
		z.byName[key] = to[i]
	}
	for id, p := range z.places {
		p.zone = to[p.zone]
		z.places[id] = p
	}
}

// ofEnd is the zone of an end of a conversation: that of its asset, or for an address that is nobody's the outside: the internet,
// or the network beyond, that was not surveyed. ok is false for what is no host.
func (z *Zoning) ofEnd(asset, ip string) (index int, ok bool) {
	addr, err := netip.ParseAddr(ip)
	// A router is taken for the end where its MAC stands beside an address from outside.
	foreign := err == nil && IsPublic(addr) && !z.home[networkOf(addr, z.known)]
	if at, known := z.places[asset]; known && (!foreign || z.Zones[at.zone].Outside) {
		return at.zone, true
	}
	if err != nil || !isHost(addr) || addr.IsLinkLocalUnicast() || isBroadcast(addr, z.known) {
		return 0, false
	}
	name := outsideInternet
	if !IsPublic(addr) {
		name = "outside " + networkOf(addr, z.known).String()
	}
	if i, known := z.byName[[2]string{"", name}]; known {
		return i, true
	}
	i := z.zone("", name, true)
	z.Zones[i].Reason = "addresses that talk to the plant and were not found in it"
	return i, true
}

// isBroadcast reports whether an address is the last one of its network, which no host has.
func isBroadcast(ip netip.Addr, known []netip.Prefix) bool {
	if !ip.Is4() {
		return false
	}
	network := networkOf(ip, known)
	return !network.Contains(ip.Next())
}

// insert puts a text into a sorted list, once; empty text is left out.
func insert(list []string, text string) []string {
	if text == "" {
		return list
	}
	i, found := slices.BinarySearch(list, text)
	if found {
		return list
	}
	return slices.Insert(list, i, text)
}

// knownNetworks are those that surveys tell of: the sensors' own, and the scopes.
func knownNetworks(ctx context.Context, from Source) ([]netip.Prefix, error) {
	var out []netip.Prefix
	add := func(text string) {
		if p, err := netip.ParsePrefix(text); err == nil && !slices.Contains(out, p.Masked()) {
			out = append(out, p.Masked())
		}
	}
	for s, err := range from.Surveys(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read surveys: %w", err)
		}
		add(s.Plug.Address)
		for _, scope := range s.Scope {
			add(scope)
		}
	}
	return out, nil
}
