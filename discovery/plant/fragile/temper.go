package fragile

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// temper is how a device is upset. The zero value of a field leaves that weakness out.
type temper struct {
	slots    int           // connections that it holds at once, its panel's counted; 0 = 8
	leaks    bool          // a connection that does not end with FIN keeps its slot for ever
	evicts   bool          // when full it throws out its oldest client; else it turns the new one away
	panel    bool          // an operator panel holds a connection and polls
	jealous  bool          // it stalls when a second client connects
	rate     int           // it stalls above so many questions within a second
	stall    time.Duration // how long it then does nothing at all; 0 = 30 s
	work     time.Duration // that an answer takes; 0 = 5 ms
	slower   float64       // each answer takes so many times longer than the one before
	perByte  time.Duration // it sends its answers byte by byte, with this between two
	reboots  bool          // a function that it does not know restarts it
	breaks   bool          // it breaks the connection off when it is asked for its identification
	nonsense nonsense      // what it answers instead of an answer
	deaf     bool          // it never closes a connection, whatever the client does
	mortal   int           // it falls silent for good after so many questions
}

// The times of the tempers.
const (
	stallTime     = 30 * time.Second
	abandoned     = time.Minute // a connection without a word for so long was abandoned
	pollEvery     = 500 * time.Millisecond
	pollPatience  = 250 * time.Millisecond // a poll that waits longer shows on the panel
	collapse      = 3 * time.Second        // a device that grows slower gives up at this answer time
	defaultSlots  = 8
	defaultWork   = 5 * time.Millisecond
	strangeAtMost = 1 // questions that follow nonsense without harm
)

func (t *temper) fill() {
	if t.slots == 0 {
		t.slots = defaultSlots
	}
	if t.stall == 0 {
		t.stall = stallTime
	}
	if t.work == 0 {
		t.work = defaultWork
	}
}

// busy does one thing for a time, alone. It reports false when the context ends first.
func (d *Device) busy(ctx context.Context, t time.Duration) bool {
	select {
	case d.cpu <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-d.cpu }()
	return sleep(ctx, t)
}

func sleep(ctx context.Context, t time.Duration) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// stall makes the device do nothing for a time.
func (d *Device) stall(ctx context.Context, reason string) {
	d.upset("it stalled: " + reason)
	d.busy(ctx, d.temper.stall)
}

// answer thinks about one message and gives the reply, which is empty for silence, and whether the connection ends with it.
func (d *Device) answer(ctx context.Context, s speech, message []byte) (reply []byte, end bool) {
	said := s.answer(message)
	if d.isDead() {
		return nil, false
	}
	if said.setup {
		d.mu.Lock()
		d.report.Setup++
		d.mu.Unlock()
	} else if !d.question(ctx) {
		return nil, false
	}
	if said.unknown && d.temper.reboots {
		d.upset(fmt.Sprintf("it restarted: it does not know % x", message[:min(len(message), 16)]))
		d.busy(ctx, d.temper.stall)
		return nil, true
	}
	if !d.busy(ctx, d.effort(said.setup)) {
		return nil, true
	}
	if d.temper.nonsense != sense {
		d.mu.Lock()
		d.strange++
		if d.strange > strangeAtMost {
			d.upsetNow("it was asked again after an answer that made no sense")
		}
		d.mu.Unlock()
		return d.temper.nonsense.instead(said.reply), false
	}
	return said.reply, said.end
}

// question counts a question and reports whether it is to be answered.
func (d *Device) question(ctx context.Context) bool {
	d.mu.Lock()
	d.report.Questions++
	now := time.Now()
	d.recent = append(slices.DeleteFunc(d.recent, func(at time.Time) bool { return now.Sub(at) >= time.Second }), now)
	tooMany := d.temper.rate > 0 && len(d.recent) > d.temper.rate
	last := d.temper.mortal > 0 && d.report.Questions > d.temper.mortal
	d.mu.Unlock()
	if tooMany {
		d.stall(ctx, fmt.Sprintf("more than %d questions within a second", d.temper.rate))
	}
	if last {
		d.die()
		return false
	}
	return true
}

// effort is how long the next answer takes.
func (d *Device) effort(setup bool) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.temper.slower == 0 || setup {
		return d.temper.work
	}
	if d.slowed == 0 {
		d.slowed = d.temper.work
	} else {
		d.slowed = time.Duration(float64(d.slowed) * d.temper.slower)
	}
	if d.slowed > collapse {
		d.upsetNow(fmt.Sprintf("it collapsed: it was asked on although its answers had grown from %s to %s", d.temper.work, d.slowed))
	}
	return d.slowed
}
