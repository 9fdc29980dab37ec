package ask

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
)

// maxScope bounds the number of networks of a scope.
const maxScope = 4096

// ParseScope reads networks and addresses separated by commas or blanks: "10.20.30.0/24,10.20.40.7". Public addresses are
// refused unless each is named alone, and so are networks that hold more than one kind of address (0.0.0.0/0), group and
// unspecified addresses, and networks with host bits set, which may have been meant as one address.
func ParseScope(text string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, word := range listWords(text) {
		prefix, err := parsePrefix(word)
		if err != nil {
			return nil, fmt.Errorf("parse scope %q: want an address or a network such as 10.20.30.0/24", word)
		}
		if prefix != prefix.Masked() {
			return nil, fmt.Errorf("parse scope %q: host bits are set: write %s for the network or %s for the one address", word, prefix.Masked(), prefix.Addr())
		}
		if err := checkPrefix(prefix); err != nil {
			return nil, fmt.Errorf("parse scope %q: %w", word, err)
		}
		if !slices.Contains(out, prefix) {
			out = append(out, prefix)
		}
		if len(out) > maxScope {
			return nil, fmt.Errorf("parse scope: more than %d networks", maxScope)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("parse scope: it is empty")
	}
	return out, nil
}

// ownBlocks are the networks that the public internet does not route: a scope must lie within one, or name single addresses.
// RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 and loopback (RFC 1122), which a scope must name itself to mean it.
func ownBlocks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("100.64.0.0/10"),
		netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("fc00::/7"),
		netip.MustParsePrefix("fe80::/10"),
		netip.MustParsePrefix("::1/128"),
	}
}

func checkPrefix(p netip.Prefix) error {
	switch addr := p.Addr(); {
	case !p.IsValid():
		return errors.New("not a network")
	case !p.IsSingleIP():
		for _, block := range ownBlocks() {
			if block.Bits() <= p.Bits() && block.Contains(addr) {
				return nil
			}
		}
		return errors.New("public addresses are asked only when each is named alone")
	default:
		return checkAddress(addr)
	}
}

// checkAddress refuses what is no single host, whatever the scope.
func checkAddress(addr netip.Addr) error {
	switch {
	case !addr.IsValid() || addr.IsUnspecified() || addr.Is4() && addr.As4()[0] == 0:
		return errors.New("it is no host's address")
	case addr.IsMulticast():
		return errors.New("it is a multicast address")
	case addr.Is4() && addr.As4()[0] >= 240:
		return errors.New("it is a broadcast or reserved address")
	}
	return nil
}

// isPublic reports whether the internet routes the address.
func isPublic(addr netip.Addr) bool {
	return !slices.ContainsFunc(ownBlocks(), func(block netip.Prefix) bool { return block.Contains(addr) })
}

// MayAsk gives nil when the host may be asked, else an error that wraps discovery.ErrOutOfScope and says why. A zero MAC is
// one that is not known.
func (k *Keeper) MayAsk(addr netip.Addr, mac discovery.MAC) error {
	return k.mayAsk(discovery.Subject{Site: k.o.Site, Segment: k.o.Segment, IP: addr, MAC: mac})
}

func (k *Keeper) mayAsk(subject discovery.Subject) error {
	if reason := k.refusal(subject, unicast); reason != "" {
		return fmt.Errorf("%s %w: %s", subject.Host(), discovery.ErrOutOfScope, reason)
	}
	return nil
}

// question says how a question reaches its device.
type question uint8

const (
	unicast question = iota
	resolve          // by broadcast: to whom the address belongs is what it asks
)

// refusal says why the host may not be asked, or gives "".
func (k *Keeper) refusal(subject discovery.Subject, how question) string {
	addr := subject.IP.Unmap().WithZone("")
	if err := checkAddress(addr); err != nil {
		return err.Error()
	}
	if slices.Contains(k.own, addr) {
		return "it is our own address"
	}
	if entry, excluded := k.o.Exclude.Covers(addr, subject.MAC); excluded {
		return "excluded by " + entry
	}
	inScope, alone := false, false
	var edge netip.Prefix
	for _, p := range k.o.Scope {
		if !p.Contains(addr) {
			continue
		}
		inScope = true
		alone = alone || p.IsSingleIP()
		if isEdge(p, addr) {
			edge = p
		}
	}
	onLink := false
	for _, link := range k.links {
		if !link.net.Contains(addr) {
			continue
		}
		onLink = true
		if isEdge(link.net, addr) {
			return "it is the network or broadcast address of " + link.net.String() + " on " + k.o.Interface.Name
		}
	}
	switch {
	case !inScope:
		return "outside the scope"
	case isPublic(addr) && !alone:
		return "it is a public address that is not named alone"
	case edge.IsValid() && !alone:
		return "it is the network or broadcast address of " + edge.String()
	case how == unicast && onLink && subject.MAC.IsZero() && len(k.o.Exclude.MACs) > 0:
		return "its MAC is not known and MACs are excluded"
	}
	if reason := k.safetySystem(subject); reason != "" && !alone {
		return refusedAsSafety(reason)
	}
	return ""
}

func refusedAsSafety(reason string) string {
	return "a safety system (" + reason + ") is asked only when its address is named alone"
}

// namedAlone reports whether the address stands alone in the scope.
func (k *Keeper) namedAlone(addr netip.Addr) bool {
	return slices.ContainsFunc(k.o.Scope, func(p netip.Prefix) bool { return p.IsSingleIP() && p.Addr() == addr })
}

// isEdge reports whether the address is the network or the broadcast address of an IPv4 network; a /31 has neither (RFC 3021).
func isEdge(p netip.Prefix, addr netip.Addr) bool {
	if !addr.Is4() || p.Bits() >= 31 {
		return false
	}
	return addr == p.Masked().Addr() || addr == lastAddress(p)
}

// lastAddress is the highest address of an IPv4 network.
func lastAddress(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().As4()
	for i := range bytes {
		host := min(max(8*(i+1)-p.Bits(), 0), 8)
		bytes[i] |= byte(1<<host - 1)
	}
	return netip.AddrFrom4(bytes)
}

// link is a network that the interface is on, with our own address there.
type link struct {
	net netip.Prefix
	own netip.Addr
}

// linksOf reads the interface's IPv4 networks. IPv6 is not swept, so its networks do not matter here.
func linksOf(ifi *net.Interface) ([]link, error) {
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil, fmt.Errorf("read the addresses of %s: %w", ifi.Name, err)
	}
	var links []link
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || !prefix.Addr().Is4() {
			continue
		}
		links = append(links, link{net: prefix.Masked(), own: prefix.Addr()})
	}
	return links, nil
}
