package enip

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// The attributes that tell who somebody is.
const (
	identityVendor      = 1 // volume 1 section 5A-2
	identityDeviceType  = 2
	identityProductCode = 3
	identityRevision    = 4
	identityStatus      = 5
	identitySerial      = 6
	identityName        = 7
	identityState       = 8
	identityConsistency = 9
	identityHeartbeat   = 10

	controllerName        = 1 // by capture
	controllerDescription = 2

	tcpipStatus     = 1 // volume 2 section 5-4
	tcpipCapability = 2
	tcpipControl    = 3
	tcpipLinkPath   = 4
	tcpipAddresses  = 5
	tcpipHostName   = 6

	linkSpeed    = 1 // volume 2 section 5-5
	linkFlags    = 2
	linkPhysical = 3
)

// telling reports whether an attribute names the device. The others, above all status words, are polled and change.
func (c Class) telling(attribute uint16) bool {
	switch c {
	case classIdentity:
		return attribute >= identityVendor && attribute <= identityName && attribute != identityStatus
	case classController:
		return attribute == controllerName || attribute == controllerDescription
	case classTCPIP:
		return attribute == tcpipHostName
	case classEthernetLink:
		return attribute == linkPhysical
	}
	return false
}

// all are the attributes of a class that an answer to Get_Attributes_All begins with, up to the last that tells something.
func (c Class) all() uint16 {
	switch c {
	case classIdentity:
		return identityName
	case classController:
		return controllerName
	case classTCPIP:
		return tcpipHostName
	case classEthernetLink:
		return linkPhysical
	}
	return 0
}

// object is what an answer says of an object; the bit of an attribute in has says that it was there. The texts are views.
type object struct {
	class                         Class
	has                           uint16
	vendor, deviceType, code      uint16
	major, minor                  uint8
	serial                        uint32
	state                         uint8
	name, description, host, link []byte
}

func (o *object) holds(attribute uint16) bool { return o.has&(1<<attribute) != 0 }

// statement stands for all that is said of somebody.
func (o *object) statement(about string) statement {
	return newStatement(about).number(uint32(o.class)<<16 | uint32(o.has)).number(uint32(o.vendor)<<16 | uint32(o.deviceType)).
		number(uint32(o.code)<<16 | uint32(o.major)<<8 | uint32(o.minor)).number(o.serial).number(uint32(o.state)).
		bytes(o.name).bytes(o.description).bytes(o.host).bytes(o.link)
}

// read takes the value of an attribute. ok is false where its length is not known.
func (o *object) read(attribute uint16, r *wire.Reader) (ok bool) {
	switch o.class {
	case classIdentity:
		ok = o.readIdentity(attribute, r)
	case classController:
		ok = o.readController(attribute, r)
	case classTCPIP:
		ok = o.readTCPIP(attribute, r)
	case classEthernetLink:
		ok = o.readLink(attribute, r)
	}
	if ok && r.Err() == nil && attribute < 16 {
		o.has |= 1 << attribute
	}
	return ok
}

func (o *object) readIdentity(attribute uint16, r *wire.Reader) bool {
	switch attribute {
	case identityVendor:
		o.vendor = r.Uint16LE()
	case identityDeviceType:
		o.deviceType = r.Uint16LE()
	case identityProductCode:
		o.code = r.Uint16LE()
	case identityRevision:
		o.major, o.minor = r.Uint8()&0x7f, r.Uint8() // the upper bit is reserved
	case identityStatus, identityConsistency:
		r.Skip(2)
	case identitySerial:
		o.serial = r.Uint32LE()
	case identityName:
		o.name = r.Bytes(int(r.Uint8()))
	case identityState:
		o.state = r.Uint8()
	case identityHeartbeat:
		r.Skip(1)
	default:
		return false
	}
	return true
}

