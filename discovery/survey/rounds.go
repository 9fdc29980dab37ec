package survey

import (
	"context"
	"net/netip"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery/ask"
)

// maxRounds bounds how often a survey plans anew with what its questions have found: switches behind switches behind switches.
const maxRounds = 8

// rounds asks the infrastructure first: its tables tell hosts and what they are, and nobody need be touched for it. Then it plans
// anew, with all that was learnt, until nobody is left whom there is a new question for. A device is asked again only what it was
// not asked before, and not at all after it showed distress. agreed is the plan that a person has seen.
func (s *Survey) rounds(ctx context.Context, agreed, plan ask.Plan, report *Report) error {
	done := visits{}
	for range maxRounds {
		next := plan
		if s.Confirm != nil {
			next = within(agreed, next)
		}
		next = infrastructureFirst(done.rest(next))
		if len(next.Devices) == 0 {
			return nil
		}
		done.add(next)
		plan = done.plan(plan)
		if s.Fixed == nil {
			if err := s.planned(ctx, plan); err != nil {
				return err
			}
		}
		report.Plan = plan
		s.tell(Progress{Phase: Asking})
		result, err := s.Keeper.Run(ctx, next)
		done.note(result)
		report.Asked = merged(report.Asked, result)
		if err != nil || ctx.Err() != nil || result.Stopped != "" {
			return err
		}
		if plan, err = s.plan(ctx); err != nil {
			return err
		}
		// Those were made, and those of the new plan will not be.
		plan.Sweep, plan.Segments = report.Plan.Sweep, report.Plan.Segments
	}
	return nil
}

// infrastructureFirst leaves of a plan the infrastructure, or where there is none, all.
func infrastructureFirst(plan ask.Plan) ask.Plan {
	isFirst := func(d ask.DevicePlan) bool { return d.Class == ask.Infrastructure }
	if slices.ContainsFunc(plan.Devices, isFirst) {
		plan.Devices = slices.DeleteFunc(slices.Clone(plan.Devices), func(d ask.DevicePlan) bool { return !isFirst(d) })
	}
	return plan
}

// visits are what devices were asked so far, by address.
type visits map[netip.Addr]*visited

type visited struct {
	plan  ask.DevicePlan // all rounds together
	alone bool           // it showed distress
}

// add notes a round that is about to be made. What a device is asked in two rounds adds up.
func (a visits) add(plan ask.Plan) {
	for _, d := range plan.Devices {
		at := d.Address.Unmap()
		if a[at] == nil {
			a[at] = &visited{plan: d}
			continue
		}
		known := &a[at].plan
		items := slices.Clone(known.Items)
		for _, item := range d.Items {
			i := slices.IndexFunc(items, func(k ask.Item) bool { return k.Protocol == item.Protocol })
			if i < 0 {
				items = append(items, item)
				continue
			}
			items[i].Requests = slices.Clone(items[i].Requests)
			for _, r := range item.Requests {
				if k := slices.IndexFunc(items[i].Requests, func(k ask.Planned) bool { return k.Name == r.Name }); k >= 0 {
					items[i].Requests[k].AtMost += r.AtMost
				} else {
					items[i].Requests = append(items[i].Requests, r)
				}
			}
		}
		known.Class, known.Items = d.Class, items
		known.AtMost += d.AtMost
		known.GapMS = min(known.GapMS, d.GapMS)
	}
}

// note keeps in mind who showed distress.
func (a visits) note(result ask.Result) {
	for _, d := range result.Devices {
		if v := a[d.Subject.IP.Unmap()]; v != nil && d.Distress != "" {
			v.alone = true
		}
	}
}

// rest leaves of a plan what was not asked before: devices that were not asked at all, and of others the protocols in which there is
// a new question, because it is known better now what they are.
func (a visits) rest(plan ask.Plan) ask.Plan {
	var devices []ask.DevicePlan
	for _, d := range plan.Devices {
		v := a[d.Address.Unmap()]
		if v == nil {
			devices = append(devices, d)
			continue
		}
		d.Items = slices.DeleteFunc(slices.Clone(d.Items), func(item ask.Item) bool { return !v.isNew(item) })
		if !v.alone && len(d.Items) > 0 {
			devices = append(devices, d)
		}
	}
	plan.Devices = devices
	return plan
}

// isNew reports whether an item holds a question that was not put before.
func (v *visited) isNew(item ask.Item) bool {
	i := slices.IndexFunc(v.plan.Items, func(k ask.Item) bool { return k.Protocol == item.Protocol })
	return slices.ContainsFunc(item.Requests, func(r ask.Planned) bool {
		return !r.Setup && (i < 0 || !slices.ContainsFunc(v.plan.Items[i].Requests, func(k ask.Planned) bool { return k.Name == r.Name }))
	})
}

