package profinet

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Operations of PROFINET's interfaces (IEC 61158-6-10 clause 4.10.3.2.14).
const (
	operationConnect      = 0
	operationRead         = 2
	operationWrite        = 3
	operationReadImplicit = 5
)

// Block types (clause 5.2.1.2).
const (
	blockIM0            = 0x0020
	blockIM1            = 0x0021
	blockIM2            = 0x0022
	blockIM3            = 0x0023
	blockARRequest      = 0x0101
	blockIOCRRequest    = 0x0102
	blockPortReal       = 0x020f
	blockInterfaceReal  = 0x0240
	blockMultiple       = 0x0400
	blockReadResponse   = 0x8009
	blockARResponse     = 0x8101
	blockServerResponse = 0x8106
)

// block is one of the pieces that calls and records are made of: a type, and what is behind its version.
type block struct {
	kind  uint16
	value wire.Reader
}

// nextBlock takes a block: type 2, length 2, version 2 (counted in the length), value. What the value lacks because the bytes end is
// an error; the value is then as much as there is.
func nextBlock(r *wire.Reader) (block, error) {
	kind, size := r.Uint16(), int(r.Uint16())
	r.Skip(2)
	if r.Err() != nil || size < 2 {
		return block{}, fmt.Errorf("block of length %d: %w", size, io.ErrUnexpectedEOF)
	}
	if size-2 > r.Len() {
		have := r.Len()
		return block{kind, r.Sub(have)}, fmt.Errorf("block %#04x with %d of %d bytes: %w", kind, have, size-2, io.ErrUnexpectedEOF)
	}
	return block{kind, r.Sub(size - 2)}, nil
}

// Initiator is what the station that connects says of itself.
type Initiator struct {
	Name string
	MAC  discovery.MAC
	ID   ID
}

// readInitiator reads an ARBlockReq: type 2, id 16, session key 2, MAC 6, object id 16, properties 4, time-out 2, port 2, name.
func readInitiator(r wire.Reader) (Initiator, error) {
	var in Initiator
	r.Skip(20)
	mac := r.Bytes(6)
	object := order{}.uuid(&r)
	r.Skip(8)
	name := r.Bytes(int(r.Uint16()))
	if r.Err() != nil {
		return in, r.Err()
	}
	in.MAC, in.Name = discovery.MAC(mac), string(name)
	if id, ok := object.object(); ok {
		in.ID = id
	}
	return in, nil
}

// Kinds of I/O connections in an IOCRBlockReq, as the controller sees them.
const (
	iocrInput  = 1
	iocrOutput = 2
)

// readHead tells which record an IODReadResHeader answers for: sequence 2, connection 16, API 4, slot 2, subslot 2, padding 2, index 2,
// length 4, and 24 bytes that are of no use here.
func readHead(r wire.Reader) (slot, subslot, index uint16, err error) {
	r.Skip(22)
	slot, subslot = r.Uint16(), r.Uint16()
	r.Skip(2)
	index = r.Uint16()
	return slot, subslot, index, r.Err()
}

// Indices of records (clause 5.2.1.4).
const (
	recordPort         = 0x802a
	recordInterface    = 0x8080
	recordIM0          = 0xaff0
	recordIM3          = 0xaff3
	recordPhysicalReal = 0xf841
)

// isTold reports whether a record is one that tells something here.
func isTold(index uint16) bool {
	return recordIM0 <= index && index <= recordIM3 || index == recordPort || index == recordInterface || index == recordPhysicalReal
}

// IM are the records "identification and maintenance" 0 to 3 of a module.
type IM struct {
	Vendor                               uint16
	OrderID, Serial                      string
	Hardware                             uint16
	Software                             string
	Profile, ProfileType                 uint16
	Function, Location, Date, Descriptor string
}

// noHardware says that the revision stands in another record.
const noHardware = 0xffff

// readIM reads the value of an I&M block. I&M0: vendor 2, order id 20, serial number 16, hardware revision 2, software revision 4, counter 2,
// profile 2, type 2, version 2, supported 2.
func readIM(b block) (IM, error) {
	var im IM
	r := b.value
	switch b.kind {
	case blockIM0:
		im.Vendor = r.Uint16()
		im.OrderID, im.Serial = string(r.Bytes(20)), string(r.Bytes(16))
		im.Hardware = r.Uint16()
		im.Software = softwareRevision(r.Bytes(4))
		r.Skip(2)
		im.Profile, im.ProfileType = r.Uint16(), r.Uint16()
	case blockIM1:
		im.Function, im.Location = string(r.Bytes(32)), string(r.Bytes(22))
	case blockIM2:
		im.Date = string(r.Bytes(16))
	case blockIM3:
		im.Descriptor = string(r.Bytes(54))
	}
	if r.Err() != nil {
		return IM{}, r.Err()
	}
	return im, nil
}

