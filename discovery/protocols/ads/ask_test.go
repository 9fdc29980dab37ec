package ads

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func TestAsk(t *testing.T) {
	found := search(searchAnswer|searchInfo, tag(5, "CX-1234\x00"), tag(3, "\x02\x0b\xb4\x08"))
	for name, c := range map[string]struct {
		answer string // "" is silence
		known  map[discovery.Key]string
		told   string
		err    error
		sent   int
	}{
		"answers": {answer: found, told: "192.0.2.1: ads.host-name = CX-1234", sent: 1},
		"garbled": {answer: "\x03\x66\x14", err: discovery.ErrNotUnderstood, sent: 1},
		"echoes":  {answer: search(searchInfo), err: discovery.ErrNotUnderstood, sent: 1},
		"silent":  {err: discovery.ErrSilent, sent: 1},
		"known":   {known: map[discovery.Key]string{KeyHostName: "a", KeyTwinCATVersion: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr("192.0.2.1")}, Port: portUDP}, Known: c.known, Allowed: []string{"ads"},
					Serve: func(conn net.Conn) {
						buffer := make([]byte, 2048)
						for {
							if _, err := conn.Read(buffer); err != nil {
								return
							}
							if c.answer != "" {
								_, _ = conn.Write([]byte(c.answer))
							}
						}
					},
				})
				if len(got.Sent) != c.sent || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("sent %d, error %v; want %d, %v", len(got.Sent), got.Err, c.sent, c.err)
				}
				if c.told != "" && !slices.Contains(got.Lines, c.told) {
					t.Errorf("told:\n%s", strings.Join(got.Lines, "\n"))
				}
			})
		})
	}
}

// The datagram is the one of the standards, byte for byte.
func TestSearchIsExact(t *testing.T) {
	got := newSearch(&net.UDPAddr{IP: net.IPv4(192, 0, 2, 9)})
	if want := []byte("\x03\x66\x14\x71\x00\x00\x00\x00\x01\x00\x00\x00\xc0\x00\x02\x09\x01\x01\x10\x27\x00\x00\x00\x00"); !bytes.Equal(got, want) {
		t.Errorf("got % x", got)
	}
}
