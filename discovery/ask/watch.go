package ask

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Watch keeps how devices serve their own clients before, while and after they are asked. The passive ear feeds it, the Keeper
// looks at it before each message to a device, and what it has at the end is the proof of no harm. It is safe for concurrent use.
type Watch struct {
	limits Limits

	mu    sync.Mutex
	now   time.Time // how far the ear has listened
	began time.Time // when it began to
	hosts map[netip.Addr]*watchedHost
	talks map[talkKey]*talk
}

// maxTalks bounds the conversations that are watched; those that come later are not.
const maxTalks = 16384

type watchedHost struct {
	heard        time.Time // when it last answered anybody, as far as the ear knows
	began, ended time.Time // of being asked; ended is zero while it is
	talks        []*talk   // in which it is the server
}

type talkKey struct {
	client, server netip.Addr
	port           uint16
	transport      discovery.Transport
}

// talk is a conversation of others, in three windows.
type talk struct {
	talkKey
	protocol string
	last     time.Time // the client's last message
	waiting  bool      // it waits for its answer
	open     int       // connections
	windows  [3]window // by phase
}

type phase int

const (
	before phase = iota
	during
	afterwards
)

// window is what was heard in one phase.
type window struct {
	span               time.Duration // that the ear listened
	intervals, answers sample
	repeats, resets    int
}

// sample keeps the newest durations.
type sample struct {
	kept  []time.Duration
	count int
}

const maxSample = 256

func (s *sample) add(list []time.Duration) {
	s.count += len(list)
	s.kept = append(s.kept, list...)
	if extra := len(s.kept) - maxSample; extra > 0 {
		s.kept = slices.Delete(s.kept, 0, extra)
	}
}

func (s *sample) median() time.Duration {
	if len(s.kept) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.kept))
	return sorted[len(sorted)/2]
}

// period is the median of the pauses between the bursts of a client that asks several things in a row each cycle; without
// bursts it is the median. regular reports whether the middle half of them differs by no more than half of it.
func (s *sample) period() (period time.Duration, regular bool) {
	if len(s.kept) == 0 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(s.kept))
	from, _ := slices.BinarySearch(sorted, sorted[len(sorted)*9/10]/10)
	pauses := sorted[from:]
	n := len(pauses)
	period = pauses[n/2]
	return period, pauses[n*3/4]-pauses[n/4] <= period/2
}

// NewWatch makes a Watch with the thresholds of the limits; zero limits are DefaultLimits.
func NewWatch(l Limits) *Watch {
	if l == (Limits{}) {
		l = DefaultLimits()
	}
	return &Watch{limits: l, hosts: map[netip.Addr]*watchedHost{}, talks: map[talkKey]*talk{}}
}

// Tick says that the ear has listened up to the time.
func (w *Watch) Tick(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began.IsZero() {
		w.began = now
	}
	if span := now.Sub(w.now); !w.now.IsZero() && span > 0 {
		for _, t := range w.talks {
			t.windows[w.phase(t.server)].span += span
		}
	}
	if now.After(w.now) {
		w.now = now
	}
}

// Hear takes how a conversation has beaten. What we say ourselves is not heard: the listener leaves it out.
func (w *Watch) Hear(p discovery.Pulse) {
	if !p.Client.IsValid() || !p.Server.IsValid() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := talkKey{p.Client, p.Server, p.Port, p.Transport}
	t := w.talks[key]
	if t == nil {
		if len(w.talks) >= maxTalks {
			return
		}
		t = &talk{talkKey: key}
		w.talks[key] = t
		host := w.host(p.Server)
		host.talks = append(host.talks, t)
	}
	t.protocol, t.last, t.open, t.waiting = p.Protocol, p.Last, p.Open, p.Waiting
	into := &t.windows[w.phase(p.Server)]
	into.intervals.add(p.Intervals)
	into.answers.add(p.Answers)
	into.repeats += p.Repeats
	into.resets += p.Resets
	if len(p.Answers) > 0 {
		w.host(p.Server).heard = p.Last
	}
}

// host is what is known of an address. The caller holds mu.
func (w *Watch) host(addr netip.Addr) *watchedHost {
	h := w.hosts[addr]
	if h == nil {
		h = &watchedHost{}
		w.hosts[addr] = h
	}
	return h
}

// settling is how long after the last message to a device its own clients may still show what it did.
const settling = 3 * time.Second

// phase is that of the device now. The caller holds mu.
func (w *Watch) phase(server netip.Addr) phase {
	h := w.hosts[server]
	switch {
	case h == nil || h.began.IsZero():
		return before
	case h.ended.IsZero() || w.now.Before(h.ended.Add(settling)):
		return during
	}
	return afterwards
}

// begin says that the device is asked from now on. A device that is asked again goes on where it was.
func (w *Watch) begin(addr netip.Addr) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.host(addr)
	if h.began.IsZero() {
		h.began = w.clock()
	}
	h.ended = time.Time{}
}

