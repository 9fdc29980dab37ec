package tls

import (
	gotls "crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func askTarget() discovery.Target {
	return discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr("192.0.2.1")}, Port: 443}
}

// The server of crypto/tls, as devices of several ages are set up.
func TestAsk(t *testing.T) {
	for name, c := range map[string]struct {
		config *gotls.Config
		want   []string // the requests
		told   string   // the version
	}{
		"tls_1.3":            {&gotls.Config{MinVersion: gotls.VersionTLS13}, []string{requestHello, "change-cipher-spec", "finished-or-farewell", "finished-or-farewell"}, "TLS 1.3"},
		"tls_1.2":            {&gotls.Config{MaxVersion: gotls.VersionTLS12}, []string{requestHello, "client-key-exchange", "change-cipher-spec", "finished", "farewell"}, "TLS 1.2"},
		"tls_1.0":            {&gotls.Config{MinVersion: gotls.VersionTLS10, MaxVersion: gotls.VersionTLS10}, []string{requestHello, "client-key-exchange", "change-cipher-spec", "finished", "farewell"}, "TLS 1.0"},
		"another_group":      {&gotls.Config{CurvePreferences: []gotls.CurveID{gotls.CurveP384}}, []string{requestHello, "change-cipher-spec", requestHello, "finished-or-farewell", "finished-or-farewell"}, "TLS 1.3"},
		"wants_certificates": {&gotls.Config{ClientAuth: gotls.RequestClientCert, MaxVersion: gotls.VersionTLS12}, []string{requestHello, "no-certificate", "client-key-exchange", "change-cipher-spec", "finished", "farewell"}, "TLS 1.2"},
		"wants_them_by_1.3":  {&gotls.Config{ClientAuth: gotls.RequestClientCert}, []string{requestHello, "change-cipher-spec", "finished-or-farewell", "finished-or-farewell", "finished-or-farewell"}, "TLS 1.3"},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.Certificates = []gotls.Certificate{selfSigned(t, "press-3")}
			ended := make(chan error, 1)
			listener, err := gotls.Listen("tcp", "127.0.0.1:0", c.config)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				defer listener.Close() //nolint:errcheck // nothing was written
				conn, err := listener.Accept()
				if err == nil {
					_, err = io.Copy(io.Discard, conn)
				}
				ended <- err
			}()
			got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: askTarget(), Allowed: []string{"tls"}, Address: listener.Addr().String()})
			if got.Err != nil || !slices.Equal(got.Requests(), c.want) || got.Dials != 1 {
				t.Errorf("asked %q over %d connections, error %v; want %q", got.Requests(), got.Dials, got.Err, c.want)
			}
			if err := <-ended; err != nil {
				t.Errorf("the server was left with %v, not a farewell", err)
			}
			told := 0
			for _, line := range got.Lines {
				if line == "192.0.2.1: tls.certificate-subject = CN=press-3,O=ACME" {
					told++
				}
			}
			if told != 1 || !slices.Contains(got.Lines, "192.0.2.1: tls.version = "+c.told) {
				t.Errorf("told:\n%s", strings.Join(got.Lines, "\n"))
			}
		})
	}
}

func TestAskOthers(t *testing.T) {
	refusal := []byte{21, 3, 1, 0, 2, 2, 70} // alert: protocol version
	for name, c := range map[string]struct {
		answer []byte
		hangs  bool
		known  map[discovery.Key]string
		err    error
		sent   int
	}{
		"refuses":  {answer: refusal, sent: 1},
		"http":     {answer: []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), err: discovery.ErrNotUnderstood, sent: 1},
		"silent":   {hangs: true, err: discovery.ErrSilent, sent: 1},
		"hangs_up": {err: io.EOF, sent: 1},
		"known":    {known: map[discovery.Key]string{KeyCertificateSubject: "CN=x"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: askTarget(), Known: c.known, Allowed: []string{"tls"}, Serve: func(conn net.Conn) {
					_, _ = conn.Read(make([]byte, 4096))
					_, _ = conn.Write(c.answer)
					if c.hangs {
						_, _ = io.Copy(io.Discard, conn)
					}
				}})
				if questions := slices.Index(append(got.Requests(), ""), ""); questions < c.sent || len(got.Sent) > c.sent+1 || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("sent %q, error %v; want %d, %v", got.Requests(), got.Err, c.sent, c.err)
				}
			})
		})
	}
}
