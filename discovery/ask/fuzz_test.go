package ask

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// hostile is a connection whose other end says whatever the fuzzer thinks of, in pieces of whatever size, and then ends.
type hostile struct {
	says  []byte
	piece int
	got   bytes.Buffer
}

func (h *hostile) Read(b []byte) (int, error) {
	if len(h.says) == 0 {
		return 0, io.EOF
	}
	n := copy(b, h.says[:min(h.piece, len(h.says))])
	h.says = h.says[n:]
	return n, nil
}

func (h *hostile) Write(b []byte) (int, error)      { return h.got.Write(b) }
func (h *hostile) Close() error                     { return nil }
func (h *hostile) CloseWrite() error                { return nil }
func (h *hostile) LocalAddr() net.Addr              { return nil }
func (h *hostile) RemoteAddr() net.Addr             { return nil }
func (h *hostile) SetDeadline(time.Time) error      { return nil }
func (h *hostile) SetReadDeadline(time.Time) error  { return nil }
func (h *hostile) SetWriteDeadline(time.Time) error { return nil }

// FuzzMetering lets a hostile device answer anything and a broken asker write anything: nothing but listed messages leaves,
// the budgets hold, every message that left stands in the ledger, and nothing panics.
func FuzzMetering(f *testing.F) {
	all := bytes.Join([][]byte{word("S"), word("Q1"), word("Lx"), word("Q2")}, nil)
	f.Add(bytes.Join([][]byte{word("A"), word("A1"), word("A"), word("!")}, nil), uint8(3), all, uint8(5), true)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), uint8(1), append(all, "\x00\x04W5=1"...), uint8(1), true)
	f.Add(word("panic"), uint8(200), bytes.Repeat(word("Q"), 40), uint8(255), false)
	f.Add([]byte{0xff, 0xff, 0xff}, uint8(2), []byte{0xff, 0xff}, uint8(1), true)
	f.Fuzz(func(t *testing.T, says []byte, piece uint8, writes []byte, step uint8, stream bool) {
		if len(says) > 1<<16 || len(writes) > 1<<12 {
			return
		}
		transport := discovery.UDP
		if stream {
			transport = discovery.TCP
		}
		p := wordProtocol("word", transport, func(ctx context.Context, s discovery.Session, _ discovery.Target) error {
			conn, err := s.Dial(ctx)
			if err != nil {
				return err
			}
			buffer := make([]byte, 64)
			for b := writes; len(b) > 0; {
				n := min(int(step)+1, len(b))
				if _, err := conn.Write(b[:n]); err != nil && !stream {
					return err
				}
				b = b[n:]
				if _, err := conn.Read(buffer); err != nil {
					return err
				}
			}
			return nil
		})
		limits := quick()
		for _, c := range []*ClassLimits{&limits.Controller} {
			c.Gap, c.Pause, c.Questions = time.Nanosecond, time.Nanosecond, 7
		}
		limits.SetupGap, limits.Rate, limits.Packets, limits.Received = time.Nanosecond, 1e9, 1<<30, 1<<12
		k, book := newKeeper(t, Options{Protocols: []discovery.Protocol{p}, Limits: limits})
		device := &hostile{says: says, piece: int(piece) + 1}
		k.dial = func(context.Context, string, string) (net.Conn, error) { return device, nil }
		mustRun(t, k, host("10.0.0.5", Controller, "word"))

		left := device.got.Bytes()
		questions, messages := 0, 0
		for len(left) > 0 {
			n, err := wordLength(left)
			if err != nil || n == 0 {
				t.Fatalf("left: %x", left)
			}
			listed := ""
			for _, r := range p.Asker.Requests {
				if _, ok := r.Template.Match(left[:n]); ok && r.Safety != discovery.SafetyC {
					listed = r.Name
				}
			}
			switch listed {
			case "":
				t.Fatalf("left, not listed: %x", left[:n])
			case "question", "login":
				questions++
			}
			messages++
			left = left[n:]
		}
		if questions > 7 {
			t.Errorf("%d questions", questions)
		}
		written := 0
		for _, e := range book.ledger {
			if e.Outcome != discovery.Skipped {
				written++
			}
		}
		if written != messages {
			t.Errorf("%d messages left, %d stand in the ledger: %q", messages, written, book.lines())
		}
	})
}
