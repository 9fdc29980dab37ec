package snmp

import (
	"net/netip"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/ber"
)

// pathInterface is the path piece of a row of the IF-MIB.
const pathInterface = "if"

func ifPath(index uint32) string {
	return discovery.JoinPath("", pathInterface, strconv.FormatUint(uint64(index), 10))
}

// notePort remembers what a row of the IF-MIB is called.
func (r *reader) notePort(key discovery.Key, path, value string) {
	text, ok := discovery.PathValue(path, pathInterface)
	if !ok {
		return
	}
	index, err := strconv.ParseUint(text, 10, 32)
	if err != nil || len(r.ports) >= maxRows {
		return
	}
	known := r.ports[uint32(index)]
	if known == nil {
		known = &port{}
		set(&r.ports, uint32(index), known)
	}
	switch key {
	case KeyIfName:
		known.name = value
	case KeyIfDescr:
		known.descr = value
	case KeyIfPhysAddress:
		known.mac, _ = discovery.ParseMAC(value)
	}
}

// noteLLDPPort remembers a row of lldpLocPortTable.
func (r *reader) noteLLDPPort(number, column uint32, v ber.Element) {
	if len(r.lldp) >= maxRows {
		return
	}
	known := r.lldp[number]
	if known == nil {
		known = &lldpPort{}
		set(&r.lldp, number, known)
	}
	switch column {
	case 2:
		known.subtype, _ = v.Int()
	case 3:
		// The subtype says how to read it, and may come later.
		known.id = string(v.Content)
	case 4:
		known.descr = discovery.Text(string(v.Content))
	}
}

// label is how people call the port: "Gi1/3", not "GigabitEthernet1/3" and not "3".
func (p *port) label() string {
	if p == nil {
		return ""
	}
	if p.name != "" {
		return p.name
	}
	return p.descr
}

// interfaceName names a port by its ifIndex.
func (r *reader) interfaceName(index uint32) string {
	if name := r.ports[index].label(); name != "" {
		return name
	}
	return "interface " + strconv.FormatUint(uint64(index), 10)
}

// bridgePortName names a port by its number in the bridge. Where the bridge does not say which interface that is, the numbers are
// those of the interfaces.
func (r *reader) bridgePortName(number uint32) string {
	index, ok := r.bridge[number]
	if !ok && len(r.bridge) == 0 && r.ports[number] != nil {
		index, ok = number, true
	}
	if !ok {
		return "port " + strconv.FormatUint(uint64(number), 10)
	}
	return r.interfaceName(index)
}

// lldpPortName names a port by its number in the LLDP-MIB: by the interface that has the same name or description, else by the
// number, which is that of the bridge port, and without a bridge the ifIndex (LLDP-MIB, LldpPortNumber).
func (r *reader) lldpPortName(number uint32) string {
	local := r.lldp[number]
	id := ""
	if local != nil {
		if id = portID(local.subtype, []byte(local.id)).text; local.subtype == 0 && local.id != "" {
			id = textOrHex([]byte(local.id)) // it does not say how its ids are to be read
		}
		for _, name := range []string{id, local.descr} {
			if name == "" {
				continue
			}
			for _, known := range r.ports {
				if known.name == name || known.descr == name {
					return known.label()
				}
			}
		}
	}
	index, ok := r.bridge[number]
	if !ok && len(r.bridge) == 0 {
		index, ok = number, true
	}
	switch {
	case ok && r.ports[index].label() != "":
		return r.ports[index].label()
	case local == nil:
	case id != "" && local.subtype != idMAC:
		return id
	case local.descr != "":
		return local.descr
	}
	return "port " + strconv.FormatUint(uint64(number), 10)
}

// isOwn reports whether the MAC is that of a port of the agent's.
func (r *reader) isOwn(mac discovery.MAC) bool {
	if mac == r.about.MAC {
		return true
	}
	for _, known := range r.ports {
		if known.mac == mac {
			return true
		}
	}
	return false
}

// isOwnAddress reports whether an address of an agent's says something outside of it.
func isOwnAddress(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsLoopback()
}
