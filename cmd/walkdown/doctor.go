package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type doctorCmd struct{}

// finding is one thing that was looked at.
type finding struct {
	What  string `json:"what"`
	State string `json:"state"` // ok, warn, no
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// Run looks at this machine and says what works.
func (doctorCmd) Run(a *app) error {
	findings := []finding{{What: "system", State: "ok", Text: runtime.GOOS + "/" + runtime.GOARCH + ", walkdown " + version()}}
	findings = append(findings, interfaces(a.ctx)...)
	findings = append(findings, firewall()...)
	findings = append(findings, clock(time.Now()), database(a))
	return list(a, each(findings), []column[finding]{
		{"What", func(f finding) string { return f.What }, 0},
		{"State", func(f finding) string { return f.State }, 0},
		{"Found", func(f finding) string { return f.Text }, 0},
		{"What to do", func(f finding) string { return f.Hint }, 0},
	}, "")
}

// interfaces tries live capture on each interface; it hears for no time at all and sends nothing.
func interfaces(ctx context.Context) []finding {
	known, err := capture.Interfaces()
	if err != nil {
		return []finding{{What: "interfaces", State: "no", Text: err.Error()}}
	}
	var out []finding
	for _, i := range known {
		f := finding{What: "interface " + i.Name, State: "ok", Text: strings.Join(append([]string{i.Kind, i.MAC.String()}, texts(i.Addresses)...), " ")}
		if !i.Up {
			f.State, f.Hint = "warn", "it is down: plug the cable in, or switch it on"
			out = append(out, f)
			continue
		}
		source, err := capture.OpenLive(ctx, i.Name, capture.LiveOptions{})
		switch {
		case err == nil:
			f.Text += ", can be listened to"
			if err := source.Close(); err != nil {
				f.State, f.Text = "warn", err.Error()
			}
		case errors.Is(err, capture.ErrNoRights):
			f.State, f.Text, f.Hint = "no", f.Text+", no right to listen", hintFor(err)
		case errors.Is(err, capture.ErrUnsupported):
			f.State, f.Text, f.Hint = "no", err.Error(), "capture with another program and use `walkdown read FILE`"
		default:
			f.State, f.Text = "no", err.Error()
		}
		out = append(out, f)
	}
	return out
}

func texts[T fmt.Stringer](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return out
}

// firewallFinding tells what a firewall that is on for these profiles means.
func firewallFinding(profiles []string) []finding {
	f := finding{What: "firewall", State: "ok", Text: "it is off"}
	if len(profiles) > 0 {
		f.State, f.Text = "warn", "it is on for "+strings.Join(profiles, ", ")+" networks: answers to broadcasts (EtherNet/IP, BACnet) are dropped"
		f.Hint = "allow walkdown.exe incoming UDP for the time of the survey, in an elevated prompt: " +
			`netsh advfirewall firewall add rule name=walkdown dir=in action=allow protocol=UDP program="C:\path	o\walkdown.exe"`
	}
	return []finding{f}
}

// clock doubts a year that lies before this program was written: laptops with an empty battery start in the past, and every
// record of the survey would be wrong.
func clock(t time.Time) finding {
	f := finding{What: "clock", State: "ok", Text: t.Format(time.RFC3339) + ", stored as " + t.UTC().Format(time.RFC3339)}
	if t.Year() < 2026 {
		f.State, f.Hint = "warn", "the clock lies in the past: set it before a survey"
	}
	return f
}

func database(a *app) finding {
	f := finding{What: "inventory " + a.common.DB, State: "ok"}
	store, err := a.openToRead()
	switch {
	case errors.Is(err, sqlite.ErrMissing):
		f.Text = "not there yet; the first survey makes it"
		return f
	case err != nil:
		f.State, f.Text, f.Hint = "no", err.Error(), hintFor(err)
		return f
	}
	defer store.Close() //nolint:errcheck // it was only read
	counts, err := store.Counts(a.ctx)
	if err != nil {
		f.State, f.Text = "no", err.Error()
		return f
	}
	f.Text = fmt.Sprintf("%d assets, %d conversations, %d surveys", counts.Assets, counts.Conversations, counts.Surveys)
	return f
}
