package ask

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Run asks what the plan lists, several devices at once, each over one connection at a time. Before anything is sent the plan
// is checked against the scope, the exclusions and the protocols' lists; a plan that does not hold gives an error. When the
// context ends, no further question leaves, connections are closed in order, and Run returns within a second, with the
// context's cause beside what was learnt until then. One device never ends a run.
func (k *Keeper) Run(ctx context.Context, p Plan) (Result, error) {
	if err := k.check(p); err != nil {
		return Result{}, err
	}
	asking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := newRun(k, p)
	r.brake = &brake{limits: k.o.Limits, closed: func() error { return k.o.Windows.closed(k.now()) }, stop: stop, notice: k.notice}
	ending, release := k.ending(asking)
	defer release()
	r.held.ctx = ending
	devices := newOrder(p.Devices, k.o.Limits.AtOnePort)
	defer context.AfterFunc(asking, devices.end)()
	var workers, watching sync.WaitGroup
	watched, enough := context.WithCancel(asking)
	watching.Go(func() { r.bystanders(watched) })
	for range min(k.o.Limits.Devices, len(p.Devices)) {
		workers.Go(func() {
			for {
				i, ok := devices.next()
				if !ok {
					return
				}
				r.device(asking, i)
				devices.done(i)
			}
		})
	}
	workers.Wait()
	enough()
	watching.Wait()
	r.held.wait()
	return r.result(ctx, context.Cause(asking))
}

// ending is a context that outlives an interrupt by the time that closing in order may take.
func (k *Keeper) ending(ctx context.Context) (ending context.Context, release func()) {
	ending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var timer *time.Timer
	var mu sync.Mutex
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(k.o.Limits.Stop, cancel)
	})
	return ending, func() {
		stop()
		cancel()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
	}
}

type run struct {
	k        *Keeper
	plan     Plan
	tally    *tally
	brake    *brake
	held     holder
	expected float64 // seconds, of the run
	work     float64 // seconds, of all devices one after another

	mu      sync.Mutex
	results []*DeviceResult
	done    int
	worked  float64 // seconds of the devices that are done
}

func newRun(k *Keeper, p Plan) *run {
	r := &run{k: k, plan: p, tally: newTally(), results: make([]*DeviceResult, len(p.Devices)), expected: p.Totals.Seconds}
	if p.Sweep != nil {
		r.expected -= p.Sweep.Seconds
	}
	for _, d := range p.Devices {
		r.work += d.Seconds
	}
	return r
}

func (r *run) device(ctx context.Context, i int) {
	if ctx.Err() != nil {
		return
	}
	d := r.plan.Devices[i]
	result := r.k.newVisit(d, r).run(ctx)
	r.mu.Lock()
	r.results[i] = &result
	r.done++
	r.worked += d.Seconds
	r.mu.Unlock()
	r.progress()
}

// lateSigns tells what the passive ear heard of devices after the last message to them.
func (r *run) lateSigns() {
	for _, d := range r.results {
		if d == nil || d.Distress != "" {
			continue
		}
		if sign := r.k.o.Watch.sign(d.Subject.IP); sign != "" {
			d.Distress = "overheard: " + sign
			r.k.observe(discovery.Observation{
				Protocol: "ip", Subject: d.Subject, Facts: []discovery.Fact{discovery.NewFact(discovery.KeyDistress, d.Distress)},
			})
			r.tally.device(false, false, true)
			r.tally.reason(fmt.Sprintf("%s showed distress after it was asked: %s", d.Subject.IP, d.Distress))
		}
	}
}

// progress tells how far the run is. The time that is left is the plan's, shrunk by the devices that are done.
func (r *run) progress() {
	counts := r.tally.sofar()
	r.mu.Lock()
	p := Progress{Devices: len(r.plan.Devices), Done: r.done, Questions: counts.Questions, Answered: counts.Replies}
	if r.work > 0 {
		p.Left = time.Duration(r.expected * (r.work - r.worked) / r.work * float64(time.Second))
	}
	r.mu.Unlock()
	r.k.progress(p)
}

// result sums the run up. cause is why it ended before its plan did; nil when it did not.
func (r *run) result(ctx context.Context, cause error) (Result, error) {
	r.lateSigns()
	out := r.tally.result()
	reached := 0
	for _, d := range r.results {
		if d == nil {
			continue
		}
		out.Devices = append(out.Devices, *d)
		if !d.isUnasked() {
			reached++
		}
	}
	if cause == nil {
		return out, nil
	}
	if ctx.Err() == nil {
		out.Stopped = cause.Error()
		out.Reasons = append(out.Reasons, fmt.Sprintf("%v; %d of %d devices were not asked", cause, len(r.results)-reached, len(r.results)))
		return out, nil
	}
	out.Interrupted = true
	if missed := len(r.results) - reached; missed > 0 {
		out.Reasons = append(out.Reasons, fmt.Sprintf("interrupted: %d of %d devices were not asked", missed, len(r.results)))
	} else {
		out.Reasons = append(out.Reasons, "interrupted")
	}
	return out, context.Cause(ctx)
}
