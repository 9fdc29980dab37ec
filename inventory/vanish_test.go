package inventory

import (
	"testing"
	"time"
)

func TestOnlyWhoWasLookedForHasVanished(t *testing.T) {
	for name, c := range map[string]struct {
		missing  Missing
		listened time.Duration
		want     string // the reason; "" = it has not vanished
	}{
		"nothing was done":               {Missing{Answered: true, Heard: time.Minute}, 0, ""},
		"asked, and it had answered":     {Missing{Answered: true, Unanswered: 2}, 0, "asked 2 times, no answer"},
		"asked, and it never answered":   {Missing{Unanswered: 2}, 0, ""},
		"listened as long as before":     {Missing{Heard: time.Minute}, time.Minute, "listened for 1m0s at the place where it was heard within 1m0s"},
		"listened for a shorter time":    {Missing{Heard: time.Hour}, time.Minute, ""},
		"it was never heard at this end": {Missing{}, time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := c.missing.Vanished(c.listened)
			if ok != (c.want != "") || got.Via != c.want {
				t.Errorf("got %v %q, want %q", ok, got.Via, c.want)
			}
		})
	}
}
