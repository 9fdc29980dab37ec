package ask

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/walkdown-ot/walkdown/discovery"
)

// pace holds messages to one device back until they may leave. The gaps run from message to message, whatever connection or
// protocol they belong to.
type pace struct {
	limits  Limits
	class   ClassLimits
	overall *rate.Limiter
	packets *rate.Limiter
	stream  bool // the connection that is open, or is to be, is TCP's
	brake   *brake
	random  func() float64

	mu           sync.Mutex
	lastQuestion time.Time
	lastMessage  time.Time
	lastClosed   time.Time // end of the last TCP connection
	lastRefused  time.Time // when the last one was refused
	rtt          time.Duration
	slow         bool // by its own measure
}

// question waits until a question may leave: the gap of the device, or the request's own where that is longer, then the turn among
// all devices, and while the run is paused.
func (p *pace) question(ctx context.Context, own time.Duration) error {
	p.mu.Lock()
	due := later(after(p.lastQuestion, max(p.gap(), p.jittered(own))), after(p.lastMessage, p.limits.SetupGap))
	p.mu.Unlock()
	return p.turn(ctx, due)
}

// turn waits for the time, for the brake, and for the turn among all devices.
func (p *pace) turn(ctx context.Context, due time.Time) error {
	if err := sleepUntil(ctx, due); err != nil {
		return err
	}
	if err := p.brake.wait(ctx); err != nil {
		return err
	}
	if err := p.overall.Wait(ctx); err != nil {
		return err
	}
	return p.packets.WaitN(ctx, p.cost())
}

// cost is the packets that a message is: with its acknowledgement on a stream, and so is a handshake.
func (p *pace) cost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stream {
		return packetsPerMessage
	}
	return 1
}

// over notes the transport of the connection that is used next.
func (p *pace) over(t discovery.Transport) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stream = t == discovery.TCP
}

// afford waits for room on the wire for so many packets.
func (p *pace) afford(ctx context.Context, n int) {
	for n > 0 {
		some := min(n, p.packets.Burst())
		if p.packets.WaitN(ctx, some) != nil {
			return
		}
		n -= some
	}
}

// spent counts packets that leave without waiting, at the end of a connection. Later ones wait for them.
func (p *pace) spent(n int) {
	for n > 0 {
		some := min(n, p.packets.Burst())
		p.packets.ReserveN(time.Now(), some)
		n -= some
	}
}

// setup waits until a message of set-up or tear-down may leave. When asking ends, what is still to be said leaves at once.
func (p *pace) setup(ctx, asking context.Context) error {
	p.mu.Lock()
	due := after(p.lastMessage, p.limits.SetupGap)
	p.mu.Unlock()
	if err := sleepUntil(ctx, due); err != nil {
		return err
	}
	_ = p.packets.WaitN(asking, p.cost())
	return ctx.Err()
}

// connect waits until a connection may be opened. It takes a turn like a question: the set-up of a connection costs a small
// device more than the question does.
func (p *pace) connect(ctx context.Context) error {
	p.mu.Lock()
	due := later(after(p.lastClosed, p.jittered(p.class.Pause)), after(p.lastMessage, p.limits.SetupGap))
	due = later(due, after(p.lastRefused, p.gap()))
	p.mu.Unlock()
	return p.turn(ctx, due)
}

// refused notes that a port was closed. The next one is tried after the gap between two questions.
func (p *pace) refused(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastRefused = at
}

// gap is the least time between two questions: that of the class, longer for a device that is slow to answer.
func (p *pace) gap() time.Duration {
	gap := max(p.class.Gap, 2*p.rtt)
	if p.rtt > p.limits.SlowRTT || p.slow {
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

func (p *pace) answered(rtt time.Duration, slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rtt, p.slow = rtt, slow
}

func (p *pace) closed(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastClosed = at
	p.spent(packetsPerConnection / 2)
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