// end says that nothing more is sent to the device.
func (w *Watch) end(addr netip.Addr) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.host(addr).ended = w.clock()
}

// clock is the ear's time, or the machine's before the ear has said any. The caller holds mu.
func (w *Watch) clock() time.Time {
	if w.now.IsZero() {
		return time.Now()
	}
	return w.now
}

// Clients are how many stations other than ourselves hold a connection to the port, as far as they were heard.
func (w *Watch) Clients(server netip.Addr, port uint16) int {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	if h := w.hosts[server]; h != nil {
		for _, t := range h.talks {
			if t.port == port && t.transport == discovery.TCP && t.open > 0 {
				n++
			}
		}
	}
	return n
}

// heardAt is when the device last answered anybody that we overheard.
func (w *Watch) heardAt(addr netip.Addr) time.Time {
	if w == nil {
		return time.Time{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.hosts[addr]; h != nil {
		return h.heard
	}
	return time.Time{}
}

// answerTime is how long the device took to answer its own clients on the port, before it was asked; 0 = not known.
func (w *Watch) answerTime(addr netip.Addr, port uint16) time.Duration {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts[addr]
	if h == nil {
		return 0
	}
	var slowest time.Duration
	for _, t := range h.talks {
		if t.port == port && t.windows[before].answers.count >= fewest {
			slowest = max(slowest, t.windows[before].answers.median())
		}
	}
	return slowest
}

// fewest is how many of a kind make a baseline.
const fewest = 3

// sign gives the first sign of distress that the ear has heard of the device since it is asked, or "".
func (w *Watch) sign(addr netip.Addr) string {
	if w == nil {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts[addr]
	if h == nil || h.began.IsZero() {
		return ""
	}
	for _, t := range h.talks {
		if reason := t.sign(w.limits, w.now, h.began); reason != "" {
			name := t.protocol
			if name == "" {
				name = fmt.Sprintf("%s/%d", t.transport, t.port)
			}
			return fmt.Sprintf("%s of %s: %s", name, t.client, reason)
		}
	}
	return ""
}

// sign judges one conversation.
func (t *talk) sign(l Limits, now, began time.Time) string {
	was, is := &t.windows[before], &t.windows[during]
	if n := usual(was, is, was.resets); is.resets >= l.HeardResets && float64(is.resets) > 2*n {
		return fmt.Sprintf("reset inside an exchange (%d times)", is.resets)
	}
	if n := usual(was, is, was.repeats); is.repeats >= l.HeardRepeats && float64(is.repeats) > 2*n {
		return fmt.Sprintf("%d segments had to be sent again", is.repeats)
	}
	if answer := was.answers.median(); was.answers.count >= fewest && is.answers.count >= fewest {
		if slow := is.answers.median(); l.isSlow(slow, answer) {
			return fmt.Sprintf("answered in %s instead of %s", rounded(slow), rounded(answer))
		}
	}
	period, regular := was.intervals.period()
	if was.intervals.count < 2*fewest || !regular {
		return ""
	}
	if grown, _ := is.intervals.period(); is.intervals.count >= fewest && float64(grown) > l.PollGrowth*float64(period) {
		return fmt.Sprintf("polls every %s instead of every %s", rounded(grown), rounded(period))
	}
	if silence := now.Sub(t.last); t.last.After(began.Add(-2*period)) && silence > time.Duration(l.PollSilence)*period+stopped {
		return fmt.Sprintf("polls every %s have stopped for %s", rounded(period), rounded(silence))
	}
	return ""
}

// time is how far the ear has listened.
func (w *Watch) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock()
}

// silenced are the devices that nobody asked, that answered clients which poll them until the given time, and that have answered
// nobody since, although one of these waits for its answer.
func (w *Watch) silenced(since time.Time) map[netip.Addr]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[netip.Addr]string{}
	for addr, h := range w.hosts {
		if !h.began.IsZero() {
			continue
		}
		for _, t := range h.talks {
			was := &t.windows[before]
			period, regular := was.intervals.period()
			if !t.waiting || !regular || was.intervals.count < 2*fewest || was.answers.count < fewest || was.answers.median() > period {
				continue
			}
			silence := w.now.Sub(h.heard)
			if h.heard.After(since.Add(-2*period-stopped)) && silence > time.Duration(w.limits.PollSilence)*period+stopped {
				out[addr] = fmt.Sprintf("%s polls it every %s and has got no answer for %s", t.client, rounded(period), rounded(silence))
			}
		}
	}
	return out
}

// stopped is added to the silence of a client that counts: the ear is told of it once a second.
const stopped = 2 * time.Second

// usual is how many of what happened n times before would have happened in as long a time as the device is asked.
func usual(was, is *window, n int) float64 {
	if was.span <= 0 {
		return 0
	}
	return float64(n) * float64(is.span) / float64(was.span)
}

// rounded is a duration for people.
func rounded(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Microsecond)
}
