// Package redact shows an inventory without the addresses of its plant, for whoever may know what there is and not where. Each
// address has one stand-in throughout: an IPv4 network 10.0.N.0/24 with the host's last octet, a public address one of the
// documentation networks (RFC 5737), an IPv6 address fd00::N or fe80::N (RFC 4193), a MAC its maker's half and a number. Addresses in
// texts are replaced where they are known as addresses, so that a version that looks like one stays. Raw bytes are left out. Names
// of devices stay.
package redact

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/exporters/texts"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Source is an inventory with stand-ins.
type Source struct {
	from     inventory.Source
	networks map[netip.Prefix]int
	addrs    map[netip.Addr]netip.Addr
	macs     map[discovery.MAC]discovery.MAC
	public   int
	six      int
	perMaker map[[3]byte]int
}

var (
	_ inventory.Source   = (*Source)(nil)
	_ inventory.Registry = (*Source)(nil)
	_ inventory.Planner  = (*Source)(nil)
)

// Addresses reads the inventory once for its addresses, and gives it without them.
func Addresses(ctx context.Context, from inventory.Source) (*Source, error) {
	s := &Source{
		from: from, networks: map[netip.Prefix]int{}, addrs: map[netip.Addr]netip.Addr{}, macs: map[discovery.MAC]discovery.MAC{}, perMaker: map[[3]byte]int{},
	}
	learn := func(list ...string) {
		for _, text := range list {
			if prefix, err := netip.ParsePrefix(text); err == nil {
				s.addr(prefix.Addr())
			} else if ip, err := netip.ParseAddr(text); err == nil {
				s.addr(ip)
			} else if mac, err := discovery.ParseMAC(text); err == nil {
				s.mac(mac)
			}
		}
	}
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return nil, err
		}
		for _, x := range a.Addresses {
			learn(x.IP, x.MAC)
		}
		for _, p := range a.Ports {
			learn(p.MAC)
		}
	}
	for c, err := range from.Conversations(ctx) {
		if err != nil {
			return nil, err
		}
		learn(c.ClientIP, c.ClientMAC, c.ServerIP, c.ServerMAC)
	}
	for v, err := range from.Surveys(ctx) {
		if err != nil {
			return nil, err
		}
		learn(v.Scope...)
		learn(v.Own...)
		learn(v.Plug.Switch, v.Plug.GatewayMAC, v.Plug.Address)
	}
	return s, nil
}

// addr gives the stand-in of an address. Those that mean the same everywhere stay.
func (s *Source) addr(ip netip.Addr) netip.Addr {
	if !ip.IsValid() {
		return ip
	}
	ip = ip.Unmap().WithZone("")
	if ip.IsUnspecified() || ip.IsLoopback() || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return ip
	}
	if known, ok := s.addrs[ip]; ok {
		return known
	}
	var out netip.Addr
	switch {
	case ip.Is6():
		s.six++
		first := byte(0xfd)
		if ip.IsLinkLocalUnicast() {
			first = 0xfe
		}
		b := [16]byte{0: first, 12: byte(s.six >> 24), 13: byte(s.six >> 16), 14: byte(s.six >> 8), 15: byte(s.six)}
		if first == 0xfe {
			b[1] = 0x80
		}
		out = netip.AddrFrom16(b)
	case ip.IsPrivate() || ip.IsLinkLocalUnicast():
		network := netip.PrefixFrom(ip, 24).Masked()
		n, ok := s.networks[network]
		if !ok {
			n = len(s.networks) + 1
			s.networks[network] = n
		}
		out = netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), ip.As4()[3]})
	default:
		out = public(s.public)
		s.public++
	}
	s.addrs[ip] = out
	return out
}

// public gives the nth address of the documentation networks, and of the one for benchmarks (RFC 2544) when they are used up.
func public(n int) netip.Addr {
	for _, network := range [][3]byte{{203, 0, 113}, {198, 51, 100}, {192, 0, 2}} {
		if n < 254 {
			return netip.AddrFrom4([4]byte{network[0], network[1], network[2], byte(n + 1)})
		}
		n -= 254
	}
	return netip.AddrFrom4([4]byte{198, 18 + byte(n>>16)&1, byte(n >> 8), byte(n)})
}

