package ssdp

import (
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
	found := string(lines("HTTP/1.1 200 OK", "CACHE-CONTROL: max-age=1800", "ST: upnp:rootdevice", "SERVER: Linux/3.4 UPnP/1.0 Cam/2.1", "USN: uuid:060b7353::upnp:rootdevice"))
	for name, c := range map[string]struct {
		answer string // "" is silence
		known  map[discovery.Key]string
		told   string
		err    error
		sent   int
	}{
		"answers": {answer: found, told: sender + ": ssdp.server = Linux/3.4 UPnP/1.0 Cam/2.1", sent: 1},
		"echoes":  {answer: string(lines("M-SEARCH * HTTP/1.1", "ST: ssdp:all")), err: discovery.ErrNotUnderstood, sent: 1},
		"garbled": {answer: "\x00\x01", err: discovery.ErrNotUnderstood, sent: 1},
		"silent":  {err: discovery.ErrSilent, sent: 1},
		"known":   {known: map[discovery.Key]string{KeyServer: "a", KeyUSN: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				heard := ""
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr(sender)}, Port: Port}, Known: c.known, Allowed: []string{"ssdp"},
					Serve: func(conn net.Conn) {
						buffer := make([]byte, 2048)
						for {
							n, err := conn.Read(buffer)
							if err != nil {
								return
							}
							heard = string(buffer[:n])
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
					t.Errorf("told %q", got.Lines)
				}
				if c.sent > 0 && !strings.HasSuffix(heard, "\r\nHOST: 10.0.0.7:1900\r\n\r\n") {
					t.Errorf("asked %q", heard)
				}
			})
		})
	}
}
