// Package survey conducts one survey: it listens, finds the hosts of the scope, plans, asks, and settles what was learnt.
// The passive ear stays open while it asks. It is handed its rooms by the caller and opens nothing itself.
package survey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/listen"
)

// flushEvery is how often the listener tells the conversations that it counts.
const flushEvery = time.Second

// ErrDeclined says that the person who was shown the plan did not agree to it.
var ErrDeclined = errors.New("the plan was declined")

// Survey is one run. The zero value of a field leaves its part out.
type Survey struct {
	Protocols []discovery.Protocol
	Ear       capture.Source   // nil: nothing is heard
	Listener  *listen.Listener // reads the Ear
	ListenFor time.Duration    // how long to listen before asking; without a Keeper, 0 = until the Ear ends
	Keeper    *ask.Keeper      // nil: nothing is asked
	Named     []Named
	Likely    Likely
	// Candidates gives the hosts of the scope that the inventory knows.
	Candidates func(context.Context) ([]Candidate, error)
	// Confirm shows the plan; ErrDeclined ends the survey without asking. Nil: agreed already.
	Confirm func(context.Context, ask.Plan) error
	// Keeping says why what is found cannot be kept (a full disk); the survey then stops. Nil: it can be.
	Keeping func() error
	// Settle makes the inventory take in what was observed so far.
	Settle   func(context.Context) error
	Progress func(Progress)
	// Fixed is a plan that was signed off: it is what is asked, and nothing else. Nil: a plan is made.
	Fixed *ask.Plan
	// Planned keeps a plan before anything of it is sent: the one that was agreed to, and the one with the hosts that were found.
	Planned func(context.Context, ask.Plan) error
	// Watch is fed by the Ear, of which the Listener must keep pulses, and looked at by the Keeper. Nil: nobody watches.
	Watch *ask.Watch
	// ListenAfter is how long at most to listen after asking, to hear how the devices serve their own clients then.
	ListenAfter time.Duration
}

// Phase is a part of a survey.
type Phase string

// The phases, in order.
const (
	Listening Phase = "listening"
	Finding   Phase = "finding hosts"
	Waiting   Phase = "waiting for the window"
	Asking    Phase = "asking"
	Watching  Phase = "listening after asking"
	Settling  Phase = "settling"
)

// Progress is where a survey stands.
type Progress struct {
	Phase   Phase
	Frames  uint64
	Dropped uint64
	Left    time.Duration // until the phase ends, 0 = not known
	Ask     ask.Progress
}

// Report is what came of a survey. Reasons says why it is incomplete; empty = it covered its scope.
type Report struct {
	Heard       capture.Stats
	Plan        ask.Plan
	Found       ask.Result
	Segments    []ask.Result // of the questions to whoever is on the link
	Asked       ask.Result
	Rhythms     []ask.Rhythm // how the devices that were asked served their own clients
	Reasons     []string
	Interrupted bool
}

// Run conducts the survey. When ctx ends it stops at once; what was found until then is settled and reported. The error is
// about the survey as a whole; what only a part of it met is in the report.
func (s *Survey) Run(ctx context.Context) (Report, error) {
	var report Report
	earCtx, stopEar := context.WithCancel(ctx)
	defer stopEar()
	ear := s.openEar(earCtx)

	err := s.phases(ctx, ear, &report)
	stopEar()
	if earErr := ear.wait(); earErr != nil {
		report.Reasons = append(report.Reasons, earErr.Error())
	}
	report.Heard = s.heard()
	report.Rhythms = s.Watch.Rhythms()
	if report.Heard.Dropped > 0 {
		report.Reasons = append(report.Reasons, fmt.Sprintf("%d of %d frames were dropped by the capture", report.Heard.Dropped, report.Heard.Frames+report.Heard.Dropped))
	}
	report.Interrupted = ctx.Err() != nil
	if s.Settle != nil {
		s.tell(Progress{Phase: Settling})
		// What was found is kept also after an interrupt, so settling does not end with ctx.
		if settleErr := s.Settle(context.WithoutCancel(ctx)); settleErr != nil {
			err = errors.Join(err, settleErr)
		}
	}
	return report, err
}

func (s *Survey) phases(ctx context.Context, ear *ear, report *Report) error {
	if s.Ear != nil {
		if err := s.listen(ctx, ear); err != nil {
			return err
		}
	}
	if s.Keeper == nil || ctx.Err() != nil {
		return nil
	}
	if err := ear.failed(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("nothing was asked, because listening broke off: %w", err)
	}
	// A survey that has lost its ear cannot see what its questions do, so it stops asking.
	askCtx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-ear.done:
			if err := ear.failed(); err != nil && !errors.Is(err, io.EOF) {
				stop()
			}
		case <-askCtx.Done():
		}
	}()
	// A host without an address stands for those that the sweep will find.
	plan, err := s.plan(askCtx, Candidate{})
	if err != nil {
		return err
	}
	report.Plan = plan
	agreed := plan
	if s.Confirm != nil {
		if err := s.Confirm(askCtx, plan); err != nil {
			return err
		}
	}
	if err := s.planned(askCtx, plan); err != nil {
		return err
	}
	_ = s.Keeper.AwaitWindow(askCtx, func(until time.Time) {
		s.tell(Progress{Phase: Waiting, Left: time.Until(until)})
	})
	if askCtx.Err() != nil {
		return nil // the survey was interrupted
	}
	if plan.Sweep != nil {
		s.tell(Progress{Phase: Finding})
		report.Found, err = s.Keeper.Sweep(askCtx, *plan.Sweep)
		report.Reasons = append(report.Reasons, report.Found.Reasons...)
		if askCtx.Err() != nil {
			return nil
		}
		if err != nil {
			report.Reasons = append(report.Reasons, fmt.Sprintf("the hosts on the link could not all be found: %v", err))
		}
	}
	if !errors.Is(err, ask.ErrStopped) {
		if err := s.segments(askCtx, plan.Segments, report); err != nil || askCtx.Err() != nil {
			return err
		}
	}
	if plan.Sweep != nil || len(plan.Segments) > 0 {
		if plan, err = s.plan(askCtx); err != nil {
			return err
		}
		// Those were made, and those of the new plan will not be.
		plan.Sweep, plan.Segments = report.Plan.Sweep, report.Plan.Segments
		report.Plan = plan
	}
	err = s.rounds(askCtx, agreed, plan, report)
	report.Reasons = append(report.Reasons, report.Asked.Reasons...)
	s.listenAfter(askCtx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("ask: %w", err)
	}
	return nil
}

