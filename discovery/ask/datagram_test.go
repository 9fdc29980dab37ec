package ask

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// answerFrom answers from the nth datagram on; the lab's pipes carry datagrams well enough.
func answerFrom(first int) func(string, net.Conn) {
	return func(_ string, conn net.Conn) {
		for n := 1; ; n++ {
			text, err := readNoted(conn)
			if err != nil {
				return
			}
			if n < first {
				continue
			}
			if _, err := conn.Write(word("A" + text)); err != nil {
				return
			}
		}
	}
}

func TestDatagrams(t *testing.T) {
	for _, c := range []struct {
		name     string
		handle   func(string, net.Conn)
		texts    []string
		outcome  ItemOutcome
		ledger   []string
		distress bool
	}{
		{"answered", answerFrom(1), []string{"Q1", "Q2"}, ItemAnswered, []string{"question answered", "question answered"}, false},
		{"answered_when_repeated", answerFrom(2), []string{"Q1", "Q2"}, ItemAnswered, []string{"question silent", "question answered", "question answered"}, false},
		{"silent", answerFrom(99), []string{"Q1", "Q2"}, ItemSilent, []string{"question silent", "question silent"}, false},
		{"silent_after_answers", func(a string, conn net.Conn) {
			_, _ = readNoted(conn)
			_, _ = conn.Write(word("A"))
			answerFrom(99)(a, conn)
		}, []string{"Q1", "Q2"}, ItemDistress, []string{"question answered", "question silent", "question silent"}, true},
		{"garbage", func(_ string, conn net.Conn) { _, _ = readNoted(conn); _, _ = conn.Write([]byte{0}) }, []string{"Q1"}, ItemNotUnderstood, []string{"question garbage"}, false},
		{"not_listed", answerFrom(1), []string{"Q1", "W1"}, ItemFailed, []string{"question answered", "not listed skipped"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lab{handle: c.handle}
				k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.UDP, askWords(c.texts...))}})
				k.dial = l.dial
				r := mustRun(t, k, host("10.0.0.5", Controller, "word"))
				if r.Devices[0].Items[0].Outcome != c.outcome || (r.Devices[0].Distress != "") != c.distress {
					t.Errorf("got %+v", r.Devices[0])
				}
				wantLines(t, book, c.ledger...)
				for _, gap := range l.gaps("10.0.0.5:4000", "Q") {
					if gap < time.Second {
						t.Errorf("gap %s", gap)
					}
				}
			})
		})
	}
}

func TestDatagramToAClosedPort(t *testing.T) {
	noLeak(t)
	var config net.ListenConfig
	socket, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := addrPort(socket.LocalAddr()).Port()
	_ = socket.Close()
	var got error
	ask := func(ctx context.Context, s discovery.Session, t discovery.Target) error {
		got = askWords("Q1")(ctx, s, t)
		return got
	}
	k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{wordProtocol("word", discovery.UDP, ask)}, Limits: quick()})
	h := host("127.0.0.1", Controller, "word")
	h.Ports = map[string]uint16{"word": port}
	r := mustRun(t, k, h)
	if !errors.Is(got, discovery.ErrNotOffered) || r.Devices[0].Items[0].Outcome != ItemNotOffered {
		t.Errorf("got %v, %+v", got, r.Devices[0])
	}
	wantLines(t, book, "question refused")
}

// One socket, several secrets, one datagram each: silence to a credential counts for nothing.
func TestCredentialsAreTriedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{handle: func(_ string, conn net.Conn) {
			for {
				text, err := readNoted(conn)
				if err != nil {
					return
				}
				if text == "Lsecond" {
					_, _ = conn.Write(word("A"))
				}
			}
		}}
		ask := func(ctx context.Context, s discovery.Session, target discovery.Target) error {
			conn, err := s.Dial(ctx)
			if err != nil {
				return err
			}
			for _, c := range target.Credentials {
				if _, err = exchangeWord(conn, "L"+c.Secret); err == nil {
					return nil
				}
			}
			return err
		}
		k, book := newKeeper(t, Options{
			Protocols: []discovery.Protocol{wordProtocol("word", discovery.UDP, ask)},
			Credentials: []discovery.Credential{
				{Protocol: "word", Secret: "first"}, {Protocol: "other", Secret: "not this"}, {Protocol: "word", Secret: "second"},
			},
		})
		k.dial = l.dial
		r := mustRun(t, k, host("10.0.0.5", Infrastructure, "word"))
		if r.Devices[0].Items[0].Outcome != ItemAnswered || r.Devices[0].Distress != "" {
			t.Errorf("got %+v", r.Devices[0])
		}
		wantLines(t, book, "login silent", "login silent", "login answered")
		for _, e := range book.ledger {
			if strings.Contains(string(e.Bytes), "first") || strings.Contains(string(e.Bytes), "second") {
				t.Errorf("the ledger holds a secret: %q", e.Bytes)
			}
		}
	})
}
