package ask

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pace holds messages to one device back until they may leave. The gaps run from message to message, whatever connection or
// protocol they belong to.
type pace struct {
	limits  Limits
	class   ClassLimits
	overall *rate.Limiter
	random  func() float64

	mu           sync.Mutex
	lastQuestion time.Time
	lastMessage  time.Time
	lastClosed   time.Time // end of the last TCP connection
	rtt          time.Duration
}

// question waits until a question may leave: the gap of the device, or the request's own where that is longer, then the turn among
// all devices.
func (p *pace) question(ctx context.Context, own time.Duration) error {
	p.mu.Lock()
	due := later(after(p.lastQuestion, max(p.gap(), p.jittered(own))), after(p.lastMessage, p.limits.SetupGap))
	p.mu.Unlock()
	if err := sleepUntil(ctx, due); err != nil {
		return err
	}
	return p.overall.Wait(ctx)
}

// setup waits until a message of set-up or tear-down may leave.
func (p *pace) setup(ctx context.Context) error {
	p.mu.Lock()
	due := after(p.lastMessage, p.limits.SetupGap)
	p.mu.Unlock()
	return sleepUntil(ctx, due)
}

// connect waits until a connection may be opened. It takes a turn like a question: the set-up of a connection costs a small
// device more than the question does.
func (p *pace) connect(ctx context.Context) error {
	p.mu.Lock()
	due := later(after(p.lastClosed, p.jittered(p.class.Pause)), after(p.lastMessage, p.limits.SetupGap))
	p.mu.Unlock()
	if err := sleepUntil(ctx, due); err != nil {
		return err
	}
	return p.overall.Wait(ctx)
}

// gap is the least time between two questions: that of the class, longer for a device that is slow to answer.
func (p *pace) gap() time.Duration {
	gap := max(p.class.Gap, 2*p.rtt)
	if p.rtt > p.limits.SlowRTT {
		gap = max(gap, p.limits.SlowGap)
	}
	return p.jittered(gap)
}

// jittered only lengthens: what the limits call the least stays the least.
func (p *pace) jittered(d time.Duration) time.Duration {
	return d + time.Duration(float64(d)*p.limits.Jitter*p.random())
}

func (p *pace) sent(at time.Time, setup bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastMessage = at
	if !setup {
		p.lastQuestion = at
	}
}

func (p *pace) answered(rtt time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rtt = rtt
}

func (p *pace) closed(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastClosed = at
}

// after is t+d, and zero when there is no t.
func after(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(d)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sleepUntil sleeps, or gives the context's error when that ends first or has ended.
func sleepUntil(ctx context.Context, t time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d := time.Until(t)
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
