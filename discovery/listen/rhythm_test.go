package listen

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestRhythm(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // the cases are made in one order, so each run has the same
	every := func(n int, interval func() time.Duration) (out []time.Duration) {
		for range n {
			out = append(out, interval())
		}
		return out
	}
	jittered := func(d time.Duration) func() time.Duration {
		return func() time.Duration { return d + time.Duration(random.Int64N(int64(d)/5)) - d/10 }
	}
	cases := map[string]struct {
		intervals []time.Duration
		median    time.Duration
		class     string
	}{
		"single":       {nil, 0, "one-off"},
		"quick_burst":  {[]time.Duration{time.Millisecond, time.Second}, time.Second, "one-off"},
		"fast_cycle":   {every(1000, jittered(20*time.Millisecond)), 20 * time.Millisecond, "cyclic"},
		"second_cycle": {every(10, jittered(time.Second)), time.Second, "cyclic"},
		"long_cycle":   {every(5000, jittered(time.Second)), time.Second, "cyclic"},
		"minute_cycle": {every(10, jittered(time.Minute)), time.Minute, "periodic"},
		"bursts":       {slices.Repeat([]time.Duration{time.Millisecond, time.Millisecond, time.Millisecond, 997 * time.Millisecond}, 20), time.Millisecond, "cyclic"},
		"random":       {every(5000, func() time.Duration { return time.Duration(random.ExpFloat64() * float64(time.Minute)) }), 41 * time.Second, "sporadic"},
		"twice":        {[]time.Duration{time.Hour}, time.Hour, "sporadic"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var r rhythm
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			r.note(time.Time{}, now)
			for _, d := range c.intervals {
				r.note(now, now.Add(d))
				now = now.Add(d)
			}
			median, class := r.class()
			if class != c.class || (median-c.median).Abs() > c.median*2/5 {
				t.Errorf("%v, %s; want about %v, %s", median, class, c.median, c.class)
			}
			if len(r.intervals) > samples {
				t.Errorf("%d intervals are kept", len(r.intervals))
			}
		})
	}
}
