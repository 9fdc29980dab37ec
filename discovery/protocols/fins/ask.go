package fins

import (
	"context"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// ownNode is the node number that the asker gives itself: none of a plant's. The controller sends the answer to where the question came
// from.
const ownNode = 0xfe

// asker sends one datagram, read-controller-data (05 01), to the CPU unit of the node itself: model and version, from memory.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      Port,
		Requests: []discovery.Request{{
			Name: "read-controller-data", Safety: discovery.SafetyB, Max: 1, Yields: []discovery.Key{KeyModel, KeyVersion},
			Template: discovery.MustTemplate("80 00 02 000000 00fe00 ? 0501 00"), Effect: "none: reads constants from memory",
		}},
		Ask: ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, model := s.Known(KeyModel)
	if _, version := s.Known(KeyVersion); model && version {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by fins: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, nil)
	defer d.Close()
	const sid = 1
	b, err := d.Ask([]byte{icfGateway, 0, gatewayCount, 0, 0, 0, 0, ownNode, 0, sid, 0x05, 0x01, 0})
	if err != nil {
		return fmt.Errorf("ask %s by fins: %w", t.Subject, err)
	}
	if m, err := parse(b); err != nil || !m.Response || m.SID != sid || m.Command != controllerDataRead {
		return fmt.Errorf("ask %s by fins: %w: answered with % x", t.Subject, discovery.ErrNotUnderstood, b[:min(len(b), headerSize+commandSize+endCodeSize)])
	}
	return nil
}
