package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// simulated is a scheduler on a clock that jumps: what it said, and when surveys began.
type simulated struct {
	clock   time.Time
	said    []string
	begun   []string
	slept   map[string]time.Duration // added to the wait until then: the machine slept
	takes   time.Duration
	surveys int // after which it is stopped
	fails   error
}

func (s *simulated) run(t *testing.T, expressions []string, last time.Time) {
	t.Helper()
	calendar, err := parseCalendar(expressions)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	form := "Mon 15:04"
	scheduler := &scheduler{
		calendar: calendar,
		spread:   func() time.Duration { return 0 },
		now:      func() time.Time { return s.clock },
		wait: func(ctx context.Context, at time.Time) error {
			if at.After(s.clock) {
				s.clock = at
			}
			s.clock = s.clock.Add(s.slept[at.Format(form)])
			return ctx.Err()
		},
		survey: func(context.Context) error {
			s.begun = append(s.begun, s.clock.Format(form))
			s.clock = s.clock.Add(s.takes)
			if len(s.begun) == s.surveys {
				stop()
			}
			return s.fails
		},
		say: func(format string, args ...any) { s.said = append(s.said, fmt.Sprintf(format, args...)) },
	}
	if err := scheduler.run(ctx, last); err != nil {
		t.Fatal(err)
	}
}

func (s *simulated) expect(t *testing.T, begun []string, said ...string) {
	t.Helper()
	if !slices.Equal(s.begun, begun) {
		t.Errorf("begun %v, want %v", s.begun, begun)
	}
	all := strings.Join(s.said, "\n")
	for _, want := range said {
		if !strings.Contains(all, want) {
			t.Errorf("it did not say %q:\n%s", want, all)
		}
	}
}

// monday is at noon.
func monday() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.Local) }

func TestSurveysBeginWhenTheyAreDue(t *testing.T) {
	s := &simulated{clock: monday(), takes: time.Hour, surveys: 3}
	s.run(t, []string{"30 2 * * 6", "0 22 * * 1"}, time.Time{})
	s.expect(t, []string{"Mon 22:00", "Sat 02:30", "Mon 22:00"}, "the next survey begins Sat 2026-05-09 02:30:00")
}

func TestASurveyThatIsDueMeanwhileIsLeftOut(t *testing.T) {
	s := &simulated{clock: monday(), takes: 150 * time.Minute, surveys: 2, fails: errors.New("the cable is out")}
	s.run(t, []string{"0 * * * *"}, time.Time{})
	s.expect(t, []string{"Mon 13:00", "Mon 16:00"}, "2 surveys left out: a survey was still running", "the cable is out")
}

func TestWhatWasMissedIsMadeUpForOnce(t *testing.T) {
	s := &simulated{clock: monday(), takes: time.Minute, surveys: 2}
	s.run(t, []string{"0 6 * * *"}, monday().AddDate(0, 0, -5))
	s.expect(t, []string{"Mon 12:00", "Tue 06:00"}, "the survey of Thu 2026-04-30 06:00:00 was missed", "only once")

	s = &simulated{clock: monday(), takes: time.Minute, surveys: 1} // nothing was missed
	s.run(t, []string{"0 6 * * *"}, monday().Add(-5*time.Hour))
	s.expect(t, []string{"Tue 06:00"})
}

func TestAMachineThatSleptBeginsOnceWhenItWakes(t *testing.T) {
	s := &simulated{clock: monday(), takes: time.Minute, surveys: 2, slept: map[string]time.Duration{"Tue 06:00": 51 * time.Hour}}
	s.run(t, []string{"0 6 * * *"}, time.Time{})
	s.expect(t, []string{"Thu 09:00", "Fri 06:00"}, "begins 51h0m0s late")
}

// The clock on the wall decides: it is set forth while nothing is done, and back.
func TestTheClockIsSet(t *testing.T) {
	for _, c := range []struct {
		name              string
		set, took, ending time.Duration // the clock after ten minutes, and when the wait for one hour is over
	}{
		{"forth", 49 * time.Minute, 11 * time.Minute, time.Minute},
		{"forth_beyond", 26 * time.Hour, 10 * time.Minute, 11 * time.Second},
		{"back", -3 * time.Hour, 4 * time.Hour, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				looked := 0
				clock := func() time.Time {
					now := time.Now()
					if now.Sub(began) >= 10*time.Minute {
						now = now.Add(c.set)
					}
					return now.Round(0)
				}
				if err := waiter(clock, func() { looked++ })(t.Context(), began.Add(time.Hour).Round(0)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < c.took || took > c.took+c.ending || looked == 0 {
					t.Errorf("it waited for %s", took)
				}
			})
		})
	}
}

func TestCalendarMistakesAreTold(t *testing.T) {
	for _, bad := range []string{"", "at night", "61 * * * *", "0 0 31 2 *", "* * * * * * *"} {
		if _, err := parseCalendar([]string{bad}); err == nil {
			t.Errorf("%q is a calendar", bad)
		}
	}
}

