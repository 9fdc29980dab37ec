package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	cron "github.com/netresearch/go-cron"
)

// calendar is when surveys are due.
type calendar []cron.Schedule

// parseCalendar reads cron expressions of five fields, in local time: minute, hour, day of the month, month, day of the week; or
// @daily, @weekly and the like.
func parseCalendar(texts []string) (calendar, error) {
	var out calendar
	for _, text := range texts {
		s, err := cron.ParseStandard(strings.TrimSpace(text))
		if err != nil {
			return nil, usage(`minute, hour, day of the month, month, day of the week: --schedule "30 2 * * 6" is Saturdays at 2:30; or @daily`, "--schedule %q: %v", text, err)
		}
		if s.Next(time.Now()).IsZero() {
			return nil, usage("", "--schedule %q never comes", text)
		}
		out = append(out, s)
	}
	return out, nil
}

// next is the first time behind t; zero: none.
func (c calendar) next(t time.Time) time.Time {
	var first time.Time
	for _, s := range c {
		if at := s.Next(t); first.IsZero() || !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first
}

// onCalendar are the times in the words of systemd.time(7), which in both fields of the day wants what cron's parser does here: that
// both fit.
func (c calendar) onCalendar() ([]string, error) {
	list := func(bits uint64, least, most int) string {
		var out []string
		for n := least; n <= most; n++ {
			if bits&(1<<n) != 0 {
				out = append(out, strconv.Itoa(n))
			}
		}
		if len(out) == most-least+1 {
			return "*"
		}
		return strings.Join(out, ",")
	}
	var out []string
	for _, s := range c {
		spec, ok := s.(*cron.SpecSchedule)
		if !ok || len(spec.DomConstraints)+len(spec.DowConstraints) > 0 || spec.Year != nil || spec.Location != time.Local {
			return nil, usage("install it without --timer, or write the schedule with numbers, names, *, commas, - and /", "a timer of systemd cannot tell one of the times of the schedule")
		}
		var days []string
		for day := time.Sunday; day <= time.Saturday; day++ {
			if spec.Dow&(1<<day) != 0 {
				days = append(days, day.String()[:3])
			}
		}
		line := fmt.Sprintf("*-%s-%s %s:%s:00", list(spec.Month, 1, 12), list(spec.Dom, 1, 31), list(spec.Hour, 0, 23), list(spec.Minute, 0, 59))
		if len(days) < 7 {
			line = strings.Join(days, ",") + " " + line
		}
		out = append(out, line)
	}
	return out, nil
}

// scheduler starts surveys when they are due, one after the other.
type scheduler struct {
	calendar calendar
	spread   func() time.Duration                          // what is added to each due time
	now      func() time.Time                              // with the local time zone
	wait     func(ctx context.Context, at time.Time) error // until then, by the clock on the wall
	survey   func(ctx context.Context) error
	say      func(format string, args ...any)
}

// late is from how much delay on a start is told to be late: the machine slept.
const late = 2 * time.Minute

// run goes on until the context ends, which is no error. A survey that was due after last (zero: there was none) and did not
// begin, because nothing ran then, is made up for once. One that is due while another runs is left out and told.
func (s *scheduler) run(ctx context.Context, last time.Time) error {
	due := s.calendar.next(s.now())
	if missed := s.missed(last); !missed.IsZero() {
		s.say("the survey of %s was missed; it is made up for now, and only once", stamp(missed))
		due = s.now()
	}
	for {
		if due.IsZero() {
			return errors.New("no survey is due any more")
		}
		at := due
		if due.After(s.now()) {
			at = due.Add(s.spread())
			s.say("the next survey begins %s", stamp(at))
		}
		if s.wait(ctx, at) != nil {
			return nil //nolint:nilerr // it was told to stop
		}
		began := s.now()
		if began.Sub(at) > late {
			s.say("the survey of %s begins %s late", stamp(at), began.Sub(at).Round(time.Second))
		}
		err := s.survey(ctx)
		if ctx.Err() != nil {
			s.say("stopped; what the survey had found is kept")
			return nil //nolint:nilerr // it was told to stop
		}
		if err != nil {
			s.say("%v", err)
		}
		due = s.calendar.next(began)
		left := 0
		for !due.IsZero() && !due.After(s.now()) {
			left, due = left+1, s.calendar.next(due)
		}
		if left > 0 {
			s.say("%s left out: a survey was still running", plural(left, "survey"))
		}
	}
}

// missed is when a survey was due after the last one that has passed; zero: none was.
func (s *scheduler) missed(last time.Time) time.Time {
	if last.IsZero() {
		return time.Time{}
	}
	if at := s.calendar.next(last.Local()); !at.IsZero() && at.Before(s.now()) {
		return at
	}
	return time.Time{}
}

func stamp(t time.Time) string { return t.Format("Mon 2006-01-02 15:04:05") }

// waiter waits by the clock on the wall: a laptop that slept goes on when it wakes, not as much later as it slept. Meanwhile calls a
// function now and then.
func waiter(now func() time.Time, meanwhile func()) func(ctx context.Context, at time.Time) error {
	const look = 10 * time.Second
	return func(ctx context.Context, at time.Time) error {
		for {
			meanwhile()
			// Without the monotonic clock, which stands still in sleep.
			left := at.Round(0).Sub(now().Round(0))
			if left <= 0 {
				return ctx.Err()
			}
			timer := time.NewTimer(min(left, look))
			select {
			case <-ctx.Done():
				timer.Stop()
				return fmt.Errorf("wait: %w", ctx.Err())
			case <-timer.C:
			}
		}
	}
}
