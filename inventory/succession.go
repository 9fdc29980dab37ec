package inventory

import (
	"fmt"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// maxFormers is how many devices are told apart that had an address one after another.
const maxFormers = 8

// formers cuts off what an address was before another device took it over: a network dongle that went from one computer to the
// next, a device that was replaced at a fixed address, a lease that was handed on out of sight. It shows by a vendor and serial
// number that another one superseded. The atom keeps what was said since; the devices of before get atoms of their own, without
// an address.
func (r Rules) formers(a *atom) []*atom {
	var out []*atom
	for len(out) < maxFormers {
		old := r.former(a)
		if old == nil {
			break
		}
		out = append(out, old)
		a = old
	}
	return out
}

// former cuts the last device of before off, or gives nil where there was none.
func (r Rules) former(a *atom) *atom {
	now, ok := a.mark(MarkSerial)
	if !ok {
		return nil
	}
	end, ok := handover(a)
	if !ok {
		return nil
	}
	old := a.until(end)
	r.identifyAtom(old)
	was, ok := old.mark(MarkSerial)
	if !ok || sameSerial(was.Value, now.Value) {
		return nil
	}
	where := a.address().Value
	a.since(end)
	r.identifyAtom(a)
	a.took = true
	a.notes = append(a.notes, fmt.Sprintf("took over %s from another device (%s)", where, was.Value))
	old.notes = []string{fmt.Sprintf("was at %s until %s, where another device (%s) is now", where, end.UTC().Format(time.DateTime), now.Value)}
	// It is recognised by what it takes along, not by where it was.
	old.former, old.held, old.own = true, nil, nil
	old.marks = slices.DeleteFunc(old.marks, func(m Mark) bool {
		return m.Kind == MarkManagement || m.Kind == MarkMAC || m.Kind == MarkStation
	})
	return old
}

// handover is when the last of the superseded serial numbers was seen last, and whether there is one.
func handover(a *atom) (end time.Time, ok bool) {
	_, superseded := current(observed(hostEvidence(a.evidence, a.talked))) // a person who corrects a word does not replace a device
	if len(superseded) == 0 {
		return end, false
	}
	i := slices.IndexFunc(a.facts, func(f discovery.Fact) bool { return f.Key == discovery.KeySerial })
	if i < 0 {
		return end, false
	}
	for _, e := range superseded {
		if slices.Contains(a.facts[i].From, e.Fact.Key) && e.Last.After(end) {
			end = e.Last
		}
	}
	return end, !end.IsZero()
}

// until is the atom as it was up to a time.
func (a *atom) until(end time.Time) *atom {
	old := &atom{site: a.site, segment: a.segment, mac: a.mac, ip: a.ip, entered: a.entered}
	for _, p := range a.parts {
		if p.Since.After(end) {
			continue
		}
		if p.Until.IsZero() || p.Until.After(end) {
			p.Until = end.Add(1)
		}
		old.parts = append(old.parts, p)
	}
	for _, e := range a.evidence {
		if e.First.After(end) {
			continue
		}
		if e.Last.After(end) { // both devices said it; the row is the later one's
			e.Last = end
		}
		old.evidence = append(old.evidence, e)
		old.see(e.Subject.Segment, e.First, e.Last)
	}
	for i, t := range a.talks {
		if !t.Last.After(end) {
			old.talks, old.talked = append(old.talks, t), append(old.talked, a.talked[i])
			old.see(a.first, t.First, t.Last)
		}
	}
	SortEvidence(old.evidence)
	return old
}

// since leaves of the atom what it is after a time.
func (a *atom) since(end time.Time) {
	from := end.Add(1)
	evidence, talks, talked, parts := a.evidence, a.talks, a.talked, a.parts
	segment := a.first
	a.evidence, a.talks, a.talked, a.parts, a.seen, a.first = nil, nil, nil, nil, span{}, ""
	there := map[homeKey]bool{}
	for _, e := range evidence {
		if !e.Last.After(end) {
			continue
		}
		if e.First.Before(from) {
			e.First = from
		}
		a.evidence = append(a.evidence, e)
		a.see(e.Subject.Segment, e.First, e.Last)
		there[homeKey{place{e.Subject.Site, e.Subject.Segment}, e.Subject.IP}] = true
	}
	for i, t := range talks {
		if t.Last.After(end) {
			t.First = later(t.First, from)
			a.talks, a.talked = append(a.talks, t), append(a.talked, talked[i])
			a.see(segment, t.First, t.Last)
		}
	}
	for _, p := range parts {
		if !p.Until.IsZero() && !p.Until.After(from) {
			continue
		}
		p.Since = later(p.Since, from)
		a.parts = append(a.parts, p)
	}
	SortEvidence(a.evidence)
	gone := func(home homeKey) bool { return len(talks) == 0 && !there[home] }
	a.held = slices.DeleteFunc(slices.Clone(a.held), gone)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// see notes that the atom was seen in a segment.
func (a *atom) see(segment string, first, last time.Time) {
	if a.first == "" || first.Before(a.seen.first) || first.Equal(a.seen.first) && segment < a.first {
		a.first = segment
	}
	a.seen.add(first, last)
}
