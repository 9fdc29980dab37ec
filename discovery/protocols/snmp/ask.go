package snmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

const (
	// maxCommunities bounds the tries: silence to a community string counts for nothing, but three are enough.
	maxCommunities = 3
	// maxCommunity is the longest community string that the template lets through.
	maxCommunity  = 64
	answerTimeout = 3 * time.Second
)

// systemGroup is what is asked for: sysDescr, sysObjectID, sysContact, sysName, sysLocation, sysServices.
var systemGroup = [...]string{
	"1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.4.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.6.0", "1.3.6.1.2.1.1.7.0",
}

// asker sends one request:
//
//  1. get-system-group, an SNMPv2c GET of the six objects of systemGroup, which the agent answers from memory. With several
//     communities, one try with each until it answers.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.UDP,
		Port:      Port,
		Requests: []discovery.Request{{
			Name:   "get-system-group",
			Safety: discovery.SafetyB,
			Template: discovery.MustTemplate(`30 ber( 020101 04 ber( secret*64 ) a0 ber( 02 ber( *4 ) 020100 020100 30 ber(
				30 ber( 06 ber( 2b06010201 010100 ) 0500 )
				30 ber( 06 ber( 2b06010201 010200 ) 0500 )
				30 ber( 06 ber( 2b06010201 010400 ) 0500 )
				30 ber( 06 ber( 2b06010201 010500 ) 0500 )
				30 ber( 06 ber( 2b06010201 010600 ) 0500 )
				30 ber( 06 ber( 2b06010201 010700 ) 0500 )
			) ) )`),
			Max:    maxCommunities,
			Yields: []discovery.Key{KeySysDescr, KeySysObjectID, KeySysContact, KeySysName, KeySysLocation, KeySysServices},
			Effect: "none: the agent reads six values from memory",
		}},
		Ask: ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	communities := communities(t.Credentials)
	if len(communities) == 0 || isKnown(s) {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by snmp: %w", t.Subject, err)
	}
	defer func() { _ = conn.Close() }()
	for _, community := range communities {
		err = get(ctx, conn, community)
		if !errors.Is(err, discovery.ErrSilent) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("ask %s by snmp: %w", t.Subject, err)
	}
	return nil
}

func communities(credentials []discovery.Credential) []string {
	var out []string
	for _, c := range credentials {
		if c.Protocol == "snmp" && c.Kind == "community" && len(c.Secret) <= maxCommunity && len(out) < maxCommunities {
			out = append(out, c.Secret)
		}
	}
	return out
}

// isKnown reports whether all that identifies a device was overheard already.
func isKnown(s discovery.Session) bool {
	for _, key := range []discovery.Key{KeySysDescr, KeySysObjectID, KeySysName} {
		if _, ok := s.Known(key); !ok {
			return false
		}
	}
	return true
}

// get asks once. The answer is decoded on its way through the session; here it only matters whether there was one.
func get(ctx context.Context, conn net.Conn, community string) error {
	watched := &watchedConn{Conn: conn}
	client := gosnmp.GoSNMP{
		Target: "127.0.0.1", Port: Port, // never used: the session knows whom to ask
		Version: gosnmp.Version2c, Community: community,
		Context: ctx, Timeout: answerTimeout, Retries: 0, MaxOids: len(systemGroup),
		UseUnconnectedUDPSocket: true,
	}
	// Connect opens a local socket and sends nothing. It is needed for what else it sets up; the session's connection takes
	// the socket's place.
	if err := client.Connect(); err != nil {
		return err
	}
	if err := client.Close(); err != nil {
		return err
	}
	client.Conn = watched
	_, err := client.Get(systemGroup[:])
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(watched.err, os.ErrDeadlineExceeded):
		return discovery.ErrSilent
	case watched.err != nil:
		return watched.err
	}
	return fmt.Errorf("%w: %w", discovery.ErrNotUnderstood, err)
}

// watchedConn keeps the error of the connection, of which the library passes on only the text. It also hides that a connection
// may be a net.PacketConn, to which the library would write past the session's peer.
type watchedConn struct {
	net.Conn
	err error
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.err = err
	}
	return n, err
}

func (c *watchedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		c.err = err
	}
	return n, err
}
