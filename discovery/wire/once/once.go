// Package once remembers what a conversation has told, so that what a device repeats all day is told once.
package once

import (
	"github.com/walkdown-ot/walkdown/discovery"
)

// capacity bounds the memory. When it is full, all is forgotten and told once more.
const capacity = 512

// Memory holds sums of what one side of a conversation has told. Each side needs its own: an empty subject is whoever speaks, and
// both may say the same. The zero Memory is empty.
type Memory struct{ sums map[sum]struct{} }

// Tell hands on the facts of an observation that were not told yet, about the same subject by the same teller, and whatever else
// it holds. The slice of facts is used further.
func (m *Memory) Tell(out discovery.Sink, o discovery.Observation) {
	about := start.subject(o.Subject).subject(o.Teller)
	fresh := o.Facts[:0]
	for _, f := range o.Facts {
		if f.Value != "" && m.add(about.text(string(f.Key)).text(f.Value)) {
			fresh = append(fresh, f)
		}
	}
	o.Facts = fresh
	if len(o.Facts)+len(o.Links)+len(o.Talks) > 0 {
		out.Observe(o)
	}
}

// Seen reports whether the same bytes were given before. It is much cheaper than reading a message to find nothing new in it.
func (m *Memory) Seen(message []byte) bool {
	s := start
	for _, c := range message {
		s = s.byte(c)
	}
	return !m.add(s.byte(0xff)) // a place of its own, apart from facts
}

func (m *Memory) add(s sum) bool {
	if _, ok := m.sums[s]; ok {
		return false
	}
	if m.sums == nil || len(m.sums) >= capacity {
		m.sums = map[sum]struct{}{}
	}
	m.sums[s] = struct{}{}
	return true
}

// sum is FNV-1a of 64 bits: it is the same in every run, so that a capture always gives the same.
type sum uint64

const start sum = 0xcbf29ce484222325

func (s sum) byte(c byte) sum { return (s ^ sum(c)) * 0x100000001b3 }

// text adds a string with an end that cannot be mistaken for more of it.
func (s sum) text(text string) sum {
	for i := range len(text) {
		s = s.byte(text[i])
	}
	return s.byte(0)
}

func (s sum) subject(about discovery.Subject) sum {
	for _, c := range about.MAC {
		s = s.byte(c)
	}
	for _, c := range about.IP.As16() { // zeroes when it is not known
		s = s.byte(c)
	}
	return s.byte(byte(about.VLAN >> 8)).byte(byte(about.VLAN)).text(about.Path)
}
