package cotp

import (
	"bytes"
	"errors"
	"net"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// Requests as a SIMATIC manager and an IEC 61850 client send them.
func TestAppend(t *testing.T) {
	connect := AppendConnect(nil, 1, []byte{1, 0}, []byte{1, 2})
	if want := unhex(t, "0300 0016 11 e0 0000 0001 00 c0 01 0a c1 02 0100 c2 02 0102"); !bytes.Equal(connect, want) {
		t.Errorf("got % x, want % x", connect, want)
	}
	if got, want := AppendData(nil, []byte("2x")), dt(true, "2x"); !bytes.Equal(got, want) {
		t.Errorf("got % x, want % x", got, want)
	}
}

func TestCaller(t *testing.T) {
	confirm := unhex(t, "0300 0016 11 d0 0001 0003 00 c0 01 0a c1 02 0100 c2 02 0102")
	disconnect := unhex(t, "0300 000b 06 80 0001 0002 80")
	for name, c := range map[string]struct {
		answers  [][]byte // one for each question
		want     string
		bad, err error
	}{
		"one_piece":      {answers: [][]byte{confirm, dt(true, "whole")}, want: "whole"},
		"pieces":         {answers: [][]byte{confirm, append(dt(false, "in "), dt(true, "two")...)}, want: "in two"},
		"refused":        {answers: [][]byte{disconnect}, err: ErrRefused},
		"strange":        {answers: [][]byte{dt(true, "")}, err: discovery.ErrNotUnderstood},
		"other_protocol": {answers: [][]byte{[]byte("HTTP/1.1 400")}, err: discovery.ErrNotUnderstood},
		"ended":          {answers: [][]byte{confirm, disconnect}, bad: ErrRefused},
		"confirms_again": {answers: [][]byte{confirm, confirm}, bad: discovery.ErrNotUnderstood},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				buffer := make([]byte, 4096)
				for _, answer := range c.answers {
					if _, err := far.Read(buffer); err != nil {
						return
					}
					_, _ = far.Write(answer)
				}
			}()
			d := dialogue.New(t.Context(), near, Frame)
			caller, err := Call(d, []byte{1, 0}, []byte{1, 2})
			if !errors.Is(err, c.err) {
				t.Errorf("call: %v, want %v", err, c.err)
			}
			if err == nil {
				got, err := caller.Ask([]byte("?"))
				if string(got) != c.want || !errors.Is(err, c.bad) {
					t.Errorf("got %q, %v; want %q, %v", got, err, c.want, c.bad)
				}
			}
			d.Close()
			<-done
		})
	}
}
