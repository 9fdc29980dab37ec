package ask

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/protocols/ssdp"
)

// A station answers from another port than it was asked at; what another host sends meanwhile is passed over.
func TestAnswersFromAnotherPort(t *testing.T) {
	noLeak(t)
	listen := func(address string) *net.UDPConn {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
		if err != nil {
			t.Skipf("no socket at %s: %v", address, err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	asked, elsewhere, stranger := listen("127.0.0.1:0"), listen("127.0.0.1:0"), listen("127.0.0.3:0")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = asked.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, from, err := asked.ReadFromUDPAddrPort(make([]byte, 1500))
		if err != nil {
			return
		}
		_, _ = stranger.WriteToUDPAddrPort([]byte("HTTP/1.1 200 OK\r\nSERVER: a stranger\r\nST: upnp:rootdevice\r\nUSN: uuid:2\r\n\r\n"), from)
		_, _ = elsewhere.WriteToUDPAddrPort([]byte("HTTP/1.1 200 OK\r\nSERVER: the device\r\nST: upnp:rootdevice\r\nUSN: uuid:1\r\n\r\n"), from)
	}()
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{ssdp.Protocol()}, Limits: quick(), Allow: []string{"ssdp"}})
	h := Host{
		Subject: discovery.Subject{IP: addrPort(asked.LocalAddr()).Addr()}, Class: Controller,
		Evidence: map[string]discovery.Grade{"ssdp": discovery.GradeNamed}, Ports: map[string]uint16{"ssdp": addrPort(asked.LocalAddr()).Port()},
	}
	mustRun(t, k, h)
	<-done
	wantLines(t, book, "search answered")
	for _, o := range book.observations {
		for _, f := range o.Facts {
			if f.Key == ssdp.KeyServer && f.Value != "the device" {
				t.Errorf("heard %q", f.Value)
			}
		}
	}
}
