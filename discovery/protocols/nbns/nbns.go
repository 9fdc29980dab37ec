// Package nbns overhears the NetBIOS name service: what Windows computers and their like call themselves and their group.
// Standards: RFC 1002 section 4.2, MS-NBTE; UDP 137.
// Heard: registrations and refreshes, positive answers, node status answers with the MAC in them. A question says nothing of who
// asks.
// Asked: nothing.
package nbns

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
	"github.com/walkdown-ot/walkdown/discovery/wire/netbios"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// Port is that of the name service, on both sides.
const Port = 137

// The operations (RFC 1002 section 4.2.1.1), with those that Windows uses beside them.
const (
	opQuery        dns.Opcode = 0
	opRegistration dns.Opcode = 5
	opRefresh      dns.Opcode = 8
	opRefreshAlt   dns.Opcode = 9  // RFC 1002 has both
	opMultiHomed   dns.Opcode = 15 // registration of a computer with several addresses (MS-NBTE section 2.2.2)
)

// The record types (RFC 1002 section 4.2.1.3).
const (
	typeName   dns.Type = 0x20 // NB
	typeStatus dns.Type = 0x21 // NBSTAT
)

// Flags of a name (RFC 1002 section 4.2.18).
const (
	flagGroup      = 0x8000
	flagDeregister = 0x1000
	flagConflict   = 0x0800
)

// owner is one who has a name.
type owner struct {
	group bool
	ip    netip.Addr
}

// maxOwners bounds the owners of a group that one answer names.
const maxOwners = 64

// parseOwners reads the data of an NB record: flags 2, IPv4 address 4, repeated.
func parseOwners(data []byte) []owner {
	var out []owner
	r := wire.NewReader(data)
	for r.Len() >= 6 && len(out) < maxOwners {
		flags := r.Uint16()
		ip, _ := netip.AddrFromSlice(r.Bytes(4))
		out = append(out, owner{flags&flagGroup != 0, ip})
	}
	return out
}

// status is what a node says of itself.
type status struct {
	names  []ownName
	unitID discovery.MAC // zero when it is not said
}

type ownName struct {
	netbios.Name
	flags uint16
}

// parseStatus reads the data of an NBSTAT record (RFC 1002 section 4.2.18): a count, names of 16 bytes with flags 2 each, and
// statistics that begin with the unit id of 6 bytes.
func parseStatus(data []byte) (status, error) {
	var s status
	r := wire.NewReader(data)
	for range r.Uint8() {
		b := r.Bytes(netbios.Size)
		flags := r.Uint16()
		if r.Err() != nil {
			return s, io.ErrUnexpectedEOF
		}
		s.names = append(s.names, ownName{netbios.NewName([netbios.Size]byte(b)), flags})
	}
	if b := r.Bytes(len(s.unitID)); b != nil {
		s.unitID = discovery.MAC(b)
	}
	return s, nil
}

// decoder reads what is said between two hosts, or to all on the link.
type decoder struct {
	flow discovery.Flow
	told [2]once.Memory
}

// Feed takes a datagram.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	if err := d.message(side, t, b, out); err != nil {
		return len(b), fmt.Errorf("read nbns message: %w", err)
	}
	return len(b), nil
}

func (d *decoder) message(side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	header, err := dns.ParseHeader(b)
	if err != nil {
		return err
	}
	section := dns.Answers
	switch header.Opcode {
	case opQuery:
		if !header.Response {
			return nil
		}
	case opRegistration, opRefresh, opRefreshAlt, opMultiHomed:
		if !header.Response {
			section = dns.Additional
		}
	default: // a name that is given up, or a request to wait
		return nil
	}
	if header.RCode != 0 || d.told[side].Seen(b[2:]) {
		return nil
	}
	m, err := dns.Parse(b)
	for _, r := range m.Records {
		if r.Section != section || r.Class != dns.IN {
			continue
		}
		var problem error
		switch {
		case r.Type == typeName:
			problem = d.owners(side, t, r, out)
		case r.Type == typeStatus && header.Opcode == opQuery:
			problem = d.status(side, t, r, out)
		}
		if err == nil {
			err = problem
		}
	}
	return err
}
