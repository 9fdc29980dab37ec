package inventory

import (
	"fmt"
	"time"
)

// Missing is an asset of a survey's segment that the survey did not see, with what the survey did that would have shown it.
// Silence alone says nothing: only who was looked for where it was, by the means that it was known by, has vanished.
type Missing struct {
	Asset   string
	Address string // for people
	// Answered says that it answered a question in an earlier survey.
	Answered bool
	// Unanswered is how many questions of this survey went to its addresses, when none of them was answered.
	Unanswered int
	// Heard is how long the survey listened that heard it last, at the plug-in point of this one; 0 when it was not heard there.
	Heard time.Duration
}

// Vanished tells the change when the asset is gone as far as the survey could see, which listened for a time (0 = it heard
// nothing at all).
func (m Missing) Vanished(listened time.Duration) (Change, bool) {
	c := Change{Asset: m.Asset, Kind: Vanished, Old: m.Address}
	switch {
	case m.Answered && m.Unanswered > 0:
		c.Via = fmt.Sprintf("asked %d times, no answer", m.Unanswered)
	case m.Heard > 0 && listened >= m.Heard:
		c.Via = fmt.Sprintf("listened for %s at the place where it was heard within %s", listened.Round(time.Second), m.Heard.Round(time.Second))
	default:
		return Change{}, false
	}
	return c, true
}
