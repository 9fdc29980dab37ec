// Package snmp reads and asks the Simple Network Management Protocol: what a device's agent says of the device and its parts.
// Standards: RFC 1157 (v1), RFC 3416 (v2c), RFC 3412, 3414 and 3411 section 5 (v3 headers and engine ids); UDP 161, traps 162.
// Heard: the system group, ENTITY-MIB, nameplate objects of some vendors, engine ids; the ports, neighbours, forwarding and ARP
// tables of switches and routers; who reads and who writes.
// Asked, with configured credentials only (v1, v2c, v3): one GET of the system group and up to three of a nameplate; of infrastructure its
// tables too.
//
// Community strings and user names never become facts.
package snmp

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/ber"
)

// The ports of agents and of those who take their notifications (RFC 3417 section 3.1).
const (
	Port     = 161
	TrapPort = 162
)

// Version is the number that stands in a message.
type Version int64

// The versions.
const (
	V1  Version = 0
	V2c Version = 1
	V3  Version = 3
)

// PDU is the kind of a message, the tag of its protocol data unit (RFC 3416 section 3).
type PDU byte

// The kinds.
const (
	GetRequest     PDU = 0xa0
	GetNextRequest PDU = 0xa1
	Response       PDU = 0xa2
	SetRequest     PDU = 0xa3
	TrapV1         PDU = 0xa4
	GetBulkRequest PDU = 0xa5
	InformRequest  PDU = 0xa6
	TrapV2         PDU = 0xa7
	Report         PDU = 0xa8
	encrypted      PDU = 0 // of an SNMPv3 message: not known
)

// Message is what a datagram says. The views are into the datagram.
type Message struct {
	Version Version
	PDU     PDU
	// EngineID is the authoritative engine's (v3); it is the sender's own unless the message asks to be answered.
	EngineID   []byte
	Reportable bool
	// ErrorStatus of a Response; what it lists is then what was asked, not what was found.
	ErrorStatus int64
	RequestID   int64
	Trap        Trap
	Bindings    []Binding // at most maxBindings
}

// Trap is the head of a v1 trap (RFC 1157 section 4.1.6).
type Trap struct {
	Enterprise string
	Agent      netip.Addr
	Generic    int64
}

// enterpriseSpecific is the generic trap whose enterprise need not be the sender's sysObjectID.
const enterpriseSpecific = 6

// Binding is a variable with its value.
type Binding struct {
	OID   string
	Value ber.Element
}

// maxBindings bounds what is read of one message. A bulk answer in an Ethernet frame holds a tenth of it.
const maxBindings = 1024

// Parse reads a message. What is not SNMP gives discovery.ErrNotMine. Bindings that stand before a damage are returned with the
// error.
func Parse(datagram []byte) (Message, error) {
	var m Message
	outer := ber.NewReader(datagram)
	whole := outer.Expect(ber.Sequence)
	var syntax *ber.SyntaxError
	if errors.As(outer.Err(), &syntax) {
		return m, fmt.Errorf("%w: %w", discovery.ErrNotMine, outer.Err())
	}
	if outer.Err() != nil {
		return m, outer.Err()
	}
	r := whole.Reader()
	m.Version = Version(r.Int())
	if r.Err() == nil && m.Version != V1 && m.Version != V2c && m.Version != V3 {
		return m, fmt.Errorf("version %d at byte %d: %w", m.Version, whole.Offset, discovery.ErrNotMine)
	}
	if m.Version == V3 {
		return m, m.readV3(&r)
	}
	r.Expect(ber.OctetString) // the community
	return m, m.readPDU(&r)
}

// Bits of msgFlags (RFC 3412 section 6.4).
const (
	flagPrivacy    = 2
	flagReportable = 4
)

// readV3 reads the header data, the security parameters of the user-based model, and the scoped PDU where it is not encrypted.
func (m *Message) readV3(r *ber.Reader) error {
	global := r.Expect(ber.Sequence).Reader()
	if r.Err() != nil {
		return r.Err()
	}
	global.Int() // message id
	global.Int() // the largest message that the sender takes
	flags := global.Expect(ber.OctetString).Content
	model := global.Int()
	if global.Err() != nil {
		return global.Err()
	}
	if len(flags) != 1 {
		return fmt.Errorf("flags of %d bytes, want 1", len(flags))
	}
	m.Reportable = flags[0]&flagReportable != 0
	security := r.Expect(ber.OctetString).Reader()
	if r.Err() != nil {
		return r.Err()
	}
	const userBased = 3
	if model == userBased {
		parameters := security.Expect(ber.Sequence).Reader()
		if security.Err() != nil {
			return security.Err()
		}
		m.EngineID = parameters.Expect(ber.OctetString).Content
		if parameters.Err() != nil {
			return parameters.Err()
		}
	}
	if flags[0]&flagPrivacy != 0 {
		m.PDU = encrypted
		return nil
	}
	scoped := r.Expect(ber.Sequence).Reader()
	if r.Err() != nil {
		return r.Err()
	}
	scoped.Expect(ber.OctetString) // context engine id
	scoped.Expect(ber.OctetString) // context name
	return m.readPDU(&scoped)
}

func (m *Message) readPDU(r *ber.Reader) error {
	e := r.Next()
	if r.Err() != nil {
		return r.Err()
	}
	if PDU(e.Tag) < GetRequest || PDU(e.Tag) > Report {
		return fmt.Errorf("PDU of kind %#02x before byte %d", byte(e.Tag), e.Offset)
	}
	m.PDU = PDU(e.Tag)
	body := e.Reader()
	if m.PDU == TrapV1 {
		if err := m.Trap.read(&body); err != nil {
			return err
		}
	} else {
		m.RequestID = body.Int()
		m.ErrorStatus = body.Int() // or how many do not repeat (bulk)
		body.Int()                 // error index, or how often the rest repeats
	}
	list := body.Expect(ber.Sequence).Reader()
	if body.Err() != nil {
		return body.Err()
	}
	return m.readBindings(&list)
}

func (t *Trap) read(r *ber.Reader) error {
	enterprise, agent := r.Expect(ber.ObjectID), r.Expect(ber.IPAddress)
	t.Generic = r.Int()
	r.Int()                 // specific trap
	r.Expect(ber.TimeTicks) // uptime
	if r.Err() != nil {
		return r.Err()
	}
	var err error
	if t.Enterprise, err = enterprise.OID(); err != nil {
		return err
	}
	t.Agent, err = agent.IP()
	return err
}

func (m *Message) readBindings(list *ber.Reader) error {
	for list.More() && len(m.Bindings) < maxBindings {
		pair := list.Expect(ber.Sequence).Reader()
		if list.Err() != nil {
			break
		}
		name, value := pair.Expect(ber.ObjectID), pair.Next()
		if pair.Err() != nil {
			return pair.Err()
		}
		oid, err := name.OID()
		if err != nil {
			return err
		}
		m.Bindings = append(m.Bindings, Binding{OID: oid, Value: value})
	}
	return list.Err()
}