// segments puts the planned questions to whoever is on the link.
func (s *Survey) segments(ctx context.Context, plans []ask.SegmentPlan, report *Report) error {
	for _, p := range plans {
		hosts, err := s.hosts(ctx)
		if err != nil {
			return err
		}
		if err := s.segment(ctx, p, hosts, report); errors.Is(err, ask.ErrStopped) || ctx.Err() != nil {
			return nil //nolint:nilerr // it is among the reasons
		}
	}
	return nil
}

// segment puts one question to a link. That it could not be put is a reason why the survey is incomplete, unless it was interrupted
// or the question does not concern the link.
func (s *Survey) segment(ctx context.Context, p ask.SegmentPlan, hosts []ask.Host, report *Report) error {
	found, err := s.Keeper.Segment(ctx, p, hosts)
	report.Segments = append(report.Segments, found)
	report.Reasons = append(report.Reasons, found.Reasons...)
	if err != nil && ctx.Err() == nil && !errors.Is(err, discovery.ErrNothing) {
		report.Reasons = append(report.Reasons, fmt.Sprintf("the segment could not be asked: %v", err))
	}
	return err
}

// plan is the fixed plan, or a new one.
func (s *Survey) plan(ctx context.Context, others ...Candidate) (ask.Plan, error) {
	if s.Fixed != nil {
		return *s.Fixed, nil
	}
	return s.Plan(ctx, others...)
}

func (s *Survey) planned(ctx context.Context, plan ask.Plan) error {
	if s.Planned == nil {
		return nil
	}
	if err := s.Planned(ctx, plan); err != nil {
		return fmt.Errorf("nothing was asked, because the plan cannot be kept: %w", err)
	}
	return nil
}

// listenAfter listens on until the devices have shown how they serve their own clients after they were asked.
func (s *Survey) listenAfter(ctx context.Context) {
	end := time.Now().Add(s.ListenAfter)
	for ctx.Err() == nil {
		left := min(s.Watch.Waiting(s.ListenAfter), time.Until(end))
		if left <= 0 {
			return
		}
		s.tell(Progress{Phase: Watching, Left: left})
		select {
		case <-ctx.Done():
		case <-time.After(min(left, flushEvery)):
		}
	}
}

// Plan settles the inventory and plans the questions to the hosts that it knows, and to the others. It sends nothing.
func (s *Survey) Plan(ctx context.Context, others ...Candidate) (ask.Plan, error) {
	hosts, err := s.hosts(ctx, others...)
	if err != nil {
		return ask.Plan{}, err
	}
	return s.Keeper.Plan(hosts), nil
}

// hosts are those that the inventory knows by now, and others.
func (s *Survey) hosts(ctx context.Context, others ...Candidate) ([]ask.Host, error) {
	if s.Settle != nil {
		if err := s.Settle(ctx); err != nil {
			return nil, err
		}
	}
	candidates, err := s.Candidates(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the hosts of the scope: %w", err)
	}
	hosts := make([]ask.Host, 0, len(candidates)+len(others))
	for _, c := range slices.Concat(candidates, others) {
		host := c.Host(s.Protocols, s.Named, s.Likely)
		s.countClients(&host)
		hosts = append(hosts, host)
	}
	return hosts, nil
}

// countClients notes how many others were heard to hold connections to the host.
func (s *Survey) countClients(host *ask.Host) {
	if s.Watch == nil || !host.Subject.IP.IsValid() {
		return
	}
	host.Clients = map[string]int{}
	for _, p := range s.Protocols {
		if p.Asker == nil || host.Evidence[p.Name] == 0 {
			continue
		}
		port := host.Ports[p.Name]
		if port == 0 {
			port = p.Asker.Port
		}
		if n := s.Watch.Clients(host.Subject.IP, port); n > 0 {
			host.Clients[p.Name] = n
		}
	}
}

// listen waits until the listening time is up, the ear has ended, or nothing can be kept any more.
func (s *Survey) listen(ctx context.Context, ear *ear) error {
	var up <-chan time.Time
	end := time.Now().Add(s.ListenFor)
	if s.ListenFor > 0 {
		timer := time.NewTimer(s.ListenFor)
		defer timer.Stop()
		up = timer.C
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		left := time.Duration(0)
		if s.ListenFor > 0 {
			left = time.Until(end)
		}
		stats := ear.stats()
		s.tell(Progress{Phase: Listening, Frames: stats.Frames, Dropped: stats.Dropped, Left: left})
		select {
		case <-ctx.Done():
			return nil
		case <-ear.done:
			return nil
		case <-up:
			return nil
		case <-tick.C:
		}
		if s.Keeping == nil {
			continue
		}
		if err := s.Keeping(); err != nil {
			return err
		}
	}
}

func (s *Survey) tell(p Progress) {
	if s.Progress != nil {
		s.Progress(p)
	}
}
