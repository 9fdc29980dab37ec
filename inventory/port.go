package inventory

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Port is an interface of a device, as it tells it over SNMP (IF-MIB).
type Port struct {
	Name        string `json:"name"`                  // "Gi1/3"
	Description string `json:"description,omitempty"` // as people have called it
	MAC         string `json:"mac,omitempty"`
	VLAN        uint16 `json:"vlan,omitempty"` // of untagged frames
}

// The facts of a port.
const (
	keyPortName  discovery.Key = "snmp.ifName"
	keyPortDescr discovery.Key = "snmp.ifDescr"
	keyPortAlias discovery.Key = "snmp.ifAlias"
	keyPortVLAN  discovery.Key = "snmp.dot1qPvid"
)

// ports are the interfaces, in the order of their numbers. One without a name is left out.
func ports(evidence []Evidence) []Port {
	newest := map[uint64]map[discovery.Key]Evidence{}
	for _, e := range evidence {
		text, ok := discovery.PathValue(e.Subject.Path, pathInterface)
		number, err := strconv.ParseUint(text, 10, 32)
		if !ok || err != nil || !e.Teller.IsZero() {
			continue
		}
		if newest[number] == nil {
			newest[number] = map[discovery.Key]Evidence{}
		}
		if known, ok := newest[number][e.Fact.Key]; !ok || e.Last.After(known.Last) {
			newest[number][e.Fact.Key] = e
		}
	}
	numbers := make([]uint64, 0, len(newest))
	for n := range newest {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var out []Port
	for _, n := range numbers {
		value := func(key discovery.Key) string { return newest[n][key].Fact.Value }
		vlan, _ := strconv.ParseUint(value(keyPortVLAN), 10, 16) // none is 0
		p := Port{
			Name: cmp.Or(value(keyPortName), value(keyPortDescr)), Description: value(keyPortAlias), MAC: value(keyInterfaceMAC), VLAN: uint16(vlan),
		}
		if p.Name != "" {
			out = append(out, p)
		}
	}
	return out
}
