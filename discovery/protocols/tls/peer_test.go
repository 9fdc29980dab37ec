package tls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	gotls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func flow() discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr("192.0.2.9")}, {IP: netip.MustParseAddr("192.0.2.1")}},
		Ports: [2]uint16{49152, 443}, Transport: discovery.TCP,
	}
}

func message(side discovery.Side, b []byte) discoverytest.Message {
	return discoverytest.Message{Side: side, Bytes: b}
}

// selfSigned makes a device's certificate.
func selfSigned(t testing.TB, name string) gotls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x4711), Subject: pkix.Name{CommonName: name, Organization: []string{"ACME"}},
		NotBefore: time.Date(2021, 11, 23, 10, 0, 0, 0, time.UTC), NotAfter: time.Date(2031, 11, 23, 10, 0, 0, 0, time.UTC),
		DNSNames: []string{name, name + ".local"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1).To4()},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return gotls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// noted is a connection whose reads and writes are noted, as those of the server.
type noted struct {
	net.Conn
	mu       *sync.Mutex
	messages *[]discoverytest.Message
}

func (c noted) note(side discovery.Side, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(b) > 0 {
		*c.messages = append(*c.messages, message(side, append([]byte(nil), b...)))
	}
}

func (c noted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.note(discovery.Client, b[:n])
	return n, err
}

func (c noted) Write(b []byte) (int, error) {
	c.note(discovery.Server, b)
	return c.Conn.Write(b)
}

// shake makes a connection between Go's own client and server, which then exchange a word, and gives what passed.
func shake(t testing.TB, version uint16, serverName string, client ...gotls.Certificate) []discoverytest.Message {
	t.Helper()
	near, far := net.Pipe()
	var messages []discoverytest.Message
	server := gotls.Server(noted{far, new(sync.Mutex), &messages}, &gotls.Config{
		MinVersion: version, MaxVersion: version, Certificates: []gotls.Certificate{selfSigned(t, "press-3")}, ClientAuth: gotls.RequestClientCert,
	})
	var running sync.WaitGroup
	running.Go(func() {
		word := make([]byte, 5)
		if _, err := io.ReadFull(server, word); err == nil {
			_, _ = server.Write(word)
		}
		_ = server.Close()
	})
	peer := gotls.Client(near, &gotls.Config{
		MinVersion: version, MaxVersion: version, ServerName: serverName, InsecureSkipVerify: true, Certificates: client,
		CurvePreferences: []gotls.CurveID{gotls.X25519}, // a hello of one read
	})
	if _, err := io.WriteString(peer, "hello"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(peer)
	_ = peer.Close()
	running.Wait()
	return messages
}

// split cuts the records of a message into small ones, as a server with little memory sends them.
func split(b []byte, size int) []byte {
	var out []byte
	for len(b) > 0 {
		n, _ := recordLength(b)
		header, body := b[:recordHeader], b[recordHeader:n]
		b = b[n:]
		for len(body) > 0 {
			k := min(size, len(body))
			out = append(append(append(out, header[:3]...), byte(k>>8), byte(k)), body[:k]...)
			body = body[k:]
		}
	}
	return out
}
