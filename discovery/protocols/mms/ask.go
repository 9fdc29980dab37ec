package mms

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/cotp"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// The names of the requests.
const (
	requestConnect  = "connect"
	requestInitiate = "initiate"
	requestIdentify = "identify"
	requestConclude = "conclude"
)

// The messages of the session, without their transport. What varies in none of them: selectors are those of IEC 61850 servers (session
// 0001, presentation 00000001), the invoke id is 1.
const (
	// initiate is a connect of the session with the connect of the presentation, the request for an association to MMS (1.0.9506.2.3),
	// and MMS Initiate: messages of 65,000 bytes, 5 services at once, 10 levels, version 1, services of a client that reads.
	initiate = "0db2 0506 130100 160102 1402 0002 3302 0001 3402 0001 c19c" +
		"318199 a003 800101 a28191 8104 00000001 8204 00000001" +
		"a423 300f 020101 0604 52010001 3004 0602 5101 3010 020103 0605 28ca220201 3004 0602 5101" +
		"615e 305c 020101 a057 6055 a107 0605 28ca220203 a207 0605 2901876701 a303 02010c a606 0604 29018767 a703 02010c" +
		"be2f 282d 020103 a028 a826 8003 00fde8 810105 820105 83010a a416 800101 8103 05f100 820c 03ee1c000004080000 79ef18"
	identify = "01000100 610e 300c 020103 a007 a005 020101 8200"
	conclude = "01000100 6109 3007 020103 a002 8b00"
)

// asker asks by opt-in, over one connection of the transport to TSAP 0001: initiate opens an association, identify asks for maker, model
// and revision, conclude gives the association back. Servers keep few associations, so the connection is short.
func asker() *discovery.Asker {
	request := func(name, message string, setup bool, effect string) discovery.Request {
		return discovery.Request{
			Name: name, Safety: discovery.SafetyC, Max: 1, Setup: setup, Effect: effect,
			Template: discovery.MustTemplate("0300 u16+4( 02f080 " + strings.ReplaceAll(message, " ", "") + " )"),
		}
	}
	question := request(requestIdentify, identify, false, "none: reads constants from memory")
	question.Yields = []discovery.Key{KeyVendorName, KeyModelName, KeyRevision}
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Requests: []discovery.Request{
			{
				Name: requestConnect, Safety: discovery.SafetyC, Max: 1, Setup: true,
				Template: discovery.MustTemplate("0300 0016 11 e0 0000 ?2 00 c0 01 0a c1 02 0001 c2 02 0001"), Effect: "takes one connection",
			},
			request(requestInitiate, initiate, true, "takes one association for a few seconds"),
			question,
			request(requestConclude, conclude, true, "gives the association back"),
		},
		Message: cotp.Frame,
		Ask:     ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, vendor := s.Known(KeyVendorName)
	if _, model := s.Known(KeyModelName); vendor && model {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by mms: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, cotp.Frame)
	defer d.Close()
	if err := associate(d); err != nil {
		return fmt.Errorf("ask %s by mms: %w", t.Subject, err)
	}
	return nil
}

// associate asks over an association of its own.
func associate(d *dialogue.Dialogue) error {
	c, err := cotp.Call(d, []byte(defaultTSAP), []byte(defaultTSAP))
	if err != nil {
		return unlessRefused(requestConnect, err)
	}
	b, err := c.Ask(message(initiate))
	if err == nil && (len(b) == 0 || b[0] != sessionAccept) {
		err = fmt.Errorf("%w: the session was not accepted", discovery.ErrNotOffered)
	}
	if err != nil {
		return unlessRefused(requestInitiate, err)
	}
	defer c.Farewell(message(conclude))
	b, err = c.Ask(message(identify))
	if err == nil {
		_, _, err = pdu(b)
		if err != nil {
			err = fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", requestIdentify, err)
	}
	return nil
}

// unlessRefused says of a refusal that the protocol is not offered there.
func unlessRefused(name string, err error) error {
	if errors.Is(err, cotp.ErrRefused) || errors.Is(err, dialogue.ErrEnded) {
		return fmt.Errorf("%s: %w: %w", name, discovery.ErrNotOffered, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// message is one of the messages as bytes.
func message(text string) []byte {
	b, _ := hex.DecodeString(strings.ReplaceAll(text, " ", "")) // the templates have been made of the same text
	return b
}
