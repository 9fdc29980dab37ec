package once

import "time"

// RetellAfter is when Recent lets the same be told again, so that it is seen to be still true.
const RetellAfter = 10 * time.Minute

// remembered is how many sums Recent keeps.
const remembered = 32

// Recent remembers what a station has told lately: stations repeat themselves every few seconds. The zero Recent is empty, and it
// never allocates.
type Recent struct {
	last [remembered]struct {
		sum uint64
		at  time.Time
	}
	next int
}

// IsNew notes what is about to be told, and reports whether it was not told within RetellAfter. Time that runs backwards (merged
// captures) tells again.
func (m *Recent) IsNew(sum uint64, t time.Time) bool {
	for i := range m.last {
		one := &m.last[i]
		if one.sum != sum {
			continue
		}
		if since := t.Sub(one.at); since >= 0 && since < RetellAfter {
			return false
		}
		one.at = t
		return true
	}
	m.last[m.next].sum, m.last[m.next].at = sum, t
	m.next = (m.next + 1) % remembered
	return true
}

// Basis is the sum of nothing.
const Basis = uint64(start)

// Sum continues a sum with a text and its end.
func Sum[T string | []byte](s uint64, text T) uint64 {
	out := sum(s)
	for i := range len(text) {
		out = out.byte(text[i])
	}
	return uint64(out.byte(0xff))
}
