package plant

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// agent is an SNMPv2c agent that can be read (RFC 3416 sections 4.2.1 to 4.2.3). What is not for it, or not in its words, is
// met with silence, as RFC 3584 and good sense ask for.
type agent struct {
	codec gosnmp.GoSNMP
	table []object // sorted by oid
}

// object is one value of the table.
type object struct {
	oid   []uint32
	name  string // the oid with a leading dot
	kind  gosnmp.Asn1BER
	value func() any
}

const (
	community      = "public"
	maxBindings    = 64 // of one answer
	maxRepetitions = 10
)

func newAgent(table []object) *agent {
	slices.SortFunc(table, func(a, b object) int { return slices.Compare(a.oid, b.oid) })
	return &agent{codec: gosnmp.GoSNMP{Version: gosnmp.Version2c}, table: table}
}

// serve answers one datagram, or gives nothing.
func (a *agent) serve(request []byte) []byte {
	packet, err := a.codec.SnmpDecodePacket(request)
	if err != nil || packet.Version != gosnmp.Version2c || packet.Community != community {
		return nil
	}
	reply := &gosnmp.SnmpPacket{
		Version: gosnmp.Version2c, Community: packet.Community, PDUType: gosnmp.GetResponse, RequestID: packet.RequestID,
	}
	if len(packet.Variables) > maxBindings {
		reply.Error = gosnmp.TooBig
		return encode(reply)
	}
	switch packet.PDUType {
	case gosnmp.GetRequest:
		for _, v := range packet.Variables {
			reply.Variables = append(reply.Variables, a.get(v.Name))
		}
	case gosnmp.GetNextRequest:
		for _, v := range packet.Variables {
			reply.Variables = append(reply.Variables, a.next(v.Name))
		}
	case gosnmp.GetBulkRequest:
		reply.Variables = a.bulk(packet)
	case gosnmp.SetRequest:
		reply.Error, reply.ErrorIndex, reply.Variables = gosnmp.NoAccess, 1, packet.Variables
	default:
		return nil
	}
	return encode(reply)
}

func encode(packet *gosnmp.SnmpPacket) []byte {
	message, err := packet.MarshalMsg()
	if err != nil {
		return nil
	}
	return message
}

func (a *agent) get(name string) gosnmp.SnmpPDU {
	oid := parseOID(name)
	i, found := a.find(oid)
	if found {
		return a.table[i].binding()
	}
	// An object that has another instance is known, this instance is not (RFC 3416 section 4.2.1).
	kind := gosnmp.NoSuchObject
	if len(oid) > 0 {
		column := oid[:len(oid)-1]
		for _, o := range a.table {
			if len(o.oid) > len(column) && slices.Equal(o.oid[:len(column)], column) {
				kind = gosnmp.NoSuchInstance
			}
		}
	}
	return gosnmp.SnmpPDU{Name: name, Type: kind}
}

func (a *agent) next(name string) gosnmp.SnmpPDU {
	i, found := a.find(parseOID(name))
	if found {
		i++
	}
	if i == len(a.table) {
		return gosnmp.SnmpPDU{Name: name, Type: gosnmp.EndOfMibView}
	}
	return a.table[i].binding()
}

func (a *agent) bulk(packet *gosnmp.SnmpPacket) []gosnmp.SnmpPDU {
	single := min(int(packet.NonRepeaters), len(packet.Variables))
	var out []gosnmp.SnmpPDU
	for _, v := range packet.Variables[:single] {
		out = append(out, a.next(v.Name))
	}
	row := slices.Clone(packet.Variables[single:])
	for range min(packet.MaxRepetitions, maxRepetitions) {
		for i := range row {
			if len(out) == maxBindings {
				return out
			}
			row[i] = a.next(row[i].Name)
			out = append(out, row[i])
		}
	}
	return out
}

// find gives where the oid stands, or would stand.
func (a *agent) find(oid []uint32) (int, bool) {
	return slices.BinarySearchFunc(a.table, oid, func(o object, want []uint32) int { return slices.Compare(o.oid, want) })
}

func (o object) binding() gosnmp.SnmpPDU {
	return gosnmp.SnmpPDU{Name: o.name, Type: o.kind, Value: o.value()}
}

// parseOID reads dotted decimals, as the codec writes them; what is no number counts as 0.
func parseOID(name string) []uint32 {
	var oid []uint32
	for arc := range strings.SplitSeq(strings.TrimPrefix(name, "."), ".") {
		n, _ := strconv.ParseUint(arc, 10, 32)
		oid = append(oid, uint32(n))
	}
	return oid
}
