package http

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// question is the one that is put, up to the name of the host.
const question = "GET / HTTP/1.1\r\nUser-Agent: walkdown\r\nAccept: text/html\r\nConnection: close\r\nHost: "

// maxPageRead is how much of a page is read for its title.
const maxPageRead = 64 << 10

// asker asks for the first page, once. Redirections are not followed, nobody logs in, and the connection ends with the answer.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      80,
		Requests: []discovery.Request{{
			Name: "get-first-page", Safety: discovery.SafetyC, ByClass: map[discovery.Class]discovery.Safety{discovery.ClassInfrastructure: discovery.SafetyB},
			Template: discovery.MustTemplate(hex.EncodeToString([]byte(question)) + " *64"), Max: 1,
			Yields: []discovery.Key{KeyServer, KeyPoweredBy, KeyRealm, KeyTitle},
			Effect: "the server makes its first page",
		}},
		Message: frame,
		Ask:     ask,
	}
}

// frame gives the length of a head; the bytes of a body come as they are.
func frame(b []byte) (int, error) {
	switch startsMessage(b) {
	case maybe:
		return 0, nil
	case no:
		return len(b), nil
	}
	m, err := parseHead(b)
	return m.length, err
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if isKnown(s) {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by http: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, frame)
	defer d.Close()
	host := t.Subject.IP.WithZone("").String()
	if t.Subject.IP.Is6() {
		host = "[" + host + "]"
	}
	b, err := d.Ask([]byte(question + host + "\r\n\r\n"))
	if err == nil && startsMessage(b) != yes {
		err = fmt.Errorf("%w: no head of a response in %d bytes", discovery.ErrNotUnderstood, len(b))
	}
	if err != nil {
		return fmt.Errorf("ask %s by http: %w", t.Subject, err)
	}
	m, err := parseHead(b)
	if err != nil || !m.isResponse {
		return fmt.Errorf("ask %s by http: %w: no head of a response", t.Subject, errors.Join(discovery.ErrNotUnderstood, err))
	}
	readBody(d, m)
	return nil
}

func isKnown(s discovery.Session) bool {
	_, server := s.Known(KeyServer)
	_, title := s.Known(KeyTitle)
	return server && title
}

// readBody reads the page up to its title, its end or the bound. What it holds is the decoder's business; here a page that stays
// away or breaks off is none the worse: the head was the answer.
func readBody(d *dialogue.Dialogue, m message) {
	framed, length := m.framing(kindPlain)
	if framed == framedNone || framed == framedLength && length == 0 {
		return
	}
	var page []byte
	for len(page) < maxPageRead {
		b, err := d.Receive()
		if err != nil {
			return
		}
		page = append(page, b...)
		if framed == framedLength && int64(len(page)) >= length || framed == framedChunked && bytes.HasSuffix(page, []byte("0\r\n\r\n")) ||
			contains(page, "</title") {
			return
		}
	}
}
