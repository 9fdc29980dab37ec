package cotp

import (
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Bounds on what is kept of a stream.
const (
	// MaxMessage is the longest message that is put together from several DT. A longer one is passed over.
	MaxMessage = 64 << 10
	// maxStrange is how much of a stream may be no packet before it counts as some other protocol's.
	maxStrange = 4 << 10
	keptBuffer = 4 << 10 // a larger buffer is not kept for the next message
)

// Reassembler reads both directions of one TCP connection. The zero Reassembler is ready.
type Reassembler struct {
	known bool // a packet was read
	sides [2]half
}

// half is one direction.
type half struct {
	lost    bool // the next byte need not begin a packet
	torn    bool // bytes were lost, and no message has ended since
	strange int  // bytes that belonged to no packet
	tooLong bool // the message that is being joined is passed over
	joined  []byte
}

// Feed reads the next packet of a side, as discovery.Decoder's Feed does: it gives how many bytes it has read, and 0 without an
// error to wait for more. The TPDU has no Kind when none is whole yet. Its views are valid until the next Feed.
func (r *Reassembler) Feed(side discovery.Side, b []byte, gap int) (int, TPDU, error) {
	h := &r.sides[side]
	if gap > 0 {
		*h = half{lost: true, torn: true, strange: h.strange, joined: h.joined[:0]}
	}
	n, err := Length(b)
	if err != nil {
		return r.resync(h, b, err)
	}
	if n == 0 || n > len(b) {
		return 0, TPDU{}, nil
	}
	r.known, h.lost, h.strange = true, false, 0
	t, err := Parse(b[:n])
	if err != nil {
		return n, TPDU{}, err
	}
	t, err = h.join(t)
	return n, t, err
}

// resync passes over what belongs to no packet. To get lost is an error, to still be is none; a stream that was met in the middle
// is lost from the start.
func (r *Reassembler) resync(h *half, b []byte, reason error) (int, TPDU, error) {
	at := 1
	for at < len(b) && !mayStart(b[at:]) {
		at++
	}
	h.strange += at
	if !r.known && h.strange > maxStrange {
		return len(b), TPDU{}, fmt.Errorf("find packet in %d bytes: %w", h.strange, discovery.ErrNotMine)
	}
	var err error
	if r.known && !h.lost {
		err = fmt.Errorf("find packet: skipped %d bytes: %w", at, reason)
	}
	*h = half{lost: true, torn: true, strange: h.strange, joined: h.joined[:0]}
	return at, TPDU{}, err
}

// join puts the pieces of a message together. A piece that holds it all is passed on as it is.
func (h *half) join(t TPDU) (TPDU, error) {
	if t.Kind != Data {
		h.tooLong, h.joined = false, h.joined[:0]
		return t, nil
	}
	if !t.EOT || len(h.joined) > 0 {
		switch {
		case h.tooLong:
		case len(h.joined)+len(t.Data) > MaxMessage:
			h.tooLong, h.joined = true, nil
		default:
			h.joined = append(h.joined, t.Data...)
		}
	}
	if !t.EOT {
		return TPDU{}, nil
	}
	tooLong := h.tooLong
	if len(h.joined) > 0 {
		t.Data = h.joined
	}
	t.Torn = h.torn
	h.torn, h.tooLong = false, false
	if cap(h.joined) > keptBuffer {
		h.joined = nil
	} else {
		h.joined = h.joined[:0]
	}
	if tooLong {
		return TPDU{}, fmt.Errorf("join message: longer than %d bytes", MaxMessage)
	}
	return t, nil
}
