package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/listen"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/fingerprints"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// openToRead opens the inventory without being able to change it.
func (a *app) openToRead() (*sqlite.Store, error) {
	return sqlite.Open(a.ctx, a.common.DB, sqlite.Options{ReadOnly: true, Now: now})
}

func now() time.Time { return time.Now().UTC() }

// recording is a survey that is being written into the inventory.
type recording struct {
	app       *app
	store     *sqlite.Store
	recorder  *sqlite.Recorder
	engine    *fingerprints.Engine
	protocols []discovery.Protocol
	survey    inventory.Survey
	listeners []*listen.Listener // one for each interface or file
	plug      *survey.Plug       // of a live survey
	pulse     bool               // listeners keep how conversations beat
}

// record opens the inventory and begins a survey in it. What is missing in the survey's description is filled in here.
func (a *app) record(describe inventory.Survey) (*recording, error) {
	engine, err := a.engine()
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(a.ctx, a.common.DB, sqlite.Options{Identify: engine.Identify, Now: now})
	if err != nil {
		return nil, err
	}
	r := &recording{app: a, store: store, engine: engine, protocols: protocols.All(), survey: describe}
	r.survey.Site = a.common.Site
	if r.survey.Segment, err = a.segment(store, describe.Plug); err == nil {
		r.survey.Operator = first(r.survey.Operator, operator())
		r.survey.Version = version()
		r.survey.Started = now()
		r.survey.Custody, err = a.custody(engine)
	}
	if err == nil && len(a.notify) > 0 {
		err = a.teller(store).Begin(a.ctx) // what this survey finds is news, what was before is not
	}
	if err == nil {
		r.recorder, err = store.Begin(a.ctx, r.survey)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	r.survey.ID = r.recorder.ID()
	return r, nil
}

// operator is the name that the person is logged in under; empty when the system does not tell.
func operator() string {
	who, err := user.Current()
	if err != nil {
		return ""
	}
	return who.Username
}

// listen makes the passive ear of this survey.
func (r *recording) listen(sensor string, out discovery.Sink, own []discovery.MAC) *listen.Listener {
	listener := listen.New(listen.Options{
		Protocols: r.protocols, Site: r.survey.Site, Segment: r.survey.Segment, Sensor: sensor, Survey: r.survey.ID, Out: out, Own: own,
		Pulse: r.pulse,
	})
	r.listeners = append(r.listeners, listener)
	return listener
}

// settle takes in what was observed so far.
func (r *recording) settle(ctx context.Context) error { return r.recorder.Flush(ctx) }

// counts are the hosts of the inventory, and of how many of them the vendor is known.
func (r *recording) counts() (hosts, identified int) {
	counts, err := r.store.Counts(context.WithoutCancel(r.app.ctx))
	if err != nil {
		return 0, 0
	}
	return counts.Assets, counts.WithVendor
}

// end writes how the survey went, closes the inventory, and gives the error that the command ends with.
func (r *recording) end(report survey.Report, runErr error) error {
	outcome := r.survey
	outcome.Ended = now()
	outcome.Reasons = slices.Compact(slices.Clone(report.Reasons))
	if flood := r.flood(); flood != "" {
		outcome.Reasons = append(outcome.Reasons, flood)
	}
	outcome.Counts = tally(report)
	maps.Copy(outcome.Counts, r.shed())
	outcome.Rhythms = rhythms(report.Rhythms)
	outcome.Troubles = r.heardTroubles()
	for _, result := range slices.Concat([]ask.Result{report.Found, report.Asked}, report.Segments) {
		for _, t := range result.Troubles {
			outcome.Troubles = append(outcome.Troubles, inventory.Trouble{Protocol: t.Protocol, Reason: t.Reason, Count: t.Count, Example: t.Example})
		}
	}
	var result error
	switch {
	case report.Interrupted:
		outcome.Outcome, result = "interrupted", errInterrupted
	case runErr != nil:
		outcome.Outcome, result = "failed", runErr
		outcome.Reasons = append(outcome.Reasons, runErr.Error())
	case len(outcome.Reasons) > 0:
		outcome.Outcome, result = "incomplete", incomplete(outcome.Reasons)
	default:
		outcome.Outcome = "done"
	}
	// The end is written also after an interrupt, so it does not depend on the command's context.
	err := r.recorder.End(context.WithoutCancel(r.app.ctx), outcome)
	if err != nil && result != nil && err.Error() == result.Error() {
		err = nil // the recorder repeats what ended the survey
	}
	if err == nil {
		r.app.tellChanges(r.store)
	}
	return errors.Join(result, err, r.store.Close())
}

// tally is the survey in numbers, as it is stored.
func tally(report survey.Report) map[string]int {
	counts := map[string]int{
		"frames":         int(report.Heard.Frames),
		"frames-dropped": int(report.Heard.Dropped),
		"frames-foreign": int(report.Heard.Foreign),
		"arp-requests":   report.Found.Counts.Questions,
		"devices-asked":  report.Asked.Counts.Asked,
		"questions":      report.Asked.Counts.Questions,
		"understood":     report.Asked.Counts.Replies,
		"not-understood": report.Asked.Counts.NotUnderstood,
		"silent":         report.Asked.Counts.Silent,
		"refused":        report.Asked.Counts.Refused,
		"distress":       report.Asked.Counts.Distress,
		"setup":          report.Asked.Counts.Setup,
		"skipped":        report.Asked.Counts.Skipped,
	}
	for _, segment := range report.Segments {
		counts["segment-questions"] += segment.Counts.Questions
	}
	for key, n := range counts {
		if n == 0 {
			delete(counts, key)
		}
	}
	return counts
}

// heardTroubles is what could not be read, of all listeners.
func (r *recording) heardTroubles() []inventory.Trouble {
	var out []inventory.Trouble
	for _, listener := range r.listeners {
		for _, t := range listener.Troubles() {
			out = append(out, inventory.Trouble{Protocol: t.Protocol, Reason: t.Reason, Count: t.Count, Example: t.Example})
		}
	}
	return out
}

// shed is what was given up for want of room, of all listeners, by its name in the survey's counts.
func (r *recording) shed() map[string]int {
	out := map[string]int{}
	for _, listener := range r.listeners {
		s := listener.Counts().Shed
		for name, n := range map[string]uint64{
			"shed-flows": s.Flows, "shed-conversations": s.Conversations, "shed-stations": s.Stations, "shed-addresses": s.Addresses,
			"shed-decoders": s.Sessions, "shed-stream-bytes": s.Segments, "shed-datagrams": s.Datagrams,
			shedNewcomers: s.Newcomers, shedUntold: s.Untold,
		} {
			if n > 0 {
				out[name] += int(n)
			}
		}
	}
	return out
}

// What was shed without having been told, by its name in the survey's counts.
const (
	shedNewcomers = "shed-newcomers"
	shedUntold    = "shed-untold"
)

// flood says how many addresses were left out because more came at once than a plant has, or nothing.
func (r *recording) flood() string {
	shed := r.shed()
	if shed[shedNewcomers] == 0 {
		return ""
	}
	return fmt.Sprintf("a flood: %d addresses came faster than those of any plant, never held a talk and were not taken in, with %d of their statements and conversations",
		shed[shedNewcomers], shed[shedUntold])
}

// tellTroubles prints what could not be read, a line for each reason, and what was shed.
func (r *recording) tellTroubles() {
	if flood := r.flood(); flood != "" {
		r.app.say("%s", flood)
	}
	shed := r.shed()
	delete(shed, shedNewcomers)
	delete(shed, shedUntold)
	if len(shed) > 0 {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(shed)) {
			parts = append(parts, fmt.Sprintf("%d %s", shed[name], strings.ReplaceAll(strings.TrimPrefix(name, "shed-"), "-", " ")))
		}
		r.app.say("not followed to the end: %s", strings.Join(parts, ", "))
	}
	for _, t := range r.heardTroubles() {
		r.app.say("not understood: %s: %s (%d times; for example %s)", t.Protocol, t.Reason, t.Count, t.Example)
	}
}

