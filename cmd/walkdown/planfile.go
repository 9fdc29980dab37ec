package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/walkdown-ot/walkdown/discovery/ask"
)

// maxPlanFile bounds a plan that is read from a file.
const maxPlanFile = 64 << 20

// readPlan reads a plan as `walkdown plan --json` prints it. A field that is not known is refused: it may have been meant to hold
// something back.
func readPlan(path string) (ask.Plan, error) {
	file, err := os.Open(path)
	if err != nil {
		return ask.Plan{}, failed(fmt.Errorf("read the plan: %w", err), "")
	}
	defer file.Close() //nolint:errcheck // it was only read
	decoder := json.NewDecoder(io.LimitReader(file, maxPlanFile))
	decoder.DisallowUnknownFields()
	var plan ask.Plan
	if err := decoder.Decode(&plan); err != nil {
		return ask.Plan{}, usage("make it with `walkdown plan --json`", "read the plan %s: %v", path, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return ask.Plan{}, usage("", "read the plan %s: something stands behind it", path)
	}
	return plan, nil
}

// wishesOf are the wishes that a plan was made with; flags that say more than the pace are refused beside it.
func (f askFlags) wishesOf(plan ask.Plan) (wishes, error) {
	for name, given := range map[string]bool{
		"--ask": f.Ask != "", "--exclude": f.Exclude != "", "--protocols": len(f.Protocols) > 0, "--try": len(f.Try) > 0,
		"--targets": f.Targets != "", "--units": len(f.Units) > 0, "--allow": len(f.Allow) > 0, "--refresh": len(f.Refresh) > 0,
	} {
		if given {
			return wishes{}, usage("make another plan", "%s changes nothing in a plan that is given", name)
		}
	}
	w := wishes{allow: plan.Allowed}
	var err error
	if w.limits, err = f.limits(); err != nil {
		return w, err
	}
	if f.Pace == "" {
		// A pace that was chosen by numbers has no name; its numbers must be given again, or it is run more gently.
		if preset, err := ask.Preset(plan.Pace.Name); err == nil {
			w.limits = preset
		}
	}
	for _, text := range plan.Scope {
		prefixes, err := ask.ParseScope(text)
		if err != nil {
			return w, usage("", "the plan: %v", err)
		}
		w.scope = append(w.scope, prefixes...)
	}
	for _, text := range plan.Excluded {
		more, err := ask.ParseExclusions(text)
		if err != nil {
			return w, usage("", "the plan: %v", err)
		}
		w.exclude.Prefixes = append(w.exclude.Prefixes, more.Prefixes...)
		w.exclude.MACs = append(w.exclude.MACs, more.MACs...)
	}
	windows := plan.Windows
	if len(f.Window) > 0 {
		windows = f.Window
	}
	w.windows, err = parseWindows(windows)
	return w, err
}
