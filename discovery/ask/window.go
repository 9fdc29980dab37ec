package ask

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Window is a time of the week in which questions may be asked, in the local time of the laptop.
type Window struct {
	days     [7]bool       // on which it opens, by time.Weekday
	from, to time.Duration // since midnight; a to that is not after from is on the next day
	text     string
}

// Windows are all of them; without any, it is always open.
type Windows []Window

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads "Sat 02:00-04:00", "Mon-Fri 22:00-05:00", "Sat,Sun 06:00-08:00" and, for every day, "02:00-04:00".
func ParseWindow(text string) (Window, error) {
	w := Window{text: strings.Join(strings.Fields(text), " ")}
	bad := fmt.Errorf("window %q: want days and times such as Sat 02:00-04:00 or Mon-Fri 22:00-05:00", text)
	days, span, named := strings.Cut(w.text, " ")
	if !named {
		days, span = "sun-sat", w.text
	}
	for part := range strings.SplitSeq(strings.ToLower(days), ",") {
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		from, ok := weekday(first)
		to, also := weekday(last)
		if !ok || !also {
			return Window{}, bad
		}
		for d := from; ; d = (d + 1) % 7 {
			w.days[d] = true
			if d == to {
				break
			}
		}
	}
	from, to, ok := strings.Cut(span, "-")
	var err error
	if w.from, err = clock(from); err != nil || !ok {
		return Window{}, bad
	}
	if w.to, err = clock(to); err != nil || w.from == w.to {
		return Window{}, bad
	}
	return w, nil
}

func weekday(text string) (int, bool) {
	for i, name := range weekdays {
		if len(text) >= len(name) && strings.HasPrefix(strings.ToLower(time.Weekday(i).String()), text) {
			return i, true
		}
	}
	return 0, false
}

// clock reads 02:00; 24:00 is midnight at the end.
func clock(text string) (time.Duration, error) {
	if text == "24:00" {
		return 24 * time.Hour, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, err
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// ParseWindows reads several.
func ParseWindows(texts []string) (Windows, error) {
	var out Windows
	for _, text := range texts {
		w, err := ParseWindow(text)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// String is the window as it was written.
func (w Window) String() string { return w.text }

// on is when the window opens and closes that opens on the day of t, and whether it opens on that day at all. Wall clocks that
// are put forward or back move with it.
func (w Window) on(t time.Time) (opens, closes time.Time, ok bool) {
	year, month, day := t.Date()
	at := func(d time.Duration, days int) time.Time {
		return time.Date(year, month, day+days, int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, t.Location())
	}
	next := 0
	if w.to <= w.from {
		next = 1
	}
	return at(w.from, 0), at(w.to, next), w.days[t.Weekday()]
}

// Open reports whether it is open at t, and until when. Without windows it is open for ever: until is then zero.
func (w Windows) Open(t time.Time) (until time.Time, open bool) {
	if len(w) == 0 {
		return time.Time{}, true
	}
	for _, window := range w {
		for _, day := range []int{-1, 0} {
			opens, closes, ok := window.on(t.AddDate(0, 0, day))
			if ok && !t.Before(opens) && t.Before(closes) && closes.After(until) {
				until = closes
			}
		}
	}
	return until, !until.IsZero()
}

// Next is when the next window opens at or after t, where it is closed at t; t itself when it is open.
func (w Windows) Next(t time.Time) time.Time {
	if _, open := w.Open(t); open {
		return t
	}
	var next time.Time
	for _, window := range w {
		for day := range 8 {
			if opens, _, ok := window.on(t.AddDate(0, 0, day)); ok && opens.After(t) && (next.IsZero() || opens.Before(next)) {
				next = opens
			}
		}
	}
	return next
}

// Strings are the windows as they were written.
func (w Windows) Strings() []string {
	var out []string
	for _, window := range w {
		out = append(out, window.String())
	}
	return out
}

// closed gives an error outside of the windows.
func (w Windows) closed(now time.Time) error {
	if _, open := w.Open(now); open {
		return nil
	}
	return fmt.Errorf("%w: outside of the window %s, which opens again on %s", ErrStopped, strings.Join(w.Strings(), ", "),
		w.Next(now).Format("Mon 2 Jan 15:04"))
}

// AwaitWindow waits until questions may be asked. Before it waits it tells until when.
func (k *Keeper) AwaitWindow(ctx context.Context, waiting func(until time.Time)) error {
	for {
		now := k.now()
		next := k.o.Windows.Next(now)
		if !next.After(now) {
			return ctx.Err()
		}
		waiting(next)
		// In steps: a laptop that sleeps wakes up to another time than a timer thinks.
		step := min(next.Sub(now), time.Minute)
		if err := sleepUntil(ctx, time.Now().Add(step)); err != nil {
			return err
		}
	}
}
