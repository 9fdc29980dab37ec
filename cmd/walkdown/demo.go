package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/plant"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/inventory"
)

type demoCmd struct{}

// Help is shown below the flags.
func (demoCmd) Help() string {
	return "The plant is real servers on loopback addresses; they are surveyed by the code that surveys real plants, at a quicker pace."
}

// demoDB is written in the working directory unless --db names another file.
const demoDB = "walkdown-demo.db"

// Run starts the plant, surveys it and prints its inventory.
func (demoCmd) Run(a *app) error {
	if a.common.DB == "walkdown.db" {
		a.common.DB = demoDB
	}
	if err := removeDemo(a.common.DB); err != nil {
		return err
	}
	simulated, err := plant.Start(a.ctx)
	if err != nil {
		var address *plant.AddressError
		if errors.As(err, &address) {
			return failed(err, address.Hint())
		}
		return err
	}
	defer simulated.Close() //nolint:errcheck // it waits, and cannot fail
	limits := ask.DemoLimits()
	a.say("a simulated plant on loopback, surveyed at the demo pace: %g questions a second, %s between two to one device",
		limits.Rate, limits.Controller.Gap)
	a.say("(a real survey: %g a second, %s)\n", ask.DefaultLimits().Rate, ask.DefaultLimits().Controller.Gap)

	// A simulated plant is opted in to whole.
	w := wishes{scope: simulated.Scope(), limits: limits, allow: []string{"modbus", "opcua"}}
	for _, device := range simulated.Devices() {
		for protocol, port := range device.Ports {
			w.named = append(w.named, survey.Named{Protocol: protocol, Host: device.Addr, Port: port})
		}
		if len(device.Units) > 0 {
			w.named = append(w.named, survey.Named{Protocol: "modbus", Host: device.Addr, Units: device.Units})
		}
	}
	scope := make([]string, len(w.scope))
	for i, prefix := range w.scope {
		scope[i] = prefix.String()
	}
	r, err := a.record(inventory.Survey{Kind: "demo", Sensor: "demo", Scope: scope})
	if err != nil {
		return err
	}
	show := newProgress(a, r.counts)
	run := survey.Survey{
		Protocols: r.protocols, Ear: &replay{frames: simulated.Frames(now().Add(-plant.Span))}, Listener: r.listen("demo", r.recorder, nil),
		Settle: r.settle, Progress: show.show,
	}
	if err := r.ask(&run, w, asking{}, show); err != nil {
		return r.end(survey.Report{}, err)
	}
	began := time.Now()
	report, err := run.Run(a.ctx)
	show.end()
	if err := r.report(report, err); err != nil {
		return err
	}
	a.say("\nsurveyed in %s. Next:", time.Since(began).Round(time.Second/10))
	for _, next := range []string{"assets --json", "show 127.77.0.3", "conversations", "ledger", "export cyclonedx -o demo.cdx.json"} {
		a.say("  walkdown %s --db %s", next, a.common.DB)
	}
	return nil
}

// removeDemo makes room for a new demo; an inventory of a real plant under that name stays.
func removeDemo(path string) error {
	if path != demoDB {
		return nil
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("begin a new demo: %w", err)
		}
	}
	return nil
}

// replay is a capture source over frames in memory.
type replay struct {
	frames []discovery.Frame
	next   int
}

// Next gives the next frame.
func (r *replay) Next(f *discovery.Frame) error {
	if r.next == len(r.frames) {
		return io.EOF
	}
	*f = r.frames[r.next]
	r.next++
	return nil
}

// Stats counts the frames.
func (r *replay) Stats() capture.Stats { return capture.Stats{Frames: uint64(r.next)} }

// Close does nothing.
func (r *replay) Close() error { return nil }