func (o *object) readController(attribute uint16, r *wire.Reader) bool {
	switch attribute {
	case controllerName:
		o.name = r.Bytes(int(r.Uint16LE()))
	case controllerDescription:
		o.description = r.Bytes(int(r.Uint16LE()))
	default:
		return false
	}
	return true
}

func (o *object) readTCPIP(attribute uint16, r *wire.Reader) bool {
	switch attribute {
	case tcpipStatus, tcpipCapability, tcpipControl:
		r.Skip(4)
	case tcpipLinkPath:
		r.Skip(2 * int(r.Uint16LE()))
	case tcpipAddresses:
		r.Skip(5 * 4) // address, mask, gateway, two name servers
		evenText(r)   // domain
	case tcpipHostName:
		o.host = evenText(r)
	default:
		return false
	}
	return true
}

// evenText reads a text with its length before it, padded to even. The pad of the last one may be absent.
func evenText(r *wire.Reader) []byte {
	n := int(r.Uint16LE())
	text := r.Bytes(n)
	if n&1 != 0 && r.Len() > 0 {
		r.Skip(1)
	}
	return text
}

func (o *object) readLink(attribute uint16, r *wire.Reader) bool {
	switch attribute {
	case linkSpeed, linkFlags:
		r.Skip(4)
	case linkPhysical:
		o.link = r.Bytes(len(discovery.MAC{}))
	default:
		return false
	}
	return true
}

// readAll reads the answer to Get_Attributes_All.
func (o *object) readAll(b []byte) error {
	r := wire.NewReader(b)
	for attribute := uint16(1); attribute <= o.class.all(); attribute++ {
		at := r.Offset()
		o.read(attribute, &r)
		if r.Err() != nil {
			return fmt.Errorf("read attribute %d of class %#02x at byte %d: %w", attribute, uint16(o.class), at, io.ErrUnexpectedEOF)
		}
	}
	return nil
}

// readList reads the answer to Get_Attribute_List: count 2, then for each attribute 2, status 2, and without an error the value.
// It ends at the first attribute whose length is not known.
func (o *object) readList(b []byte) error {
	r := wire.NewReader(b)
	count := int(r.Uint16LE())
	for i := range count {
		at := r.Offset()
		attribute, status := r.Uint16LE(), r.Uint16LE()
		if r.Err() == nil && status == statusSuccess && !o.read(attribute, &r) {
			return nil
		}
		if r.Err() != nil {
			return fmt.Errorf("read attribute %d of %d at byte %d: %w", i+1, count, at, io.ErrUnexpectedEOF)
		}
	}
	return nil
}

// readSingle reads the answer to Get_Attribute_Single.
func (o *object) readSingle(attribute uint16, b []byte) error {
	r := wire.NewReader(b)
	o.read(attribute, &r)
	if r.Err() != nil {
		return fmt.Errorf("read attribute %d of class %#02x in %d bytes: %w", attribute, uint16(o.class), len(b), io.ErrUnexpectedEOF)
	}
	return nil
}

// parseIdentityItem reads an answer to ListIdentity (volume 2 table 2-4.4), little endian but for the socket address: version 2, socket
// address 16 (family 2, port 2, address 4, zeros 8, big endian), attributes 1 to 7 of the Identity object, state 1.
func parseIdentityItem(b []byte) (o object, address [4]byte, port uint16, err error) {
	const addressAt, size = 2, 16
	o.class = classIdentity
	if len(b) < addressAt+size {
		return o, address, 0, fmt.Errorf("read identity item of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	port = binary.BigEndian.Uint16(b[addressAt+2:])
	copy(address[:], b[addressAt+4:])
	if err := o.readAll(b[addressAt+size:]); err != nil {
		return o, address, port, err
	}
	if rest := b[addressAt+size+identityFixed+1+len(o.name):]; len(rest) > 0 {
		o.state = rest[0]
		o.has |= 1 << identityState
	}
	return o, address, port, nil
}

// identityFixed is the length of attributes 1 to 6.
const identityFixed = 14
