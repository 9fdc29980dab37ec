package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/notify"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type runCmd struct {
	Schedule []string      `sep:";" required:"" placeholder:"CRON" help:"When surveys begin, in local time: minute, hour, day of the month, month, day of the week; several with ; between them."`
	Jitter   time.Duration `placeholder:"D" help:"Begin up to this much later, by chance."`
	Once     bool          `help:"Survey once, now, as the calendar would, and end: for a timer of the system."`
	surveyCmd
}

// Help is shown below the flags.
func (runCmd) Help() string {
	return "Surveys again and again, as --schedule says, with the flags of survey, until it is told to stop. Nobody is asked: what --ask, --window\n" +
		"and the rest allow is agreed to. A survey that is due while another runs is left out; one that was missed is made up for once.\n" +
		"Questions that were answered less than a day ago are not repeated. The file of --own-traffic is one for each survey, with the time in its\n" +
		"name. `walkdown service install` makes the system start it."
}

// Run surveys on a calendar.
func (c runCmd) Run(a *app) error { return a.underServiceManager(c.run) }

// check tells now what is wrong, and not at night.
func (c runCmd) check() (calendar, error) {
	calendar, err := parseCalendar(c.Schedule)
	switch {
	case err != nil:
		return nil, err
	case c.Jitter < 0:
		return nil, usage("", "--jitter must be more than 0")
	case c.Ask != "":
		_, err = c.read()
	}
	return calendar, err
}

func (c runCmd) run(a *app) error {
	calendar, err := c.check()
	if err != nil {
		return err
	}
	release, err := sqlite.Claim(a.common.DB + ".run")
	if errors.Is(err, sqlite.ErrLocked) {
		return failed(fmt.Errorf("surveys of %s are already run on a schedule: %w", a.common.DB, err), "stop the other one, or name another inventory with --db")
	}
	if err != nil {
		return err
	}
	defer release() //nolint:errcheck // it goes with the process
	if c.Once {
		return c.once(a, a.ctx)
	}
	return c.schedule(a, calendar)
}

func (c runCmd) schedule(a *app, calendar calendar) error {
	last, err := a.lastBegun()
	if err != nil {
		return err
	}
	tell := &pending{app: a}
	s := &scheduler{
		calendar: calendar,
		spread:   func() time.Duration { return time.Duration(rand.Int64N(int64(c.Jitter) + 1)) },
		now:      time.Now,
		wait:     waiter(time.Now, tell.try),
		say:      a.say,
		survey: func(ctx context.Context) error {
			err := c.once(a, ctx)
			tell.waiting = true
			return err
		},
	}
	return s.run(a.ctx, last)
}

// once runs one survey. That somebody else is recording is no failure: it is told, and the next one comes.
func (c runCmd) once(a *app, ctx context.Context) error {
	b := *a
	b.ctx, b.stdin, b.stdout = ctx, strings.NewReader(""), io.Discard
	survey := c.surveyCmd
	survey.Yes, survey.Unattended = true, true
	if c.OwnTraffic != "" {
		survey.OwnTraffic = stamped(c.OwnTraffic, now())
	}
	err := survey.Run(&b)
	if errors.Is(err, sqlite.ErrLocked) {
		return fmt.Errorf("this survey is left out: %w", err)
	}
	a.sayBurden()
	return err
}

// stamped is the name of a file of which each survey writes one: with the time, in UTC, before what tells its kind.
func stamped(path string, t time.Time) string {
	kind := filepath.Ext(path)
	return strings.TrimSuffix(path, kind) + t.UTC().Format("-20060102T150405Z") + kind
}

// lastBegun is when the last survey of this inventory began that was run by itself or by hand; zero when there was none.
func (a *app) lastBegun() (time.Time, error) {
	store, err := a.openToRead()
	if errors.Is(err, sqlite.ErrMissing) || errors.Is(err, sqlite.ErrOlder) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	defer store.Close() //nolint:errcheck // it was only read
	var last time.Time
	for v, err := range store.Surveys(a.ctx) {
		if err != nil {
			return last, err
		}
		if v.Kind == "survey" && v.Started.After(last) {
			last = v.Started
		}
	}
	return last, nil
}

// sayBurden tells what the last survey has sent to devices, beside what they got when they were asked for the first time.
func (a *app) sayBurden() {
	store, err := a.openToRead()
	if err != nil {
		return // the survey has said so
	}
	defer store.Close() //nolint:errcheck // it was only read
	surveys, err := inventory.Collect(store.Surveys(a.ctx))
	if err != nil || len(surveys) == 0 {
		return
	}
	last := surveys[len(surveys)-1].ID
	burdens, err := store.Burdens(a.ctx, last)
	if text := burdenText(burdens); err == nil && text != "" {
		a.say("survey %s sent %s; `walkdown surveys %[1]s` has each device", last, text)
	}
}

// burdenText is what devices got, as a whole; nothing where none was ever asked.
func burdenText(burdens []inventory.Burden) string {
	messages, devices, first := 0, 0, 0
	again := false
	for _, b := range burdens {
		messages, first = messages+b.Messages, first+b.First
		if b.Messages > 0 {
			devices++
		}
		again = again || b.First != b.Messages
	}
	if len(burdens) == 0 {
		return ""
	}
	each := func(n int) float64 { return float64(n) / float64(len(burdens)) }
	if !again {
		return fmt.Sprintf("%s to %s, %.1f each", plural(messages, "message"), plural(devices, "device"), each(messages))
	}
	return fmt.Sprintf("%s to %d of %s, %.1f each; asked for the first time, they got %d, %.1f each",
		plural(messages, "message"), devices, plural(len(burdens), "device"), each(messages), first, each(first))
}

// pending tells changes that could not be told at the end of a survey.
type pending struct {
	app     *app
	teller  *notify.Teller
	waiting bool
	told    string
}

func (p *pending) try() {
	if len(p.app.notify) == 0 || p.teller != nil && (!p.waiting || time.Now().Before(p.teller.Next())) {
		return
	}
	store, err := p.app.openToRead()
	if err != nil {
		return // there is no inventory yet
	}
	defer store.Close() //nolint:errcheck // it was only read
	if p.teller == nil {
		p.teller = p.app.teller(store)
	}
	p.teller.From = store
	err = p.teller.Tell(p.app.ctx)
	if p.waiting = err != nil; p.waiting && err.Error() != p.told && p.app.ctx.Err() == nil {
		p.told = err.Error()
		p.app.say("not told yet, and kept: %v", err)
	}
}
