package bacnet

import (
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
)

// Bits of the control byte (clause 6.2.2).
const (
	controlNetworkMessage = 0x80
	controlDestination    = 0x20
	controlSource         = 0x08
	controlReserved       = 0x50
)

// Network layer messages (clause 6.4).
const (
	iAmRouter             = 0x01
	routerBusy            = 0x04
	routerAvailable       = 0x05
	initializeRouting     = 0x06
	initializeRoutingAck  = 0x07
	establishConnection   = 0x08
	disconnect            = 0x09
	networkNumberIs       = 0x13
	firstProprietary      = 0x80
	protocolVersionNumber = 1
)

// npdu is a message of the network layer (clause 6.2). The views are into the datagram.
type npdu struct {
	control byte
	routed  bool   // it came through a router: source and address are set
	network uint16 // the sender's
	address []byte // the sender's, 1 to 255 bytes; what they mean depends on the network's kind
	message uint8  // a network layer message, when control says so
	body    []byte // its data, or the APDU
}

// isNetworkMessage reports whether it is said to the network layer, not to an application.
func (n npdu) isNetworkMessage() bool { return n.control&controlNetworkMessage != 0 }

// isSound tells a message from chance bytes.
func (n npdu) isSound() bool {
	return n.control&controlReserved == 0 && (n.isNetworkMessage() || len(n.body) > 0 && n.body[0]>>4 <= abortPDU)
}

func parseNPDU(b []byte) (npdu, error) {
	var n npdu
	r := wire.NewReader(b)
	version := r.Uint8()
	n.control = r.Uint8()
	if r.Err() == nil && version != protocolVersionNumber {
		return n, fmt.Errorf("protocol version %d at byte 0 of the NPDU", version)
	}
	if n.control&controlDestination != 0 {
		r.Skip(2) // network
		r.Skip(int(r.Uint8()))
	}
	if n.control&controlSource != 0 {
		n.network = r.Uint16()
		length := int(r.Uint8())
		at := r.Offset()
		n.address = r.Bytes(length)
		if r.Err() == nil && length == 0 {
			return n, fmt.Errorf("source address of 0 bytes at byte %d of the NPDU", at)
		}
		n.routed = true
	}
	if n.control&controlDestination != 0 {
		r.Skip(1) // hop count
	}
	if n.isNetworkMessage() {
		if n.message = r.Uint8(); n.message >= firstProprietary {
			r.Skip(2) // vendor
		}
	}
	if r.Err() != nil {
		return n, r.Err()
	}
	n.body = r.Rest()
	return n, nil
}

// networks gives the networks that a router says it leads to, at most maxTold, and what a network layer message does.
func (n npdu) networks() (networks []uint16, op discovery.Operations, err error) {
	r := wire.NewReader(n.body)
	switch n.message {
	case iAmRouter, routerBusy, routerAvailable:
		for r.Len() > 0 && len(networks) < maxTold {
			if network := r.Uint16(); r.Err() == nil {
				networks = append(networks, network)
			}
		}
	case initializeRouting:
		op = discovery.OpRead // a table of no entries asks for the router's own
		if r.Uint8() > 0 {
			op = discovery.OpControl
		}
	case initializeRoutingAck:
		for range r.Uint8() {
			network := r.Uint16()
			r.Skip(1)              // port
			r.Skip(int(r.Uint8())) // what the port says of itself
			if r.Err() != nil {
				break
			}
			networks = append(networks, network)
		}
	case establishConnection, disconnect:
		op = discovery.OpControl
	}
	return networks, op, r.Err()
}
