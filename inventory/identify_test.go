package inventory

import (
	"testing"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Whether a device goes back and forth is told by all its values together, in whatever order they are looked at.
func TestWhoGoesBackAndForth(t *testing.T) {
	told := func(value string, minute int, survey string) Evidence {
		last := at(0).Add(time.Duration(minute) * time.Minute)
		return Evidence{Fact: discovery.NewFact("snmp.sysDescr", value), First: at(0), Last: last, Survey: survey}
	}
	for name, c := range map[string]struct {
		current []Evidence
		want    bool
	}{
		"one_value":            {[]Evidence{told("1.0", 0, "s-1")}, false},
		"told_together":        {[]Evidence{told("1.0", 0, "s-1"), told("2.0", 1, "s-1")}, false},
		"in_two_surveys":       {[]Evidence{told("1.0", 0, "s-1"), told("2.0", 1, "s-2")}, true},
		"long_apart":           {[]Evidence{told("1.0", 0, "s-1"), told("2.0", 61, "s-1")}, true},
		"first_and_last_apart": {[]Evidence{told("1.0", 0, "s-1"), told("2.0", 50, "s-1"), told("3.0", 100, "s-1")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 { // the order of a map is another one each time
				if got := wavers(c.current); got != c.want {
					t.Fatalf("got %v", got)
				}
			}
		})
	}
}
