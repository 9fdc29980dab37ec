package ask

import (
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// order gives out the devices of a plan in its order, so many at once, and no more than a few of those behind one switch port:
// what hangs on one cable shares it. Addresses of one station are asked one after another: it is one device that answers.
type order struct {
	devices   []DevicePlan
	atOnePort int

	mu    sync.Mutex
	turn  *sync.Cond
	taken []bool
	busy  map[string]int // by switch port
	asked map[discovery.MAC]bool
	ended bool
}

func newOrder(devices []DevicePlan, atOnePort int) *order {
	o := &order{devices: devices, atOnePort: atOnePort, taken: make([]bool, len(devices)), busy: map[string]int{}, asked: map[discovery.MAC]bool{}}
	o.turn = sync.NewCond(&o.mu)
	return o
}

// next gives the first device that may be asked now; it waits while there are only such that must wait. false: there are none
// left, or the run has ended.
func (o *order) next() (i int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.ended {
		left := false
		for i, d := range o.devices {
			if o.taken[i] {
				continue
			}
			left = true
			if o.asked[d.MAC] || d.Behind != "" && o.busy[d.Behind] >= o.atOnePort {
				continue
			}
			o.taken[i] = true
			o.busy[d.Behind]++
			if !d.MAC.IsZero() {
				o.asked[d.MAC] = true
			}
			return i, true
		}
		if !left {
			return 0, false
		}
		o.turn.Wait()
	}
	return 0, false
}

// done gives a device back.
func (o *order) done(i int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy[o.devices[i].Behind]--
	delete(o.asked, o.devices[i].MAC)
	o.turn.Broadcast()
}

// end lets nothing more be given out.
func (o *order) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.turn.Broadcast()
}