// softwareRevision is a letter (V released, R revision, P prototype, U under test, T test device) and three numbers.
func softwareRevision(b []byte) string {
	if len(b) != 4 || string(b[1:]) == "\xff\xff\xff" { // it stands in another record
		return ""
	}
	letter := ""
	if strings.IndexByte("VRPUT", b[0]) >= 0 {
		letter = string(rune(b[0]))
	}
	return fmt.Sprintf("%s%d.%d.%d", letter, b[1], b[2], b[3])
}

// Interface is what a PDInterfaceDataReal says of the station's interface.
type Interface struct {
	Name string // of the station
	MAC  discovery.MAC
	IP   IPParameter
}

// readInterface reads a name behind its length of 1, MAC 6, IP, mask and gateway of 4, with paddings to multiples of 4 from the start of
// the block.
func readInterface(r wire.Reader) (Interface, error) {
	name := r.Bytes(int(r.Uint8()))
	align(&r)
	mac := r.Bytes(6)
	align(&r)
	out := Interface{Name: string(name), IP: IPParameter{Address: readIPv4(&r), Mask: readIPv4(&r), Gateway: readIPv4(&r)}}
	if r.Err() != nil {
		return Interface{}, r.Err()
	}
	out.MAC = discovery.MAC(mac)
	return out, nil
}

// align passes padding over: up to a multiple of 4 from the start of the block, whose head of 6 bytes is not in the reader.
func align(r *wire.Reader) {
	if odd := (r.Offset() + 6) % 4; odd != 0 {
		r.Skip(4 - odd)
	}
}

// readLinks reads a PDPortDataReal: slot and subslot, the port's own name, and for each peer: port, station, line delay 4, MAC 6.
func readLinks(r wire.Reader) ([]discovery.Link, error) {
	align(&r)
	r.Skip(4)
	port := string(r.Bytes(int(r.Uint8())))
	count := int(r.Uint8())
	align(&r)
	var links []discovery.Link
	for range count {
		peerPort, peer := string(r.Bytes(int(r.Uint8()))), string(r.Bytes(int(r.Uint8())))
		align(&r)
		r.Skip(4)
		mac := r.Bytes(6)
		if r.Err() != nil {
			break
		}
		links = append(links, discovery.Link{
			LocalPort: discovery.Text(port), Remote: discovery.Subject{MAC: discovery.MAC(mac)},
			RemoteName: discovery.Text(peer), RemotePort: discovery.Text(peerPort), Via: "profinet",
		})
		align(&r)
	}
	return links, r.Err()
}

// Endpoint is a row of the endpoint mapper.
type Endpoint struct {
	Object     UUID
	Annotation string
}

// Parts are the columns of an annotation: device type 25, order id 20, hardware revision 5, each followed by a blank, then the software
// revision: a letter and three numbers of 3 digits (clause 4.10.3.4.4). They are empty when it has not this form.
func (e Endpoint) Parts() (deviceType, order, hardware, software string) {
	a := e.Annotation
	if len(a) < 63 || a[25] != ' ' || a[46] != ' ' || a[52] != ' ' {
		return "", "", "", ""
	}
	numbers := []string{a[54:57], a[57:60], a[60:63]}
	for i, number := range numbers {
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 16)
		if err != nil {
			return "", "", "", ""
		}
		numbers[i] = strconv.FormatUint(n, 10)
	}
	return a[:25], a[26:46], a[47:52], strings.TrimSpace(a[53:54]) + strings.Join(numbers, ".")
}

// operationLookup is ept_lookup (C706 appendix O).
const operationLookup = 2

// maxEndpoints bounds the rows of one answer.
const maxEndpoints = 64

// readEndpoints reads the answer to a lookup in NDR: handle 20, count 4, array (maximum, offset, count: 4 each), and for each row: object
// 16, tower 4 (a reference), annotation (offset 4, length 4, text, padding). The towers behind the rows are not read.
func readEndpoints(o order, r wire.Reader) ([]Endpoint, error) {
	r.Skip(20 + 4 + 8)
	count := o.uint32(&r)
	var rows []Endpoint
	for ; count > 0 && len(rows) < maxEndpoints; count-- {
		row := Endpoint{Object: o.uuid(&r)}
		r.Skip(8)
		size := o.uint32(&r)
		if size > uint32(r.Len()) {
			return rows, fmt.Errorf("annotation of %d bytes: %w", size, io.ErrUnexpectedEOF)
		}
		row.Annotation = strings.TrimRight(string(r.Bytes(int(size))), "\x00")
		if r.Err() != nil {
			break
		}
		rows = append(rows, row)
		if odd := r.Offset() % 4; odd != 0 && count > 1 {
			r.Skip(4 - odd)
		}
	}
	return rows, r.Err()
}