// calendars are expressions with what systemd calls the same times.
func calendars() map[string]string {
	return map[string]string{
		"30 2 * * 6":                     "Sat *-*-* 2:30:00",
		"@monthly":                       "*-*-1 0:0:00",
		"@weekly":                        "Sun *-*-* 0:0:00",
		"*/20 22-23 1-7 jan,jul mon-fri": "Mon,Tue,Wed,Thu,Fri *-1,7-1,2,3,4,5,6,7 22,23:0,20,40:00",
		"0 2 1-7 * 6":                    "Sat *-*-1,2,3,4,5,6,7 2:0:00", // the first Saturday
		"59 23 31 12 *":                  "*-12-31 23:59:00",
		"5/10 */6 * 1-12/3 0,7":          "Sun *-1,4,7,10-* 0,6,12,18:5,15,25,35,45,55:00",
		"0 0 29 2 *":                     "*-2-29 0:0:00",
		"* * * * *":                      "*-*-* *:*:00",
	}
}

func TestSystemdIsToldTheSameTimes(t *testing.T) {
	for expression, want := range calendars() {
		c, err := parseCalendar([]string{expression})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.onCalendar(); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, %v, want %q", expression, got, err, want)
		}
	}
	for _, expression := range []string{"@every 5m", "0 2 L * *", "0 2 * * 6#1", "CRON_TZ=Asia/Tokyo 0 2 * * *"} {
		c, err := parseCalendar([]string{expression})
		if err != nil {
			t.Logf("%s is no calendar: %v", expression, err)
			continue
		}
		if got, err := c.onCalendar(); err == nil {
			t.Errorf("%s is %q", expression, got)
		}
	}
}

func TestTheTimerStartsOneSurvey(t *testing.T) {
	p := servicePlan{program: "/usr/bin/walkdown", user: "survey", arguments: []string{"run", "--once"}, calendar: []string{"Sat *-*-* 2:30:00", "*-*-1 0:0:00"}, jitter: 90 * time.Second}
	want := "[Unit]\nDescription=walkdown: when surveys begin\n\n[Timer]\nOnCalendar=Sat *-*-* 2:30:00\nOnCalendar=*-*-1 0:0:00\nPersistent=true\nAccuracySec=1s\n" +
		"RandomizedDelaySec=90\n\n[Install]\nWantedBy=timers.target\n"
	if got := p.timerUnit(); got != want {
		t.Errorf("got %s", got)
	}
	unit, err := p.unit()
	if err != nil || !strings.Contains(unit, "\nType=oneshot\n") || strings.Contains(unit, "Restart=") || strings.Contains(unit, "[Install]") {
		t.Errorf("%v\n%s", err, unit)
	}
	p.calendar = nil
	if unit, err = p.unit(); err != nil || p.printed(unit) != unit || !strings.Contains(unit, "\nRestart=on-failure\n") || !strings.HasSuffix(unit, "[Install]\nWantedBy=multi-user.target\n") {
		t.Errorf("%v\n%s", err, unit)
	}
}

func TestFilesOfEachSurveyHaveItsTime(t *testing.T) {
	at := time.Date(2026, 5, 4, 2, 30, 7, 0, time.UTC)
	for path, want := range map[string]string{"/data/own.pcapng": "/data/own-20260504T023007Z.pcapng", "own": "own-20260504T023007Z"} {
		if got := stamped(path, at); got != want {
			t.Errorf("%s becomes %s", path, got)
		}
	}
}

func TestTheUnitAllowsNothingElse(t *testing.T) {
	p := servicePlan{program: "/usr/local/bin/walkdown", db: "/var/lib/plant 1/plant.db", user: "survey", writes: []string{"/var/lib/plant 1", "/data"}, arguments: []string{"run", "--config", "/etc/100%.yaml", "--db", "/var/lib/plant 1/plant.db"}}
	unit, err := p.unit()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`ExecStart=/usr/local/bin/walkdown run --config /etc/100%%.yaml --db "/var/lib/plant 1/plant.db"`, "User=survey", "CapabilityBoundingSet=CAP_NET_RAW CAP_NET_ADMIN",
		"AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN", "ProtectSystem=strict", `ReadWritePaths="/var/lib/plant 1" "/data"`, "NoNewPrivileges=yes", "TimeoutStopSec=30",
		"PrivateTmp=yes", "RestartPreventExitStatus=2",
	} {
		if !slices.Contains(strings.Split(unit, "\n"), line) {
			t.Errorf("no line %s", line)
		}
	}
	p.writes[1] = "/tmp/own"
	if unit, err = p.unit(); err != nil || strings.Contains(unit, "PrivateTmp") {
		t.Errorf("the service does not see the folder that it writes to: %v", err)
	}
	p.arguments[2] = "/etc/a\nUser=root.yaml"
	if _, err := p.unit(); err == nil {
		t.Error("a path adds a line to the unit")
	}
}
