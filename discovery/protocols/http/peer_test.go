package http

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"sync"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

// oneConn is a listener with one connection, whose bytes are noted as they pass.
type oneConn struct {
	net.Conn
	mu       sync.Mutex
	messages []discoverytest.Message
	accepted bool
	closed   chan struct{}
}

func (c *oneConn) note(side discovery.Side, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(b) > 0 {
		c.messages = append(c.messages, discoverytest.Message{Side: side, Bytes: append([]byte(nil), b...)})
	}
}

func (c *oneConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.note(discovery.Client, b[:n])
	return n, err
}

func (c *oneConn) Write(b []byte) (int, error) {
	c.note(discovery.Server, b)
	return c.Conn.Write(b)
}

func (c *oneConn) Accept() (net.Conn, error) {
	if !c.accepted {
		c.accepted = true
		return c, nil
	}
	<-c.closed
	return nil, net.ErrClosed
}

func (c *oneConn) Addr() net.Addr { return c.LocalAddr() }

// panel is a device's web server, as net/http would make it.
func panel() nethttp.Handler {
	mux := nethttp.NewServeMux()
	page := "<!DOCTYPE html><HTML><head><META name=x>" + strings.Repeat("<!-- filler -->", 100) + "<Title lang='en'>\n Press&nbsp;3 \n</TITLE></head>" + strings.Repeat("<p>Text</p>", 2000)
	mux.HandleFunc("/", func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.Header().Set("Server", "ACME-Web/2.1")
		w.Header().Set("X-Powered-By", "ACME OS 7")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page) // longer than a buffer: it goes out in chunks
	})
	mux.HandleFunc("/small", func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>Small page</title>")
	})
	for path, pack := range map[string]func(io.Writer) io.WriteCloser{
		"/gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"/deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	} {
		mux.HandleFunc(path, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", path[1:])
			packed := pack(w)
			_, _ = fmt.Fprintf(packed, "<html><title>Page in %s</title>%s", path, strings.Repeat("text ", 10000))
			_ = packed.Close()
		})
	}
	mux.HandleFunc("/secret", func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.Header().Add("WWW-Authenticate", `Digest realm="Panel, \"A\"", nonce="x"`)
		w.Header().Add("WWW-Authenticate", `Basic realm="Schneider Web"`)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(nethttp.StatusUnauthorized)
		_, _ = io.WriteString(w, "<title>Not for you</title>")
	})
	return mux
}

// talk puts requests to the panel over one connection, all before the first response when pipelined, and gives what passed.
func talk(t *testing.T, pipelined bool, requests ...string) []discoverytest.Message {
	t.Helper()
	near, far := net.Pipe()
	conn := &oneConn{Conn: far, closed: make(chan struct{})}
	server := &nethttp.Server{Handler: panel()}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(conn) })
	write := func(from []string) {
		for _, r := range from {
			_, _ = io.WriteString(near, strings.ReplaceAll(r, "\n", "\r\n"))
		}
	}
	if pipelined {
		running.Go(func() { write(requests) })
	}
	responses := bufio.NewReader(near)
	for i, r := range requests {
		if !pipelined {
			write(requests[i : i+1])
		}
		method, _, _ := strings.Cut(r, " ")
		response, err := nethttp.ReadResponse(responses, &nethttp.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	_ = near.Close()
	close(conn.closed)
	_ = server.Close()
	running.Wait()
	return conn.messages
}
