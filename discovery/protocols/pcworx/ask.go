package pcworx

import (
	"context"
	"errors"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestOpen  = "open-session"
	requestPut   = "ask-identity"
	requestFetch = "fetch-identity"
)

// asker asks by opt-in over one connection: open-session gives a number to the session, ask-identity hands over the one message that asks
// who is there, fetch-identity takes the answer. The session ends with the connection. Nobody logs in, and no other message is handed
// over: others start, stop and load.
func asker() *discovery.Asker {
	request := func(name, template string, setup bool, effect string) discovery.Request {
		r := discovery.Request{Name: name, Safety: discovery.SafetyC, Max: 1, Setup: setup, Effect: effect, Template: discovery.MustTemplate(template)}
		if !setup {
			r.Yields = keys()
		}
		return r
	}
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Enough:    []discovery.Key{KeyType, KeyFirmware, KeyOrderNumber},
		Scarce:    true,
		Requests: []discovery.Request{
			request(requestOpen, "0101 001a 0000 0000 7880 0003 000c 494245544830314e305f4d00", true, "takes one connection and session of the engineering interface"),
			request(requestPut, "0105 0016 0001 0000 7880 ?2 0000 0006 0004 0295 0000", false, "none: the controller puts constants from memory together"),
			request(requestFetch, "0106 000e 0002 0000 0000 ?2 0400", false, "none: takes what the question before it asked for"),
		},
		Message: length,
		Ask:     ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, model := s.Known(KeyType)
	_, firmware := s.Known(KeyFirmware)
	if _, order := s.Known(KeyOrderNumber); model && firmware && order {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by pc worx: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, length)
	defer d.Close()
	if err := questions(d); err != nil {
		return fmt.Errorf("ask %s by pc worx: %w", t.Subject, err)
	}
	return nil
}

// questions opens a session and asks.
func questions(d *dialogue.Dialogue) error {
	b, err := exchange(d, requestOpen, serviceOpen, []byte("\x01\x01\x00\x1a\x00\x00\x00\x00\x78\x80\x00\x03\x00\x0cIBETH01N0_M\x00"))
	if errors.Is(err, dialogue.ErrEnded) {
		return fmt.Errorf("%w: %w", discovery.ErrNotOffered, err)
	}
	if err != nil {
		return err
	}
	if len(b) < atSession+2 {
		return fmt.Errorf("%s: %w: an answer of %d bytes", requestOpen, discovery.ErrNotUnderstood, len(b))
	}
	high, low := b[atSession], b[atSession+1]
	if _, err = exchange(d, requestPut, servicePut, []byte{request, servicePut, 0, 0x16, 0, 1, 0, 0, 0x78, 0x80, high, low, 0, 0, 0, 6, 0, 4, codeIdentity >> 8, codeIdentity & 0xff, 0, 0}); err != nil {
		return err
	}
	b, err = exchange(d, requestFetch, serviceFetch, []byte{request, serviceFetch, 0, 0x0e, 0, 2, 0, 0, 0, 0, high, low, 4, 0})
	if err == nil && !is(b, response, serviceFetch, atAnswer, identityAnswer) {
		err = fmt.Errorf("%s: %w: % x", requestFetch, discovery.ErrNotUnderstood, b[:min(len(b), atType)])
	}
	return err
}

// exchange sends a frame and gives the answer of the same service.
func exchange(d *dialogue.Dialogue, name string, service byte, frame []byte) ([]byte, error) {
	b, err := d.Ask(frame)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case b[0] == request:
		return nil, fmt.Errorf("%s: %w: %w", name, discovery.ErrNotUnderstood, errEcho)
	case b[1] != service:
		return nil, fmt.Errorf("%s: %w: service %#02x at byte 1", name, discovery.ErrNotUnderstood, b[1])
	}
	return b, nil
}
