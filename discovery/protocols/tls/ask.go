package tls

import (
	"context"
	gotls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// requestHello is the name of the question; the others are what the handshake and the farewell need.
const requestHello = "client-hello"

// asker makes one handshake, from TLS 1.0 to 1.3, reads the server's certificate and says farewell. Nothing is asked of what rides on
// TLS, no certificate of our own is shown, and none of the server's is verified: it is a claim of the one who shows it. A server that
// refuses the handshake has answered.
func asker() *discovery.Asker {
	request := func(name string, times int, setup bool, template, effect string) discovery.Request {
		r := discovery.Request{
			Name: name, Safety: discovery.SafetyC, ByClass: map[discovery.Class]discovery.Safety{discovery.ClassInfrastructure: discovery.SafetyB},
			Max: times, Setup: setup, Template: discovery.MustTemplate(template), Effect: effect,
		}
		if !setup {
			r.Yields = []discovery.Key{
				KeyVersion, KeyCertificateSubject, KeyCertificateIssuer, KeyCertificateSAN, KeyCertificateSerial, KeyCertificateNotAfter, KeyCertificateSelfSigned,
			}
		}
		return r
	}
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      443,
		Requests: []discovery.Request{
			request(requestHello, 2, false, "16 03 01-03 u16( 01 *600 )", "takes one connection and one key exchange of the server; a second hello only where it wants another group"),
			request("no-certificate", 1, true, "16 03 01-03 0007 0b 000003 000000", "none: the server asked for a certificate"),
			request("client-key-exchange", 1, true, "16 03 01-03 u16( 10 *600 )", "one operation with the server's key"),
			request("change-cipher-spec", 1, true, "14 03 01-03 0001 01", "none: what follows is encrypted"),
			request("finished", 1, true, "16 03 01-03 u16( *128 )", "none: ends the handshake"),
			request("finished-or-farewell", 3, true, "17 0303 u16( *128 )", "none: the same under TLS 1.3, and its farewell"),
			request("farewell", 1, true, "15 03 01-03 u16( *128 )", "none: ends the connection"),
		},
		Message: frame,
		Ask:     ask,
	}
}

// frame gives the length of a record, 0 while it is not whole.
func frame(b []byte) (int, error) {
	n, ok := recordLength(b)
	if !ok {
		return 0, fmt.Errorf("record header % x at byte 0", b[:min(len(b), recordHeader)])
	}
	if n > len(b) {
		n = 0
	}
	return n, nil
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if _, ok := s.Known(KeyCertificateSubject); ok {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by tls: %w", t.Subject, err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(dialogue.AnswerTimeout)); err != nil {
		return fmt.Errorf("ask %s by tls: %w", t.Subject, err)
	}
	var shown []byte
	heard := &watched{Conn: conn}
	client := gotls.Client(heard, &gotls.Config{
		InsecureSkipVerify: true, MinVersion: gotls.VersionTLS10, MaxVersion: gotls.VersionTLS13,
		CipherSuites: suites(), CurvePreferences: []gotls.CurveID{gotls.X25519, gotls.CurveP256, gotls.CurveP384},
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) > 0 {
				shown = raw[0]
			}
			return nil
		},
	})
	err = client.HandshakeContext(ctx)
	if err == nil {
		if client.ConnectionState().Version == gotls.VersionTLS13 && shown != nil { // under older versions the decoder has read it
			err = tellCertificate(time.Time{}, shown, discovery.SinkFunc(func(o discovery.Observation) {
				o.Subject = t.Subject
				s.Observe(o)
			}))
		}
		_ = client.Close()
	}
	if err = heard.reason(ctx, err); err != nil {
		return fmt.Errorf("ask %s by tls: %w", t.Subject, err)
	}
	return nil
}

// suites are all that the library knows: old devices know old ones only, and nothing secret is said.
func suites() []uint16 {
	var out []uint16
	for _, list := range [][]*gotls.CipherSuite{gotls.CipherSuites(), gotls.InsecureCipherSuites()} {
		for _, suite := range list {
			out = append(out, suite.ID)
		}
	}
	return out
}

// watched keeps whether anything was heard, and the error of the connection: the library passes on only some of it.
type watched struct {
	net.Conn
	heard bool
	err   error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.heard = w.heard || n > 0
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}

// reason is what a handshake that failed means. A server that refuses has answered, and so has one that shows what the library does
// not take.
func (w *watched) reason(ctx context.Context, err error) error {
	var notTLS gotls.RecordHeaderError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &notTLS):
		return fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
	case errors.Is(w.err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", discovery.ErrSilent, w.err)
	case w.err != nil && !errors.Is(w.err, io.EOF) || !w.heard:
		return errors.Join(w.err, err)
	}
	return nil
}
