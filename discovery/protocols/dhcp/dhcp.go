// Package dhcp reads the Dynamic Host Configuration Protocol for IPv4: who a client says it is while it asks for an address, and
// which address a server gives to which station.
// Standards: RFC 2131 and 2132, with RFC 951 (BOOTP), 3004 (user class), 3396 (long options), 3925 (vendor-identifying options),
// 4361 and 4578 (client identifiers), 4702 (FQDN); UDP 67 (server and relay) and 68 (client).
// Heard: host names, vendor classes and what a client asks for, under its hardware address; leases; what a server hands out.
// Never asked.
package dhcp

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Ports (RFC 2131 section 4.1).
const (
	ServerPort = 67
	ClientPort = 68
)

// Op says who speaks (RFC 951 section 3).
type Op uint8

// The ops.
const (
	BootRequest Op = 1
	BootReply   Op = 2
)

// MessageType is option 53 (RFC 2132 section 9.6).
type MessageType uint8

// The types that are told apart. Plain BOOTP has none; unknown is that of a message which is cut short before it says.
const (
	Bootp   MessageType = 0
	Offer   MessageType = 2
	Request MessageType = 3
	Decline MessageType = 4
	Ack     MessageType = 5
	Nak     MessageType = 6
	Release MessageType = 7
	Inform  MessageType = 8
	unknown MessageType = 255
)

// Option codes (RFC 2132 and its successors, see the package comment).
const (
	optionPad                = 0
	optionRouter             = 3
	optionNameServer         = 6
	optionHostName           = 12
	optionDomainName         = 15
	optionNTPServer          = 42
	optionRequestedAddress   = 50
	optionOverload           = 52
	optionMessageType        = 53
	optionServerID           = 54
	optionParameters         = 55
	optionVendorClass        = 60
	optionClientID           = 61
	optionUserClass          = 77
	optionFQDN               = 81
	optionMachineID          = 97
	optionEnterpriseClass    = 124
	optionVendorSpecificInfo = 125
	optionEnd                = 255
)

// Message is what a datagram says. The views are into it.
type Message struct {
	Op      Op
	Type    MessageType
	Client  discovery.MAC // chaddr, the zero MAC when the hardware is not Ethernet
	Address netip.Addr    // ciaddr: what the client has; invalid when 0.0.0.0, as the next two
	Yours   netip.Addr    // yiaddr: what it is given
	Relay   netip.Addr    // giaddr: the agent that forwards between client and server

	options [256][]byte
}

// Option is the value of an option, nil when it is absent.
func (m *Message) Option(code uint8) []byte { return m.options[code] }

// Layout of the fixed part (RFC 2131 section 2).
const (
	snameLen  = 64
	fileLen   = 128
	fixedLen  = 236 // up to the options
	maxHWLen  = 16
	lenCookie = 4
)

// Hardware types with MAC addresses (IANA, as in ARP).
const (
	ethernet = 1
	ieee802  = 6
)

// cookie begins the options (RFC 2131 section 3). BOOTP without vendor data has something else there.
var cookie = [lenCookie]byte{99, 130, 83, 99}

// Parse reads a datagram. What is no BOOTP gives discovery.ErrNotMine. The fixed part, and options that stand before a damage,
// are returned with the error.
func Parse(datagram []byte) (*Message, error) {
	m := &Message{}
	return m, m.parse(datagram)
}

func (m *Message) parse(datagram []byte) error {
	m.Type = unknown
	r := wire.NewReader(datagram)
	op, hardware, length := r.Uint8(), r.Uint8(), int(r.Uint8())
	if r.Err() != nil {
		return r.Err()
	}
	if op != uint8(BootRequest) && op != uint8(BootReply) || length > maxHWLen {
		return fmt.Errorf("op %d with a hardware address of %d bytes: %w", op, length, discovery.ErrNotMine)
	}
	r.Skip(9) // hops, transaction, seconds, flags
	address, yours := r.Bytes(4), r.Bytes(4)
	r.Skip(4) // next server
	relay, client := r.Bytes(4), r.Bytes(maxHWLen)
	sname, file := r.Bytes(snameLen), r.Bytes(fileLen)
	if r.Err() != nil {
		return r.Err()
	}
	m.Op, m.Address, m.Yours, m.Relay = Op(op), host(address), host(yours), host(relay)
	if mac := discovery.MAC(client); (hardware == ethernet || hardware == ieee802) && length == len(mac) && !mac.IsGroup() {
		m.Client = mac
	}
	found := r.Bytes(lenCookie)
	if r.Err() != nil {
		return r.Err()
	}
	if [lenCookie]byte(found) != cookie {
		m.Type = Bootp // with vendor data of its own
		return nil
	}
	err := m.readOptions(r.Rest(), fixedLen+lenCookie)
	// Option 52 says which of the fields for names hold further options, file first (RFC 2131 section 4.1).
	if overload := m.options[optionOverload]; len(overload) == 1 {
		if overload[0]&1 != 0 {
			err = earlier(err, m.readOptions(file, fixedLen-fileLen))
		}
		if overload[0]&2 != 0 {
			err = earlier(err, m.readOptions(sname, fixedLen-fileLen-snameLen))
		}
	}
	if kind := m.options[optionMessageType]; len(kind) == 1 {
		m.Type = MessageType(kind[0])
	} else if err == nil {
		m.Type = Bootp
	}
	return err
}

func earlier(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// readOptions reads the options of one field, which begins at an offset of the datagram. One that comes in several parts is
// joined (RFC 3396).
func (m *Message) readOptions(field []byte, offset int) error {
	r := wire.NewReader(field)
	for r.Len() > 0 {
		at := offset + r.Offset()
		code := r.Uint8()
		switch code {
		case optionPad:
			continue
		case optionEnd:
			return nil
		}
		value := r.Bytes(int(r.Uint8()))
		if r.Err() != nil {
			return fmt.Errorf("option %d at byte %d: %w", code, at, io.ErrUnexpectedEOF)
		}
		if m.options[code] == nil {
			m.options[code] = value // without room behind it, so that joining copies
		} else {
			m.options[code] = append(m.options[code], value...)
		}
	}
	return fmt.Errorf("no end of the options: %w", io.ErrUnexpectedEOF)
}

// host reads an address, invalid when no host can have it.
func host(b []byte) netip.Addr {
	ip := netip.AddrFrom4([4]byte(b))
	if ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}
	}
	return ip
}

// claims looks for the fixed part with the cookie behind it.
func claims(first []byte) bool {
	return len(first) >= fixedLen+lenCookie && (first[0] == uint8(BootRequest) || first[0] == uint8(BootReply)) &&
		first[2] <= maxHWLen && [lenCookie]byte(first[fixedLen:]) == cookie
}
