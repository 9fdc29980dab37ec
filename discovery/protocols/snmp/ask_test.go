package snmp

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gosnmp/gosnmp"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
)

func target(communities ...string) discovery.Target {
	t := discovery.Target{Subject: discovery.Subject{IP: netip.MustParseAddr("127.0.0.1")}, Port: Port}
	for _, c := range communities {
		t.Credentials = append(t.Credentials, discovery.Credential{Protocol: "snmp", Kind: "community", Secret: c})
	}
	return t
}

// agent answers with what the function makes of each request.
func agent(answer func(request gosnmp.SnmpPacket) []byte) func(net.Conn) {
	return func(conn net.Conn) {
		buffer := make([]byte, 1500)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			decoder := gosnmp.GoSNMP{Version: gosnmp.Version2c}
			request, err := decoder.SnmpDecodePacket(buffer[:n])
			if err != nil {
				return
			}
			if reply := answer(*request); reply != nil {
				if _, err := conn.Write(reply); err != nil {
					return
				}
			}
		}
	}
}

// respond is the library's own encoding of an answer.
func respond(t *testing.T, request gosnmp.SnmpPacket, descr string) []byte {
	t.Helper()
	request.PDUType = gosnmp.GetResponse
	request.Variables = []gosnmp.SnmpPDU{{Name: ".1.3.6.1.2.1.1.1.0", Type: gosnmp.OctetString, Value: []byte(descr)}}
	reply, err := request.MarshalMsg()
	if err != nil {
		t.Error(err)
	}
	return reply
}

func TestAsk(t *testing.T) {
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
		Target: target("public"),
		Serve:  agent(func(request gosnmp.SnmpPacket) []byte { return respond(t, request, "a switch") }),
	})
	want := []string{" -> 127.0.0.1 udp/161 snmp: read", "127.0.0.1: snmp.sysDescr = a switch"}
	if got.Err != nil || !slices.Equal(got.Lines, want) || len(got.Sent) != 1 || got.Dials != 1 {
		t.Errorf("got %q, %d sent, error %v", got.Lines, len(got.Sent), got.Err)
	}
	if secrets, _ := Protocol().Asker.Requests[0].Template.Match(got.Sent[0].Bytes); len(secrets) != 1 || string(got.Sent[0].Bytes[secrets[0].From:secrets[0].To]) != "public" {
		t.Errorf("the template does not mark the community: %v", secrets)
	}
}

func TestAskLongCommunity(t *testing.T) {
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
		Target: target(strings.Repeat("c", maxCommunity), strings.Repeat("d", maxCommunity+1)),
		Serve:  agent(func(request gosnmp.SnmpPacket) []byte { return respond(t, request, "x") }),
	})
	if got.Err != nil || len(got.Sent) != 1 {
		t.Errorf("%d sent, error %v", len(got.Sent), got.Err)
	}
}

// Silence takes as long as the time-out, so these tests run on a clock of their own.
func TestAskTriesCommunitiesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tried []string
		got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
			Target: target("wrong", "right", "never", "too-many"),
			Serve: agent(func(request gosnmp.SnmpPacket) []byte {
				tried = append(tried, request.Community)
				if request.Community != "right" {
					return nil
				}
				return respond(t, request, "x")
			}),
		})
		if got.Err != nil || !slices.Equal(tried, []string{"wrong", "right"}) {
			t.Errorf("tried %q, error %v", tried, got.Err)
		}
	})
}

func TestAskSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
			Target: target("a", "b", "c", "d"), Serve: func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
		})
		if !errors.Is(got.Err, discovery.ErrSilent) || len(got.Sent) != maxCommunities {
			t.Errorf("%d sent, error %v", len(got.Sent), got.Err)
		}
	})
}

func TestAskGarbage(t *testing.T) {
	got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
		Target: target("public", "private"), Serve: agent(func(gosnmp.SnmpPacket) []byte { return []byte("\x30\x05hello") }),
	})
	if !errors.Is(got.Err, discovery.ErrNotUnderstood) || len(got.Sent) != 1 || len(got.Problems) != 1 {
		t.Errorf("%d sent, problems %v, error %v", len(got.Sent), got.Problems, got.Err)
	}
}

func TestAskNothingWithoutNeed(t *testing.T) {
	known := map[discovery.Key]string{KeySysDescr: "x", KeySysObjectID: "1.3", KeySysName: "y"}
	for name, peer := range map[string]discoverytest.Peer{
		"no_credentials": {Target: target()},
		"other_protocol": {Target: discovery.Target{Credentials: []discovery.Credential{{Protocol: "ssh", Kind: "community", Secret: "x"}}}},
		"known":          {Target: target("public"), Known: known},
	} {
		if got := discoverytest.Asked(t, Protocol(), peer); got.Err != nil || got.Dials != 0 {
			t.Errorf("%s: dialled %d times, error %v", name, got.Dials, got.Err)
		}
	}
}

// An old agent knows version 1 alone, and is silent to the other.
func TestAskFallsBackToVersion1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tried []gosnmp.SnmpVersion
		got := discoverytest.Asked(t, Protocol(), discoverytest.Peer{
			Target: target("public"),
			Serve: agent(func(request gosnmp.SnmpPacket) []byte {
				tried = append(tried, request.Version)
				if request.Version != gosnmp.Version1 {
					return nil
				}
				return respond(t, request, "x")
			}),
		})
		if got.Err != nil || len(tried) < 2 || tried[0] != gosnmp.Version2c || tried[1] != gosnmp.Version1 {
			t.Errorf("tried %v, error %v", tried, got.Err)
		}
	})
}
