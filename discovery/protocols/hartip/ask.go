package hartip

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestInitiate = "initiate-session"
	requestIdentity = "read-unique-identifier"
	requestLongTag  = "read-long-tag"
	requestClose    = "close-session"
)

// asker asks by opt-in the device or gateway itself, as a secondary master, which leaves the place of the control system's primary one
// alone: initiate-session (for at most 20 s), read-unique-identifier (command 0 to polling address 0), read-long-tag (command 20 to the
// address that it named), close-session. What is behind a gateway is not asked.
func asker() *discovery.Asker {
	request := func(name, template, effect string, setup bool, yields ...discovery.Key) discovery.Request {
		return discovery.Request{
			Name: name, Safety: discovery.SafetyC, Max: 1, Setup: setup, Yields: yields, Effect: effect, Template: discovery.MustTemplate(template),
		}
	}
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      Port,
		Requests: []discovery.Request{
			request(requestInitiate, "01 00 00 00 ?2 000d 00 00004e20", "takes one session for at most 20 s", true),
			request(requestIdentity, "01 00 03 00 ?2 000d 02 00 00 00 02", "none: reads constants from memory", false, identityKeys()...),
			request(requestLongTag, "01 00 03 00 ?2 0011 82 00-3f ?4 14 00 ?", "none: reads a constant from memory", false, KeyLongTag),
			request(requestClose, "01 00 01 00 ?2 0008", "gives the session back", true),
		},
		Ask: ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, id := s.Known(KeyDeviceID)
	if _, tag := s.Known(KeyLongTag); id && tag {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by hart-ip: %w", t.Subject, err)
	}
	c := caller{d: dialogue.New(ctx, conn, nil)}
	defer c.d.Close()
	if err := c.questions(); err != nil {
		return fmt.Errorf("ask %s by hart-ip: %w", t.Subject, err)
	}
	return nil
}

// caller is the asking end of a session.
type caller struct {
	d        *dialogue.Dialogue
	sequence uint16
}

// questions asks in a session of its own.
func (c *caller) questions() error {
	m, err := c.ask(idInitiate, []byte{0, 0, 0, 0x4e, 0x20})
	if err != nil {
		return fmt.Errorf("%s: %w", requestInitiate, err)
	}
	const lastSuccess = 15 // warnings among them: the time-out was set to another value
	if m.Type != typeResponse || m.Status > lastSuccess {
		return fmt.Errorf("%s: type %d, status %d: %w", requestInitiate, m.Type, m.Status, discovery.ErrNotOffered)
	}
	defer func() { c.d.Farewell(c.message(idClose, nil)) }()
	m, err = c.ask(idPass, seal([]byte{kindMaster, 0, cmdIdentity, 0}))
	if err != nil {
		return fmt.Errorf("%s: %w", requestIdentity, err)
	}
	f, err := parseFrame(m.Body)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", requestIdentity, discovery.ErrNotUnderstood, err)
	}
	id, err := parseIdentity(f.data)
	if err != nil || !f.succeeded() {
		return nil // the decoder says what was wrong with it
	}
	at := id.address()
	if _, err = c.ask(idPass, seal(append(append([]byte{longFrame | kindMaster}, at[:]...), cmdLongTag, 0))); err != nil {
		return fmt.Errorf("%s: %w", requestLongTag, err)
	}
	return nil
}

// seal appends the check of a frame: all bytes by exclusive or.
func seal(frame []byte) []byte {
	check := byte(0)
	for _, b := range frame {
		check ^= b
	}
	return append(frame, check)
}

// message makes the next message.
func (c *caller) message(id byte, body []byte) []byte {
	c.sequence++
	b := []byte{version, typeRequest, id, 0}
	b = binary.BigEndian.AppendUint16(b, c.sequence)
	b = binary.BigEndian.AppendUint16(b, uint16(headerSize+len(body)))
	return append(b, body...)
}

// ask sends a message and gives the answer to it; others that come are passed over.
func (c *caller) ask(id byte, body []byte) (Message, error) {
	if err := c.d.Send(c.message(id, body)); err != nil {
		return Message{}, err
	}
	for {
		b, err := c.d.Receive()
		if err != nil {
			return Message{}, err
		}
		if n, err := length(b); err != nil || n < headerSize || n > len(b) {
			return Message{}, fmt.Errorf("%w: % x", discovery.ErrNotUnderstood, b[:min(len(b), headerSize)])
		}
		if m := parse(b); m.Sequence == c.sequence && m.ID == id && m.Type != typePublish {
			return m, nil
		}
	}
}
