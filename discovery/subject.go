package discovery

import (
	"net/netip"
	"strconv"
	"strings"
)

// Subject is the address that a fact was seen under. It is comparable, so it can be the key of a map.
// An IP counts only inside its site and segment: machine builders ship the same 192.168.0.x network in every machine.
type Subject struct {
	Site, Segment string
	// MAC is the station that sent the frame. Beside an IP it may be a router's: only a fact under [KeyBinding] says that
	// the two belong together.
	MAC  MAC
	IP   netip.Addr
	VLAN uint16 // 802.1Q VLAN id, 0 = untagged or not known
	// Path names what lives behind the address, outermost first: "modbus-unit=3", "cip-port=1/slot=4", "endpoint=...".
	Path string
}

// IsZero reports whether nothing but site and segment is known.
func (s Subject) IsZero() bool { return s.MAC.IsZero() && !s.IP.IsValid() && s.Path == "" }

// At is the same address with one more piece of path behind it.
func (s Subject) At(key, value string) Subject {
	s.Path = JoinPath(s.Path, key, value)
	return s
}

// Host is the address itself, without the path.
func (s Subject) Host() Subject {
	s.Path = ""
	return s
}

// String is the address as people write it: IP, else MAC, then the path.
func (s Subject) String() string {
	host := s.MAC.String()
	if s.IP.IsValid() {
		host = s.IP.String()
	}
	switch {
	case s.Path == "":
		return host
	case host == "":
		return s.Path
	}
	return host + " " + s.Path
}

// The keys of path pieces.
const (
	PathModbusUnit = "modbus-unit" // Modbus unit id, decimal
	PathEndpoint   = "endpoint"    // a server among several on one address: its URI
)

// JoinPath appends key=value to a path. Separators inside the value are percent-encoded, so SplitPath can undo it.
func JoinPath(path, key, value string) string {
	piece := key + "=" + pathEscaper.Replace(value)
	if path == "" {
		return piece
	}
	return path + "/" + piece
}

// SplitPath gives the pieces of a path as key, value pairs, outermost first. A piece without "=" has an empty key.
func SplitPath(path string) [][2]string {
	if path == "" {
		return nil
	}
	var out [][2]string
	for piece := range strings.SplitSeq(path, "/") {
		key, value, ok := strings.Cut(piece, "=")
		if !ok {
			key, value = "", piece
		}
		out = append(out, [2]string{key, pathUnescaper.Replace(value)})
	}
	return out
}

// PathValue is the value of the first piece with this key, and whether there is one.
func PathValue(path, key string) (string, bool) {
	for _, piece := range SplitPath(path) {
		if piece[0] == key {
			return piece[1], true
		}
	}
	return "", false
}

// ModbusUnit is the path piece of a Modbus unit id.
func ModbusUnit(unit uint8) string {
	return JoinPath("", PathModbusUnit, strconv.Itoa(int(unit)))
}

var (
	pathEscaper   = strings.NewReplacer("%", "%25", "/", "%2F", "=", "%3D")
	pathUnescaper = strings.NewReplacer("%2F", "/", "%3D", "=", "%25", "%")
)
