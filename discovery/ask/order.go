package ask

import "sync"

// order gives out the devices of a plan in its order, so many at once, and no more than a few of those behind one switch port:
// what hangs on one cable shares it.
type order struct {
	devices   []DevicePlan
	atOnePort int

	mu    sync.Mutex
	turn  *sync.Cond
	taken []bool
	busy  map[string]int // by switch port
	ended bool
}

func newOrder(devices []DevicePlan, atOnePort int) *order {
	o := &order{devices: devices, atOnePort: atOnePort, taken: make([]bool, len(devices)), busy: map[string]int{}}
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
			if d.Behind == "" || o.busy[d.Behind] < o.atOnePort {
				o.taken[i] = true
				o.busy[d.Behind]++
				return i, true
			}
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
	o.turn.Broadcast()
}

// end lets nothing more be given out.
func (o *order) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.turn.Broadcast()
}
