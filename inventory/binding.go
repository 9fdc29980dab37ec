package inventory

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	// maxOnLink is how many IPv4 addresses a MAC may hold that nothing but "on-link", or nothing but ARP tables, gives it. With
	// more it is taken for a router that the listener did not see through, or that answers ARP for others.
	maxOnLink = 4
	// maxAliases is how many IPv4 addresses a MAC may hold by ARP at one time, and aliasTime what "one time" is. With more it answers
	// ARP for others (RFC 1027), or translates their addresses.
	maxAliases = 8
	aliasTime  = time.Hour
	// bothLive is how long after each other two MACs may have claimed an IP for the last time, and still both be there.
	bothLive = time.Hour
	// sameMoment is how close together two claims are those of two hosts. No network card is swapped and no lease handed on
	// as quickly, while the two holders of a duplicate address answer the same ARP request.
	sameMoment = 10 * time.Second
)

// place is a site and segment: where an IP counts.
type place struct{ site, segment string }

// homeKey is an IP in its place.
type homeKey struct {
	place
	ip netip.Addr
}

// pairKey is an IP beside a MAC.
type pairKey struct {
	homeKey
	mac discovery.MAC
}

// claim is what is known of a MAC holding an IP.
type claim struct {
	pairKey
	strong, table, weak span // strong: ARP, ND, DHCP, DCP; table: a row of somebody's ARP table; weak: on-link
	lease               span // strong, by DHCP
}

// span is how long the best of what is known speaks for the claim.
func (c claim) span() span {
	switch {
	case !c.strong.first.IsZero():
		return c.strong
	case !c.table.first.IsZero():
		return c.table
	}
	return c.weak
}

// rank is 0 for a strong claim, 1 for a row of a table, 2 for a weak one.
func (c claim) rank() int {
	switch {
	case !c.strong.first.IsZero():
		return 0
	case !c.table.first.IsZero():
		return 1
	}
	return 2
}

// bindings say which MAC an IP belongs to.
type bindings struct {
	claims map[pairKey]*claim
	homes  map[homeKey][]*claim        // the accepted ones, the last one last
	masked map[discovery.MAC][]homeKey // IPs that the MAC answers for in place of other devices
	behind map[homeKey]discovery.MAC   // the same, by IP
}

func compareHomes(x, y homeKey) int {
	return cmp.Or(cmp.Compare(x.site, y.site), cmp.Compare(x.segment, y.segment), x.ip.Compare(y.ip))
}

// bind reads the bindings out of the sightings. An IP belongs to the MAC that it was bound to last. What a table says is believed
// where the host itself has not shown its MAC, and not of a MAC with too many such IPs; "on-link" only where nothing better is
// known of the IP, and never of a router, a virtual MAC, or a MAC with too many such IPs. A MAC that answers ARP for very many at one
// time holds none of them.
func bind(sightings []Sighting) bindings {
	b := bindings{claims: map[pairKey]*claim{}, homes: map[homeKey][]*claim{}, masked: map[discovery.MAC][]homeKey{}, behind: map[homeKey]discovery.MAC{}}
	type station struct {
		place
		mac discovery.MAC
	}
	routers := map[station]bool{}
	for _, s := range sightings {
		subject := s.Subject
		at := place{subject.Site, subject.Segment}
		for _, e := range s.Evidence {
			switch {
			case e.Fact.Key == discovery.KeyRole && e.Fact.Value == "router":
				routers[station{at, subject.MAC}] = true
			case e.Fact.Key == discovery.KeyBinding && holdsIPs(subject.MAC) && isHost(subject.IP):
				key := pairKey{homeKey{at, subject.IP}, subject.MAC}
				c := b.claims[key]
				if c == nil {
					c = &claim{pairKey: key}
					b.claims[key] = c
				}
				switch e.Fact.Value {
				case "on-link":
					c.weak.add(e.First, e.Last)
				case "table":
					c.table.add(e.First, e.Last)
				case "dhcp":
					c.lease.add(e.First, e.Last)
					c.strong.add(e.First, e.Last)
				default:
					c.strong.add(e.First, e.Last)
				}
			}
		}
	}
	many := [3]map[station]int{{}, {}, {}} // by rank
	strongly := map[station][]*claim{}
	for key, c := range b.claims {
		if at, rank := (station{key.place, key.mac}), c.rank(); key.ip.Is4() {
			many[rank][at]++
			if rank == 0 {
				strongly[at] = append(strongly[at], c)
			}
		}
	}
	for _, claims := range strongly {
		if len(claims) > maxAliases && atOneTime(claims) > maxAliases {
			for _, c := range claims {
				b.mask(c.pairKey)
			}
		}
	}
	best := map[homeKey]int{} // the best rank of the IP
	for key, c := range b.claims {
		rank := c.rank()
		if known, ok := best[key.homeKey]; !ok || rank < known {
			best[key.homeKey] = rank
		}
	}
	const strong, weak = 0, 2
	for key, c := range b.claims {
		at, rank := station{key.place, key.mac}, c.rank()
		if rank != strong && (best[key.homeKey] < rank || many[rank][at] > maxOnLink) || rank == weak && (routers[at] || key.mac.IsVirtual()) {
			delete(b.claims, key)
			continue
		}
		b.homes[key.homeKey] = append(b.homes[key.homeKey], c)
	}
	for _, home := range b.homes {
		slices.SortFunc(home, func(x, y *claim) int {
			return cmp.Or(x.span().last.Compare(y.span().last), x.span().first.Compare(y.span().first), slices.Compare(x.mac[:], y.mac[:]))
		})
	}
	return b
}

