package snmp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/ber"
)

const (
	// maxRows bounds the rows that a reader remembers. When they are full, all are forgotten, and what joins on them is told
	// with less.
	maxRows = 4096
	// maxCell bounds what is kept of one value.
	maxCell = 512
)

// reader turns what an agent answers into observations: what it says of itself and its parts, and the hosts and cables that its
// tables tell. It remembers the rows of tables, because their columns come in several messages.
type reader struct {
	about discovery.Subject
	vlan  uint16 // of the bridge that is read, where an agent has one for each VLAN; 0 = not known

	ports    map[uint32]*port     // by ifIndex
	bridge   map[uint32]uint32    // bridge port -> ifIndex
	vlans    map[uint32]uint16    // bridge port -> VLAN of untagged frames
	lldp     map[uint32]*lldpPort // by lldpLocPortNum
	rows     map[string]*row
	stations map[discovery.MAC]uint32 // who was learnt behind which bridge port

	chassis        []byte // the agent's own, which is read by its subtype
	chassisSubtype int64
}

// row is a row of a table that tells of somebody else.
type row struct {
	entry string
	index []uint32
	cells map[uint32]ber.Element
	more  []string // management addresses, of which a row has several
}

// port is a row of the IF-MIB.
type port struct {
	name, descr string
	mac         discovery.MAC
}

// lldpPort is a row of lldpLocPortTable.
type lldpPort struct {
	subtype   int64
	id, descr string
}

// answer is what one message told.
type answer struct {
	own  grouped // of the agent itself, by path
	told []discovery.Observation
}

// read takes the bindings of one message.
func (r *reader) read(bindings []Binding) answer {
	var a answer
	var touched []string
	for _, b := range bindings {
		if b.Value.Tag.IsException() || b.Value.Tag == ber.Null {
			continue
		}
		if c, ok := cellOf(b.OID); ok {
			if key := r.join(c, b.Value, &a); key != "" && !slices.Contains(touched, key) {
				touched = append(touched, key)
			}
			continue
		}
		if r.own(b, &a) {
			continue
		}
		key, path, ok := lookUp(b.OID)
		if !ok {
			continue
		}
		if key == KeyEngineID {
			a.own.add(path, engineFacts(b.Value.Content)...)
			continue
		}
		if fact := discovery.NewFact(key, value(key, b.Value)); fact.Value != "" {
			a.own.add(path, fact)
			r.notePort(key, path, fact.Value)
		}
	}
	// Names of ports may stand behind the rows that need them, so rows come last.
	var links []discovery.Link
	for _, key := range touched {
		if row := r.rows[key]; row != nil {
			told, link := r.tell(row)
			if len(told.Facts) > 0 {
				a.told = append(a.told, told)
			}
			links = append(links, link...)
		}
	}
	if len(links) > 0 {
		a.told = append(a.told, discovery.Observation{Subject: r.about, Links: links})
	}
	return a
}

// The scalars of the LLDP-MIB and the LLDP-EXT-MED-MIB about the agent itself.
const (
	lldpLocChassisIDSubtype = "1.0.8802.1.1.2.1.3.1.0"
	lldpLocChassisID        = "1.0.8802.1.1.2.1.3.2.0"
	lldpMEDLocal            = "1.0.8802.1.1.2.1.5.4795.1.2." // 2.0 to 8.0
)

// own takes what the agent announces of itself over LLDP.
func (r *reader) own(b Binding, a *answer) bool {
	switch {
	case b.OID == lldpLocChassisIDSubtype:
		r.chassisSubtype, _ = b.Value.Int()
	case b.OID == lldpLocChassisID && len(b.Value.Content) <= maxCell:
		r.chassis = slices.Clone(b.Value.Content)
	case strings.HasPrefix(b.OID, lldpMEDLocal):
		for i, key := range medKeys {
			if b.OID == lldpMEDLocal+strconv.Itoa(i+2)+".0" {
				if fact := discovery.NewFact(key, strings.TrimRight(string(b.Value.Content), "\x00")); fact.Value != "" && b.Value.Tag == ber.OctetString {
					a.own.add("", fact)
				}
			}
		}
		return true
	default:
		return false
	}
	if id := chassisID(r.chassisSubtype, r.chassis); id.text != "" {
		a.own.add("", discovery.NewFact(keyChassisID, id.text), discovery.NewFact(keyChassisIDSubtype, id.subtype))
		r.chassis = nil // told
	}
	return true
}

