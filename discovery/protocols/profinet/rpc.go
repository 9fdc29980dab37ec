package profinet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// UUID is in the order in which it is written.
type UUID [16]byte

// String is the usual form in lower case.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// The interfaces (IEC 61158-6-10 clause 4.10.3.2.9, and C706 appendix O). PROFINET's differ in their fourth byte: 1 device,
// 2 controller, 3 supervisor, 4 parameter server.
var (
	interfacePNIO = UUID{0xde, 0xa0, 0x00, 0x00, 0x6c, 0x97, 0x11, 0xd1, 0x82, 0x71, 0x00, 0xa0, 0x24, 0x42, 0xdf, 0x7d}
	interfaceEPM  = UUID{0xe1, 0xaf, 0x83, 0x08, 0x5d, 0x1f, 0x11, 0xc9, 0x91, 0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0, 0xfa}
)

// isPNIO reports whether an interface is one of PROFINET's.
func (u UUID) isPNIO() bool {
	last := u[3]
	u[3] = 0
	return u == interfacePNIO && 1 <= last && last <= 5
}

// object is the vendor and device id in the id of an object of PROFINET: DEA00000-6C97-11D1-8271-iiiiddddvvvv, behind the
// instance (clause 4.10.3.2.8).
func (u UUID) object() (ID, bool) {
	word := func(at int) uint16 { return binary.BigEndian.Uint16(u[at:]) }
	return ID{Device: word(12), Vendor: word(14)}, [10]byte(u[:]) == [10]byte(interfacePNIO[:])
}

// Kinds of messages (C706 chapter 12).
const (
	kindRequest  = 0
	kindResponse = 2
	kindHighest  = 10
)

const (
	rpcVersion   = 4
	headerLen    = 80
	flagLast     = 0x02
	flagFragment = 0x04
	littleEndian = 0x10
)

// call is one message of the connectionless RPC: its header, and the body that follows.
//
// Layout: version 1, kind 1, flags 2, data representation 3, serial 1, object 16, interface 16, activity 16, boot time 4, interface version 4,
// sequence 4, operation 2, hints 4, length of the body 2, fragment 2, authentication 1, serial 1.
type call struct {
	kind      uint8
	flags     uint8
	order     order
	object    UUID
	face      UUID
	activity  UUID
	sequence  uint32
	operation uint16
	fragment  uint16
	body      []byte
}

// parseCall reads a message. A body that the capture cut short is returned with the error.
func parseCall(b []byte) (call, error) {
	var c call
	r := wire.NewReader(b)
	if version := r.Uint8(); version != rpcVersion {
		return c, fmt.Errorf("read rpc message: version %d at byte 0: %w", version, discovery.ErrNotMine)
	}
	if c.kind = r.Uint8(); c.kind > kindHighest {
		return c, fmt.Errorf("read rpc message: kind %d at byte 1: %w", c.kind, discovery.ErrNotMine)
	}
	c.flags = r.Uint8()
	r.Skip(1)
	c.order = order{little: r.Uint8()&littleEndian != 0}
	r.Skip(3)
	c.object, c.face, c.activity = c.order.uuid(&r), c.order.uuid(&r), c.order.uuid(&r)
	r.Skip(8)
	c.sequence, c.operation = c.order.uint32(&r), c.order.uint16(&r)
	r.Skip(4)
	size := int(c.order.uint16(&r))
	c.fragment = c.order.uint16(&r)
	r.Skip(2)
	switch {
	case r.Err() != nil:
		return c, fmt.Errorf("read rpc message of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	case !c.face.isPNIO() && c.face != interfaceEPM:
		return c, fmt.Errorf("read rpc message: interface %s: %w", c.face, discovery.ErrNotMine)
	case size > r.Len():
		short := fmt.Errorf("read rpc message: %d of %d bytes of its body: %w", r.Len(), size, io.ErrUnexpectedEOF)
		c.body = r.Rest()
		return c, short
	}
	c.body = r.Bytes(size)
	return c, nil
}

// isCall recognises a call of PROFINET at any port: stations answer from another than they were called at. An answer of the
// endpoint mapper is PROFINET's when it holds the id of one of its objects.
func isCall(first []byte) bool {
	if len(first) < headerLen || first[0] != rpcVersion || first[1] > kindHighest {
		return false
	}
	r := wire.NewReader(first[24:40])
	face := order{little: first[4]&littleEndian != 0}.uuid(&r)
	if face == interfaceEPM && first[1] == kindResponse {
		return bytes.Contains(first[headerLen:], []byte("\x97\x6c\xd1\x11\x82\x71")) || bytes.Contains(first[headerLen:], []byte("\x6c\x97\x11\xd1\x82\x71"))
	}
	return face.isPNIO()
}

// order reads numbers in the byte order that the sender of a call has.
type order struct{ little bool }

func (o order) uint16(r *wire.Reader) uint16 {
	if o.little {
		return r.Uint16LE()
	}
	return r.Uint16()
}

func (o order) uint32(r *wire.Reader) uint32 {
	if o.little {
		return r.Uint32LE()
	}
	return r.Uint32()
}

// uuid reads four bytes, two and two as numbers, and eight bytes as they are.
func (o order) uuid(r *wire.Reader) UUID {
	var u UUID
	binary.BigEndian.PutUint32(u[:], o.uint32(r))
	binary.BigEndian.PutUint16(u[4:], o.uint16(r))
	binary.BigEndian.PutUint16(u[6:], o.uint16(r))
	copy(u[8:], r.Bytes(8))
	return u
}

// maxBody bounds a body in fragments: the records that are read fit, large switches among them.
const maxBody = 16 << 10

// assembly puts the body of one call together. Fragments come in order on a link; after a loss the call is given up.
type assembly struct {
	activity UUID
	sequence uint32
	kind     uint8
	next     uint16
	body     []byte // nil = none is under way
}

// add takes a fragment, and gives the whole body with the last one.
func (a *assembly) add(c *call) (body []byte, err error) {
	if c.fragment == 0 {
		*a = assembly{activity: c.activity, sequence: c.sequence, kind: c.kind, body: make([]byte, 0, 2*len(c.body))}
	}
	switch {
	case a.body == nil || a.activity != c.activity || a.sequence != c.sequence || a.kind != c.kind || c.fragment < a.next:
		return nil, nil // of a call that is not read, or seen already
	case c.fragment > a.next:
		a.body = nil
		return nil, fmt.Errorf("read rpc message: fragment %d instead of %d", c.fragment, a.next)
	case len(a.body)+len(c.body) > maxBody:
		a.body = nil
		return nil, fmt.Errorf("read rpc message: more than %d bytes in fragments", maxBody)
	}
	a.body = append(a.body, c.body...)
	a.next++
	if c.flags&flagLast == 0 {
		return nil, nil
	}
	body, a.body = a.body, nil
	return body, nil
}
