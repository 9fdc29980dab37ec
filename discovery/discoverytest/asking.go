package discoverytest

import (
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The ends of the conversations that tests make up (RFC 5737).
const (
	ClientIP = "192.0.2.9"
	ServerIP = "192.0.2.1"
)

// Between is a conversation of ClientIP with a port of ServerIP.
func Between(transport discovery.Transport, port uint16) discovery.Flow {
	return discovery.Flow{
		Ends:  [2]discovery.Subject{{IP: netip.MustParseAddr(ClientIP)}, {IP: netip.MustParseAddr(ServerIP)}},
		Ports: [2]uint16{40000, port}, Transport: transport,
	}
}

// Unhex makes bytes of hex digits; blanks are for the eye. A mistake is the programmer's.
func Unhex(parts ...string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(strings.Join(parts, "")), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// Says is a message of one side, in pieces.
func Says[T string | []byte](side discovery.Side, pieces ...T) Message {
	m := Message{Side: side}
	for _, piece := range pieces {
		m.Bytes = append(m.Bytes, piece...)
	}
	return m
}

// Asking is one case of asking a peer in memory at ServerIP: what it says, and what must come of that.
type Asking struct {
	// Answers are what the peer says, one to each message that it gets. Nil is silence, and so is what comes after the last.
	Answers [][]byte
	Ends    bool // the peer ends the connection where it has no more answers
	Known   map[discovery.Key]string
	Allowed []string // of class C; nil: the whole protocol
	Target  discovery.Target
	Want    []string // the names of all that is sent, in order
	Told    []string // lines that must be told, among others
	Err     error
}

// RunAsking lets the protocol's asker put its questions in each case, in a time of its own: silence costs none.
func RunAsking(t *testing.T, p discovery.Protocol, cases map[string]Asking) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				peer := Peer{Target: c.Target, Known: c.Known, Allowed: c.Allowed, Serve: serve(c.Answers, c.Ends)}
				peer.Target.Subject.IP = netip.MustParseAddr(ServerIP)
				if peer.Target.Port == 0 {
					peer.Target.Port = p.Asker.Port
				}
				if c.Allowed == nil {
					peer.Allowed = []string{p.Name}
				}
				got := Asked(t, p, peer)
				if !slices.Equal(got.Requests(), c.Want) || !errors.Is(got.Err, c.Err) || c.Err == nil && got.Err != nil {
					t.Errorf("asked %q, error %v; want %q, %v", got.Requests(), got.Err, c.Want, c.Err)
				}
				for _, line := range c.Told {
					if !slices.Contains(got.Lines, line) {
						t.Errorf("%q was not told, but:\n%s", line, strings.Join(got.Lines, "\n"))
					}
				}
			})
		})
	}
}

// Serve is a peer that answers each message with the next of the answers, and is silent after the last.
func Serve(answers ...[]byte) func(net.Conn) { return serve(answers, false) }

func serve(answers [][]byte, ends bool) func(net.Conn) {
	return func(conn net.Conn) {
		buffer := make([]byte, 1<<16)
		for i := 0; ; i++ {
			if _, err := conn.Read(buffer); err != nil || ends && i >= len(answers) {
				return
			}
			if i < len(answers) && answers[i] != nil {
				if _, err := conn.Write(answers[i]); err != nil {
					return
				}
			}
		}
	}
}
