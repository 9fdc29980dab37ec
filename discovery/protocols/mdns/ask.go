package mdns

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
	"github.com/walkdown-ot/walkdown/discovery/wire/dns"
)

// The names of the requests.
const (
	requestTypes     = "list-service-types"
	requestInstances = "list-service-instances"
)

// maxTypes bounds the service types whose instances are asked for.
const maxTypes = 8

// question of mDNS: one for a pointer, of the class IN with the bit that asks for an answer to the asker alone (RFC 6762 section 5.4).
const (
	pointerQuestion = "\x00\x0c\x80\x01"
	typesName       = "\x09_services\x07_dns-sd\x04_udp\x05local\x00" // RFC 6763 section 9
)

// asker asks one host by opt-in, straight (RFC 6762 section 5.5): list-service-types in one datagram, and in a second the instances of up
// to eight of these types, whose ports and texts come with the answer. Both ask for what the host announces to everybody anyway.
func asker() *discovery.Asker {
	const effect = "none: the device sends what it announces anyway"
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      Port,
		Requests: []discovery.Request{
			{
				Name: requestTypes, Safety: discovery.SafetyC, Max: 1, MayBeSilent: true, Yields: []discovery.Key{KeyHostName}, Effect: effect,
				Template: discovery.MustTemplate(fmt.Sprintf("0000 0000 0001 0000 0000 0000 %x %x", typesName, pointerQuestion)),
			},
			{
				Name: requestInstances, Safety: discovery.SafetyC, Max: 1, MayBeSilent: true, Effect: effect,
				Yields:   []discovery.Key{KeyHostName, KeyAddress, KeyService, KeyInstance, KeyDeviceInfo, KeyText, KeyCPU, KeyOS},
				Template: discovery.MustTemplate(fmt.Sprintf("0000 0000 00 01-08 0000 0000 0000 each( u8( *63 ) one( 045f746370 | 045f756470 ) 056c6f63616c 00 %x )", pointerQuestion)),
			},
		},
		Ask: ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if _, ok := s.Known(KeyService); ok {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by mdns: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, nil)
	defer d.Close()
	types, err := question(d, []byte(typesName))
	if err == nil && len(types) > 0 {
		_, err = question(d, types...)
	}
	if err != nil {
		return fmt.Errorf("ask %s by mdns: %w", t.Subject, err)
	}
	return nil
}

// question asks for pointers from these names, and gives the service types among the answers as they are asked for.
func question(d *dialogue.Dialogue, names ...[]byte) ([][]byte, error) {
	message := binary.BigEndian.AppendUint16(make([]byte, 4), uint16(len(names)))
	message = append(message, make([]byte, 6)...)
	for _, name := range names {
		message = append(append(message, name...), pointerQuestion...)
	}
	b, err := d.Ask(message)
	if err != nil {
		return nil, err
	}
	m, err := dns.Parse(b)
	if err != nil || !m.Response {
		return nil, fmt.Errorf("%w: no answer of mdns in %d bytes", discovery.ErrNotUnderstood, len(b))
	}
	return serviceTypes(m.Records), nil
}

// serviceTypes are those that pointers name: two labels, of which the second is a transport, in the domain local. Each stands once, and
// the one that tells the model first.
func serviceTypes(records []dns.Record) [][]byte {
	var types []string
	for _, r := range records {
		target, err := r.Target()
		if r.Type != dns.PTR || err != nil {
			continue
		}
		labels := target.Labels()
		if len(labels) != 3 || !strings.HasPrefix(labels[0], "_") || labels[1] != "_tcp" && labels[1] != "_udp" || labels[2] != "local" {
			continue
		}
		switch name := string(target) + "\x00"; {
		case slices.Contains(types, name):
		case labels[0] == "_device-info":
			types = slices.Insert(types, 0, name)
		default:
			types = append(types, name)
		}
	}
	var out [][]byte
	for _, name := range types[:min(len(types), maxTypes)] {
		out = append(out, []byte(name))
	}
	return out
}
