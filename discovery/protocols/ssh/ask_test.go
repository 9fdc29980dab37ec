package ssh

import (
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

func TestAsk(t *testing.T) {
	packet := "\x00\x00\x00\x0c\x0a\x14kexinit...\x00\x00"
	for name, c := range map[string]struct {
		before, after string // what the server says before and after it has heard us; "-" ends
		known         map[discovery.Key]string
		told          string
		err           error
		sent          int
	}{
		"openssh":       {before: "SSH-2.0-OpenSSH_9.6p1 Debian-3\r\n", after: packet, told: "SSH-2.0-OpenSSH_9.6p1 Debian-3", sent: 1},
		"waits_for_us":  {after: "SSH-2.0-dropbear_2022.83\r\n" + packet, told: "SSH-2.0-dropbear_2022.83", sent: 1},
		"greets_before": {after: "Authorized users only!\r\nSSH-1.99-Cisco-1.25\n", told: "SSH-1.99-Cisco-1.25", sent: 1},
		"known":         {known: map[discovery.Key]string{KeyServerVersion: "SSH-2.0-x"}},
		"silent":        {err: discovery.ErrSilent, sent: 1},
		"http":          {after: "\x16\x03\x01\r\n", err: discovery.ErrNotUnderstood, sent: 1},
		"talks_on":      {after: strings.Repeat("hello\r\n", 100), err: discovery.ErrNotUnderstood, sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				serve := func(conn net.Conn) {
					done := make(chan struct{})
					go func() {
						defer close(done)
						_, _ = conn.Write([]byte(c.before))
					}()
					_, _ = io.ReadFull(conn, make([]byte, len(identification)))
					<-done
					_, _ = conn.Write([]byte(c.after))
					_, _ = io.Copy(io.Discard, conn)
				}
				got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
					Target: discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr("192.0.2.1")}, Port: 22}, Serve: serve, Known: c.known, Allowed: []string{"ssh"},
				})
				if len(got.Sent) != c.sent || !errors.Is(got.Err, c.err) || c.err == nil && got.Err != nil {
					t.Errorf("sent %d, error %v; want %d, %v", len(got.Sent), got.Err, c.sent, c.err)
				}
				if told := slices.ContainsFunc(got.Lines, func(l string) bool { return strings.HasSuffix(l, "ssh.server-version = "+c.told) }); told != (c.told != "") {
					t.Errorf("told:\n%s\nwant %q", strings.Join(got.Lines, "\n"), c.told)
				}
			})
		})
	}
}
