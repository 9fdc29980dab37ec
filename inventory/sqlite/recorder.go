package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

const (
	// commitEvery is how much a power cut may cost.
	commitEvery = time.Second
	// maxPending bounds what waits to be committed; with more, Observe waits. Half of it is committed without waiting for
	// the second to pass.
	maxPending = 10_000
)

// Recorder records one survey: it is the discovery.Sink that everything observed goes to. What is observed waits in memory,
// where repetitions add up, and is committed once a second, by a goroutine that End waits for. After an error nothing is
// recorded any more; Err, Flush and End tell it, and what was committed before stays. It is safe for concurrent use.
type Recorder struct {
	store  *Store
	survey int64
	begun  inventory.Survey
	own    map[any]bool // the sensor's discovery.MAC and netip.Addr
	log    *slog.Logger

	mu      sync.Mutex
	room    *sync.Cond // there is room again, or the recorder has failed
	pending *batch
	err     error
	ended   bool

	commits sync.Mutex // one commit at a time; guards writer
	writer  *writer
	kick    chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

// Begin gives a survey its id and starts to record it.
func (s *Store) Begin(ctx context.Context, survey inventory.Survey) (*Recorder, error) {
	if s.write == nil {
		return nil, fmt.Errorf("begin a survey: %w: opened for reading", ErrReadOnly)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recorder != nil {
		return nil, fmt.Errorf("begin a survey: %w: survey %s is running", ErrLocked, s.recorder.ID())
	}
	r := &Recorder{
		store: s, begun: survey, own: map[any]bool{}, log: s.options.Log, pending: newBatch(),
		kick: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	r.room = sync.NewCond(&r.mu)
	if r.begun.Site == "" {
		r.begun.Site = defaultPlace
	}
	if r.begun.Segment == "" {
		r.begun.Segment = defaultPlace
	}
	if r.begun.Started.IsZero() {
		r.begun.Started = s.options.Now()
	}
	for _, text := range survey.Own {
		if mac, err := discovery.ParseMAC(text); err == nil {
			r.own[mac] = true
		} else if ip, err := netip.ParseAddr(text); err == nil {
			r.own[ip] = true
		} else {
			return nil, fmt.Errorf("begin a survey: the sensor's own address %q is neither a MAC nor an IP", text)
		}
	}
	var err error
	if r.survey, err = s.insertSurvey(ctx, r.begun); err != nil {
		return nil, told("begin a survey", err)
	}
	r.begun.ID = surveyID(r.survey)
	rules, err := s.rules(ctx)
	if err != nil {
		return nil, told("begin a survey", err)
	}
	r.writer = newWriter(s, rules, r.survey)
	s.recorder = r
	// What was observed is kept although the survey is interrupted, so cancelling does not reach the commits.
	go r.run(context.WithoutCancel(ctx))
	r.log.Info("survey begun", "survey", r.begun.ID, "site", r.begun.Site, "segment", r.begun.Segment)
	return r, nil
}

// defaultPlace is the name of the site and of the segment when none is given.
const defaultPlace = "default"

// ID is the id of the survey.
func (r *Recorder) ID() string { return r.begun.ID }

func (r *Recorder) run(ctx context.Context) {
	defer close(r.done)
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
		case <-r.kick:
		}
		if err := r.commit(ctx, false); err != nil {
			return
		}
	}
}

// Observe takes an observation. It waits while too much is waiting to be committed. What the sensor says and hears of itself
// is left out.
func (r *Recorder) Observe(o discovery.Observation) {
	r.place(&o)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.wait() {
		return
	}
	if !r.isOwn(o.Subject) {
		r.pending.observe(o)
	}
	for _, talk := range o.Talks {
		if !r.isOwn(talk.Client) && !r.isOwn(talk.Server) {
			r.pending.talk(o, talk)
		}
	}
	r.press()
}

// Exchange takes a line of the ledger.
func (r *Recorder) Exchange(e discovery.Exchange) {
	r.placeSubject(&e.Target)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.wait() {
		return
	}
	r.pending.exchanges = append(r.pending.exchanges, e)
	r.press()
}

// wait waits for room, and reports whether recording goes on.
func (r *Recorder) wait() bool {
	for r.err == nil && !r.ended && r.pending.size() >= maxPending {
		r.room.Wait()
	}
	return r.err == nil && !r.ended
}

// press wakes the goroutine when much is waiting.
func (r *Recorder) press() {
	if r.pending.size() >= maxPending/2 {
		select {
		case r.kick <- struct{}{}:
		default:
		}
	}
}

// place fills in what the observer left to the survey: site and segment.
func (r *Recorder) place(o *discovery.Observation) {
	if o.Time.IsZero() {
		o.Time = r.store.options.Now()
	}
	r.placeSubject(&o.Subject)
	if !o.Teller.IsZero() {
		r.placeSubject(&o.Teller)
	}
	o.Links, o.Talks = slices.Clone(o.Links), slices.Clone(o.Talks) // the observer may hand them to others too
	for i := range o.Links {
		if !o.Links[i].Remote.IsZero() {
			r.placeSubject(&o.Links[i].Remote)
		}
	}
	for i := range o.Talks {
		r.placeSubject(&o.Talks[i].Client)
		r.placeSubject(&o.Talks[i].Server)
	}
}

func (r *Recorder) placeSubject(s *discovery.Subject) {
	if s.Site == "" {
		s.Site = r.begun.Site
	}
	if s.Segment == "" {
		s.Segment = r.begun.Segment
	}
	s.IP = s.IP.Unmap().WithZone("")
}

// isOwn reports whether a subject is the sensor. An IP of the sensor beside another MAC is somebody else with the same address.
func (r *Recorder) isOwn(s discovery.Subject) bool {
	if !s.MAC.IsZero() {
		return r.own[s.MAC]
	}
	return s.IP.IsValid() && r.own[s.IP]
}

// Err is why nothing is recorded any more, or nil.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Flush commits what is waiting. The assets are then up to date. Cancelling the context does not stop a commit.
func (r *Recorder) Flush(ctx context.Context) error {
	return r.commit(context.WithoutCancel(ctx), true)
}

// commit writes what is waiting, and folds the assets that it touches if their turn has come or all must be, in one transaction.
func (r *Recorder) commit(ctx context.Context, all bool) error {
	r.commits.Lock()
	defer r.commits.Unlock()
	r.mu.Lock()
	if r.err != nil || r.pending.size() == 0 && !r.writer.behind {
		defer r.mu.Unlock()
		return r.err
	}
	b := r.pending
	r.pending = newBatch()
	r.room.Broadcast()
	r.mu.Unlock()

	started := time.Now()
	err := told("record", r.writer.write(ctx, b, all))
	if err != nil {
		r.mu.Lock()
		r.err = err
		r.room.Broadcast()
		r.mu.Unlock()
		r.log.Warn("nothing is recorded any more", "err", err)
		return err
	}
	r.log.Debug("committed", "rows", b.size(), "took", time.Since(started))
	return nil
}

// Known is the newest value of a fact that a device told, under this address or another one of its asset, not longer ago than a
// question is worth repeating (standards: 24 hours).
func (r *Recorder) Known(about discovery.Subject, key discovery.Key) (string, bool) {
	r.placeSubject(&about)
	since := r.store.options.Now().Add(-refreshAfter)
	r.mu.Lock()
	value, ok := r.pending.known(about, key, since)
	r.mu.Unlock()
	if ok {
		return value, true
	}
	value, ok, err := r.store.known(context.Background(), about, key, since)
	if err != nil {
		r.log.Warn("look up what is known", "err", err)
	}
	return value, ok
}

// refreshAfter is how long an answered question is not worth asking again.
const refreshAfter = 24 * time.Hour

// End commits the rest, tells what changed, and writes the outcome: Outcome, Reasons, Counts, Troubles, Ended, Plug, Scope and Custody
// are taken from the argument where they are set. An empty Outcome is "done". The recorder cannot be used afterwards.
func (r *Recorder) End(ctx context.Context, outcome inventory.Survey) error {
	r.mu.Lock()
	if r.ended {
		r.mu.Unlock()
		return nil
	}
	r.ended = true
	r.room.Broadcast()
	r.mu.Unlock()
	close(r.stop)
	<-r.done
	ctx = context.WithoutCancel(ctx)
	err := r.commit(ctx, true)
	if outcome.Outcome == "" {
		outcome.Outcome = done
	}
	if outcome.Ended.IsZero() {
		outcome.Ended = r.store.options.Now()
	}
	if err != nil && outcome.Outcome == done {
		outcome.Outcome, outcome.Reasons = failed, append(outcome.Reasons, err.Error())
	}
	endErr := told("end survey "+r.ID(), r.store.endSurvey(ctx, r.survey, outcome))
	r.store.mu.Lock()
	r.store.recorder = nil
	r.store.mu.Unlock()
	r.log.Info("survey ended", "survey", r.ID(), "outcome", outcome.Outcome)
	return errors.Join(err, endErr)
}
