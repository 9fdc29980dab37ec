package plant

import (
	"time"

	"github.com/gosnmp/gosnmp"
)

// switchTable is what the switch has to tell over SNMP: the system group (RFC 3418), its chassis (ENTITY-MIB, RFC 6933), the
// version of the running software (HM2-DEVMGMT-MIB), and two rows of what it heard by LLDP (IEEE 802.1AB-2016 clause 11).
func switchTable(booted time.Time) []object {
	text := func(oid, value string) object { return fixed(oid, gosnmp.OctetString, value) }
	number := func(oid string, value int) object { return fixed(oid, gosnmp.Integer, value) }
	table := []object{
		text("1.3.6.1.2.1.1.1.0", switchDescr),
		fixed("1.3.6.1.2.1.1.2.0", gosnmp.ObjectIdentifier, ".1.3.6.1.4.1.248.11.2.1.31"),
		{
			oid: parseOID("1.3.6.1.2.1.1.3.0"), name: ".1.3.6.1.2.1.1.3.0", kind: gosnmp.TimeTicks,
			value: func() any { return uint32(time.Since(booted) / (10 * time.Millisecond)) },
		},
		text("1.3.6.1.2.1.1.4.0", "maintenance@plant.example"),
		text("1.3.6.1.2.1.1.5.0", switchName),
		text("1.3.6.1.2.1.1.6.0", "Hall 7, cabinet +K1"),
		number("1.3.6.1.2.1.1.7.0", 2),
		number("1.3.6.1.2.1.2.1.0", 12),
		// The running software of HiOS: the row of location 1.
		text("1.3.6.1.4.1.248.11.10.1.3.1.10.1.5.1.1", switchVersion),
	}
	const chassis = "1.3.6.1.2.1.47.1.1.1.1."
	table = append(
		table,
		text(chassis+"2.1", "BOBCAT compact managed industrial switch"),
		number(chassis+"4.1", 0),
		number(chassis+"5.1", 3), // class: chassis
		number(chassis+"6.1", -1),
		text(chassis+"7.1", "Chassis 1"),
		text(chassis+"8.1", "0202"),
		text(chassis+"10.1", "10.3.00"),
		text(chassis+"11.1", "942298201077000202"),
		text(chassis+"12.1", "Hirschmann Automation and Control GmbH"),
		text(chassis+"13.1", "BRS40-0012OOOO-STCZ99HHSES"),
	)
	// A remote row is indexed by time mark, local port and number.
	remote := func(port string, mac []byte, portID, name, descr string) {
		const row = "1.0.8802.1.1.2.1.4.1.1."
		index := ".0." + port + ".1"
		table = append(
			table,
			number(row+"4"+index, 4), // chassis id: a MAC address
			fixed(row+"5"+index, gosnmp.OctetString, mac),
			number(row+"6"+index, 7), // port id: locally assigned
			text(row+"7"+index, portID),
			text(row+"9"+index, name),
			text(row+"10"+index, descr),
		)
	}
	remote("4", plcMAC[:], "X1", plcName, plcDescr)
	remote("6", panelMAC[:], "port-001", panelName, panelDescr)
	return table
}

func fixed(oid string, kind gosnmp.Asn1BER, value any) object {
	return object{oid: parseOID(oid), name: "." + oid, kind: kind, value: func() any { return value }}
}