// segment chooses the segment: the named one, else that of the last survey from the same plug-in point, else a new one.
func (a *app) segment(store *sqlite.Store, plug inventory.PlugInPoint) (string, error) {
	if a.common.Segment != "" {
		return a.common.Segment, nil
	}
	if plug == (inventory.PlugInPoint{}) {
		return "default", nil
	}
	last, ok, err := store.LastPlugIn(a.ctx, a.common.Site)
	if err != nil || !ok {
		return "default", err
	}
	if samePlace(last.Plug, plug) {
		return last.Segment, nil
	}
	next, err := a.nextCell(store)
	if err != nil {
		return "", err
	}
	return a.askName(fmt.Sprintf("This is another plug-in point than that of the last survey (segment %s). Name of this segment [%s]: ", last.Segment, next), next)
}

// samePlace reports whether two plug-in points belong to one network: they have the same gateway; where none is known, the same
// own network.
func samePlace(a, b inventory.PlugInPoint) bool {
	if a.GatewayMAC != "" && b.GatewayMAC != "" {
		return a.GatewayMAC == b.GatewayMAC
	}
	return a.Address == b.Address
}

// nextCell is the first free name of the row cell-2, cell-3 and so on.
func (a *app) nextCell(store *sqlite.Store) (string, error) {
	surveys, err := inventory.Collect(store.Surveys(a.ctx))
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, s := range surveys {
		taken[s.Segment] = true
	}
	for n := 2; ; n++ {
		if name := fmt.Sprintf("cell-%d", n); !taken[name] {
			return name, nil
		}
	}
}

// askName asks a person for a name; without a terminal, or for an empty answer, it is the proposed one.
func (a *app) askName(question, proposed string) (string, error) {
	if !a.terminal() {
		a.say("segment %s: another plug-in point than that of the last survey", proposed)
		return proposed, nil
	}
	answer, err := a.askLine(question)
	if err != nil {
		return "", err
	}
	return first(strings.TrimSpace(answer), proposed), nil
}
