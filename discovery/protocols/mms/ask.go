package mms

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
	requestDomains  = "list-logical-devices"
	requestPlate    = "read-nameplate"
)

// maxPlates bounds the logical devices whose nameplate is tried: the first one has it, as a rule.
const maxPlates = 3

// maxDomain is the longest name of a logical device, in bytes (IEC 61850-8-1:2011 table 24).
const maxDomain = 64

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
	// domains is GetNameList of the domains of the whole server.
	domains  = "01000100 6117 3015 020103 a010 a00e 020102 a109 a003 800109 a102 8000"
	conclude = "01000100 6109 3007 020103 a002 8b00"
)

// asker asks by opt-in, over one connection of the transport to TSAP 0001: initiate opens an association, identify asks for maker, model
// and revision of the stack, list-logical-devices for their names, and read-nameplate for the eight attributes of the nameplates of one,
// of at most three until one tells something; conclude gives the association back. Servers keep few associations, so the connection is
// short. Nothing is subscribed, and no file is touched.
func asker() *discovery.Asker {
	request := func(name, message string, setup bool, effect string) discovery.Request {
		return discovery.Request{
			Name: name, Safety: discovery.SafetyC, Max: 1, Setup: setup, Effect: effect,
			Template: discovery.MustTemplate("0300 u16+4( 02f080 " + strings.ReplaceAll(message, " ", "") + " )"),
		}
	}
	question := request(requestIdentify, identify, false, "none: reads constants from memory")
	question.Yields = []discovery.Key{KeyVendorName, KeyModelName, KeyRevision}
	names := request(requestDomains, domains, false, "none: reads constants from memory")
	names.Yields = []discovery.Key{KeyDomain}
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Scarce:    true,
		Requests: []discovery.Request{
			{
				Name: requestConnect, Safety: discovery.SafetyC, Max: 1, Setup: true,
				Template: discovery.MustTemplate("0300 0016 11 e0 0000 ?2 00 c0 01 0a c1 02 0001 c2 02 0001"), Effect: "takes one connection",
			},
			request(requestInitiate, initiate, true, "takes one association for a few seconds"),
			question,
			names,
			{
				Name: requestPlate, Safety: discovery.SafetyC, Max: maxPlates, Yields: plateKeys(), Effect: "none: reads constants from memory",
				Template: discovery.MustTemplate("0300 u16+4( 02f080 01000100 61 ber( 30 ber( 020103 a0 ber( a0 ber( 0201 03-05 a4 ber( a1 ber( a0 ber( each(" +
					" 30 ber( a0 ber( a1 ber( 1a ber( *64 ) " + itemForms() + " ) ) ) ) ) ) ) ) ) ) ) )"),
			},
			request(requestConclude, conclude, true, "gives the association back"),
		},
		Message: cotp.Frame,
		Ask:     ask,
	}
}

// items are the attributes that are asked for, of the logical nodes that each logical device has (IEC 61850-7-4:2010 clause 5.3).
func items() []string {
	var out []string
	for _, attribute := range []string{"vendor", "model", "serNum", "hwRev", "swRev", "location"} {
		out = append(out, "LPHD1$DC$PhyNam$"+attribute)
	}
	return append(out, "LLN0$DC$NamPlt$vendor", "LLN0$DC$NamPlt$swRev")
}

// itemForms is the form of their names in a template.
func itemForms() string {
	var forms []string
	for _, item := range items() {
		forms = append(forms, hex.EncodeToString(tagged(visibleString, []byte(item))))
	}
	return "one( " + strings.Join(forms, " | ") + " )"
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, vendor := s.Known(KeyVendorName)
	_, model := s.Known(KeyModelName)
	_, plate := s.Known(KeyPhysicalModel)
	a := association{identify: (!vendor || !model) && s.Allowed(requestIdentify), plate: !plate && s.Allowed(requestDomains) && s.Allowed(requestPlate)}
	if !a.identify && !a.plate {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by mms: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, cotp.Frame)
	defer d.Close()
	if err := a.open(d); err != nil {
		return fmt.Errorf("ask %s by mms: %w", t.Subject, err)
	}
	return nil
}

// association is what is asked over one.
type association struct {
	identify, plate bool
	c               *cotp.Caller
}

// open asks over an association of its own.
func (a *association) open(d *dialogue.Dialogue) error {
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
	a.c = c
	if a.identify {
		if _, err := a.ask(requestIdentify, message(identify)); err != nil {
			return err
		}
	}
	if a.plate {
		return a.nameplate()
	}
	return nil
}

// ask sends a request and gives the service that answers it; an empty one for a refusal.
func (a *association) ask(name string, b []byte) (element, error) {
	b, err := a.c.Ask(b)
	if err != nil {
		return element{}, fmt.Errorf("%s: %w", name, err)
	}
	e, ok, err := pdu(b)
	if err == nil && ok && e.tag == confirmedResponse {
		e, err = service(e.content)
	} else {
		e = element{}
	}
	if err != nil {
		return element{}, fmt.Errorf("%s: %w: %w", name, discovery.ErrNotUnderstood, err)
	}
	return e, nil
}

// nameplate reads that of the first logical device that has one.
func (a *association) nameplate() error {
	s, err := a.ask(requestDomains, message(domains))
	if err != nil || s.tag != namesResponse {
		return err
	}
	names, err := parseNames(s.content)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", requestDomains, discovery.ErrNotUnderstood, err)
	}
	names = slices.DeleteFunc(names, func(domain string) bool { return domain == "" || len(domain) > maxDomain })
	for i, domain := range names[:min(len(names), maxPlates)] {
		s, err := a.ask(requestPlate, readPlate(byte(3+i), domain))
		if err != nil {
			return err
		}
		if texts, err := parseResults(s.content); err == nil && strings.Join(texts, "") != "" {
			return nil
		}
	}
	return nil
}

// readPlate is a read of the nameplates of a domain.
func readPlate(invoke byte, domain string) []byte {
	var list []byte
	for _, item := range items() {
		name := append(tagged(visibleString, []byte(domain)), tagged(visibleString, []byte(item))...)
		list = append(list, tagged(sequence, tagged(namesList, tagged(variables, name)))...)
	}
	read := tagged(readResponse, tagged(variables, tagged(namesList, list)))
	request := tagged(confirmedRequest, append([]byte{integer, 1, invoke}, read...))
	value := append([]byte{integer, 1, 3}, tagged(pdvSingle, request)...) // the context of MMS in the association
	return append([]byte(dataTransfer), tagged(userData, tagged(sequence, value))...)
}

// tagged is an element of BER in the shortest definite form.
func tagged(tag byte, content []byte) []byte {
	switch n := len(content); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	}
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
