// Package nd reads IPv6 neighbour discovery: who holds an IPv6 address on the link, and which router announces what.
// Standard: RFC 4861, with the options of RFC 4191 (routes) and RFC 8106 (DNS), and RFC 4862 for the probes of an address that is
// not taken yet; ICMPv6, IP protocol 58. Heard: solicitations and advertisements of neighbours and routers, from this link alone.
// Asked, by opt-in: one echo of all nodes on the link.
package nd

import (
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// ProtocolNumber is that of ICMPv6 (RFC 4443 section 1).
const ProtocolNumber = 58

// Type is the type of an ICMPv6 message.
type Type uint8

// The messages that are read (RFC 4861 section 4). Redirects are not: they speak of others.
const (
	RouterSolicitation Type = 133 + iota
	RouterAdvertisement
	NeighbourSolicitation
	NeighbourAdvertisement
)

// String is the name that the standard gives the message.
func (t Type) String() string {
	switch t {
	case RouterSolicitation:
		return "router solicitation"
	case RouterAdvertisement:
		return "router advertisement"
	case NeighbourSolicitation:
		return "neighbour solicitation"
	case NeighbourAdvertisement:
		return "neighbour advertisement"
	}
	return fmt.Sprintf("icmpv6 type %d", uint8(t))
}

// Option types (RFC 4861 section 4.6, RFC 4191 section 2.3, RFC 8106 section 5).
const (
	optionSource  = 1
	optionTarget  = 2
	optionPrefix  = 3
	optionMTU     = 5
	optionRoute   = 24
	optionDNS     = 25
	optionDomains = 31
)

// maxRepeated bounds each list of an advertisement.
const maxRepeated = 32

// Message is one message of neighbour discovery.
type Message struct {
	Type     Type
	Target   netip.Addr    // of a neighbour's message: the address that is asked for or advertised
	Override bool          // of an advertisement: it replaces what is known, which one for another station may not
	Station  discovery.MAC // link-layer address: the target's in a neighbour advertisement, the sender's elsewhere
	Router                 // of a router advertisement
}

// Router is what a router announces.
type Router struct {
	Lifetime uint16         // seconds for which it is a default router; 0 = it is none
	MTU      uint32         // 0 = not said
	Prefixes []netip.Prefix // of this link
	Routes   []netip.Prefix // that it leads to
	DNS      []netip.Addr
	Domains  []string
}

// Parse reads a message from its ICMPv6 type on. What was understood of a router advertisement is returned with the error.
func Parse(b []byte) (Message, error) {
	r := wire.NewReader(b)
	m := Message{Type: Type(r.Uint8())}
	code := r.Uint8()
	r.Skip(2) // the checksum, over addresses that are not here
	switch m.Type {
	case RouterSolicitation:
		r.Skip(4)
	case RouterAdvertisement:
		r.Skip(2) // hop limit, flags
		m.Lifetime = r.Uint16()
		r.Skip(8) // timers
	case NeighbourSolicitation, NeighbourAdvertisement:
		const override = 0x20
		m.Override = r.Uint8()&override != 0
		r.Skip(3)
		if target := r.Bytes(16); target != nil {
			m.Target = netip.AddrFrom16([16]byte(target))
		}
	default:
		return m, fmt.Errorf("read icmpv6 message of type %d: %w", uint8(m.Type), discovery.ErrNotMine)
	}
	switch {
	case r.Err() != nil:
		return m, fmt.Errorf("read %s of %d bytes: %w", m.Type, len(b), io.ErrUnexpectedEOF)
	case code != 0:
		return m, fmt.Errorf("read %s: code %d at byte 1", m.Type, code)
	case m.Target.IsValid() && !isHost(m.Target):
		return m, fmt.Errorf("read %s: target %s at byte 8 is no host's address", m.Type, m.Target)
	}
	return m, m.options(r)
}

// isHost reports whether an address can be that of one host.
func isHost(a netip.Addr) bool { return !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() }

// options reads type, length in units of 8 bytes, and a value, until the message ends. An option that is damaged inside is
// passed over.
func (m *Message) options(r wire.Reader) error {
	var first error
	for r.Len() > 0 {
		at := r.Offset()
		kind, size := r.Uint8(), int(r.Uint8())*8
		if r.Err() == nil && size == 0 {
			return fmt.Errorf("read %s: option of length 0 at byte %d", m.Type, at)
		}
		value := r.Sub(size - 2)
		if r.Err() != nil {
			return fmt.Errorf("read %s: option at byte %d: %w", m.Type, at, io.ErrUnexpectedEOF)
		}
		if err := m.option(kind, value); err != nil && first == nil {
			first = fmt.Errorf("read %s: option %d at byte %d: %w", m.Type, kind, at, err)
		}
	}
	return first
}

func (m *Message) option(kind uint8, r wire.Reader) error {
	own := uint8(optionSource)
	if m.Type == NeighbourAdvertisement {
		own = optionTarget
	}
	switch {
	case kind == own:
		if mac := r.Bytes(6); mac != nil {
			m.Station = discovery.MAC(mac)
		}
		return r.Err()
	case m.Type == RouterAdvertisement:
		return m.Router.option(kind, r)
	}
	return nil
}

func (o *Router) option(kind uint8, r wire.Reader) error {
	switch kind {
	case optionMTU:
		r.Skip(2)
		o.MTU = r.Uint32()
	case optionPrefix:
		bits := r.Uint8()
		r.Skip(13) // flags, lifetimes
		return appendPrefix(&o.Prefixes, bits, r.Bytes(16))
	case optionRoute:
		bits := r.Uint8()
		r.Skip(1) // preference
		lifetime := r.Uint32()
		if r.Err() != nil || lifetime == 0 { // a route that is taken back
			return r.Err()
		}
		return appendPrefix(&o.Routes, bits, r.Rest())
	case optionDNS:
		r.Skip(6) // lifetime
		for r.Len() >= 16 && len(o.DNS) < maxRepeated {
			o.DNS = append(o.DNS, netip.AddrFrom16([16]byte(r.Bytes(16))))
		}
	case optionDomains:
		r.Skip(6)
		return o.domains(r)
	}
	return r.Err()
}

// appendPrefix adds a prefix of which only the leading bytes may be there.
func appendPrefix(list *[]netip.Prefix, bits uint8, leading []byte) error {
	if len(leading) > 16 || int(bits) > 128 || int(bits) > len(leading)*8 {
		return fmt.Errorf("prefix of %d bits in %d bytes", bits, len(leading))
	}
	var whole [16]byte
	copy(whole[:], leading)
	if len(*list) < maxRepeated {
		*list = append(*list, netip.PrefixFrom(netip.AddrFrom16(whole), int(bits)).Masked())
	}
	return nil
}

// domains reads names in the form of DNS, without its compression, padded with zeros.
func (o *Router) domains(r wire.Reader) error {
	var labels []string
	for r.Len() > 0 {
		label := r.Bytes(int(r.Uint8()))
		if r.Err() != nil {
			return r.Err()
		}
		if len(label) > 0 {
			labels = append(labels, string(label))
			continue
		}
		if len(labels) > 0 && len(o.Domains) < maxRepeated {
			o.Domains = append(o.Domains, strings.Join(labels, "."))
		}
		labels = nil
	}
	return nil
}
