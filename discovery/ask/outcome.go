package ask

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
)

// errPanic says that an asker panicked.
var errPanic = errors.New("the asker failed")

// outcome sums the session up, of which the asker made err. What the session itself decided weighs more: a library may have
// turned it into something else.
func (s *session) outcome(err error) ItemResult {
	s.mu.Lock()
	fault, answered := s.fault, s.answered
	s.mu.Unlock()
	if fault != nil {
		err = fault
	}
	if errors.Is(err, discovery.ErrDistress) && s.v.leftAlone() == nil {
		// Only the asker could see it.
		reason := strings.TrimPrefix(err.Error(), discovery.ErrDistress.Error()+": ")
		err = s.distress(s.protocol.Name+": "+reason, err)
	}
	s.askerPuzzled(err)
	s.askerAlarmed(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.result
	if err != nil {
		r.Reason = err.Error()
	}
	switch {
	case errors.Is(err, discovery.ErrDistress):
		r.Outcome = ItemDistress
	case s.ctx.Err() != nil && err != nil:
		r.Outcome, r.Reason = ItemInterrupted, context.Cause(s.ctx).Error()
	case errors.Is(err, discovery.ErrNotListed), errors.Is(err, errPanic):
		r.Outcome = ItemFailed
	case answered > 0:
		r.Outcome = ItemAnswered
	case s.puzzled:
		r.Outcome = ItemNotUnderstood
	case s.reset:
		r.Outcome = ItemReset
	case r.Questions == 0 && (err == nil || errors.Is(err, discovery.ErrNothing)):
		r.Outcome = ItemNothing
	case errors.Is(err, discovery.ErrNotOffered):
		r.Outcome = ItemNotOffered
	case err == nil, errors.Is(err, discovery.ErrSilent), isTimeout(err):
		r.Outcome = ItemSilent
	default:
		r.Outcome = ItemFailed
	}
	r.starved = errors.Is(err, discovery.ErrBudget)
	s.explain(r, err)
	return r
}

// askerPuzzled notes an answer that only the asker could not read: the decoder had nothing to say about it.
func (s *session) askerPuzzled(err error) {
	s.mu.Lock()
	tell := errors.Is(err, discovery.ErrNotUnderstood) && !s.puzzled
	s.mu.Unlock()
	if tell {
		s.heard(s.protocol.Asker.Transport, err, false)
	}
}

// askerAlarmed takes an asker's word for it that what the device answered is a sign of distress: its uptime fell, for one.
func (s *session) askerAlarmed(err error) {
	if errors.Is(err, discovery.ErrDistress) && s.v.leftAlone() == nil {
		_ = s.distress(fmt.Sprintf("%s: %v", s.protocol.Name, err), nil)
	}
}

// explain puts what keeps the run from being complete where the user sees it. Closed ports and silence are answers too.
func (s *session) explain(r ItemResult, err error) {
	address := s.target.Subject.String()
	switch {
	case r.starved:
	case r.Outcome == ItemFailed && !errors.Is(err, discovery.ErrNotListed): // that was told when it was refused
		s.v.k.log.Warn("asking failed", "protocol", r.Protocol, "addr", address, "err", err)
		s.v.tally.trouble(r.Protocol, r.Reason, address)
	}
}
