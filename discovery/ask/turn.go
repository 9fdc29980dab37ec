package ask

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// turn is one run of an asker.
type turn struct {
	protocol string
	address  string // for people
	ctx      context.Context
	ending   context.Context
	ask      func() error
	end      func() // closes what the asker left open
}

// unwinding is how long an asker may take after an interrupt to say its protocol's farewell and return, before its connection
// is closed under it.
const unwinding = 300 * time.Millisecond

// await runs the asker in a goroutine of its own, because it may panic and after an interrupt it may be slow to return, and
// closes after it whatever it left open.
func (k *Keeper) await(t turn, counts *tally) error {
	done := make(chan error, 1)
	go func() { done <- k.guarded(t) }()
	select {
	case err := <-done:
		t.end()
		return err
	case <-t.ctx.Done():
	}
	timer := time.NewTimer(unwinding)
	defer timer.Stop()
	select {
	case err := <-done:
		t.end()
		return err
	case <-timer.C:
	}
	t.end()
	select {
	case err := <-done:
		return err
	case <-t.ending.Done():
		// Every operation of the session fails by now; an asker that still does not return waits for something else.
		counts.trouble(t.protocol, "the asker did not return after an interrupt", t.address)
		return context.Cause(t.ctx)
	}
}

// guarded runs the asker; a panic, which libraries do on what a device says, becomes an error.
func (k *Keeper) guarded(t turn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			k.log.Error("an asker failed", "protocol", t.protocol, "addr", t.address, "err", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return t.ask()
}
