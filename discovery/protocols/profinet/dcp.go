package profinet

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Frame ids of DCP (IEC 61158-6-10 clause 4.3.1.4.1). The others are cyclic data, alarms and clocks.
const (
	frameHello    = 0xfefc
	frameGetSet   = 0xfefd
	frameIdentify = 0xfefe // asks who has a name; says nothing of the asker
	frameIdentity = 0xfeff
)

// Services, and the type that marks a successful answer.
const (
	serviceGet      = 3
	serviceSet      = 4
	serviceIdentify = 5
	serviceHello    = 6

	typeRequest = 0
	typeSuccess = 1
)

// Blocks, option and suboption.
const (
	blockMAC           = 0x0101
	blockIP            = 0x0102
	blockIPSuite       = 0x0103
	blockTypeOfStation = 0x0201
	blockNameOfStation = 0x0202
	blockDeviceID      = 0x0203
	blockRole          = 0x0204
	blockAlias         = 0x0206
	blockInstance      = 0x0207
	blockOEM           = 0x0208

	controlStart   = 0x0501 // of a transaction, and its end
	controlEnd     = 0x0502
	controlSignal  = 0x0503 // it blinks
	controlFactory = 0x0505
	controlReset   = 0x0506
)

// Station is what a station says of itself over DCP.
type Station struct {
	TypeOfStation string
	NameOfStation string
	Device        ID
	Role          Role
	Alias         string
	Instance      uint16 // 0 = not said
	OEM           ID     // the device that this one is sold as
	MAC           discovery.MAC
	IP            IPParameter
}

// ID is a vendor's id (PROFIBUS & PROFINET International's list) and the id that the vendor gave the device type.
type ID struct{ Vendor, Device uint16 }

// IsZero reports whether it was not said.
func (i ID) IsZero() bool { return i == ID{} }

// Role is a set of bits.
type Role uint8

const roleController Role = 2

// String names the bits that are set, separated by a comma.
func (r Role) String() string {
	var set []string
	for bit, name := range [...]string{"device", "controller", "multidevice", "supervisor"} {
		if r&(1<<bit) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, ", ")
}

// IPParameter are the addresses of a station.
type IPParameter struct {
	Info          IPInfo
	Address, Mask netip.Addr
	Gateway       netip.Addr
	DNS           []netip.Addr
}

// IPInfo says where an address is from. The upper bit marks an address that somebody else has too.
type IPInfo uint16

const ipConflict IPInfo = 0x80

// String is the info in words.
func (i IPInfo) String() string {
	text := "not set"
	switch i & 3 {
	case 1:
		text = "set"
	case 2:
		text = "set by dhcp"
	}
	if i&ipConflict != 0 {
		text += ", address conflict"
	}
	return text
}

// isStatement reports whether a frame is one by which a station speaks of itself, or is too short to tell: a cheap look at the
// first bytes.
func isStatement(b []byte) bool {
	if len(b) < 4 {
		return true
	}
	switch binary.BigEndian.Uint16(b) {
	case frameHello:
		return b[2] == serviceHello
	case frameGetSet:
		return b[2] == serviceGet && b[3]&typeSuccess != 0
	case frameIdentity:
		return b[2] == serviceIdentify
	}
	return false
}

// ParseStation reads a hello, an identify answer or a get answer, from the frame id on. What was understood is returned with the
// error; a block that is damaged inside is passed over.
//
// Layout: frame id 2, service 1, type 1, transaction id 4, response delay 2, length of the blocks 2; a block is option 1, suboption 1,
// length 2, info 2 (counted in the length), a value, and padding to an even length.
func ParseStation(b []byte) (Station, error) {
	var s Station
	r := wire.NewReader(b)
	r.Skip(3)
	kind := r.Uint8()
	r.Skip(6)
	size := int(r.Uint16())
	if r.Err() != nil {
		return s, fmt.Errorf("read dcp frame of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
	}
	if kind != typeRequest && kind != typeSuccess {
		return s, fmt.Errorf("read dcp frame: service type %#02x at byte 3", kind)
	}
	var first error
	if size > r.Len() {
		first = fmt.Errorf("read dcp frame: %d of %d bytes of blocks: %w", r.Len(), size, io.ErrUnexpectedEOF)
	}
	base := r.Offset()
	blocks := r.Sub(min(size, r.Len()))
	for blocks.Len() > 0 {
		at := base + blocks.Offset()
		option, length := blocks.Uint16(), int(blocks.Uint16())
		value := blocks.Sub(length)
		if blocks.Err() != nil {
			return s, earlier(first, fmt.Errorf("read dcp frame: block at byte %d: %w", at, io.ErrUnexpectedEOF))
		}
		blocks.Skip(min(length%2, blocks.Len()))
		if err := s.read(option, value); err != nil {
			first = earlier(first, fmt.Errorf("read dcp frame: block %d/%d at byte %d: %w", option>>8, option&0xff, at, err))
		}
	}
	return s, first
}

func earlier(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func (s *Station) read(option uint16, r wire.Reader) error {
	info := r.Uint16()
	switch option {
	case blockMAC:
		if mac := r.Bytes(6); mac != nil {
			s.MAC = discovery.MAC(mac)
		}
	case blockIP, blockIPSuite:
		ip := IPParameter{Info: IPInfo(info), Address: readIPv4(&r), Mask: readIPv4(&r), Gateway: readIPv4(&r)}
		for range 4 {
			if option == blockIPSuite {
				ip.DNS = append(ip.DNS, readIPv4(&r))
			}
		}
		if r.Err() == nil {
			s.IP = ip
		}
	case blockTypeOfStation:
		s.TypeOfStation = string(r.Rest())
	case blockNameOfStation:
		s.NameOfStation = string(r.Rest())
	case blockDeviceID:
		return readID(&s.Device, &r)
	case blockRole:
		s.Role = Role(r.Uint8())
	case blockAlias:
		s.Alias = string(r.Rest())
	case blockInstance:
		s.Instance = r.Uint16()
	case blockOEM:
		return readID(&s.OEM, &r)
	}
	return r.Err()
}

func readID(id *ID, r *wire.Reader) error {
	vendor, device := r.Uint16(), r.Uint16()
	if r.Err() == nil {
		*id = ID{vendor, device}
	}
	return r.Err()
}

// readIPv4 is the invalid address where there are no bytes or all are zero, which means "none".
func readIPv4(r *wire.Reader) netip.Addr {
	b := r.Bytes(4)
	if b == nil || [4]byte(b) == [4]byte{} {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(b))
}
