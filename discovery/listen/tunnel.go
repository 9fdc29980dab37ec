package listen

import (
	"encoding/binary"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Switches send what they mirror to a distant sensor in tunnels: GRE (RFC 2784, 2890) with ERSPAN (draft-foschiano-erspan-03) or plain
// Ethernet in it, VXLAN (RFC 7348), and MikroTik's TZSP. The frames inside are read as if they had been heard here; what carries them
// is a conversation like others. IP in GRE is read too. A tunnel inside of a tunnel inside of a tunnel is not.
const (
	maxTunnels = 2

	protocolGRE = 47
	portVXLAN   = 4789
	portTZSP    = 37008

	greEthernet  = 0x6558
	greERSPAN    = 0x88be // types I and II
	greERSPAN3   = 0x22eb
	greChecksum  = 0x8000
	greRouting   = 0x4000
	greKey       = 0x2000
	greSequence  = 0x1000
	greVersion   = 0x0007
	erspan2Size  = 8
	erspan3Size  = 12
	erspan3Extra = 8 // when the last bit of the header is set

	vxlanSize  = 8
	vxlanValid = 0x08

	tzspEthernet = 1
	tzspPadding  = 0
	tzspEnd      = 1
)

// tunnelled gives the frame that a packet carries.
func (p *packet) tunnelled() (f discovery.Frame, ok bool) {
	var b []byte
	f.Link = discovery.LinkEthernet
	switch {
	case p.protocol == protocolGRE:
		b, f.Link = gre(p.payload)
	case p.protocol == protocolUDP && p.toPort == portVXLAN:
		if len(p.payload) > vxlanSize && p.payload[0] == vxlanValid {
			b = p.payload[vxlanSize:]
		}
	case p.protocol == protocolUDP && p.toPort == portTZSP:
		b = tzsp(p.payload)
	}
	if len(b) == 0 {
		return discovery.Frame{}, false
	}
	f.Data = b
	f.Length = len(b) + max(0, p.size-len(p.payload)) // what the capture has cut off was the end of this frame
	return f, true
}

// gre is what stands behind the header: flags 2, protocol 2, then checksum and offset 4, key 4 and sequence number 4, as the flags
// say.
func gre(b []byte) ([]byte, discovery.LinkType) {
	if len(b) < 4 {
		return nil, 0
	}
	flags, protocol, n := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), 4
	if flags&(greVersion|greRouting) != 0 { // version 1 is PPTP's
		return nil, 0
	}
	for _, flag := range [...]uint16{greChecksum, greKey, greSequence} {
		if flags&flag != 0 {
			n += 4
		}
	}
	switch protocol {
	case etherIPv4, etherIPv6:
		return after(b, n), discovery.LinkRaw
	case greEthernet:
	case greERSPAN:
		if flags&greSequence != 0 { // type I has no header of its own
			n += erspan2Size
		}
	case greERSPAN3:
		if n += erspan3Size; len(b) >= n && b[n-1]&1 != 0 {
			n += erspan3Extra
		}
	default:
		return nil, 0
	}
	return after(b, n), discovery.LinkEthernet
}

func after(b []byte, n int) []byte { return b[min(n, len(b)):] }

// tzsp is the frame behind the header (version 1, type 1, what is inside 2) and the tagged fields (type 1, length 1, value).
func tzsp(b []byte) []byte {
	if len(b) < 4 || b[0] != 1 || b[1] > 1 || binary.BigEndian.Uint16(b[2:]) != tzspEthernet {
		return nil
	}
	for b = b[4:]; len(b) > 0; {
		switch b[0] {
		case tzspEnd:
			return b[1:]
		case tzspPadding:
			b = b[1:]
		default:
			if len(b) < 2 {
				return nil
			}
			b = after(b, 2+int(b[1]))
		}
	}
	return nil
}
