// Package dns overhears the Domain Name System: which names the plant's addresses have, and which names outside its devices look
// up.
// Standards: RFC 1035, RFC 3596 (AAAA, ip6.arpa), RFC 2136 (updates); UDP and TCP 53.
// Heard: the addresses in answers and updates, reverse answers; look-ups that were answered with an address off site.
// Asked: nothing.
package dns

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// Port is that of name servers (RFC 1035 section 4.2).
const Port = 53

// decoder reads a conversation between a resolver and a name server.
type decoder struct {
	flow  discovery.Flow
	told  once.Memory
	blind [2]bool // TCP: bytes of the side were lost, and with them where its messages begin
}

// Feed takes a datagram, or the next bytes of a stream, where each message stands behind its length of 2 bytes (RFC 1035 section
// 4.2.2).
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if d.flow.Transport != discovery.TCP {
		return len(b), d.message(side, t, b, out)
	}
	if gap > 0 {
		d.blind[side] = true
	}
	if d.blind[side] {
		return len(b), nil
	}
	if len(b) < 2 {
		return 0, nil
	}
	end := 2 + int(binary.BigEndian.Uint16(b))
	if len(b) < end {
		return 0, nil
	}
	return end, d.message(side, t, b[2:end], out)
}

// message passes over what tells nothing by its header alone: questions and refusals.
func (d *decoder) message(side discovery.Side, t time.Time, b []byte, out discovery.Sink) error {
	header, err := dns.ParseHeader(b)
	if err != nil {
		return fmt.Errorf("read dns message: %w", err)
	}
	answer := header.Response && header.Opcode == dns.Query && header.RCode == 0
	update := !header.Response && header.Opcode == dns.Update
	if !answer && !update || d.told.Seen(b[2:]) {
		return nil
	}
	m, err := dns.Parse(b)
	d.names(side, t, m, out)
	if answer {
		d.lookedUp(side, t, m, out)
	}
	if err != nil {
		return fmt.Errorf("read dns message: %w", err)
	}
	return nil
}
