package enip

import (
	"fmt"
	"io"
	"strconv"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Service is a CIP service code; replyFlag is added to it in an answer.
type Service uint8

const replyFlag Service = 0x80

// The services that every object may have (volume 1 appendix A), and those of single classes that matter here.
const (
	getAttributesAll     Service = 0x01
	setAttributesAll     Service = 0x02
	getAttributeList     Service = 0x03
	setAttributeList     Service = 0x04
	reset                Service = 0x05
	start                Service = 0x06
	stop                 Service = 0x07
	create               Service = 0x08
	deleteObject         Service = 0x09
	multipleService      Service = 0x0a
	getAttributeSingle   Service = 0x0e
	setAttributeSingle   Service = 0x10
	findNext             Service = 0x11
	restore              Service = 0x15
	save                 Service = 0x16
	getMember            Service = 0x18
	setMember            Service = 0x19
	insertMember         Service = 0x1a
	removeMember         Service = 0x1b
	executePCCC          Service = 0x4b // class PCCC
	nvsUpdate            Service = 0x4b // class non-volatile storage: a firmware update
	initiateUpload       Service = 0x4b // class file
	initiateDownload     Service = 0x4c // class file
	downloadTransfer     Service = 0x50 // class file
	clearFile            Service = 0x51 // class file
	readTag              Service = 0x4c // Logix tags
	writeTag             Service = 0x4d // Logix tags
	readModifyWriteTag   Service = 0x4e // Logix tags
	readTagFragmented    Service = 0x52 // Logix tags
	writeTagFragmented   Service = 0x53 // Logix tags
	getInstanceAttrList  Service = 0x55 // Logix tags
	unconnectedSend      Service = 0x52 // class connection manager
	forwardOpen          Service = 0x54 // class connection manager
	forwardClose         Service = 0x4e // class connection manager
	largeForwardOpen     Service = 0x5b // class connection manager
	statusSuccess                = 0x00
	statusAttributeError         = 0x0a // of Get_Attribute_List: some attributes have a status of their own
	statusEmbeddedError          = 0x1e // of Multiple Service: some of them failed
)

// Class is the code of an object class.
type Class uint16

// The classes (volume 1 chapter 5; those of Logix by captures and publication 1756-PM020).
const (
	classIdentity          Class = 0x01
	classMessageRouter     Class = 0x02
	classConnectionManager Class = 0x06
	classFile              Class = 0x37
	classController        Class = 0x64 // Logix: name and description of the controller's project
	classPCCC              Class = 0x67
	classSymbol            Class = 0x6b // Logix: tags
	classTemplate          Class = 0x6c // Logix: types of tags
	classNVS               Class = 0xa1
	classTCPIP             Class = 0xf5
	classEthernetLink      Class = 0xf6
)

// request is a message to an object. Layout: service 1, length of the path in words 1, path, data.
type request struct {
	service Service
	path    epath
	data    []byte
}

func parseRequest(b []byte) (request, error) {
	r := wire.NewReader(b)
	q := request{service: Service(r.Uint8())}
	where := r.Bytes(2 * int(r.Uint8()))
	q.data = r.Rest()
	if r.Err() != nil {
		return request{}, fmt.Errorf("read CIP request of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	q.path = parsePath(where)
	return q, nil
}

// reply is an answer. Layout: service 1, reserved 1, general status 1, length of the additional status in words 1, additional
// status, data.
type reply struct {
	service Service // without the flag
	status  uint8
	data    []byte
}

func parseReply(b []byte) (reply, error) {
	r := wire.NewReader(b)
	a := reply{service: Service(r.Uint8()) &^ replyFlag}
	r.Skip(1)
	a.status = r.Uint8()
	r.Skip(2 * int(r.Uint8()))
	a.data = r.Rest()
	if r.Err() != nil {
		return reply{}, fmt.Errorf("read CIP reply of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	return a, nil
}

// epath is a padded EPATH (volume 1 appendix C) as far as it is understood.
type epath struct {
	route     []byte // the port segments that it begins with
	class     Class
	instance  uint32
	attribute uint16
	tag       bool // it names a tag
}

// The types of segments, in the upper three bits, and of logical ones, in the three bits below.
const (
	segmentPort     = 0
	segmentLogical  = 1
	segmentNetwork  = 2
	segmentSymbolic = 3
	segmentData     = 4

	logicalClass     = 0
	logicalInstance  = 1
	logicalAttribute = 4
	logicalSpecial   = 5 // an electronic key

	symbolicANSI = 0x91
	extendedPort = 15
	extendedLink = 0x10
	networkData  = 0x10 // a network segment with counted data
	keyFormat4   = 8    // bytes of an electronic key
)

// parsePath reads the segments up to the first that is not known.
func parsePath(b []byte) epath {
	var p epath
	r := wire.NewReader(b)
	for routing := true; r.Len() > 0; {
		segment := r.Uint8()
		kind, sub := segment>>5, segment>>2&7
		routing = routing && kind == segmentPort
		switch {
		case kind == segmentPort:
			skipPort(&r, segment)
			if routing && r.Err() == nil {
				p.route = b[:r.Offset()]
			}
		case kind == segmentLogical && sub == logicalSpecial:
			r.Skip(1 + keyFormat4)
		case kind == segmentLogical:
			value := logicalValue(&r, segment&3)
			switch sub {
			case logicalClass:
				p.class = Class(value)
			case logicalInstance:
				p.instance = value
			case logicalAttribute:
				p.attribute = uint16(value)
			}
		case kind == segmentNetwork && segment&networkData != 0:
			r.Skip(2 * int(r.Uint8()))
		case kind == segmentNetwork:
			r.Skip(1)
		case kind == segmentSymbolic:
			p.tag = true
			r.Skip(int(segment & 31))
		case segment == symbolicANSI:
			p.tag = true
			n := int(r.Uint8())
			r.Skip(n + n&1)
		case kind == segmentData:
			r.Skip(2 * int(r.Uint8()))
		default:
			return p
		}
	}
	return p
}

// logicalValue reads a value of 8, 16 or 32 bits; the longer ones stand behind a pad.
func logicalValue(r *wire.Reader, format uint8) uint32 {
	switch format {
	case 0:
		return uint32(r.Uint8())
	case 1:
		r.Skip(1)
		return uint32(r.Uint16LE())
	case 2:
		r.Skip(1)
		return r.Uint32LE()
	}
	r.Skip(r.Len() + 1) // reserved
	return 0
}

// skipPort passes over the rest of a port segment and gives its port and link address. Layout: segment 1 (port in the low four
// bits, 15 = see below; bit 4 = the link address is not one byte), length of the link address 1 and port 2 where the segment says
// so, link address, padded to even.
func skipPort(r *wire.Reader, segment uint8) (port uint16, link []byte) {
	size, read := 1, 2
	if segment&extendedLink != 0 {
		size = int(r.Uint8())
		read = 2 + size
	}
	port = uint16(segment & 15)
	if port == extendedPort {
		port = r.Uint16LE()
	}
	link = r.Bytes(size)
	r.Skip(read & 1)
	return port, link
}

// The pieces of a path. A link address of one byte is a slot at port 1, which is the backplane, and a node elsewhere; a longer one is
// an address as text.
const (
	pathPort    = "cip-port"
	pathSlot    = "slot"
	pathNode    = "node"
	pathAddress = "address"
	// pathInstance is a part of a device, with an Identity object of its own.
	pathInstance = "cip-instance"
	// pathSerial stands for a module whose place was not heard: the connection to it was open before.
	pathSerial = "cip-serial"

	backplane = 1
	maxHops   = 8
)

// routePath is the path of what the port segments lead to.
func routePath(route []byte) (from string, ok bool) {
	r := wire.NewReader(route)
	for hops := 0; r.Len() > 0; hops++ {
		port, link := skipPort(&r, r.Uint8())
		if r.Err() != nil || hops == maxHops {
			return "", false
		}
		from = discovery.JoinPath(from, pathPort, strconv.Itoa(int(port)))
		switch {
		case len(link) == 1 && port == backplane:
			from = discovery.JoinPath(from, pathSlot, strconv.Itoa(int(link[0])))
		case len(link) == 1:
			from = discovery.JoinPath(from, pathNode, strconv.Itoa(int(link[0])))
		default:
			from = discovery.JoinPath(from, pathAddress, discovery.Text(string(link)))
		}
	}
	return from, true
}
