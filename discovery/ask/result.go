package ask

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Result is what came of a sweep or a run.
type Result struct {
	Counts  Counts
	Devices []DeviceResult // in the order of the plan
	// Reasons say why something that was planned was not covered; without any, all of it was.
	Reasons  []string
	Troubles []Trouble
	// Stopped says why the run ended itself before the plan did: devices fell silent, or the window closed. "" = it did not.
	Stopped string
	// Interrupted says that the context ended before the plan did.
	Interrupted bool
}

// Counts are those of messages, but for the first three, which are of devices.
type Counts struct {
	Asked         int // devices to which anything was sent, a connection tried included
	Answered      int // devices that answered anything
	Distress      int // devices that were left alone because they showed distress
	Questions     int // sent; of these:
	Replies       int // answered and understood
	Silent        int
	Refused       int // closed ports, connections included
	Reset         int
	NotUnderstood int
	Failed        int
	Setup         int // messages of set-up and tear-down that were sent
	Skipped       int // planned and not sent
}

// DeviceResult is what came of one device.
type DeviceResult struct {
	Subject  discovery.Subject
	Items    []ItemResult // in the order of the plan; one that was never reached is missing
	Distress string       // the reason; "" = none
}

// ItemResult is what came of one protocol of a device.
type ItemResult struct {
	Protocol  string
	Outcome   ItemOutcome
	Reason    string // for people; "" when it was answered
	Questions int    // sent
	Replies   int    // of these answered and understood
	Setup     int    // sent
	starved   bool   // the budget of the device was too small
}

// isUnasked reports whether the run ended before anything was sent to the device.
func (d DeviceResult) isUnasked() bool {
	return len(d.Items) > 0 && !slices.ContainsFunc(d.Items, func(i ItemResult) bool {
		return i.Questions+i.Setup > 0 || i.Outcome != ItemInterrupted && i.Outcome != ItemFailed
	})
}

// ItemOutcome sums a protocol of a device up in a word.
type ItemOutcome string

// The outcomes of an item.
const (
	ItemAnswered      ItemOutcome = "answered"
	ItemNotOffered    ItemOutcome = "not offered"
	ItemSilent        ItemOutcome = "silent"
	ItemReset         ItemOutcome = "reset"          // the device broke the first exchange off
	ItemNothing       ItemOutcome = "nothing to ask" // all was known
	ItemNotUnderstood ItemOutcome = "not understood"
	ItemDistress      ItemOutcome = "distress"
	ItemFailed        ItemOutcome = "failed"
	ItemInterrupted   ItemOutcome = "interrupted"
)

// Trouble is something that went wrong, counted, with one example.
type Trouble struct {
	Protocol string
	Reason   string
	Count    int
	Example  string // the address
}

// maxTroubles bounds the different kinds of trouble that are kept; the rest is counted under otherTrouble.
const (
	maxTroubles  = 200
	otherTrouble = "further kinds of trouble"
)

// tally counts for all devices of a run.
type tally struct {
	mu       sync.Mutex
	counts   Counts
	troubles map[[2]string]*Trouble
	reasons  map[string]int
	devices  map[string][]netip.Addr // reasons that several devices share
}

func newTally() *tally {
	return &tally{troubles: map[[2]string]*Trouble{}, reasons: map[string]int{}, devices: map[string][]netip.Addr{}}
}

// count adds one line of the ledger.
func (t *tally) count(e discovery.Exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &t.counts
	switch e.Outcome {
	case discovery.Skipped:
		c.Skipped++
		return
	case discovery.Refused:
		c.Refused++
	}
	if e.Request == discovery.ConnectRequest {
		return
	}
	if e.Setup {
		c.Setup++
		return
	}
	c.Questions++
	switch e.Outcome {
	case discovery.Answered:
		c.Replies++
	case discovery.Silent:
		c.Silent++
	case discovery.Reset:
		c.Reset++
	case discovery.Garbage:
		c.NotUnderstood++
	case discovery.Failed:
		c.Failed++
	}
}

func (t *tally) trouble(protocol, reason, example string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := [2]string{protocol, reason}
	if t.troubles[key] == nil {
		if len(t.troubles) >= maxTroubles {
			key = [2]string{"", otherTrouble}
		}
		if t.troubles[key] == nil {
			t.troubles[key] = &Trouble{Protocol: key[0], Reason: key[1], Example: example}
		}
	}
	t.troubles[key].Count++
}

// reason notes why a device was not covered.
func (t *tally) reason(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reasons[text]++
}

// about notes why a device was not covered, in words that others may share.
func (t *tally) about(device netip.Addr, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.devices[text] = append(t.devices[text], device)
}

// maxNamed is how many devices are named that share a reason.
const maxNamed = 4

// named lists devices, the first of them by name.
func named(devices []netip.Addr) string {
	var words []string
	devices = slices.Compact(slices.SortedFunc(slices.Values(devices), netip.Addr.Compare))
	for _, d := range devices[:min(maxNamed, len(devices))] {
		words = append(words, d.String())
	}
	if more := len(devices) - maxNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(words, ", "), more)
	}
	return strings.Join(words, ", ")
}

func (t *tally) device(asked, answered, distress bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range []struct {
		is    bool
		count *int
	}{{asked, &t.counts.Asked}, {answered, &t.counts.Answered}, {distress, &t.counts.Distress}} {
		if c.is {
			*c.count++
		}
	}
}

func (t *tally) sofar() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// result gives the counts and the troubles, sorted.
func (t *tally) result() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := Result{Counts: t.counts}
	for _, trouble := range t.troubles {
		r.Troubles = append(r.Troubles, *trouble)
	}
	slices.SortFunc(r.Troubles, func(a, b Trouble) int {
		return strings.Compare(a.Protocol+"\x00"+a.Reason, b.Protocol+"\x00"+b.Reason)
	})
	for _, text := range slices.Sorted(maps.Keys(t.reasons)) {
		if n := t.reasons[text]; n > 1 {
			text = fmt.Sprintf("%s (%d times)", text, n)
		}
		r.Reasons = append(r.Reasons, text)
	}
	for _, text := range slices.Sorted(maps.Keys(t.devices)) {
		r.Reasons = append(r.Reasons, text+": "+named(t.devices[text]))
	}
	return r
}
