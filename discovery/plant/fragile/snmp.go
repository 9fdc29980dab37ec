package fragile

import (
	"slices"

	"github.com/gosnmp/gosnmp"
)

// snmpSpeech is an SNMPv2c agent that has the system group (RFC 3418 section 2) and is read by Get and GetNext.
type snmpSpeech struct{}

const snmpCommunity = "public"

// systemGroup is sorted.
func systemGroup() []gosnmp.SnmpPDU {
	text := func(oid, value string) gosnmp.SnmpPDU {
		return gosnmp.SnmpPDU{Name: oid, Type: gosnmp.OctetString, Value: value}
	}
	return []gosnmp.SnmpPDU{
		text(".1.3.6.1.2.1.1.1.0", "Fragile Works FW-S8, firmware 1.0.7"),
		{Name: ".1.3.6.1.2.1.1.2.0", Type: gosnmp.ObjectIdentifier, Value: ".1.3.6.1.4.1.32473.1.8"},
		{Name: ".1.3.6.1.2.1.1.3.0", Type: gosnmp.TimeTicks, Value: uint32(123456)},
		text(".1.3.6.1.2.1.1.4.0", ""),
		text(".1.3.6.1.2.1.1.5.0", "fragile-switch"),
		text(".1.3.6.1.2.1.1.6.0", "bench"),
		{Name: ".1.3.6.1.2.1.1.7.0", Type: gosnmp.Integer, Value: 2},
	}
}

func (snmpSpeech) length(b []byte) int { return len(b) }

func (snmpSpeech) identifies([]byte) bool { return true }

func (snmpSpeech) answer(message []byte) spoken {
	codec := gosnmp.GoSNMP{Version: gosnmp.Version2c}
	asked, err := codec.SnmpDecodePacket(message)
	if err != nil || asked.Version != gosnmp.Version2c || asked.Community != snmpCommunity {
		return spoken{unknown: true} // RFC 3584 section 4.1.2: silence
	}
	reply := &gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: asked.Community, PDUType: gosnmp.GetResponse, RequestID: asked.RequestID}
	table := systemGroup()
	for _, v := range asked.Variables {
		at := slices.IndexFunc(table, func(have gosnmp.SnmpPDU) bool { return have.Name == v.Name })
		switch {
		case asked.PDUType == gosnmp.GetRequest && at >= 0:
			reply.Variables = append(reply.Variables, table[at])
		case asked.PDUType == gosnmp.GetRequest:
			reply.Variables = append(reply.Variables, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.NoSuchObject})
		case at+1 < len(table) && at >= 0:
			reply.Variables = append(reply.Variables, table[at+1])
		default: // what is behind the table, or somewhere else: this agent has nothing more
			reply.Variables = append(reply.Variables, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.EndOfMibView})
		}
	}
	unknown := asked.PDUType != gosnmp.GetRequest && asked.PDUType != gosnmp.GetNextRequest && asked.PDUType != gosnmp.GetBulkRequest
	b, err := reply.MarshalMsg()
	if err != nil || unknown {
		return spoken{unknown: true}
	}
	return spoken{reply: b}
}
