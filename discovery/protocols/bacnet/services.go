package bacnet

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// announcement reads what a device says unasked.
func (m *message) announcement(a apdu) error {
	r := wire.NewReader(a.body)
	switch a.service {
	case iAm:
		return m.iAm(&r)
	case iHave:
		return m.iHave(&r)
	case whoAmI:
		return m.whoAmI(&r)
	case unconfirmedCOV, unconfirmedCOVMultiple:
		return m.initiator(&r)
	}
	return nil
}

// notification reads who sends a notification that is to be confirmed.
func (m *message) notification(a apdu) error {
	switch a.service {
	case confirmedCOV, confirmedCOVMultiple:
		if a.sequence == 0 {
			r := wire.NewReader(a.body)
			return m.initiator(&r)
		}
	}
	return nil
}

// initiator reads the beginning of a notification of a changed value: the process that it is for, and the device that sends it
// (clause 13.6). Those of events name the device too, but may be forwarded by another (clause 12.51).
func (m *message) initiator(r *wire.Reader) error {
	if _, err := expect(r, 0, primitive); err != nil {
		return err
	}
	t, err := expect(r, 1, primitive)
	if err != nil {
		return err
	}
	o, err := t.objectID()
	if err != nil {
		return err
	}
	m.device(o)
	m.tell(o)
	return nil
}

// iAm reads who a device is (clause 16.10.1).
func (m *message) iAm(r *wire.Reader) error {
	o, err := expectObject(r)
	if err != nil {
		return err
	}
	if !o.isDevice() {
		return fmt.Errorf("I-Am of an object of type %d", o>>22)
	}
	m.device(o)
	defer func() { m.tell(o) }()
	if _, err := expectValue(r, tagUnsigned); err != nil { // the longest APDU it takes
		return err
	}
	if _, err := expectValue(r, tagEnumerated); err != nil { // whether it takes segments
		return err
	}
	vendor, err := expectValue(r, tagUnsigned)
	if err != nil {
		return err
	}
	m.add(o, KeyVendorID, vendor)
	return nil
}

// iHave reads which device has an object (clause 16.9.1). Only the name of a device object is the device's.
func (m *message) iHave(r *wire.Reader) error {
	o, err := expectObject(r)
	if err != nil {
		return err
	}
	m.device(o)
	defer func() { m.tell(o) }()
	has, err := expectObject(r)
	if err != nil {
		return err
	}
	name, err := expectValue(r, tagCharacterString)
	if err == nil && has == o && o.isDevice() {
		m.add(o, KeyObjectName, name)
	}
	return err
}

// whoAmI reads what a device that was given no instance says of itself (addendum bz to 135-2016).
func (m *message) whoAmI(r *wire.Reader) error {
	defer func() { m.tell(0) }()
	vendor, err := expectValue(r, tagUnsigned)
	if err != nil {
		return err
	}
	m.add(0, KeyVendorID, vendor)
	for _, key := range [...]discovery.Key{KeyModelName, KeySerialNumber} {
		value, err := expectValue(r, tagCharacterString)
		if err != nil {
			return err
		}
		m.add(0, key, value)
	}
	return nil
}

func expectObject(r *wire.Reader) (objectID, error) {
	t, err := expectValue(r, tagObjectID)
	if err != nil {
		return 0, err
	}
	return t.objectID()
}

// answer reads the properties in an answer.
func (m *message) answer(service uint8, body []byte) error {
	r := wire.NewReader(body)
	if service == readProperty {
		return m.property(&r)
	}
	for r.Len() > 0 {
		if err := m.object(&r); err != nil {
			return err
		}
	}
	return nil
}

// property reads the answer to ReadProperty (clause 15.5.1.2).
func (m *message) property(r *wire.Reader) error {
	o, err := contextObject(r)
	if err != nil || !o.isDevice() {
		return err
	}
	m.answeredBy(o)
	defer func() { m.tell(o) }()
	return m.propertyValue(r, o, 1)
}