// atOneTime is how many of the claims were made at most within aliasTime of each other.
func atOneTime(claims []*claim) int {
	byFirst := slices.SortedFunc(slices.Values(claims), func(x, y *claim) int { return x.strong.first.Compare(y.strong.first) })
	ends := make([]time.Time, 0, len(claims))
	most := 0
	for _, c := range byFirst {
		ends = slices.DeleteFunc(ends, func(end time.Time) bool { return end.Before(c.strong.first) })
		ends = append(ends, c.strong.last.Add(aliasTime))
		most = max(most, len(ends))
	}
	return most
}

// mask drops a claim of a MAC that answers for another device.
func (b bindings) mask(key pairKey) {
	b.masked[key.mac] = append(b.masked[key.mac], key.homeKey)
	if known, ok := b.behind[key.homeKey]; !ok || slices.Compare(key.mac[:], known[:]) < 0 {
		b.behind[key.homeKey] = key.mac
	}
	delete(b.claims, key)
}

// release takes an IP from a MAC that answers for it in place of another device.
func (b bindings) release(home homeKey, mac discovery.MAC) {
	key := pairKey{home, mac}
	if b.claims[key] == nil {
		return
	}
	b.mask(key)
	b.homes[home] = slices.DeleteFunc(b.homes[home], func(c *claim) bool { return c.mac == mac })
}

// fronts counts the IPs that the MAC answers for in place of others, in a segment, or in all of a site when it is empty.
func (b bindings) fronts(mac discovery.MAC, site, segment string) int {
	n := 0
	for _, at := range b.masked[mac] {
		if at.site == site && (segment == "" || at.segment == segment) {
			n++
		}
	}
	return n
}

// holdsIPs reports whether the MAC can be that of a host.
func holdsIPs(mac discovery.MAC) bool { return !mac.IsZero() && !mac.IsGroup() }

// isHost reports whether the IP can be that of one host.
func isHost(ip netip.Addr) bool {
	return ip.IsValid() && !ip.IsUnspecified() && !ip.IsMulticast() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// bound reports whether the subject's MAC and IP belong together.
func (b bindings) bound(s discovery.Subject) bool {
	_, ok := b.claims[pairKey{homeKey{place{s.Site, s.Segment}, s.IP}, s.MAC}]
	return ok
}

// holder is a MAC that an IP belonged to for a time.
type holder struct {
	mac          discovery.MAC
	since, until time.Time // Part's
}

// holders are the MACs that an IP has belonged to, in the order of time; the last one holds it now.
func (b bindings) holders(home homeKey) []holder {
	claims := b.homes[home]
	out := make([]holder, len(claims))
	var since time.Time
	for i, c := range claims {
		out[i] = holder{mac: c.mac, since: since}
		if i < len(claims)-1 {
			since = handedOver(c.span(), claims[i+1].span())
			out[i].until = since
		}
	}
	return out
}

// handedOver is when an IP went from one MAC to the next: in the middle between the last claim of the one and the first of the other.
func handedOver(from, to span) time.Time {
	if gap := to.first.Sub(from.last); gap > 0 {
		return from.last.Add(gap/2 + 1)
	}
	return from.last.Add(1)
}

// rivals are the MACs that hold an IP at the same time as the last one does.
func (b bindings) rivals(home homeKey) []*claim {
	claims := b.homes[home]
	if len(claims) < 2 {
		return nil
	}
	last := claims[len(claims)-1]
	var out []*claim
	for _, c := range claims[:len(claims)-1] {
		if c.span().near(last.span(), sameMoment) && last.span().last.Sub(c.span().last) <= bothLive {
			out = append(out, c)
		}
	}
	return out
}

// held are the IPs of a MAC that are its own now, and what is to be said of them.
func (b bindings) held(mac discovery.MAC, homes []homeKey) (ips []homeKey, notes []string) {
	for _, home := range homes {
		claims := b.homes[home]
		if len(claims) == 0 {
			continue
		}
		last := claims[len(claims)-1]
		rivals := b.rivals(home)
		if last.mac != mac && !slices.ContainsFunc(rivals, func(c *claim) bool { return c.mac == mac }) {
			continue
		}
		if b.leasedAnew(mac, home, homes) {
			continue
		}
		ips = append(ips, home)
		for _, c := range append(rivals, last) {
			if len(rivals) > 0 && c.mac != mac {
				notes = append(notes, fmt.Sprintf("%s is held by %s too: a duplicate address or a redundant pair", home.ip, c.mac))
			}
		}
	}
	return ips, notes
}

// leasedAnew reports whether a MAC got the IP by DHCP, and then another one in its place: it has one lease at a time.
func (b bindings) leasedAnew(mac discovery.MAC, home homeKey, homes []homeKey) bool {
	c := b.claims[pairKey{home, mac}]
	if c == nil || c.lease.first.IsZero() {
		return false
	}
	return slices.ContainsFunc(homes, func(other homeKey) bool {
		o := b.claims[pairKey{other, mac}]
		return other.place == home.place && o != nil && o.lease.first.After(c.strong.last)
	})
}
