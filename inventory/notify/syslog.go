package notify

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// sendWithin bounds one batch: a collector that does not take it is tried again later.
const sendWithin = 10 * time.Second

// Syslog is a syslog collector.
type Syslog struct {
	network, address string // udp, tcp, unixgram
	facility         int
	cef              bool
	host, version    string
}

// NewSyslog is the collector at an address: "udp://10.1.1.5:514", "tcp://siem.example:601" or "local", the system's own. The facility
// is a name of RFC 5424 table 1, "local0" without one.
func NewSyslog(address, facility string, cef bool, version string) (*Syslog, error) {
	s := &Syslog{cef: cef, version: version}
	s.host, _ = os.Hostname()
	var ok bool
	if s.facility, ok = facilities()[facility]; !ok {
		return nil, fmt.Errorf("no syslog facility is called %q: use user, daemon or local0 to local7", facility)
	}
	if address == "local" {
		s.network, s.address = "unixgram", "/dev/log"
		return s, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "udp" && u.Scheme != "tcp" || u.Path != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not udp://HOST:PORT, tcp://HOST:PORT or local", address)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"udp": "514", "tcp": "601"}[u.Scheme] // RFC 5426, RFC 3195
	}
	s.network, s.address = u.Scheme, net.JoinHostPort(u.Hostname(), port)
	return s, nil
}

func facilities() map[string]int {
	out := map[string]int{"": 16, "user": 1, "daemon": 3}
	for n := range 8 {
		out["local"+strconv.Itoa(n)] = 16 + n
	}
	return out
}

// Key is the address.
func (s *Syslog) Key() string { return "syslog " + s.network + " " + s.address }

// Send sends one message an event. Syslog has no receipt: what was written counts as told. Over TCP messages are counted in octets
// (RFC 6587 section 3.4.1), over UDP each is a datagram (RFC 5426).
func (s *Syslog) Send(ctx context.Context, events []inventory.Event) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, s.network, s.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck // what was written is out
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return 0, err
		}
	}
	for i, e := range events {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		text := line(e, s.facility, s.host, s.version, os.Getpid(), s.cef)
		switch s.network {
		case "tcp":
			text = strconv.Itoa(len(text)) + " " + text
		case "unixgram":
			text = legacy(e, s.facility, os.Getpid(), s.version, s.cef)
		}
		if _, err := conn.Write([]byte(text)); err != nil {
			if s.network == "tcp" {
				i = 0 // what was written before may be lost with the connection
			}
			return i, err
		}
	}
	return len(events), nil
}
