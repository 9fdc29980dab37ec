package http

import (
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func askTarget() discovery.Target {
	return discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr("192.0.2.1")}, Port: 80}
}

func TestAsk(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nServer: ACME-Web/2.1\r\nContent-Type: text/html\r\n"
	server := "192.0.2.1: http.server = ACME-Web/2.1"
	title := "192.0.2.1: http.title = Press 3"
	for name, c := range map[string]struct {
		answer string
		hangs  bool // the server leaves the connection open
		known  map[discovery.Key]string
		told   []string
		err    error
		sent   int
	}{
		"by_length":        {answer: head + "Content-Length: 28\r\n\r\n<html><title>Press 3</title>", hangs: true, told: []string{server, title}, sent: 1},
		"chunked":          {answer: head + "Transfer-Encoding: chunked\r\n\r\n1c\r\n<html><title>Press 3</title>\r\n0\r\n\r\n", hangs: true, told: []string{server, title}, sent: 1},
		"to_the_end":       {answer: head + "\r\n<html>\n<TITLE>Press 3</TITLE>", told: []string{server, title}, sent: 1},
		"never_ends":       {answer: head + "\r\n<html>", hangs: true, told: []string{server}, sent: 1},
		"redirection":      {answer: "HTTP/1.1 302 Found\r\nServer: ACME-Web/2.1\r\nLocation: https://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", hangs: true, told: []string{server}, sent: 1},
		"needs_a_login":    {answer: "HTTP/1.0 401 No\r\nWWW-Authenticate: Basic realm=\"Press 3\"\r\n\r\n", told: []string{"192.0.2.1: http.realm = Press 3"}, sent: 1},
		"another_protocol": {answer: "SSH-2.0-x\r\n", err: discovery.ErrNotUnderstood, sent: 1},
		"silent":           {hangs: true, err: discovery.ErrSilent, sent: 1},
		"known":            {known: map[discovery.Key]string{KeyServer: "a", KeyTitle: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: askTarget(), Known: c.known, Allowed: []string{"http"},
					Serve: func(conn net.Conn) {
						_, _ = conn.Read(make([]byte, 4096))
						_, _ = io.WriteString(conn, c.answer)
						if c.hangs {
							_, _ = io.Copy(io.Discard, conn)
						}
					},
				})
				if len(got.Sent) != c.sent || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("sent %d, error %v; want %d, %v", len(got.Sent), got.Err, c.sent, c.err)
				}
				for _, line := range c.told {
					if !slices.Contains(got.Lines, line) {
						t.Errorf("%q was not told, but:\n%s", line, strings.Join(got.Lines, "\n"))
					}
				}
			})
		})
	}
}

// The server of net/http is one that is not ours. Its page is long and comes in chunks.
func TestAskNetHTTP(t *testing.T) {
	asked := make(chan string, 10)
	server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		asked <- r.Method + " " + r.URL.Path + " " + r.Host + " " + r.UserAgent()
		panel().ServeHTTP(w, r)
	}))
	defer server.Close()
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{Target: askTarget(), Address: server.Listener.Addr().String(), Allowed: []string{"http"}})
	if got.Err != nil || len(asked) != 1 {
		t.Fatalf("error %v, %d requests", got.Err, len(asked))
	}
	if request := <-asked; request != "GET / 192.0.2.1 walkdown" {
		t.Errorf("asked %q", request)
	}
	for _, line := range []string{"192.0.2.1: http.server = ACME-Web/2.1", "192.0.2.1: http.powered-by = ACME OS 7", "192.0.2.1: http.title = Press 3"} {
		if !slices.Contains(got.Lines, line) {
			t.Errorf("%q was not told, but:\n%s", line, strings.Join(got.Lines, "\n"))
		}
	}
}
