package listen

import (
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// door decides whose observations are told. A plant has so many addresses and no more: the first ones are told as they come, and later
// ones as slowly as new devices come. Those who come faster, as in a flood of made-up addresses, wait until they have shown
// that they are real: by a talk that goes to and fro, or by being heard several times. Who waits for too long is forgotten.
type door struct {
	known   *table[address, struct{}] // those who are told of
	waiting *table[address, waiter]
	new     bucket // for anybody
	real    bucket // for those who have shown that they are real
	lost    uint64 // observations of those who waited in vain
}

// waiter is an address that nothing was told of yet.
type waiter struct {
	heard   time.Time // last
	times   uint8     // that it was heard, a while apart
	real    bool
	pending []discovery.Observation
}

// What a newcomer needs.
const (
	maxPending  = 4               // observations that wait with it
	timesHeard  = 3               // at least apart seconds from each other
	apart       = 1 * time.Second // by the frames' clock
	newcomers   = 24576           // addresses (each host has two: MAC and IP) at once
	newPerHour  = 3600
	realPerHour = 72_000
)

func (d *door) init(limits Limits) {
	d.known = newTable[address, struct{}](limits.Known)
	d.waiting = newTable[address, waiter](limits.Waiting)
	d.waiting.gone = func(e *entry[address, waiter]) { d.lost += uint64(len(e.value.pending)) }
	d.new = bucket{size: newcomers, perHour: newPerHour}
	d.real = bucket{size: newcomers, perHour: realPerHour}
}

// bucket gives out its size at once, and then so much an hour.
type bucket struct {
	size, perHour float64
	spent         float64
	last          time.Time
}

// take takes one, if there is one.
func (b *bucket) take(now time.Time) bool {
	if passed := now.Sub(b.last); passed > 0 {
		if !b.last.IsZero() {
			b.spent = max(0, b.spent-b.perHour*passed.Hours())
		}
		b.last = now
	}
	if b.spent+1 > b.size {
		return false
	}
	b.spent++
	return true
}

// admits reports whether an address is told of.
func (d *door) admits(a address, now time.Time) bool {
	if d.known.find(a) != nil {
		return true
	}
	e := d.waiting.byKey[a]
	if !d.new.take(now) && (e == nil || !e.value.real || !d.real.take(now)) {
		return false
	}
	d.known.add(a)
	return true
}

// isCrowded reports whether anybody has ever had to wait.
func (d *door) isCrowded() bool { return len(d.waiting.byKey) > 0 }

// wait makes an address wait, with what was to be told of it.
func (d *door) wait(a address, o discovery.Observation, now time.Time) {
	e := d.waiting.find(a)
	if e == nil {
		e = d.waiting.add(a)
	}
	w := &e.value
	w.hear(now)
	if len(o.Facts)+len(o.Links) == 0 {
		return
	}
	if len(w.pending) == maxPending {
		d.lost++
		return
	}
	w.pending = append(w.pending, o)
}

func (w *waiter) hear(now time.Time) {
	if since := now.Sub(w.heard); w.times == 0 || since >= apart || since < 0 {
		w.heard = now
		if w.times++; w.times >= timesHeard {
			w.times, w.real = timesHeard, true
		}
	}
}

// addressesOf are those of a subject that must be told of for it to be.
func addressesOf(s discovery.Subject) (list [2]address, n int) {
	if !s.MAC.IsZero() && !s.MAC.IsGroup() {
		list[n] = addressOfMAC(s.MAC)
		n++
	}
	if s.IP.IsValid() && !addressOf(s.IP).isGroup() {
		list[n] = addressOf(s.IP)
		n++
	}
	return list, n
}

// knows reports whether all of a subject is told of, and else who is not.
func (l *Listener) knows(s discovery.Subject) (missing address, ok bool) {
	list, n := addressesOf(s)
	for _, a := range list[:n] {
		if !l.door.admits(a, l.now) {
			return a, false
		}
	}
	return address{}, true
}

// out gives an observation out, or makes it wait for who it is about.
func (l *Listener) out(o discovery.Observation) {
	for _, s := range [...]discovery.Subject{o.Subject, o.Teller} {
		if missing, ok := l.knows(s); !ok {
			l.door.wait(missing, o, l.now)
			return
		}
	}
	l.options.Out.Observe(o)
}

// heardAgain notes that an address was heard that may be waiting, and tells what waited with it when it has waited long enough.
func (l *Listener) heardAgain(a address, real bool) {
	if !l.door.isCrowded() {
		return
	}
	e := l.door.waiting.find(a)
	if e == nil {
		return
	}
	e.value.hear(l.now)
	e.value.real = e.value.real || real
	if !e.value.real || !l.door.admits(a, l.now) {
		return
	}
	pending := e.value.pending
	e.value.pending = nil
	l.door.waiting.drop(e)
	for _, o := range pending {
		list, n := addressesOf(o.Subject) // what was said of it as one is as real
		for _, other := range list[:n] {
			if l.door.known.byKey[other] == nil && l.door.real.take(l.now) {
				l.door.known.add(other)
			}
		}
		l.out(o)
	}
}

// isReal notes that somebody has the address. Who was forgotten while it waited begins anew.
func (l *Listener) isReal(a address, vlan uint16) {
	if !l.door.isCrowded() || l.door.known.byKey[a] != nil {
		return
	}
	if l.door.waiting.byKey[a] != nil {
		l.heardAgain(a, true)
		return
	}
	if !l.door.real.take(l.now) {
		return
	}
	l.door.known.add(a)
	if mac, is := a.mac(); is {
		if e := l.stations.byKey[mac]; e != nil {
			l.stations.drop(e)
		}
	} else if e := l.hosts.byKey[hostKey{a, uint32(vlan)}]; e != nil && e.value.onLink {
		l.hosts.drop(e)
	}
}
