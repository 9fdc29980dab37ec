package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kardianos/service"
)

// TestStatesOfSystemd reads what systemd 252 shows of a unit.
func TestStatesOfSystemd(t *testing.T) {
	for _, c := range []struct{ shown, want string }{
		{"LoadState=loaded\nActiveState=active\nSubState=running\n", stateRunning},
		{"LoadState=loaded\nActiveState=inactive\nSubState=dead\n", stateStopped},
		{"LoadState=not-found\nActiveState=inactive\nSubState=dead\n", stateNone},
		{"LoadState=loaded\nActiveState=activating\nSubState=auto-restart\n", stateFailing},
		{"LoadState=loaded\nActiveState=activating\nSubState=start\n", stateStarting},
		{"Type=oneshot\nLoadState=loaded\nActiveState=activating\nSubState=start\n", stateRunning},
		{"LoadState=loaded\nActiveState=failed\nSubState=failed\n", stateFailed},
		{"LoadState=not-found\nActiveState=failed\nSubState=failed\n", stateFailed},
		{"LoadState=loaded\nActiveState=deactivating\nSubState=stop-sigterm\n", stateStopping},
	} {
		if got := systemdState(c.shown); got != c.want {
			t.Errorf("%q is %s, want %s", c.shown, got, c.want)
		}
	}
}

func TestTheServiceManagerStopsInOrder(t *testing.T) {
	var _ service.Interface = newProgram(nil)
	ended := errors.New("ended in order")
	p := newProgram(func(ctx context.Context) error {
		<-ctx.Done()
		return ended
	})
	if err := p.Start(nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(nil); !errors.Is(err, ended) {
		t.Errorf("it was stopped with %v", err)
	}

	p = newProgram(func(context.Context) error { return ended })
	if err := p.Start(nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody is told that it ended by itself")
	}
	if err := p.Stop(nil); !errors.Is(err, ended) {
		t.Errorf("it was stopped with %v", err)
	}
}

func TestTheEventLogGetsWholeLines(t *testing.T) {
	var got []string
	w := &lineWriter{write: func(line string) { got = append(got, line) }}
	for _, part := range []string{"the next sur", "vey begins\n", "\n", "a\r\n  b\nrest"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if want := []string{"the next survey begins", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
