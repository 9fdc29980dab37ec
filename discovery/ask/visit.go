package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// visit is one device's part of a run: what its protocols share.
type visit struct {
	k      *Keeper
	plan   DevicePlan
	pace   *pace
	budget *budget
	tally  *tally
	brake  *brake
	held   *holder
	told   func() // something was sent or answered

	mu       sync.Mutex
	sent     bool
	answered bool
	silent   bool   // it did not answer, since that was last looked into
	checks   int    // whether it is still there
	distress string // it is left alone
	kept     string // it has a connection that it does not end, and gets no other
	times    answerTimes
}

func (k *Keeper) newVisit(d DevicePlan, r *run) *visit {
	class := k.o.Limits.Class(d.Class)
	class.Gap = max(class.Gap, time.Duration(d.GapMS)*time.Millisecond)
	return &visit{
		k: k, plan: d, tally: r.tally, brake: r.brake, held: &r.held, told: r.progress,
		pace:   &pace{limits: k.o.Limits, class: class, overall: k.questions, packets: k.packets, random: k.random, brake: r.brake},
		budget: &budget{questions: min(d.AtMost, k.o.Limits.questions(d.Class, true)), connections: class.Connections},
	}
}

// touched notes that something left for the device.
func (v *visit) touched() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sent = true
}

func (v *visit) heard() {
	v.k.heardFrom(v.plan.Address)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answered, v.silent = true, false
}

// fellSilent notes that an answer or a connection did not come in time.
func (v *visit) fellSilent() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.silent = true
}

// inDistress reports whether this is the first sign of it.
func (v *visit) inDistress(reason string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.distress != "" {
		return false
	}
	v.distress = reason
	v.k.log.Warn("a device shows distress and is left alone", "addr", v.plan.Address.String(), "reason", reason)
	return true
}

// leftAlone gives an error when the device is to be left alone.
func (v *visit) leftAlone() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.distress != "" {
		return fmt.Errorf("%w: %s", discovery.ErrDistress, v.distress)
	}
	return nil
}

// keeps reports whether this is the first connection that the device does not end.
func (v *visit) keeps(reason string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept != "" {
		return false
	}
	v.kept = reason
	v.k.log.Warn("a device does not end a connection and gets no other", "addr", v.plan.Address.String(), "reason", reason)
	return true
}

// keepsOne gives an error when no further connection may be opened.
func (v *visit) keepsOne() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept != "" {
		return fmt.Errorf("%w: %s", discovery.ErrDistress, v.kept)
	}
	return nil
}

func (v *visit) record(e discovery.Exchange) {
	v.tally.count(e)
	v.k.record(e)
	v.told()
}

// run asks the device over one protocol after the other.
func (v *visit) run(ctx context.Context) DeviceResult {
	result := DeviceResult{Subject: v.plan.Subject()}
	ctx, cancel := context.WithTimeoutCause(ctx, v.k.o.Limits.Device, errTooLong)
	defer cancel()
	ending, release := v.k.ending(ctx)
	defer release()
	v.k.o.Watch.begin(v.plan.Address)
	defer v.k.o.Watch.end(v.plan.Address)
	var starved []string // protocols for which the budget was too small
	for _, item := range v.plan.Items {
		if ctx.Err() != nil {
			break
		}
		if err := v.leftAlone(); err != nil {
			v.skip(item, err.Error())
			continue
		}
		if v.k.isAbsent(v.plan.Address, v.plan.Heard) {
			v.skip(item, notThere)
			continue
		}
		if err := v.keepsOne(); err != nil && item.Transport == discovery.TCP.String() {
			v.skip(item, err.Error())
			continue
		}
		if item.Grade == discovery.GradeBlind.String() && v.k.identified(v.plan.Subject()).isWhole() {
			v.skip(item, "it is identified already")
			continue
		}
		asked := v.ask(ctx, ending, item)
		if asked.starved {
			starved = append(starved, item.Protocol)
		}
		result.Items = append(result.Items, asked)
		v.gone(ctx)
	}
	if len(starved) > 0 {
		v.tally.about(v.plan.Address, "not asked all of "+strings.Join(starved, ", ")+": the budget of a device was used up")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	result.Distress = cmp.Or(v.distress, v.kept)
	if errors.Is(context.Cause(ctx), errTooLong) {
		v.tally.reason(fmt.Sprintf("%s: %v", v.plan.Address, errTooLong))
	}
	v.tally.device(v.sent, v.answered, result.Distress != "")
	switch {
	case v.distress != "":
		v.tally.reason(fmt.Sprintf("%s was left alone: %s", v.plan.Address, v.distress))
	case v.kept != "":
		v.tally.reason(fmt.Sprintf("%s got no further connection: %s", v.plan.Address, v.kept))
	}
	return result
}

var errTooLong = errors.New("the time for one device is used up")

// skip writes down the questions of an item that are not asked.
func (v *visit) skip(item Item, why string) {
	for _, r := range item.Requests {
		if r.Setup {
			continue
		}
		v.record(discovery.Exchange{
			Time: time.Now().UTC(), Target: v.plan.Subject(), Port: item.Port, Protocol: item.Protocol, Request: r.Name,
			Outcome: discovery.Skipped, Note: why,
		})
	}
}

// ask lets one protocol's asker ask, and closes after it whatever it left open.
func (v *visit) ask(ctx, ending context.Context, item Item) ItemResult {
	protocol, _ := v.k.protocol(item.Protocol)
	requests, err := v.k.listed(item, v.plan.Class)
	if err != nil {
		return ItemResult{Protocol: item.Protocol, Outcome: ItemFailed, Reason: err.Error()}
	}
	if reason := v.k.tooManyClients(item.Protocol, protocol.Asker.Scarce, v.plan.Class, v.k.o.Watch.Clients(v.plan.Address, item.Port)); reason != "" {
		v.skip(item, reason)
		v.tally.reason(fmt.Sprintf("%s was not asked %s: %s", v.plan.Address, item.Protocol, reason))
		return ItemResult{Protocol: item.Protocol, Outcome: ItemNothing, Reason: reason}
	}
	target := discovery.Target{Subject: v.plan.Subject(), Class: v.plan.Class, Port: item.Port}
	for _, u := range item.Units {
		target.Units = append(target.Units, uint8(u))
	}
	for _, c := range v.k.o.Credentials {
		if c.Protocol == item.Protocol {
			target.Credentials = append(target.Credentials, c)
		}
	}
	s := &session{
		v: v, protocol: protocol, target: target, ctx: ctx, ending: ending,
		meter: meter{asker: protocol.Asker, requests: requests, device: v.budget}, result: ItemResult{Protocol: item.Protocol},
	}
	t := turn{
		protocol: item.Protocol, address: target.Subject.String(), ctx: ctx, ending: ending,
		ask: func() error { return protocol.Asker.Ask(ctx, s, target) }, end: s.end,
	}
	return s.outcome(v.k.await(t, v.tally))
}
