package srtp

import (
	"context"
	"errors"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestOpen     = "open-connection"
	requestIdentity = "return-controller-type-and-id"
)

// asker asks by opt-in over one connection: open-connection is a frame of zeroes, return-controller-type-and-id the service 43 (hex) of the
// CPU in the first slot, which needs no logon. Nobody logs on, and no privilege is changed.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Enough:    []discovery.Key{KeyCPUType, KeyControllerID},
		Scarce:    true,
		Requests: []discovery.Request{
			{
				Name: requestOpen, Safety: discovery.SafetyC, Max: 1, Setup: true, Effect: "takes one connection; a robot that has no free one may drop the one that was idle longest",
				Template: discovery.MustTemplate(fmt.Sprintf("%0*d", 2*headerSize, 0)),
			},
			{
				Name: requestIdentity, Safety: discovery.SafetyC, Max: 1, Yields: keys(), Effect: "none: reads constants from memory",
				Template: discovery.MustTemplate(fmt.Sprintf("%x", question())),
			},
		},
		Message: length,
		Ask:     ask,
	}
}

// question is the request: from no mailbox of ours to the service requests of the first slot, one packet of one.
func question() []byte {
	b := make([]byte, headerSize)
	b[atKind], b[atSequence], b[9], b[17], b[30], b[atMailbox] = kindAsk, 1, 1, 1, 1, boxRequest
	copy(b[36:], []byte{0x10, 0x0e, 0, 0, 1, 1, serviceIdentity})
	return b
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, kind := s.Known(KeyCPUType)
	if _, id := s.Known(KeyControllerID); kind && id {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by srtp: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, length)
	defer d.Close()
	if err := questions(d); err != nil {
		return fmt.Errorf("ask %s by srtp: %w", t.Subject, err)
	}
	return nil
}

func questions(d *dialogue.Dialogue) error {
	b, err := d.Ask(make([]byte, headerSize))
	switch {
	case errors.Is(err, dialogue.ErrEnded):
		return fmt.Errorf("%s: %w: %w", requestOpen, discovery.ErrNotOffered, err)
	case err != nil:
		return fmt.Errorf("%s: %w", requestOpen, err)
	case b[atKind] != kindOpened:
		return fmt.Errorf("%s: %w: kind %#02x at byte 0", requestOpen, discovery.ErrNotUnderstood, b[atKind])
	}
	b, err = d.Ask(question())
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", requestIdentity, err)
	case b[atMailbox] == boxRefused, b[atMailbox] == boxDone: // an answer: the CPU does not give it
	case b[atKind] != kindAnswer || b[atMailbox] != boxDoneText:
		return fmt.Errorf("%s: %w: kind %#02x at byte 0, mailbox type %#02x at byte %d", requestIdentity, discovery.ErrNotUnderstood, b[atKind], b[atMailbox], atMailbox)
	}
	return nil
}
