package dns

import (
	"net/netip"
	"strconv"
	"strings"
)

// Name is a domain name, each label behind a byte of its length, without the root label at the end and without compression.
// Labels are kept as they were said; they may hold any byte. The empty Name is the root.
type Name string

// NewName builds a name of labels; those that are empty or longer than 63 bytes are left out.
func NewName(labels ...string) Name {
	var out []byte
	for _, label := range labels {
		if len(label) > 0 && len(label) <= maxLabel {
			out = append(append(out, byte(len(label))), label...)
		}
	}
	return Name(out)
}

// Cut splits off the first label; ok is false for the root.
func (n Name) Cut() (label string, rest Name, ok bool) {
	if len(n) == 0 || int(n[0]) >= len(n) {
		return "", "", false
	}
	end := 1 + int(n[0])
	return string(n[1:end]), n[end:], true
}

// Labels are the parts of the name, the outermost domain last.
func (n Name) Labels() []string {
	var out []string
	for label, rest, ok := n.Cut(); ok; label, rest, ok = rest.Cut() {
		out = append(out, label)
	}
	return out
}

// String joins the labels by dots. A dot or a backslash inside a label stands behind a backslash (RFC 1035 section 5.1).
func (n Name) String() string {
	var out strings.Builder
	for label, rest, ok := n.Cut(); ok; label, rest, ok = rest.Cut() {
		if out.Len() > 0 {
			out.WriteByte('.')
		}
		for i := range len(label) {
			if label[i] == '.' || label[i] == '\\' {
				out.WriteByte('\\')
			}
			out.WriteByte(label[i])
		}
	}
	return out.String()
}

// Fold is the name with its ASCII letters in lower case: names that fold alike are one name (RFC 4343).
func (n Name) Fold() Name {
	return Name(strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, string(n)))
}

// ReverseAddr gives the address that the name of a reverse look-up stands for: four decimal labels under in-addr.arpa (RFC 1035
// section 3.5) or 32 hex digits under ip6.arpa (RFC 3596 section 2.5), the last part of the address first.
func (n Name) ReverseAddr() (netip.Addr, bool) {
	labels := n.Labels()
	if len(labels) < 2 || !strings.EqualFold(labels[len(labels)-1], "arpa") {
		return netip.Addr{}, false
	}
	zone, parts := labels[len(labels)-2], labels[:len(labels)-2]
	switch {
	case strings.EqualFold(zone, "in-addr") && len(parts) == 4:
		var b [4]byte
		for i, part := range parts {
			v, err := strconv.ParseUint(part, 10, 8)
			if err != nil {
				return netip.Addr{}, false
			}
			b[3-i] = byte(v)
		}
		return netip.AddrFrom4(b), true
	case strings.EqualFold(zone, "ip6") && len(parts) == 32:
		var b [16]byte
		for i, part := range parts {
			v, err := strconv.ParseUint(part, 16, 4)
			if err != nil || len(part) != 1 {
				return netip.Addr{}, false
			}
			b[15-i/2] |= byte(v) << (4 * (i & 1))
		}
		return netip.AddrFrom16(b), true
	}
	return netip.Addr{}, false
}
