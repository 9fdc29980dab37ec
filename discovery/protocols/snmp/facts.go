package snmp

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/ber"
)

// The keys that code decides by; the others stand in the table of objects. They are the object names of the MIBs, but for what
// is taken out of an engine id.
const (
	KeySysDescr         discovery.Key = "snmp.sysDescr"
	KeySysObjectID      discovery.Key = "snmp.sysObjectID"
	KeySysContact       discovery.Key = "snmp.sysContact"
	KeySysName          discovery.Key = "snmp.sysName"
	KeySysLocation      discovery.Key = "snmp.sysLocation"
	KeySysServices      discovery.Key = "snmp.sysServices"
	KeyEntPhysicalClass discovery.Key = "snmp.entPhysicalClass"
	KeyTrapEnterprise   discovery.Key = "snmp.snmpTrapEnterprise"
	KeyIfDescr          discovery.Key = "snmp.ifDescr"
	KeyIfName           discovery.Key = "snmp.ifName"
	KeyIfAlias          discovery.Key = "snmp.ifAlias"
	KeyIfPhysAddress    discovery.Key = "snmp.ifPhysAddress"          // of a port of the device
	KeyBridgeAddress    discovery.Key = "snmp.dot1dBaseBridgeAddress" // a MAC of the device
	KeyPortVLAN         discovery.Key = "snmp.dot1qPvid"
	KeyBridgePort       discovery.Key = "snmp.dot1dTpFdbPort" // the teller's port behind which a host is, by name
	KeyOwnAddress       discovery.Key = "snmp.ipAdEntAddr"    // an IP of the device
	KeySoftware         discovery.Key = "snmp.hrSWInstalledName"
	KeyTables           discovery.Key = "snmp.tables"           // "read": the tables were read to their end
	KeyEngineID         discovery.Key = "snmp.engineID"         // hex
	KeyEngineEnterprise discovery.Key = "snmp.engineEnterprise" // IANA enterprise number
	KeyEngineMAC        discovery.Key = "snmp.engineMAC"
	KeyEngineAddress    discovery.Key = "snmp.engineAddress"
	KeyEngineText       discovery.Key = "snmp.engineText"
)

// Protocol is both faces of SNMP.
func Protocol() discovery.Protocol {
	keys := []discovery.Key{
		KeyEngineEnterprise, KeyEngineMAC, KeyEngineAddress, KeyEngineText, KeyPortVLAN, KeyBridgePort, KeyOwnAddress, KeyTables,
		keyVendorObjects,
	}
	for _, o := range objects {
		keys = append(keys, o.key)
	}
	slices.Sort(keys)
	return discovery.Protocol{
		Name:     "snmp",
		Title:    "SNMP",
		Standard: "RFC 1157, RFC 3416, RFC 3411 to 3414",
		Hears: "what an agent tells its managers of the device, its parts and ports, of its neighbours and the hosts behind it; its " +
			"engine id; who reads or writes",
		Keys:    keys,
		Retells: retold(),
		Ports:   []discovery.Port{{Transport: discovery.UDP, Number: Port}, {Transport: discovery.UDP, Number: TrapPort}},
		Claims:  claims,
		Decode:  func(f discovery.Flow) discovery.Decoder { return &decoder{flow: f} },
		Asker:   asker(),
	}
}

// claims looks for a sequence that begins with one of the versions, and what must follow it.
func claims(first []byte) bool {
	outer := ber.NewReader(first)
	whole := outer.Expect(ber.Sequence).Reader()
	if outer.Err() != nil {
		return false
	}
	version := Version(whole.Int())
	next := whole.Next()
	switch version {
	case V1, V2c:
		pdu := PDU(whole.Next().Tag)
		return whole.Err() == nil && next.Tag == ber.OctetString && pdu >= GetRequest && pdu <= Report
	case V3:
		return whole.Err() == nil && next.Tag == ber.Sequence
	}
	return false
}

// decoder remembers which operations were told, and the rows of tables.
type decoder struct {
	flow    discovery.Flow
	told    discovery.Operations
	readers [2]reader // by side
}

