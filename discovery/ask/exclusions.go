package ask

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Exclusions is what is never asked, whatever the scope says. The zero value excludes nothing.
type Exclusions struct {
	Prefixes []netip.Prefix
	MACs     []MACPrefix
}

// MACPrefix is the first bits of a MAC: 24, 28 or 36 of them are a maker's, 48 are one station.
type MACPrefix struct {
	MAC  discovery.MAC // the bits behind Bits are zero
	Bits int           // 1..48
}

// maxExclusions bounds the list: each address is compared with all of it.
const maxExclusions = 10_000

// ParseExclusions reads a list separated by commas or blanks: addresses (10.20.30.99), networks (10.20.30.0/28), MACs
// (00:80:f4:12:34:56), makers (00:80:f4) and runs of MACs (00:80:f4:00:00:00/24).
func ParseExclusions(text string) (Exclusions, error) {
	var out Exclusions
	for _, word := range listWords(text) {
		if len(out.Prefixes)+len(out.MACs) >= maxExclusions {
			return Exclusions{}, fmt.Errorf("parse exclusions: more than %d", maxExclusions)
		}
		if prefix, err := parsePrefix(word); err == nil {
			// Host bits are cleared without a word: to exclude more than was meant does no harm.
			out.Prefixes = append(out.Prefixes, prefix.Masked())
			continue
		}
		mac, err := parseMACPrefix(word)
		if err != nil {
			return Exclusions{}, fmt.Errorf("parse exclusion %q: neither an address, a network, a MAC nor a maker's prefix", word)
		}
		out.MACs = append(out.MACs, mac)
	}
	return out, nil
}

func listWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// parsePrefix reads an address or a network; an address is the network of itself alone.
func parsePrefix(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, addrErr := netip.ParseAddr(text)
		if addrErr != nil {
			return netip.Prefix{}, err
		}
		if addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q: leave the zone away", text)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	if addr := prefix.Addr(); addr.Is4In6() {
		if prefix.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q is more than the mapped IPv4 addresses", text)
		}
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix, nil
}

func parseMACPrefix(text string) (MACPrefix, error) {
	text, length, hasLength := strings.Cut(text, "/")
	const makerDigits = 6
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(text)
	bits := 48
	if len(digits) == makerDigits && !hasLength {
		digits += "000000"
		bits = 24
	}
	mac, err := discovery.ParseMAC(digits)
	if err != nil {
		return MACPrefix{}, err
	}
	if hasLength {
		bits, err = strconv.Atoi(length)
		if err != nil || bits < 1 || bits > 48 {
			return MACPrefix{}, fmt.Errorf("%q: want 1 to 48 bits", length)
		}
	}
	return MACPrefix{MAC: maskMAC(mac, bits), Bits: bits}, nil
}

func maskMAC(mac discovery.MAC, bits int) discovery.MAC {
	for i := range mac {
		keep := min(max(bits-8*i, 0), 8)
		mac[i] &= byte(uint16(0xff00) >> keep)
	}
	return mac
}

// Contains reports whether the MAC begins with the prefix.
func (p MACPrefix) Contains(mac discovery.MAC) bool { return maskMAC(mac, p.Bits) == p.MAC }

// String is the MAC alone, or with the number of bits.
func (p MACPrefix) String() string {
	text := p.MAC.String()
	if p.MAC.IsZero() {
		text = "00:00:00:00:00:00"
	}
	if p.Bits == 48 {
		return text
	}
	return text + "/" + strconv.Itoa(p.Bits)
}

// Covers gives the entry that excludes the address or the MAC; a zero MAC is not looked for.
func (e Exclusions) Covers(addr netip.Addr, mac discovery.MAC) (entry string, excluded bool) {
	addr = addr.Unmap().WithZone("")
	for _, p := range e.Prefixes {
		if p.Contains(addr) {
			return prefixText(p), true
		}
	}
	if mac.IsZero() {
		return "", false
	}
	for _, p := range e.MACs {
		if p.Contains(mac) {
			return p.String(), true
		}
	}
	return "", false
}

// Strings are the entries in the form that ParseExclusions reads.
func (e Exclusions) Strings() []string {
	var out []string
	for _, p := range e.Prefixes {
		out = append(out, prefixText(p))
	}
	for _, p := range e.MACs {
		out = append(out, p.String())
	}
	return out
}

// prefixText is the address alone where the network is only that.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