// join puts a value where its row needs it, and gives the key of a row that tells of somebody else.
func (r *reader) join(c cell, v ber.Element, a *answer) string {
	n, isNumber := number(v)
	switch c.entry {
	case basePortEntry:
		if c.column == 2 && len(c.index) == 1 && isNumber && len(r.bridge) < maxRows {
			set(&r.bridge, c.index[0], uint32(n))
		}
	case portVLANEntry:
		if c.column == 1 && len(c.index) == 1 && isNumber && n >= 1 && n <= maxVLAN && len(r.vlans) < maxRows {
			set(&r.vlans, c.index[0], uint16(n))
			if index, ok := r.bridge[c.index[0]]; ok {
				a.own.add(ifPath(index), discovery.NewFact(KeyPortVLAN, strconv.FormatUint(n, 10)))
			}
		}
	case ipAdEntry:
		// The index is the address; any column proves the row.
		if ip, ok := arcIP(c.index); ok && c.column <= 2 && isOwnAddress(ip) {
			a.own.add("", discovery.NewFact(KeyOwnAddress, ip.String()))
		}
	case lldpLocalEntry:
		if len(c.index) == 1 {
			r.noteLLDPPort(c.index[0], c.column, v)
		}
	case lldpRemoteEntry, lldpMEDEntry + "1.", lldpAddressEntry:
		return r.lldpCell(c, v)
	case cdpEntry, fdbEntry, vlanFdbEntry, arpEntry, neighbourEntry:
		return r.keep(c, c.column, v)
	}
	return ""
}

// maxVLAN is the highest VLAN id (IEEE 802.1Q).
const maxVLAN = 4094

// set puts a value into a map that is made when it is needed.
func set[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}

// rowOf is the remembered row of a cell.
func (r *reader) rowOf(c cell) (key string, known *row) {
	key = c.row()
	if known = r.rows[key]; known == nil {
		if len(r.rows) >= maxRows {
			r.rows = nil
		}
		known = &row{entry: c.entry, index: c.index, cells: map[uint32]ber.Element{}}
		set(&r.rows, key, known)
	}
	return key, known
}

// keep remembers a value of a row, and gives the row's key.
func (r *reader) keep(c cell, column uint32, v ber.Element) string {
	key, known := r.rowOf(c)
	if len(v.Content) > maxCell {
		v.Content = v.Content[:maxCell]
	}
	v.Content = slices.Clone(v.Content)
	if len(known.cells) < maxArcs {
		known.cells[column] = v
	}
	return key
}

// tell makes an observation of a row, as far as it is known, and the cable that it tells.
func (r *reader) tell(known *row) (discovery.Observation, []discovery.Link) {
	o := discovery.Observation{Teller: r.about}
	o.Subject.Site, o.Subject.Segment = r.about.Site, r.about.Segment
	switch known.entry {
	case lldpRemoteEntry:
		return r.lldpNeighbour(o, known)
	case cdpEntry:
		return r.cdpNeighbour(o, known)
	case fdbEntry, vlanFdbEntry:
		return r.station(o, known), nil
	case arpEntry, neighbourEntry:
		return resolved(o, known), nil
	}
	return discovery.Observation{}, nil
}

// number is the value of an integer of any kind; negative ones are none.
func number(v ber.Element) (uint64, bool) {
	switch v.Tag {
	case ber.Integer:
		n, err := v.Int()
		return uint64(max(n, 0)), err == nil && n >= 0
	case ber.Gauge32, ber.Counter32, ber.TimeTicks:
		n, err := v.Uint()
		return n, err == nil
	}
	return 0, false
}
