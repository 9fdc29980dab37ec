package listen

import (
	"slices"
	"time"
)

// fragments puts IP datagrams together (RFC 791 section 3.2, RFC 8200 section 4.5). One whose pieces overlap is given up:
// honest senders make none (RFC 5722).
type fragments struct {
	table *table[fragmentKey, datagram]
	limit int
	bytes int    // held in all
	shed  uint64 // datagrams that were given up
}

type fragmentKey struct {
	from, to address
	id       uint32
	tags     uint32 // with the IP protocol
}

type datagram struct {
	began  time.Time
	pieces []piece // sorted
	bytes  int
	end    int // size of the datagram, -1 until its last fragment came
	frames int
	length int
	refuse bool
}

type piece struct {
	at   int
	data []byte
}

func (fs *fragments) init(limits Limits) {
	fs.limit = limits.Fragments
	fs.table = newTable[fragmentKey, datagram](limits.Datagrams)
	fs.table.gone = func(e *entry[fragmentKey, datagram]) {
		d := &e.value
		fs.bytes -= d.bytes
		if !d.refuse && !d.whole() {
			fs.shed++
		}
	}
}

// join adds a fragment. When the datagram is whole, it stands in the packet and join reports true.
func (fs *fragments) join(p *packet, now time.Time) bool {
	key := fragmentKey{p.from, p.to, p.id, tagKey(p)}
	e := fs.table.find(key)
	if e != nil && now.Sub(e.value.began).Abs() > fragmentTime { // the id is used again
		fs.table.drop(e)
		e = nil
	}
	if e == nil {
		e = fs.table.add(key)
		e.value.began, e.value.end = now, -1
	}
	d := &e.value
	d.frames++
	d.length += p.length
	if d.refuse {
		return false
	}
	before := d.bytes
	if !d.add(p) {
		fs.giveUp(d)
		return false
	}
	fs.bytes += d.bytes - before
	for fs.bytes > fs.limit && fs.table.older != e {
		fs.table.drop(fs.table.older)
	}
	if !d.whole() {
		return false
	}
	p.payload = d.join()
	p.size = len(p.payload)
	p.frames, p.length = d.frames, d.length
	fs.table.drop(e)
	p.fragmented = false
	if p.etherType == etherIPv4 {
		return true
	}
	return p.extensions() && !p.fragmented
}

// giveUp lets the bytes of a datagram go, and refuses what is still to come of it.
func (fs *fragments) giveUp(d *datagram) {
	fs.bytes -= d.bytes
	fs.shed++
	d.pieces, d.bytes, d.refuse = nil, 0, true
}

// add keeps a copy of a fragment. It reports false when the fragment contradicts another, or the capture cut it short.
func (d *datagram) add(p *packet) bool {
	n := len(p.payload)
	end := p.at + n
	if n < p.size || n == 0 || end > 0xffff || len(d.pieces) == maxPieces {
		return false
	}
	if p.more && n%8 != 0 {
		return false
	}
	if !p.more {
		if d.end >= 0 && d.end != end {
			return false
		}
		d.end = end
	}
	i, _ := slices.BinarySearchFunc(d.pieces, p.at, func(have piece, at int) int { return have.at - at })
	if i < len(d.pieces) && d.pieces[i].at == p.at && len(d.pieces[i].data) == n {
		return true // a frame that was captured twice
	}
	if i > 0 && d.pieces[i-1].at+len(d.pieces[i-1].data) > p.at {
		return false
	}
	if i < len(d.pieces) && d.pieces[i].at < end {
		return false
	}
	d.pieces = slices.Insert(d.pieces, i, piece{p.at, slices.Clone(p.payload)})
	d.bytes += n
	return true
}

// whole reports whether no byte is missing. The pieces do not overlap, so it is enough to count them and look at the last.
func (d *datagram) whole() bool {
	if d.end < 0 || d.bytes != d.end || len(d.pieces) == 0 {
		return false
	}
	last := d.pieces[len(d.pieces)-1]
	return last.at+len(last.data) == d.end
}

func (d *datagram) join() []byte {
	out := make([]byte, 0, d.end)
	for _, one := range d.pieces {
		out = append(out, one.data...)
	}
	return out
}