// mac gives the stand-in of a MAC. Group addresses stay.
func (s *Source) mac(m discovery.MAC) discovery.MAC {
	if m.IsZero() || m[0]&1 == 1 {
		return m
	}
	if known, ok := s.macs[m]; ok {
		return known
	}
	maker := [3]byte(m[:3])
	s.perMaker[maker]++
	n := s.perMaker[maker]
	out := discovery.MAC{m[0], m[1], m[2], 0xe0 + byte(n>>16), byte(n >> 8), byte(n)}
	s.macs[m] = out
	return out
}

var (
	fourText = regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`)
	sixText  = regexp.MustCompile(`(?i)\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}`)
	macText  = regexp.MustCompile(`(?i)\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b|\b[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\b`)
)

// text replaces the addresses of the plant in a text. An IPv4 address counts as one where it, or another of its network, is known.
func (s *Source) text(text string) string {
	if !strings.ContainsAny(text, ":.-") {
		return text
	}
	text = macText.ReplaceAllStringFunc(text, func(found string) string {
		mac, err := discovery.ParseMAC(found)
		if err != nil {
			return found
		}
		return s.mac(mac).String()
	})
	text = fourText.ReplaceAllStringFunc(text, func(found string) string {
		ip, err := netip.ParseAddr(found)
		if err != nil {
			return found
		}
		if _, known := s.addrs[ip]; !known {
			if _, near := s.networks[netip.PrefixFrom(ip, 24).Masked()]; !near {
				return found
			}
		}
		return s.addr(ip).String()
	})
	return sixText.ReplaceAllStringFunc(text, func(found string) string {
		ip, err := netip.ParseAddr(found)
		if err != nil || !ip.Is6() {
			return found
		}
		return s.addr(ip).String()
	})
}

func mapped[T any](s *Source, list iter.Seq2[T, error], more func(*T)) iter.Seq2[T, error] {
	change := texts.Change{Text: s.text, Addr: s.addr, MAC: s.mac}
	return func(yield func(T, error) bool) {
		for one, err := range list {
			if err == nil {
				one = texts.Map(one, change)
				if more != nil {
					more(&one)
				}
			}
			if !yield(one, err) {
				return
			}
		}
	}
}

// Assets come in the order of the inventory.
func (s *Source) Assets(ctx context.Context) iter.Seq2[inventory.Asset, error] {
	return mapped(s, s.from.Assets(ctx), nil)
}

// Evidence comes without raw bytes.
func (s *Source) Evidence(ctx context.Context, asset string) iter.Seq2[inventory.Evidence, error] {
	return mapped(s, s.from.Evidence(ctx, asset), func(e *inventory.Evidence) { e.Fact.Raw = nil })
}

// Conversations come in the order of the inventory.
func (s *Source) Conversations(ctx context.Context) iter.Seq2[inventory.Conversation, error] {
	return mapped(s, s.from.Conversations(ctx), nil)
}

// Changes are those of the inventory.
func (s *Source) Changes(ctx context.Context, since time.Time, survey string) iter.Seq2[inventory.Change, error] {
	return mapped(s, s.from.Changes(ctx, since, survey), nil)
}

// Surveys are those of the inventory.
func (s *Source) Surveys(ctx context.Context) iter.Seq2[inventory.Survey, error] {
	return mapped(s, s.from.Surveys(ctx), nil)
}

// Ledger comes without the bytes that were sent.
func (s *Source) Ledger(ctx context.Context, survey string) iter.Seq2[inventory.LedgerEntry, error] {
	return mapped(s, s.from.Ledger(ctx, survey), func(e *inventory.LedgerEntry) { e.Bytes = "" })
}

// Said is what people said of things that are no assets.
func (s *Source) Said(ctx context.Context, prefix string) (map[string]map[string]string, error) {
	registry, ok := s.from.(inventory.Registry)
	if !ok {
		return nil, nil
	}
	said, err := registry.Said(ctx, prefix)
	return texts.Map(said, texts.Change{Text: s.text}), err
}

// Intents are what surveys meant to do.
func (s *Source) Intents(ctx context.Context) ([]inventory.Intent, error) {
	planner, ok := s.from.(inventory.Planner)
	if !ok {
		return nil, nil
	}
	intents, err := planner.Intents(ctx)
	return texts.Map(intents, texts.Change{Text: s.text}), err
}

// String says how much was replaced.
func (s *Source) String() string {
	return fmt.Sprintf("%d IP addresses and %d MAC addresses replaced", len(s.addrs), len(s.macs))
}
