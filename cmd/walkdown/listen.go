package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/inventory"
)

type listenCmd struct {
	Interface string        `short:"i" required:"" placeholder:"IFACE" help:"The interface to listen on."`
	For       time.Duration `placeholder:"D" help:"How long: 90s, 10m, 24h. Without it, until Ctrl-C."`
}

// Help is shown below the flags.
func (listenCmd) Help() string {
	return "It sends nothing. What was heard is stored once a second, so it can run for days and be stopped at any time."
}

// Run listens until the time is up or a person stops it.
func (c listenCmd) Run(a *app) error {
	r, run, err := a.hear(c.Interface, "", inventory.Survey{Kind: "listen"})
	if err != nil {
		return err
	}
	defer run.Ear.Close() //nolint:errcheck // the survey is over by then
	run.ListenFor = c.For
	show := newProgress(a, r.counts)
	run.Progress = show.show
	report, err := run.Run(a.ctx)
	show.end()
	if c.For == 0 && report.Interrupted {
		report.Interrupted = false // that is how it is meant to end
		if errors.Is(err, context.Canceled) {
			err = nil
		}
	}
	r.pluggedInto()
	return r.report(report, err)
}

// hear begins a survey on a live interface, as far as listening goes; what is sent over the interface via, if that is another one,
// is our own as well. The caller closes the ear.
func (a *app) hear(name, via string, describe inventory.Survey) (*recording, *survey.Survey, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, nil, failed(fmt.Errorf("interface %s: %w", name, err), "`walkdown doctor` lists the interfaces")
	}
	ear, err := capture.OpenLive(a.ctx, name, capture.LiveOptions{EtherTypes: etherTypes()})
	if err != nil {
		return nil, nil, err
	}
	describe.Sensor = name
	describe.Plug, describe.Own = plugInPoint(ifi)
	ours := []*net.Interface{ifi}
	if via != "" && via != name {
		other, err := net.InterfaceByName(via)
		if err != nil {
			return nil, nil, errors.Join(failed(fmt.Errorf("interface %s: %w", via, err), "`walkdown doctor` lists the interfaces"), ear.Close())
		}
		_, more := plugInPoint(other)
		describe.Own = append(describe.Own, more...)
		ours = append(ours, other)
	}
	r, err := a.record(describe)
	if err != nil {
		return nil, nil, errors.Join(err, ear.Close())
	}
	return r, &survey.Survey{Protocols: r.protocols, Ear: ear, Listener: r.listenOn(ours), Settle: r.settle, Keeping: r.recorder.Err}, nil
}
