package discovery

import (
	"encoding/hex"
	"fmt"
)

// MAC is a 48-bit link-layer address (IEEE 802-2014 clause 8). The zero value means "not known".
type MAC [6]byte

// Broadcast is the address that reaches every station of a link.
var Broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// ParseMAC reads the six octets in hex, separated by ':' or '-', by dots in groups of four digits, or not separated at all.
func ParseMAC(text string) (MAC, error) {
	digits := make([]byte, 0, 12)
	for i := range len(text) {
		switch c := text[i]; c {
		case ':', '-', '.':
		default:
			digits = append(digits, c)
		}
	}
	var mac MAC
	if len(digits) != 2*len(mac) {
		return MAC{}, fmt.Errorf("parse MAC address %q: want 12 hex digits, have %d", text, len(digits))
	}
	if _, err := hex.Decode(mac[:], digits); err != nil {
		return MAC{}, fmt.Errorf("parse MAC address %q: %w", text, err)
	}
	return mac, nil
}

// String is the lower-case form with colons, 28:63:36:aa:bb:cc, or the empty string for the zero MAC.
func (m MAC) String() string {
	if m.IsZero() {
		return ""
	}
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 17)
	for i, b := range m {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

// IsZero reports whether the address is not known.
func (m MAC) IsZero() bool { return m == MAC{} }

// IsGroup reports whether the I/G bit is set: multicast or broadcast, never a station's own address.
func (m MAC) IsGroup() bool { return m[0]&1 != 0 }

// IsLocal reports whether the U/L bit is set: the address was made up by software and identifies nothing on its own.
func (m MAC) IsLocal() bool { return m[0]&2 != 0 }

// IsVirtual reports whether the address belongs to a redundancy protocol and so moves between devices:
// VRRP (RFC 9568 section 7.3), HSRP v1 and v2, GLBP, and Microsoft's load balancing.
func (m MAC) IsVirtual() bool {
	switch [3]byte(m[:3]) {
	case [3]byte{0x00, 0x00, 0x5e}:
		return m[3] == 0 && (m[4] == 1 || m[4] == 2)
	case [3]byte{0x00, 0x00, 0x0c}:
		return m[3] == 0x07 && m[4] == 0xac || m[3] == 0x9f && m[4]&0xf0 == 0xf0
	case [3]byte{0x00, 0x07, 0xb4}:
		return m[3] == 0
	}
	return m[0] == 0x02 && m[1] == 0xbf
}

// IsStation reports whether the address can identify one network interface: known, not a group, not made up, not shared.
func (m MAC) IsStation() bool { return !m.IsZero() && !m.IsGroup() && !m.IsLocal() && !m.IsVirtual() }

// MarshalText gives the form of String.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what ParseMAC reads; empty text is the zero MAC.
func (m *MAC) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = MAC{}
		return nil
	}
	parsed, err := ParseMAC(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