// plan is a plan with all that was asked in it.
func (a visits) plan(last ask.Plan) ask.Plan {
	devices := slices.DeleteFunc(slices.Clone(last.Devices), func(d ask.DevicePlan) bool { return a[d.Address.Unmap()] != nil })
	for _, v := range a {
		devices = append(devices, v.plan)
	}
	slices.SortFunc(devices, func(x, y ask.DevicePlan) int { return x.Address.Compare(y.Address) })
	last.Devices = devices
	return last
}

// merged adds up what came of two runs.
func merged(a, b ask.Result) ask.Result {
	c := &a.Counts
	for _, pair := range [][2]*int{
		{&c.Questions, &b.Counts.Questions},
		{&c.Replies, &b.Counts.Replies},
		{&c.Silent, &b.Counts.Silent},
		{&c.Refused, &b.Counts.Refused},
		{&c.Reset, &b.Counts.Reset},
		{&c.NotUnderstood, &b.Counts.NotUnderstood},
		{&c.Failed, &b.Counts.Failed},
		{&c.Setup, &b.Counts.Setup},
		{&c.Skipped, &b.Counts.Skipped},
		{&c.Distress, &b.Counts.Distress},
	} {
		*pair[0] += *pair[1]
	}
	// A device that is asked in two rounds is one device.
	again, answered := 0, 0
	for _, d := range b.Devices {
		i := slices.IndexFunc(a.Devices, func(k ask.DeviceResult) bool { return k.Subject.IP == d.Subject.IP })
		if i < 0 {
			a.Devices = append(a.Devices, d)
			continue
		}
		if isAsked(a.Devices[i]) && isAsked(d) {
			again++
		}
		if isAnswered(a.Devices[i]) && isAnswered(d) {
			answered++
		}
		a.Devices[i].Items = append(slices.Clip(a.Devices[i].Items), d.Items...)
		if d.Distress != "" {
			a.Devices[i].Distress = d.Distress
		}
	}
	c.Asked += b.Counts.Asked - again
	c.Answered += b.Counts.Answered - answered
	for _, reason := range b.Reasons {
		if !slices.Contains(a.Reasons, reason) {
			a.Reasons = append(slices.Clip(a.Reasons), reason)
		}
	}
	a.Troubles = append(slices.Clip(a.Troubles), b.Troubles...)
	a.Stopped, a.Interrupted = b.Stopped, b.Interrupted
	return a
}

func isAsked(d ask.DeviceResult) bool {
	return slices.ContainsFunc(d.Items, func(i ask.ItemResult) bool { return i.Questions+i.Setup > 0 })
}

func isAnswered(d ask.DeviceResult) bool {
	return slices.ContainsFunc(d.Items, func(i ask.ItemResult) bool { return i.Replies > 0 })
}

// notAgreed is why something that the survey would ask now is left out.
const notAgreed = "it was not in the plan that was confirmed; another survey would ask it"

// within leaves of a plan what the agreed one holds: of a device that stood in it, what it said of that device; of one that was found
// later, what it said of those; and of each that turned out to be a switch or router, what it said of these.
func within(agreed, plan ask.Plan) ask.Plan {
	known := map[netip.Addr][]ask.Item{}
	for _, d := range agreed.Devices {
		known[d.Address.Unmap()] = d.Items
	}
	var devices []ask.DevicePlan
	plan.NotAsked = slices.Clone(plan.NotAsked)
	for _, d := range plan.Devices {
		items, stood := known[d.Address.Unmap()]
		if later := agreed.Later; later != nil {
			if !stood {
				items = later.Each.Items
			}
			if d.Class == ask.Infrastructure && later.Infrastructure != nil {
				items = slices.Concat(items, later.Infrastructure.Items)
			}
		}
		var kept []ask.Item
		for _, item := range d.Items {
			left, questions := narrowed(item, items)
			if questions > 0 {
				kept = append(kept, left)
			}
			if len(left.Requests) < len(item.Requests) {
				plan.NotAsked = append(plan.NotAsked, ask.NotAsked{Address: d.Address, Protocol: item.Protocol, Grade: item.Grade, Reason: notAgreed})
			}
		}
		if len(kept) > 0 {
			d.Items = kept
			devices = append(devices, d)
		}
	}
	plan.Devices = devices
	return plan
}

// narrowed leaves of an item the requests that one of the agreed items of its protocol holds, as often as it says, and counts the
// questions among them.
func narrowed(item ask.Item, agreed []ask.Item) (left ask.Item, questions int) {
	left = item
	left.Requests = nil
	for _, r := range item.Requests {
		most := 0
		for _, a := range agreed {
			for _, k := range a.Requests {
				if a.Protocol == item.Protocol && k.Name == r.Name {
					most = max(most, k.AtMost)
				}
			}
		}
		if most == 0 {
			continue
		}
		r.AtMost = min(r.AtMost, most)
		left.Requests = append(left.Requests, r)
		if !r.Setup {
			questions++
		}
	}
	return left, questions
}
