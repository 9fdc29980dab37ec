package discoverytest

import "encoding/binary"

// maxInput bounds the bytes of one value: what grows in a storm stays quick to read.
const maxInput = 4096

// next makes the next input: one of the pool, with one to sixteen changes.
func (s *storm) next() {
	s.now.copyFrom(s.pool[s.random.IntN(len(s.pool))])
	for range 1 << s.random.IntN(5) {
		at := s.random.IntN(len(s.now))
		if v := &s.now[at]; v.isBytes {
			v.bytes = s.change(v.bytes, at)
		} else {
			v.number = s.number(v.number)
		}
	}
}

// number is a number near the old one, an interesting one, or any.
func (s *storm) number(old uint64) uint64 {
	switch s.random.IntN(4) {
	case 0:
		return old + 1
	case 1:
		return old - 1
	case 2:
		return s.interesting()
	}
	return s.random.Uint64()
}

// interesting is a number at which counters and lengths turn.
func (s *storm) interesting() uint64 {
	numbers := [...]uint64{
		0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 129, 254, 255, 256, 257, 511, 512, 1023, 1024, 1460, 4095, 4096,
		0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 1<<63 - 1, 1 << 63, 1<<64 - 1,
	}
	return numbers[s.random.IntN(len(numbers))]
}

// change makes one change to bytes that it may overwrite.
func (s *storm) change(b []byte, which int) []byte {
	r := s.random
	if len(b) == 0 {
		return s.splice(b, which)
	}
	at := r.IntN(len(b))
	switch r.IntN(15) {
	case 0, 1:
		b[at] ^= 1 << r.IntN(8)
	case 2:
		b[at] = byte(r.Uint32())
	case 3:
		b[at] += byte(r.IntN(33) - 16)
	case 4: // an interesting number in place of what is there
		s.put(b[at:], s.interesting())
	case 5, 6: // a number that may be a length or a count
		s.lengthen(b)
	case 7: // cut short
		b = b[:at]
	case 8: // the beginning lost
		b = b[:copy(b, b[at:])]
	case 9: // a piece lost
		end := min(at+1+r.IntN(16), len(b))
		b = b[:at+copy(b[at:], b[end:])]
	case 10: // a piece told twice
		end := min(at+1+r.IntN(64), len(b))
		b = insert(b, at, b[at:end])
	case 11: // a piece put elsewhere
		s.move(b)
	case 12: // bytes that do not belong there
		var noise [8]byte
		binary.LittleEndian.PutUint64(noise[:], r.Uint64())
		b = insert(b, at, noise[:1+r.IntN(len(noise))])
	case 13:
		b = s.splice(b, which)
	case 14: // the messages of another side, or in another order
		if other := &s.now[r.IntN(len(s.now))]; other.isBytes && len(s.now) > 1 {
			other.bytes, s.now[which].bytes = b, other.bytes
			return s.now[which].bytes
		}
		b[at] = 0
	}
	return b
}

// put writes a number of one, two or four bytes, in either order, where there is room.
func (s *storm) put(b []byte, n uint64) {
	switch way := s.random.IntN(5); {
	case way == 1 && len(b) >= 2:
		binary.BigEndian.PutUint16(b, uint16(n))
	case way == 2 && len(b) >= 2:
		binary.LittleEndian.PutUint16(b, uint16(n))
	case way == 3 && len(b) >= 4:
		binary.BigEndian.PutUint32(b, uint32(n))
	case way == 4 && len(b) >= 4:
		binary.LittleEndian.PutUint32(b, uint32(n))
	default:
		b[0] = byte(n)
	}
}

// lengthen looks for a number that could count the bytes behind it, and changes it by a little.
func (s *storm) lengthen(b []byte) {
	r := s.random
	by := [...]int{-8, -4, -2, -1, 1, 2, 4, 8}[r.IntN(8)]
	for range 8 {
		at := r.IntN(len(b))
		rest := b[at:]
		if n := int(rest[0]); n > 0 && n < len(rest) && r.IntN(2) == 0 {
			rest[0] = byte(n + by)
			return
		}
		if len(rest) < 2 {
			continue
		}
		if n := int(binary.BigEndian.Uint16(rest)); n > 0 && n <= len(rest) {
			binary.BigEndian.PutUint16(rest, uint16(n+by))
			return
		}
		if n := int(binary.LittleEndian.Uint16(rest)); n > 0 && n <= len(rest) {
			binary.LittleEndian.PutUint16(rest, uint16(n+by))
			return
		}
	}
	b[r.IntN(len(b))]++
}

// move exchanges two neighbouring pieces.
func (s *storm) move(b []byte) {
	r := s.random
	from := r.IntN(len(b))
	end := from + r.IntN(len(b)-from) + 1
	by := r.IntN(end - from)
	reverse(b[from : from+by])
	reverse(b[from+by : end])
	reverse(b[from:end])
}

func reverse(b []byte) {
	for i, k := 0, len(b)-1; i < k; i, k = i+1, k-1 {
		b[i], b[k] = b[k], b[i]
	}
}

// splice goes on with the end of another input, or puts a piece of it in between.
func (s *storm) splice(b []byte, which int) []byte {
	r := s.random
	other := s.pool[r.IntN(len(s.pool))][which].bytes
	if len(other) == 0 {
		return b
	}
	from, at := r.IntN(len(other)), r.IntN(len(b)+1)
	if r.IntN(2) == 0 {
		return clip(append(b[:at], other[from:]...))
	}
	return insert(b, at, other[from:min(from+1+r.IntN(64), len(other))])
}

// insert puts a piece, which may be one of b itself, into b.
func insert(b []byte, at int, piece []byte) []byte {
	n := len(piece)
	if len(b)+n > maxInput {
		return b
	}
	var room [64]byte
	kept := append(room[:0], piece...)
	b = append(b, kept...)
	copy(b[at+n:], b[at:len(b)-n])
	copy(b[at:], kept)
	return b
}

func clip(b []byte) []byte { return b[:min(len(b), maxInput)] }
