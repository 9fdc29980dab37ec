package ask

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// maxStillThere is how often at most one device is looked for in a run.
const maxStillThere = 3

// ErrStopped says that the run ended itself before its plan did: a window closed, or devices fell silent.
var ErrStopped = errors.New("the run was stopped")

// brake holds or ends a whole run: when devices fall silent, and when the maintenance window closes.
type brake struct {
	limits Limits
	closed func() error // outside of the windows
	stop   context.CancelCauseFunc
	notice func(string)

	mu     sync.Mutex
	fallen []string      // what is to be said of each device
	held   chan struct{} // closed when the pause is over; nil: there is none
}

// fell counts a device that had been there and is gone. The second one pauses the run, the third one stops it.
func (b *brake) fell(addr netip.Addr, reason string) {
	b.mu.Lock()
	b.fallen = append(b.fallen, addr.String())
	n, who := len(b.fallen), strings.Join(b.fallen, ", ")
	pause := n == b.limits.PauseAt
	if pause {
		held := make(chan struct{})
		b.held = held
		time.AfterFunc(b.limits.RunPause, func() { close(held) })
	}
	b.mu.Unlock()
	switch {
	case n >= b.limits.StopAt:
		err := fmt.Errorf("%w: %d devices fell silent while devices were asked: %s", ErrStopped, n, who)
		b.notice(err.Error())
		b.stop(err)
	case pause:
		b.notice(fmt.Sprintf("paused for %s: %d devices fell silent while devices were asked: %s", b.limits.RunPause, n, who))
	default:
		b.notice(addr.String() + " " + reason)
	}
}

// wait waits while the run is paused, and ends it outside of the windows.
func (b *brake) wait(ctx context.Context) error {
	b.mu.Lock()
	held := b.held
	b.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := b.closed()
	if err != nil {
		b.stop(err)
	}
	return err
}

// bystanders tells the brake, until the context ends, of devices that nobody asks and that fell silent all the same.
func (r *run) bystanders(ctx context.Context) {
	if r.k.o.Watch == nil {
		return
	}
	since := r.k.o.Watch.time()
	told := map[netip.Addr]bool{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for addr, reason := range r.k.o.Watch.silenced(since) {
			if !told[addr] {
				told[addr] = true
				r.tally.reason(fmt.Sprintf("%s, which was not asked, fell silent: %s", addr, reason))
				r.brake.fell(addr, "fell silent, although it was not asked: "+reason)
			}
		}
	}
}

// gone looks whether a device that did not answer is gone, after each protocol, and tells the brake.
func (v *visit) gone(ctx context.Context) {
	v.mu.Lock()
	silent := v.silent
	v.silent = false
	v.mu.Unlock()
	if !silent || ctx.Err() != nil {
		return
	}
	last := v.k.lastAnswer(v.plan.Address)
	recently := "had answered"
	if heard := v.k.o.Watch.heardAt(v.plan.Address); heard.After(last) {
		last, recently = heard, "had been heard"
	}
	if v.plan.Heard.After(last) {
		last, recently = v.plan.Heard, "had been heard"
	}
	if last.IsZero() || time.Since(last) > v.k.o.Limits.Recent {
		return
	}
	v.mu.Lock()
	v.checks++
	enough := v.checks > maxStillThere
	v.mu.Unlock()
	if enough {
		return
	}
	there, checked := v.k.stillThere(ctx, v.plan.Subject())
	switch {
	case ctx.Err() != nil || there:
		return
	case checked:
		v.fell(recently + " and fell silent; it does not answer ARP any more")
	case v.leftAlone() != nil: // nobody can be asked for it, but it was silent in the midst of its answers
		v.fell("had answered and fell silent")
	}
}

func (v *visit) fell(reason string) {
	if v.inDistress(reason) {
		v.k.observe(discovery.Observation{
			Protocol: sweepProtocol, Subject: v.plan.Subject(), Facts: []discovery.Fact{discovery.NewFact(discovery.KeyDistress, reason)},
		})
	}
	v.brake.fell(v.plan.Address, reason)
}

// stillThere asks a device on the link by one ARP request to its own MAC whether it is still there. checked is false when
// nobody could be asked.
func (k *Keeper) stillThere(ctx context.Context, subject discovery.Subject) (there, checked bool) {
	protocol, ok := k.segmentProtocol(sweepProtocol)
	if !ok || k.o.Interface == nil || subject.MAC.IsZero() || !subject.IP.Is4() {
		return false, false
	}
	if _, listed := requestByName(protocol.Segment, stillThereRequest); !listed {
		return false, false
	}
	for _, l := range k.links {
		if !l.net.Contains(subject.IP) {
			continue
		}
		ending, release := k.ending(ctx)
		defer release()
		s := &sweep{
			k: k, protocol: protocol, tally: newTally(), ctx: ctx, ending: ending, only: subject, progress: func(int) {},
			link: LinkPlan{Network: l.net, From: l.own, Addresses: []netip.Addr{subject.IP}},
		}
		asked := time.Now()
		if err := s.run(); err != nil {
			k.log.Warn("look whether a device is still there", "addr", subject.String(), "err", err)
			return false, false
		}
		return !k.lastAnswer(subject.IP).Before(asked), true
	}
	return false, false
}

// heardFrom notes that the address answered us.
func (k *Keeper) heardFrom(addr netip.Addr) {
	k.answering.Lock()
	defer k.answering.Unlock()
	if k.answers == nil {
		k.answers = map[netip.Addr]time.Time{}
	}
	k.answers[addr.Unmap()] = time.Now()
}

// lastAnswer is when the address last answered us, in a sweep or a run of this keeper.
func (k *Keeper) lastAnswer(addr netip.Addr) time.Time {
	k.answering.Lock()
	defer k.answering.Unlock()
	return k.answers[addr.Unmap()]
}
