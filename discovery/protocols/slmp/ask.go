package slmp

import (
	"context"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// asker sends by opt-in one request, read-type-name, in a 3E frame to the station itself: the model and its code, from memory. A port
// takes one client in many plants: name it with --try slmp:ADDRESS:PORT when it is free.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Requests: []discovery.Request{{
			Name: "read-type-name", Safety: discovery.SafetyC, Max: 1, Yields: []discovery.Key{KeyModelName, KeyModelCode},
			Template: discovery.MustTemplate("5000 00 ff ff03 00 0600 0800 0101 0000"),
			Effect:   "takes one connection, which may be the only one of the port; reads a constant from memory",
		}},
		Message: frame,
		Ask:     ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if _, ok := s.Known(KeyModelName); ok {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by slmp: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, frame)
	defer d.Close()
	// The timer, in units of 250 ms, lets the station wait 2 s.
	b, err := d.Ask([]byte{0x50, 0, 0, 0xff, 0xff, 0x03, 0, 6, 0, 8, 0, 0x01, 0x01, 0, 0})
	if err != nil {
		return fmt.Errorf("ask %s by slmp: %w", t.Subject, err)
	}
	if m, err := parse(b); err != nil || !m.Response {
		return fmt.Errorf("ask %s by slmp: %w: % x", t.Subject, discovery.ErrNotUnderstood, b[:min(len(b), header3E)])
	}
	return nil
}
