package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/inventory"
)

type askCmd struct {
	Plan       string `type:"existingfile" placeholder:"FILE" help:"Ask what stands in this plan, made by plan --json, and nothing else."`
	Yes        bool   `help:"Do not show the plan and wait for a confirmation."`
	Operator   string `placeholder:"NAME" help:"Who asks; without it, who is logged in."`
	Permission string `placeholder:"TEXT" help:"Reference of the permission to ask, kept with the survey."`
	askFlags
}

// Help is shown below the flags.
func (askCmd) Help() string {
	return "It asks the hosts of the inventory that lie in the scope, and listens to nothing: what happens to the devices' own\n" +
		"clients is not seen, so `walkdown survey` is gentler. With --ask-via IFACE it also looks for hosts on that link."
}

// Run asks without listening.
func (c askCmd) Run(a *app) error {
	var w wishes
	var fixed *ask.Plan
	var err error
	switch {
	case c.Plan != "":
		var plan ask.Plan
		if plan, err = readPlan(c.Plan); err == nil {
			fixed = &plan
			w, err = c.wishesOf(plan)
		}
	case c.Ask == "":
		return usage("for example --ask 10.20.30.0/24", "asking needs a scope: --ask, or a plan: --plan")
	default:
		w, err = c.read()
	}
	if err != nil {
		return err
	}
	if !c.Yes && !a.terminal() {
		return usage("look at `walkdown plan` first, then add --yes", "asking without a terminal needs --yes")
	}
	ifi, err := c.via(fixed)
	if err != nil {
		return err
	}
	done, err := a.underStopFile(c.StopFile)
	if err != nil {
		return err
	}
	defer done()
	describe := inventory.Survey{Kind: "ask", Operator: c.Operator, Permission: c.Permission, Sensor: "ask"}
	for _, prefix := range w.scope {
		describe.Scope = append(describe.Scope, prefix.String())
	}
	if ifi != nil {
		describe.Sensor = ifi.Name
		describe.Plug, describe.Own = plugInPoint(ifi)
	}
	r, err := a.record(describe)
	if err != nil {
		return err
	}
	show := newProgress(a, r.counts)
	run := &survey.Survey{Protocols: r.protocols, Settle: r.settle, Keeping: r.recorder.Err, Progress: show.show, Fixed: fixed}
	own, err := r.keepOwnTraffic(c.OwnTraffic, ifi)
	if err == nil {
		err = r.ask(run, w, asking{via: ifi, bind: c.AskVia != "", own: own, refresh: c.Refresh}, show)
	}
	if err != nil {
		return r.end(survey.Report{}, err)
	}
	if !c.Yes {
		run.Confirm = func(_ context.Context, plan ask.Plan) error {
			show.end()
			return a.confirm(plan)
		}
	}
	report, err := run.Run(a.ctx)
	show.end()
	r.ended(own, &report)
	if errors.Is(err, survey.ErrDeclined) {
		report.Reasons, err = append(report.Reasons, "the plan was declined, so nothing was asked"), nil
	}
	return r.report(report, err)
}

// via is the interface that was named, or that the plan names for its search; nil: none.
func (c askCmd) via(plan *ask.Plan) (*net.Interface, error) {
	name := c.AskVia
	if name == "" && plan != nil && plan.Sweep != nil {
		name = plan.Sweep.Interface
	}
	if name == "" {
		return nil, nil
	}
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, failed(fmt.Errorf("interface %s: %w", name, err), "`walkdown doctor` lists the interfaces")
	}
	return ifi, nil
}
