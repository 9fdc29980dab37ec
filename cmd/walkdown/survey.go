package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/inventory"
)

type surveyCmd struct {
	Interface  string        `short:"i" required:"" placeholder:"IFACE" help:"The interface to listen on, and to ask from."`
	Listen     time.Duration `default:"10m" placeholder:"D" help:"How long to listen before asking: 90s, 10m, 2h."`
	Yes        bool          `help:"Do not show the plan and wait for a confirmation."`
	Operator   string        `placeholder:"NAME" help:"Who does the survey; without it, who is logged in."`
	Permission string        `placeholder:"TEXT" help:"Reference of the permission to ask, kept with the survey."`
	After      time.Duration `name:"listen-after" default:"15s" placeholder:"D" help:"How long at most to listen after asking, to hear how the devices serve their own clients then."`
	Unattended bool          `kong:"-"` // nobody has looked at the devices since the survey before
	askFlags
}

// Help is shown below the flags.
func (surveyCmd) Help() string {
	return "Without --ask it only listens. With it, the hosts of the scope are looked for by ARP, the plan is shown, and only what\n" +
		"there is evidence for is asked; name the rest with --protocols or --try."
}

// Run listens, finds, plans, asks and settles.
func (c surveyCmd) Run(a *app) error {
	var w wishes
	if c.Ask != "" {
		var err error
		if w, err = c.read(); err != nil {
			return err
		}
		w.patient = c.Unattended
		if !c.Yes && !a.terminal() {
			return usage("look at `walkdown plan` first, then add --yes", "asking without a terminal needs --yes")
		}
	}
	done, err := a.underStopFile(c.StopFile)
	if err != nil {
		return err
	}
	defer done()
	r, run, err := a.hear(c.Interface, c.AskVia, inventory.Survey{Kind: "survey", Operator: c.Operator, Permission: c.Permission, Scope: listWords(c.Ask)})
	if err != nil {
		return err
	}
	defer run.Ear.Close() //nolint:errcheck // the survey is over by then
	run.ListenFor = c.Listen
	show := newProgress(a, r.counts)
	run.Progress, run.ListenAfter = show.show, c.After
	var own *ownTraffic
	if c.Ask != "" {
		via := first(c.AskVia, c.Interface)
		ifi, err := net.InterfaceByName(via)
		if err == nil {
			own, err = r.keepOwnTraffic(c.OwnTraffic, ifi)
		}
		if err == nil {
			run.Watch = ask.NewWatch(w.limits)
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
	}
	report, err := run.Run(a.ctx)
	show.end()
	r.ended(own, &report)
	if errors.Is(err, survey.ErrDeclined) {
		report.Reasons, err = append(report.Reasons, "the plan was declined, so nothing was asked"), nil
	}
	r.pluggedInto()
	return r.report(report, err)
}

// asking is how the asking half of a survey gets out.
type asking struct {
	via     *net.Interface // nil: wherever the system's routes lead; no search for hosts
	bind    bool           // nothing leaves by another one
	own     *ownTraffic    // nil: not kept
	refresh []string
}

// ask gives the survey its asking half.
func (r *recording) ask(run *survey.Survey, w wishes, how asking, show *progress) error {
	keeper, err := ask.New(ask.Options{
		Protocols: r.protocols, Limits: w.limits, Scope: w.scope, Exclude: w.exclude, Allow: w.allow,
		Credentials: r.app.secrets.credentials(), Interface: how.via, Bind: how.bind, Windows: w.windows, Refresh: how.refresh, Watch: run.Watch,
		Survey: r.survey.ID, Sensor: r.survey.Sensor, Site: r.survey.Site, Segment: r.survey.Segment,
		Out: r.recorder, Ledger: r.recorder.Exchange, Known: r.recorder.Known, Identified: r.app.identified(context.WithoutCancel(r.app.ctx), r.store),
		Log:      r.app.log,
		Progress: func(p ask.Progress) { show.show(survey.Progress{Phase: survey.Asking, Left: p.Left, Ask: p}) },
		Notice: func(text string) {
			show.end()
			r.app.say("%s", text)
		},
	})
	if err != nil {
		return err
	}
	run.Keeper, run.Named, run.Likely = keeper, w.named, r.engine.Likely
	run.Candidates = func(ctx context.Context) ([]survey.Candidate, error) {
		return candidates(ctx, r.store, r.survey.Site, r.survey.Segment, w)
	}
	run.Planned = func(ctx context.Context, plan ask.Plan) error {
		text, err := json.Marshal(plan)
		if err != nil {
			return err
		}
		how.own.planned(plan)
		return r.recorder.Plan(ctx, text)
	}
	return nil
}

// ended completes the report: why it was stopped, and what became of the capture of our own traffic.
func (r *recording) ended(own *ownTraffic, report *survey.Report) {
	var stopped *stoppedError
	if errors.As(context.Cause(r.app.ctx), &stopped) {
		report.Reasons = append(report.Reasons, stopped.Error())
	}
	if own == nil {
		return
	}
	if err := own.end(); err != nil {
		report.Reasons = append(report.Reasons, fmt.Sprintf("our own traffic could not all be kept: %v", err))
	}
	if kept, err := hashFile(own.file.Name()); err == nil {
		kept.Own = true
		r.survey.Custody.Captures = append(r.survey.Custody.Captures, kept)
	}
}

// confirm shows the plan and waits for a yes.
func (a *app) confirm(plan ask.Plan) error {
	if err := printPlan(a.stderr, plan, a.common.Verbose); err != nil {
		return err
	}
	if len(plan.Devices)+len(plan.Segments) == 0 && plan.Sweep == nil {
		return nil
	}
	answer, err := a.askLine("Ask this? [y/N] ")
	if err != nil {
		return err
	}
	if answer := strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return survey.ErrDeclined
	}
	return nil
}

