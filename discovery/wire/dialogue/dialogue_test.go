package dialogue

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// counted frames messages that begin with their length.
func counted(b []byte) (int, error) {
	switch {
	case len(b) == 0:
		return 0, nil
	case b[0] == 0:
		return 0, errors.New("length 0 at byte 0")
	}
	return int(b[0]), nil
}

func pair(t *testing.T, serve func(net.Conn)) net.Conn {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = far.Close() }()
		serve(far)
	}()
	t.Cleanup(func() {
		_ = near.Close()
		<-done
	})
	return near
}

func TestAsk(t *testing.T) {
	conn := pair(t, func(far net.Conn) {
		question := make([]byte, 2)
		_, _ = io.ReadFull(far, question)
		// Two messages and a half in odd pieces, then the rest.
		for _, piece := range []string{"\x03", "ab\x02", "c\x04d", "ef"} {
			_, _ = far.Write([]byte(piece))
		}
	})
	d := New(t.Context(), conn, counted)
	defer d.Close()
	got, err := d.Ask([]byte{2, 1})
	if err != nil || string(got) != "\x03ab" {
		t.Fatalf("got %q, %v", got, err)
	}
	for _, want := range []string{"\x02c", "\x04def"} {
		if got, err := d.Receive(); err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if _, err := d.Receive(); !errors.Is(err, ErrEnded) {
		t.Errorf("at the end: %v", err)
	}
}

func TestReasons(t *testing.T) {
	for name, c := range map[string]struct {
		serve  func(net.Conn)
		length func([]byte) (int, error)
		want   error
	}{
		"silent":    {func(far net.Conn) { _, _ = io.Copy(io.Discard, far) }, counted, discovery.ErrSilent},
		"unframed":  {func(far net.Conn) { _, _ = far.Read(make([]byte, 9)); _, _ = far.Write([]byte{0}) }, counted, discovery.ErrNotUnderstood},
		"too_long":  {func(far net.Conn) { _, _ = far.Read(make([]byte, 9)); _, _ = far.Write([]byte{1}) }, func(b []byte) (int, error) { return 1 << 20, nil }, discovery.ErrNotUnderstood},
		"ended":     {func(far net.Conn) { _, _ = far.Read(make([]byte, 9)) }, counted, ErrEnded},
		"cut_short": {func(far net.Conn) { _, _ = far.Read(make([]byte, 9)); _, _ = far.Write([]byte{9, 1}) }, counted, ErrEnded},
		"endless": {func(far net.Conn) {
			_, _ = far.Read(make([]byte, 9))
			for {
				if _, err := far.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, func([]byte) (int, error) { return 0, nil }, discovery.ErrNotUnderstood},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := New(t.Context(), pair(t, c.serve), c.length)
				defer d.Close()
				if _, err := d.Ask([]byte{2, 1}); !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
			})
		})
	}
}

// After an interrupt no question leaves any more, but the farewell does, and nobody waits.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var heard []byte
		conn := pair(t, func(far net.Conn) { heard, _ = io.ReadAll(far) })
		d := New(ctx, conn, counted)
		time.AfterFunc(time.Second, cancel)
		begun := time.Now()
		if _, err := d.Ask([]byte{2, 1}); !errors.Is(err, context.Canceled) || time.Since(begun) > time.Second {
			t.Errorf("error %v after %s", err, time.Since(begun))
		}
		if err := d.Send([]byte{2, 2}); !errors.Is(err, context.Canceled) {
			t.Errorf("a question after the interrupt: %v", err)
		}
		d.Farewell([]byte{2, 3})
		d.Close()
		synctest.Wait()
		if string(heard) != "\x02\x01\x02\x03" {
			t.Errorf("sent %q", heard)
		}
	})
}