// object reads the properties of one object in the answer to ReadPropertyMultiple (clause 15.7.1.3).
func (m *message) object(r *wire.Reader) error {
	o, err := contextObject(r)
	if err != nil {
		return err
	}
	if _, err := expect(r, 1, opening); err != nil {
		return err
	}
	if !o.isDevice() {
		return skipToEnd(r, 1)
	}
	m.answeredBy(o)
	defer func() { m.tell(o) }()
	for {
		ahead := *r
		t, err := readTag(&ahead)
		if err != nil {
			return err
		}
		if t.is(1, closing) {
			*r = ahead
			return nil
		}
		if err := m.propertyValue(r, o, 2); err != nil {
			return err
		}
	}
}

// answeredBy keeps the instance that an answer names. A device that echoes the question's "any" has not named its own.
func (m *message) answeredBy(o objectID) {
	if isNamed(o) {
		m.device(o)
	}
}

func contextObject(r *wire.Reader) (objectID, error) {
	t, err := expect(r, 0, primitive)
	if err != nil {
		return 0, err
	}
	return t.objectID()
}

// propertyValue reads the number of a property, at the context's tag first, its index in an array at the one behind, and the
// value between tags of the next number, or an error between those of the one after it.
func (m *message) propertyValue(r *wire.Reader, o objectID, first uint8) error {
	t, err := expect(r, first, primitive)
	if err != nil {
		return err
	}
	property, err := t.unsigned()
	if err != nil {
		return err
	}
	at := r.Offset()
	t, err = readTag(r)
	indexed := false
	if err == nil && t.is(first+1, primitive) {
		indexed = true
		at = r.Offset()
		t, err = readTag(r)
	}
	if err != nil {
		return err
	}
	if t.is(first+3, opening) {
		return skipToEnd(r, 1)
	}
	if !t.is(first+2, opening) {
		return fmt.Errorf("tag %d at byte %d of the APDU, want %d of the context", t.number, at, first+2)
	}
	value, err := readTag(r)
	if err != nil {
		return err
	}
	switch value.form {
	case closing: // an empty list
		return nil
	case opening:
		return skipToEnd(r, 2)
	}
	if key, ok := propertyKey(property); ok && !indexed {
		m.add(o, key, value)
	}
	return skipToEnd(r, 1)
}

// routing reads a message of the network layer.
func (m *message) routing() error {
	networks, op, err := m.npdu.networks()
	m.operate(m.side, op)
	for _, network := range networks {
		m.addNumber(0, KeyRouterToNetwork, uint32(network))
	}
	if m.npdu.message == networkNumberIs {
		r := wire.NewReader(m.npdu.body)
		if network := r.Uint16(); r.Err() == nil {
			m.addNumber(0, KeyNetworkNumber, uint32(network))
		} else {
			err = r.Err()
		}
	}
	m.tell(0)
	return err
}

// Lengths of the entries of the tables of a broadcast manager, of which an address and a port stand first. Both are as long:
// a mask follows in one, how long the registration lasts in the other (clauses J.2.3, J.2.8).
const tableEntryLen = 10

// virtualLink reads a message that carries no NPDU.
func (m *message) virtualLink(l link) {
	switch l.function {
	case writeBroadcastTable, deleteForeignDevice:
		m.operate(m.side, discovery.OpWrite)
	case readBroadcastTable, readForeignTable:
		m.operate(m.side, discovery.OpRead)
	case broadcastTable:
		m.table(KeyBroadcastPeer, l.body)
	case foreignTable:
		m.table(KeyForeignDevice, l.body)
	}
	m.tell(0)
}

func (m *message) table(key discovery.Key, body []byte) {
	r := wire.NewReader(body)
	for r.Len() >= tableEntryLen {
		entry := r.Bytes(tableEntryLen)
		address := netip.AddrPortFrom(netip.AddrFrom4([4]byte(entry)), binary.BigEndian.Uint16(entry[4:]))
		if isHost(address.Addr()) && m.isNew(0, key, entry[:6]) {
			m.keep(discovery.NewFact(key, address.String()))
		}
	}
}