// report ends a survey: the inventory as a table on standard output, the numbers on standard error.
func (r *recording) report(report survey.Report, runErr error) error {
	if err := r.settle(context.WithoutCancel(r.app.ctx)); err != nil && runErr == nil {
		runErr = err
	}
	r.tellTroubles()
	if runErr == nil || r.app.ctx.Err() != nil {
		assets := r.store.Assets(context.WithoutCancel(r.app.ctx))
		if err := list(r.app, assets, assetColumns(), "nothing was found"); err != nil && runErr == nil {
			runErr = err
		}
		r.summary(report)
	}
	return r.end(report, runErr)
}

// summary is the survey in a few lines.
func (r *recording) summary(report survey.Report) {
	hosts, identified := r.counts()
	r.app.say("")
	r.app.say("survey %s: %d assets, %d of them identified, in %s", r.survey.ID, hosts, identified, r.app.common.DB)
	r.app.say("heard:  %d frames, %d dropped", report.Heard.Frames, report.Heard.Dropped)
	asked, found := report.Asked.Counts, report.Found.Counts
	broadcasts, stations := 0, 0
	for _, segment := range report.Segments {
		broadcasts, stations = broadcasts+segment.Counts.Questions, stations+segment.Counts.Answered
	}
	if found.Questions+asked.Asked > 0 {
		r.app.say("asked:  %d devices, %d answered; %d questions, %d understood; %d ARP requests", asked.Asked, asked.Answered, asked.Questions, asked.Replies, found.Questions)
	}
	if broadcasts > 0 {
		r.app.say("        %d questions to whole segments, %d answers of stations", broadcasts, stations)
	}
	if n, err := r.store.Overheard(context.WithoutCancel(r.app.ctx), r.survey.ID); err == nil && n > 0 {
		r.app.say("%s obtained without sending anything", plural(n, "fact"))
	}
	if text := harmless(report.Rhythms); text != "" {
		r.app.say("%s", text)
	}
	for _, d := range report.Asked.Devices {
		if d.Distress != "" {
			r.app.say("left alone: %s: %s", d.Subject, d.Distress)
		}
	}
	for _, p := range report.Plan.Proxies {
		r.app.say("not asked: %s answers ARP for %d addresses, as a router or a firewall does; name those alone in --ask that are there", p.MAC, p.Addresses)
	}
	if absent := report.Plan.NotThere(); len(absent) > 0 {
		r.app.say("not there: %s", strings.Join(absent, ", "))
	}
	if n := len(blind(report.Plan)); n > 0 {
		r.app.say("not asked: %d hosts, because nothing speaks for a protocol there; name what to ask with --protocols or --try", n)
	}
}

// blind are the hosts that were found and asked nothing for want of evidence.
func blind(plan ask.Plan) []netip.Addr {
	asked := map[netip.Addr]bool{}
	for _, d := range plan.Devices {
		asked[d.Address] = true
	}
	for _, n := range plan.NotAsked { // for another reason than want of evidence
		asked[n.Address] = asked[n.Address] || n.Grade != "" && n.Grade != discovery.GradeBlind.String()
	}
	var out []netip.Addr
	for _, n := range plan.NotAsked {
		if n.Address.IsValid() && n.Grade == discovery.GradeBlind.String() && !asked[n.Address] && !slices.Contains(out, n.Address) {
			out = append(out, n.Address)
		}
	}
	return out
}

// listenOn makes the passive ear of the first of our interfaces, which learns on the way where it is plugged in.
func (r *recording) listenOn(ours []*net.Interface) *listen.Listener {
	macs := make([]discovery.MAC, len(ours)) // loopback has none
	for i, ifi := range ours {
		copy(macs[i][:], ifi.HardwareAddr)
	}
	r.plug = &survey.Plug{Next: r.recorder, Sensor: ours[0].Name, Own: macs[0]}
	r.pulse = len(r.survey.Scope) > 0 // something will be asked
	return r.listen(ours[0].Name, r.plug, macs)
}

// pluggedInto stores the switch port that the sensor hangs on, where it is known.
func (r *recording) pluggedInto() {
	link, ok := r.plug.Link()
	if !ok {
		return
	}
	port, _ := r.plug.Neighbour()
	r.survey.Plug.Switch, r.survey.Plug.SwitchName, r.survey.Plug.Port = port.Chassis, port.Name, port.Port
	link.Time, link.Survey = now(), r.survey.ID
	r.recorder.Observe(link)
}

// etherTypes are those of the protocols that ride straight on the link; the kernel lets their frames through.
func etherTypes() []uint16 {
	var out []uint16
	for _, p := range protocols.All() {
		for _, port := range p.Ports {
			if port.Transport == discovery.EtherType {
				out = append(out, port.Number)
			}
		}
	}
	return out
}

// plugInPoint is what can be known of the place before anything was heard, and the sensor's own addresses.
func plugInPoint(ifi *net.Interface) (inventory.PlugInPoint, []string) {
	var place inventory.PlugInPoint
	var own []string
	if len(ifi.HardwareAddr) == len(discovery.MAC{}) {
		own = append(own, ifi.HardwareAddr.String())
	}
	addresses, err := ifi.Addrs()
	if err != nil {
		return place, own
	}
	for _, address := range addresses {
		prefix, err := netip.ParsePrefix(address.String())
		if err != nil {
			continue
		}
		own = append(own, prefix.Addr().String())
		if place.Address == "" && prefix.Addr().Is4() {
			place.Address = prefix.Masked().String()
		}
	}
	place.GatewayMAC = capture.GatewayMAC(ifi.Name)
	return place, own
}

// listWords splits a list of the command line.
func listWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
