package ask

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// A protocol with a question by UDP and others by TCP: each leaves over its own transport only, and a TCP port that is closed after
// the datagram was answered is no distress.
func TestTwoTransports(t *testing.T) {
	noLeak(t)
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			_, _ = socket.WriteToUDPAddrPort(word("A"+string(buffer[framed:n])), from)
		}
	}()
	at := addrPort(socket.LocalAddr())

	var overUDP, overTCP, refused error
	p := wordProtocol("word", discovery.TCP, func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
		conn, err := s.DialOver(ctx, discovery.UDP)
		if err != nil {
			return err
		}
		if _, err := exchangeWord(conn, "D"); err != nil {
			return err
		}
		_, overUDP = conn.Write(word("Q1"))
		_, overTCP = s.Dial(ctx)
		refused = overTCP
		return overTCP
	})
	p.Asker.Requests = append(p.Asker.Requests, discovery.Request{
		Name: "datagram", Safety: discovery.SafetyB, Transport: discovery.UDP, Template: discovery.MustTemplate("u16( 44 )"), Max: 1,
	})
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: quick()})
	h := host(at.Addr().String(), discovery.ClassController, "word")
	h.Ports = map[string]uint16{"word": at.Port()}
	plan := k.Plan([]Host{h})
	requests := plan.Devices[0].Items[0].Requests
	last := requests[len(requests)-1]
	if last.Transport != "udp" || last.AtMost != 1+k.o.Limits.UDPRetries || requests[0].Transport != "" {
		t.Errorf("planned %+v", requests)
	}
	r := mustRun(t, k, h)
	if !errors.Is(overUDP, discovery.ErrNotListed) || !errors.Is(refused, discovery.ErrNotOffered) {
		t.Errorf("a question for TCP by UDP: %v; connecting: %v", overUDP, refused)
	}
	if r.Devices[0].Distress != "" || r.Counts.Distress > 0 {
		t.Errorf("distress %q", r.Devices[0].Distress)
	}
	wantLines(t, book, "datagram answered", "not listed skipped", "tcp-connect refused")
	if got := book.facts(discovery.KeyService); !slices.Equal(got, []string{"udp/" + fmt.Sprint(at.Port()) + " word"}) {
		t.Errorf("services %q", got)
	}
}

// The datagram's request does not leave over TCP.
func TestDatagramNotOverTCP(t *testing.T) {
	noLeak(t)
	device := tcpPeer(t, answerAll)
	p := wordProtocol("word", discovery.TCP, askWords("Q1", "D"))
	p.Asker.Requests = append(p.Asker.Requests, discovery.Request{
		Name: "datagram", Safety: discovery.SafetyB, Transport: discovery.UDP, Template: discovery.MustTemplate("u16( 44 )"), Max: 1,
	})
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: quick()})
	if r := mustRun(t, k, device.host(discovery.ClassController, "word")); r.Devices[0].Items[0].Outcome != ItemFailed {
		t.Errorf("result %+v", r)
	}
	wantLines(t, book, "question answered", "not listed skipped")
}

// Silence to a question that may go unanswered is no distress, and the question is not sent again; a request's own gap is kept.
func TestMayBeSilent(t *testing.T) {
	noLeak(t)
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			if buffer[framed] == 'Q' {
				_, _ = socket.WriteToUDPAddrPort(word("A"+string(buffer[framed:n])), from)
			}
		}
	}()
	var silence error
	var waited time.Duration
	const gap = 60 * time.Millisecond
	p := wordProtocol("word", discovery.UDP, func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
		conn, err := s.Dial(ctx)
		if err != nil {
			return err
		}
		if _, err := exchangeWord(conn, "Q1"); err != nil {
			return err
		}
		begun := time.Now()
		_, silence = exchangeWord(conn, "W")
		waited = time.Since(begun)
		_, err = exchangeWord(conn, "Q2")
		return err
	})
	p.Asker.Requests = append(p.Asker.Requests, discovery.Request{
		Name: "whoever", Safety: discovery.SafetyB, MayBeSilent: true, Gap: gap, Template: discovery.MustTemplate("u16( 57 )"), Max: 1,
	})
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: quick()})
	at := addrPort(socket.LocalAddr())
	h := host(at.Addr().String(), discovery.ClassController, "word")
	h.Ports = map[string]uint16{"word": at.Port()}
	r := mustRun(t, k, h)
	if !errors.Is(silence, discovery.ErrSilent) || r.Devices[0].Distress != "" || r.Devices[0].Items[0].Outcome != ItemAnswered {
		t.Errorf("silence %v, result %+v", silence, r.Devices[0])
	}
	if least := gap + quick().Answer; waited < least {
		t.Errorf("it took %s, want at least %s", waited, least)
	}
	wantLines(t, book, "question answered", "whoever silent", "question answered")
}
