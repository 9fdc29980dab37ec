package main

import (
	"fmt"
	"math"
	"time"

	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/inventory"
)

// rhythms are how the devices that were asked served their own clients, as the survey keeps it.
func rhythms(list []ask.Rhythm) []inventory.Rhythm {
	var out []inventory.Rhythm
	for _, r := range list {
		out = append(out, inventory.Rhythm{
			Server: r.Server.String(), Client: r.Client.String(), Transport: r.Transport.String(), Port: r.Port, Protocol: r.Protocol,
			Before: beat(r.Before), During: beat(r.During), After: beat(r.After),
		})
	}
	return out
}

func beat(b ask.Beat) inventory.Beat {
	ms := func(d time.Duration) float64 { return math.Round(float64(d)/float64(time.Microsecond)) / 1000 }
	return inventory.Beat{
		ListenedS: math.Round(b.Listened.Seconds()*10) / 10, Messages: b.Messages, IntervalMS: ms(b.Interval),
		Answers: b.Answers, AnswerMS: ms(b.Answer), Repeats: b.Repeats, Resets: b.Resets,
	}
}

// signed is a whole number with its sign; 0 has none.
func signed(p float64) string {
	if math.Abs(p) < 0.5 {
		return "0"
	}
	return fmt.Sprintf("%+.0f", p)
}

// harmless says in a line how the devices that were asked served their own clients meanwhile; "" = none was heard to have any.
func harmless(list []ask.Rhythm) string {
	if len(list) == 0 {
		return ""
	}
	heard := 0 // that can be compared
	largest, least := -math.MaxFloat64, math.MaxFloat64
	troubled := 0
	for _, r := range list {
		if r.During.Resets+r.During.Repeats > r.Before.Resets+r.Before.Repeats {
			troubled++
		}
		for _, b := range []ask.Beat{r.During, r.After} {
			if r.Before.Interval <= 0 || b.Interval <= 0 {
				continue
			}
			heard++
			change := 100 * (float64(b.Interval)/float64(r.Before.Interval) - 1)
			largest, least = max(largest, change), min(least, change)
		}
	}
	text := fmt.Sprintf("own clients of the asked devices: %s heard before", plural(len(list), "conversation"))
	if heard > 0 {
		text += fmt.Sprintf("; poll intervals while and after asking changed by %s to %s %%", signed(least), signed(largest))
	} else {
		text += "; too little was heard while and after asking to compare it"
	}
	if troubled > 0 {
		return text + fmt.Sprintf("; more resets or repeated segments than before in %d", troubled)
	}
	return text + "; no more resets or repeated segments than before"
}
