package dhcp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// vendorIdentifying reads the parts of option 124 or 125, each an enterprise number with data of its own making: texts with a
// length in 124, sub-options in 125 (RFC 3925). Data that is no text says nothing to others.
func (c *collector) vendorIdentifying(value []byte, coded bool) {
	r := wire.NewReader(value)
	for count := 0; r.Len() > 0 && count < maxRepeated; {
		number := r.Uint32()
		data := r.Sub(int(r.Uint8()))
		if r.Err() != nil || data.Err() != nil {
			return
		}
		enterprise := strconv.FormatUint(uint64(number), 10)
		c.add(KeyEnterprise, enterprise)
		for count++; data.Len() > 0 && count < maxRepeated; count++ {
			var code uint8
			if coded {
				code = data.Uint8()
			}
			text := data.Bytes(int(data.Uint8()))
			switch {
			case data.Err() != nil || !isText(text):
			case coded:
				c.add(KeyEnterpriseInfo, fmt.Sprintf("%s.%d %s", enterprise, code, text))
			default:
				c.add(KeyEnterpriseClass, string(text))
			}
		}
	}
}

// isText reports whether bytes are printable ASCII, as far as a closing 0.
func isText(b []byte) bool {
	if n := len(b); n > 0 && b[n-1] == 0 {
		b = b[:n-1]
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

// numbers lists bytes in decimal.
func numbers(list []byte) string {
	var out strings.Builder
	for i, n := range list {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(strconv.Itoa(int(n)))
	}
	return out.String()
}

// clientID is option 61: a hardware type and address, or a name after the type 0; some clients leave the type out (RFC 2132
// section 9.14). What is neither (a DUID, RFC 4361) is hex.
func clientID(id []byte) string {
	switch {
	case len(id) < 2:
		return ""
	case len(id) == 7 && id[0] == ethernet:
		return discovery.MAC(id[1:]).String()
	case id[0] == 0 && isText(id[1:]):
		return string(id[1:])
	case isText(id):
		return string(id)
	}
	return hex.EncodeToString(id)
}

// fqdn is option 81: flags, two bytes that mean nothing any more, and a name, in labels as in DNS when bit 2 of the flags says
// so, else as text (RFC 4702 section 2).
func fqdn(value []byte) string {
	const inLabels = 4
	if len(value) < 3 {
		return ""
	}
	flags, name := value[0], value[3:]
	if flags&inLabels == 0 {
		return strings.TrimSuffix(string(name), ".")
	}
	var labels []string
	r := wire.NewReader(name)
	for r.Len() > 0 {
		label := r.Bytes(int(r.Uint8()))
		if len(label) == 0 {
			break
		}
		labels = append(labels, string(label))
	}
	return strings.Join(labels, ".")
}

// userClasses is option 77: texts with a length each (RFC 3004), or, from older clients, one text.
func userClasses(value []byte) []string {
	var classes []string
	r := wire.NewReader(value)
	for r.Len() > 0 && len(classes) < maxRepeated {
		class := r.Bytes(int(r.Uint8()))
		if r.Err() != nil {
			return []string{string(value)}
		}
		classes = append(classes, string(class))
	}
	return classes
}

// machineID is option 97 (RFC 4578 section 2.3): a type, 0, and a UUID whose first three fields are little endian, as firmware
// writes them (SMBIOS 2.6).
func machineID(value []byte) string {
	if len(value) != 17 || value[0] != 0 {
		return ""
	}
	id := value[1:]
	for _, unset := range []byte{0, 0xff} {
		if bytes.Count(id, []byte{unset}) == len(id) {
			return ""
		}
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x",
		binary.LittleEndian.Uint32(id), binary.LittleEndian.Uint16(id[4:]), binary.LittleEndian.Uint16(id[6:]), id[8:10], id[10:])
}
