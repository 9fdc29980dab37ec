// Package llmnr overhears Link-Local Multicast Name Resolution, by which Windows finds its neighbours' names without a server.
// Standard: RFC 4795; UDP 5355.
// Heard: the name that an answer gives its sender. A question says nothing of who asks.
// Asked: nothing.
package llmnr

import (
	"fmt"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
	"github.com/walkdown-ot/walkdown/discovery/wire/once"
)

// Port is where questions go to and answers come from (RFC 4795 section 2).
const Port = 5355

// flagConflict says that more than one host answers to the name (RFC 4795 section 2.1.1): the C bit, where DNS has AA.
const flagConflict = 0x40

// decoder reads what is said between one asker and those who answer it.
type decoder struct{ told [2]once.Memory }

// Feed takes a datagram.
func (d *decoder) Feed(side discovery.Side, t time.Time, b []byte, _ int, out discovery.Sink) (int, error) {
	header, err := dns.ParseHeader(b)
	if err != nil {
		return len(b), fmt.Errorf("read llmnr message: %w", err)
	}
	if !header.Response || header.Opcode != dns.Query || header.RCode != 0 || header.Flags&flagConflict != 0 || d.told[side].Seen(b[2:]) {
		return len(b), nil
	}
	m, err := dns.Parse(b)
	d.told[side].Tell(out, discovery.Observation{Time: t, Facts: hostNames(m)})
	if err != nil {
		return len(b), fmt.Errorf("read llmnr message: %w", err)
	}
	return len(b), nil
}
