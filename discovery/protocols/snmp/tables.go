package snmp

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The entries of the tables that are joined row by row: the column and the index follow.
const (
	ifEntry          = "1.3.6.1.2.1.2.2.1."             // IF-MIB (RFC 2863)
	ifXEntry         = "1.3.6.1.2.1.31.1.1.1."          // IF-MIB
	ipAdEntry        = "1.3.6.1.2.1.4.20.1."            // IP-MIB (RFC 4293)
	arpEntry         = "1.3.6.1.2.1.4.22.1."            // IP-MIB: ipNetToMediaTable
	neighbourEntry   = "1.3.6.1.2.1.4.35.1."            // IP-MIB: ipNetToPhysicalTable
	basePortEntry    = "1.3.6.1.2.1.17.1.4.1."          // BRIDGE-MIB (RFC 4188)
	fdbEntry         = "1.3.6.1.2.1.17.4.3.1."          // BRIDGE-MIB: dot1dTpFdbTable
	vlanFdbEntry     = "1.3.6.1.2.1.17.7.1.2.2.1."      // Q-BRIDGE-MIB (RFC 4363): dot1qTpFdbTable
	portVLANEntry    = "1.3.6.1.2.1.17.7.1.4.5.1."      // Q-BRIDGE-MIB: dot1qPortVlanTable
	lldpLocalEntry   = "1.0.8802.1.1.2.1.3.7.1."        // LLDP-MIB (IEEE 802.1AB-2005): lldpLocPortTable
	lldpRemoteEntry  = "1.0.8802.1.1.2.1.4.1.1."        // LLDP-MIB: lldpRemTable
	lldpAddressEntry = "1.0.8802.1.1.2.1.4.2.1."        // LLDP-MIB: lldpRemManAddrTable
	lldpMEDEntry     = "1.0.8802.1.1.2.1.5.4795.1.3.3." // LLDP-EXT-MED-MIB (ANSI/TIA-1057): lldpXMedRemInventoryTable
	cdpEntry         = "1.3.6.1.4.1.9.9.23.1.2.1.1."    // CISCO-CDP-MIB: cdpCacheTable
	vtpVLANEntry     = "1.3.6.1.4.1.9.9.46.1.3.1.1."    // CISCO-VTP-MIB: vtpVlanTable
)

// joined are the entries whose rows the reader puts together itself. The others are a fact by object, see objects.
var joined = [...]string{
	basePortEntry, portVLANEntry, fdbEntry, vlanFdbEntry, arpEntry, neighbourEntry, ipAdEntry,
	lldpLocalEntry, lldpRemoteEntry, lldpAddressEntry, lldpMEDEntry + "1.", cdpEntry,
}

// cell is the place of a value in a table.
type cell struct {
	entry  string
	column uint32
	index  []uint32
}

// row is the key of the cell's row.
func (c cell) row() string { return c.entry + joinArcs(c.index) }

// joinArcs writes dotted decimals.
func joinArcs(arcs []uint32) string {
	out := make([]byte, 0, 4*len(arcs))
	for i, arc := range arcs {
		if i > 0 {
			out = append(out, '.')
		}
		out = strconv.AppendUint(out, uint64(arc), 10)
	}
	return string(out)
}

// cellOf splits the id of an object into the parts of a joined table.
func cellOf(oid string) (cell, bool) {
	for _, entry := range joined {
		rest, ok := strings.CutPrefix(oid, entry)
		if !ok {
			continue
		}
		arcs, ok := parseArcs(rest)
		if !ok || len(arcs) < 2 {
			return cell{}, false
		}
		return cell{entry: entry, column: arcs[0], index: arcs[1:]}, true
	}
	return cell{}, false
}

// maxArcs is the longest object id (RFC 2578 section 3.5).
const maxArcs = 128

// parseArcs reads dotted decimals.
func parseArcs(text string) ([]uint32, bool) {
	arcs := make([]uint32, 0, 16)
	for word := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil || len(arcs) == maxArcs {
			return nil, false
		}
		arcs = append(arcs, uint32(n))
	}
	return arcs, true
}

// arcBytes are arcs that stand for octets.
func arcBytes(arcs []uint32) ([]byte, bool) {
	out := make([]byte, len(arcs))
	for i, arc := range arcs {
		if arc > 0xff {
			return nil, false
		}
		out[i] = byte(arc)
	}
	return out, true
}

// arcMAC is the MAC that six arcs stand for.
func arcMAC(arcs []uint32) (discovery.MAC, bool) {
	b, ok := arcBytes(arcs)
	if !ok || len(b) != 6 {
		return discovery.MAC{}, false
	}
	return discovery.MAC(b), true
}

// arcIP is the address that 4 or 16 arcs stand for.
func arcIP(arcs []uint32) (netip.Addr, bool) {
	b, ok := arcBytes(arcs)
	if !ok {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(b)
}

// arcSizedIP is an address as it stands in an index: type, length, octets (RFC 4001 section 3). A zone behind an IPv6 address is
// left out. In the LLDP-MIB the type is an address family number; 1 and 2 are the same in both.
func arcSizedIP(arcs []uint32) (netip.Addr, bool) {
	if len(arcs) < 2 || uint64(arcs[1]) != uint64(len(arcs)-2) {
		return netip.Addr{}, false
	}
	octets := arcs[2:]
	switch kind := arcs[0]; {
	case kind == 1 && len(octets) == 4, kind == 2 && len(octets) == 16:
	case kind == 3 && len(octets) == 8: // IPv4 with a zone
		octets = octets[:4]
	case kind == 4 && len(octets) == 20: // IPv6 with a zone
		octets = octets[:16]
	default:
		return netip.Addr{}, false
	}
	return arcIP(octets)
}