// Feed takes one datagram.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	m, err := Parse(b)
	subject := d.flow.Ends[side]
	r := &d.readers[side]
	r.about = subject
	var facts grouped
	// A message that asks to be answered names the engine of whom it asks; every other one that of its sender (RFC 3414 section 1.6).
	if !m.Reportable {
		facts.add("", engineFacts(m.EngineID)...)
	}
	var said answer
	switch m.PDU {
	case GetRequest, GetNextRequest, GetBulkRequest:
		d.talk(side, t, discovery.OpRead, out)
	case SetRequest:
		d.talk(side, t, discovery.OpWrite, out)
	case Response:
		if m.ErrorStatus == 0 {
			said = r.read(m.Bindings)
		}
	case TrapV2, InformRequest:
		said = r.read(m.Bindings)
	case TrapV1:
		facts.trap(m.Trap)
		said = (&reader{}).read(m.Bindings)
		said.told = nil // the agent may be another one than the sender
	}
	for _, g := range said.own.groups {
		facts.add(g.path, g.facts...)
	}
	for _, g := range facts.groups {
		o := discovery.Observation{Time: t, Subject: subject, Facts: g.facts}
		if agent := m.Trap.Agent; m.PDU == TrapV1 && isForwarded(agent, subject) {
			o.Subject = discovery.Subject{Site: subject.Site, Segment: subject.Segment, IP: agent}
			o.Teller = subject
		}
		o.Subject.Path = g.path
		out.Observe(o)
	}
	for _, o := range said.told {
		o.Time = t
		out.Observe(o)
	}
	if err != nil {
		return len(b), fmt.Errorf("read snmp message: %w", err)
	}
	return len(b), nil
}

// isForwarded reports whether a v1 trap was sent on: it then names an agent other than its sender.
func isForwarded(agent netip.Addr, sender discovery.Subject) bool {
	return agent.IsGlobalUnicast() && sender.IP.IsValid() && agent != sender.IP.Unmap()
}

// talk tells an operation once in a conversation.
func (d *decoder) talk(side discovery.Side, t time.Time, op discovery.Operations, out discovery.Sink) {
	if d.told&op != 0 {
		return
	}
	d.told |= op
	out.Observe(d.flow.Talk("snmp", side, t, op))
}

// grouped collects facts by path, in the order that the paths came in.
type grouped struct{ groups []group }

type group struct {
	path  string
	facts []discovery.Fact
}

func (g *grouped) add(path string, facts ...discovery.Fact) {
	if len(facts) == 0 {
		return
	}
	i := slices.IndexFunc(g.groups, func(known group) bool { return known.path == path })
	if i < 0 {
		i = len(g.groups)
		g.groups = append(g.groups, group{path: path})
	}
	g.groups[i].facts = append(g.groups[i].facts, facts...)
}

// trap takes the enterprise of a v1 trap, which is the sender's sysObjectID in the traps that every agent can send (RFC 1157
// section 4.1.6).
func (g *grouped) trap(t Trap) {
	key := KeyTrapEnterprise
	if t.Generic != enterpriseSpecific {
		key = KeySysObjectID
	}
	if t.Enterprise != "" && t.Enterprise != noObject {
		g.add("", discovery.NewFact(key, t.Enterprise))
	}
}

// noObject is what agents give as sysObjectID that have none (RFC 2578 section 7.1.10, zeroDotZero).
const noObject = "0.0"

// value is the text of a value; empty when there is none.
func value(key discovery.Key, e ber.Element) string {
	switch e.Tag {
	case ber.OctetString:
		if key == KeyIfPhysAddress || key == KeyBridgeAddress {
			if len(e.Content) != len(discovery.MAC{}) {
				return ""
			}
			return discovery.MAC(e.Content).String()
		}
		return string(e.Content)
	case ber.ObjectID:
		if oid, err := e.OID(); err == nil && oid != noObject {
			return oid
		}
	case ber.Integer:
		n, err := e.Int()
		switch {
		case err != nil:
			return ""
		case key == KeyEntPhysicalClass:
			return entityClass(n)
		}
		return strconv.FormatInt(n, 10)
	case ber.Counter32, ber.Gauge32, ber.Counter64:
		if n, err := e.Uint(); err == nil {
			return strconv.FormatUint(n, 10)
		}
	case ber.IPAddress:
		if ip, err := e.IP(); err == nil {
			return ip.String()
		}
	}
	return ""
}

// entityClass is the name of a class of parts (RFC 6933, PhysicalClass).
func entityClass(n int64) string {
	names := [...]string{
		"", "other", "unknown", "chassis", "backplane", "container", "powerSupply", "fan", "sensor", "module", "port", "stack", "cpu",
		"energyObject", "battery", "storageDrive",
	}
	if n < 1 || n >= int64(len(names)) {
		return ""
	}
	return names[n]
}
