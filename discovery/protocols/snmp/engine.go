package snmp

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The bounds of an engine id (RFC 3411 section 5, SnmpEngineID).
const (
	minEngineID = 5
	maxEngineID = 32
)

// Formats of an engine id (RFC 3411 section 5), told by the fifth octet when the first bit is set.
const (
	engineIPv4 = 1
	engineIPv6 = 2
	engineMAC  = 3
	engineText = 4
)

// engineFacts is what an engine id says without any credential: its maker's enterprise number in the first four octets, and
// often an address or a name.
func engineFacts(id []byte) []discovery.Fact {
	if len(id) < minEngineID || len(id) > maxEngineID {
		return nil
	}
	facts := []discovery.Fact{discovery.NewFact(KeyEngineID, hex.EncodeToString(id))}
	if enterprise := binary.BigEndian.Uint32(id) &^ (1 << 31); enterprise != 0 {
		facts = append(facts, discovery.NewFact(KeyEngineEnterprise, strconv.FormatUint(uint64(enterprise), 10)))
	}
	if id[0]&0x80 == 0 {
		return facts
	}
	switch format, rest := id[4], id[5:]; {
	case format == engineMAC && len(rest) == 6:
		facts = append(facts, discovery.NewFact(KeyEngineMAC, discovery.MAC(rest).String()))
	case format == engineIPv4 && len(rest) == 4, format == engineIPv6 && len(rest) == 16:
		ip, _ := netip.AddrFromSlice(rest)
		facts = append(facts, discovery.NewFact(KeyEngineAddress, ip.String()))
	case format == engineText:
		facts = append(facts, discovery.NewFact(KeyEngineText, string(rest)))
	}
	if facts[len(facts)-1].Value == "" {
		facts = facts[:len(facts)-1]
	}
	return facts
}
