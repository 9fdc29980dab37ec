// Package codesys2 hears and asks the runtime of CODESYS V2: the operating system and the product under it.
//
// Standard: not published; by what public scanners send and read. Ports: TCP 2455, and 1200 in older devices.
//
// Heard: answers to the request that says who is there. Everything else is passed over. Asked: by opt-in, that request.
package codesys2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

const (
	name = "codesys2"
	// Port is the one of most devices.
	Port = 2455
)

// A message begins with bb bb. The request is 7 bytes: the number 1 in four, in the byte order of the device, and 01. The answer is as long
// as its texts need: 32 bytes each, ended by a zero, at these offsets.
const (
	magic       = 0xbb
	requestSize = 7
	atOSName    = 64
	atOSType    = 96
	atProduct   = 128
	textSize    = 32
	answerSize  = atProduct + textSize
	maxAnswer   = 2048
)

// The keys.
const (
	KeyOSName  discovery.Key = "codesys2.os-name" // "Nucleus PLUS"
	KeyOSType  discovery.Key = "codesys2.os-type" // "Nucleus PLUS version unknown"
	KeyProduct discovery.Key = "codesys2.product" // "WAGO 750-841"
)

// Protocol is the protocol of CODESYS V2, both faces.
func Protocol() discovery.Protocol {
	return discovery.Protocol{
		Name:     name,
		Title:    "CODESYS V2",
		Standard: "not published; by what public scanners send and read",
		Hears:    "operating system and product of a controller with a runtime of CODESYS V2",
		Keys:     []discovery.Key{KeyOSName, KeyOSType, KeyProduct},
		Ports:    []discovery.Port{{Transport: discovery.TCP, Number: Port}, {Transport: discovery.TCP, Number: 1200}},
		Decode:   func(f discovery.Flow) discovery.Decoder { return &conversation{flow: f} },
		Asker:    asker(),
	}
}

// isRequest knows the request in either byte order.
func isRequest(b []byte) bool {
	return bytes.HasPrefix(b, []byte{magic, magic, 1, 0, 0, 0, 1}) || bytes.HasPrefix(b, []byte{magic, magic, 0, 0, 0, 1, 1})
}

// length gives the length of the request; an answer is all that has come, once its texts have.
func length(b []byte) (int, error) {
	for i := range min(len(b), 2) {
		if b[i] != magic {
			return 0, fmt.Errorf("codesys message with %#02x at byte %d", b[i], i)
		}
	}
	switch {
	case len(b) < requestSize:
		return 0, nil
	case isRequest(b):
		return requestSize, nil
	case len(b) > maxAnswer:
		return 0, fmt.Errorf("codesys message of more than %d bytes", maxAnswer)
	case len(b) < answerSize:
		return 0, nil
	}
	return len(b), nil
}

// conversation waits for the first answer to the request.
type conversation struct {
	flow  discovery.Flow
	asked bool
	done  bool
}

// Feed reads a message, until the answer came.
func (c *conversation) Feed(side discovery.Side, t time.Time, b []byte, gap int, out discovery.Sink) (int, error) {
	if c.done || gap > 0 {
		c.done = true // where messages begin is not known any more
		return len(b), nil
	}
	n, err := length(b)
	switch {
	case err != nil:
		c.done = true
		if c.asked {
			return len(b), fmt.Errorf("read message: %w", err)
		}
		return len(b), fmt.Errorf("read message: %w: %w", discovery.ErrNotMine, err)
	case n == 0:
		return 0, nil
	case side == discovery.Client && isRequest(b):
		c.asked = true
		return n, nil
	case side == discovery.Client:
		return len(b), nil
	case isRequest(b): // a port that echoes
		c.done = true
		return n, nil
	}
	c.done = true
	facts, err := parse(b[:answerSize])
	if len(facts) > 0 {
		out.Observe(discovery.Observation{Time: t, Subject: c.flow.Ends[side], Facts: facts})
	}
	return n, err
}

// parse reads the texts of an answer.
func parse(b []byte) ([]discovery.Fact, error) {
	r := wire.NewReader(b)
	r.Skip(atOSName)
	var out []discovery.Fact
	for _, key := range []discovery.Key{KeyOSName, KeyOSType, KeyProduct} {
		value, _, _ := bytes.Cut(r.Bytes(textSize), []byte{0})
		if r.Err() != nil {
			return out, fmt.Errorf("read answer of %d bytes: %w", len(b), io.ErrUnexpectedEOF)
		}
		if fact := discovery.NewFact(key, string(value)); fact.Value != "" {
			out = append(out, fact)
		}
	}
	return out, nil
}

// asker sends by opt-in one request of seven bytes, identify, and reads one answer.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Requests: []discovery.Request{{
			Name: "identify", Safety: discovery.SafetyC, Max: 1, Yields: []discovery.Key{KeyOSName, KeyOSType, KeyProduct},
			Template: discovery.MustTemplate("bbbb 01000000 01"), Effect: "takes one connection, of which small controllers have few; reads constants from memory",
		}},
		Message: length,
		Ask:     ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if _, ok := s.Known(KeyProduct); ok {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by codesys2: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, length)
	defer d.Close()
	b, err := d.Ask([]byte{magic, magic, 1, 0, 0, 0, 1})
	if err == nil && isRequest(b) {
		err = errors.Join(discovery.ErrNotUnderstood, errEcho)
	}
	if err != nil {
		return fmt.Errorf("ask %s by codesys2: %w", t.Subject, err)
	}
	return nil
}

var errEcho = errors.New("the question came back")
