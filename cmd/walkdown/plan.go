package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery/ask"
	"github.com/walkdown-ot/walkdown/discovery/protocols"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type planCmd struct {
	Interface string `short:"i" placeholder:"IFACE" help:"Also plan the search for hosts on this interface."`
	askFlags
}

// Run prints what a survey of this scope would ask. It sends nothing.
func (c planCmd) Run(a *app) error {
	if c.Ask == "" {
		return usage("for example --ask 10.20.30.0/24", "a plan needs a scope: --ask")
	}
	w, err := c.read()
	if err != nil {
		return err
	}
	var ifi *net.Interface
	if c.Interface != "" {
		if ifi, err = net.InterfaceByName(c.Interface); err != nil {
			return failed(fmt.Errorf("interface %s: %w", c.Interface, err), "`walkdown doctor` lists the interfaces")
		}
	}
	engine, err := a.engine()
	if err != nil {
		return err
	}
	keeper, err := ask.New(ask.Options{
		Protocols: protocols.All(), Limits: w.limits, Scope: w.scope, Exclude: w.exclude, Allow: w.allow,
		Credentials: a.secrets.credentials(), Interface: ifi, Log: a.log,
	})
	if err != nil {
		return err
	}
	// A host without an address stands for those that are found later.
	hosts := []ask.Host{survey.Candidate{}.Host(protocols.All(), w.named, engine.Likely)}
	store, err := a.openToRead()
	if err != nil && !errors.Is(err, sqlite.ErrMissing) {
		return err
	}
	if err == nil {
		defer store.Close() //nolint:errcheck // it was only read
		known, err := candidates(store.Assets(a.ctx), a.common.Site, first(a.common.Segment, "default"), w.scope)
		if err != nil {
			return err
		}
		for _, candidate := range known {
			hosts = append(hosts, candidate.Host(protocols.All(), w.named, engine.Likely))
		}
	}
	plan := keeper.Plan(hosts)
	if a.common.Format == "json" {
		text, err := json.MarshalIndent(plan, "", "  ")
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		_, err = fmt.Fprintln(a.stdout, string(text))
		return err
	}
	return printPlan(a.stdout, plan, a.common.Verbose)
}

// printPlan writes the plan for people; in full also the form of each request.
func printPlan(to io.Writer, plan ask.Plan, full bool) error {
	fmt.Fprintf(to, "scope %s", strings.Join(plan.Scope, ", "))
	if len(plan.Excluded) > 0 {
		fmt.Fprintf(to, ", without %s", strings.Join(plan.Excluded, ", "))
	}
	fmt.Fprintf(to, "\npace %s: at most %g questions a second, %d devices at once\n", plan.Pace.Name, plan.Pace.PerSecond, plan.Pace.Devices)
	if s := plan.Sweep; s != nil {
		fmt.Fprintf(to, "\nhosts are looked for by %s on %s: %d packets, %s\n", strings.ToUpper(s.Protocol), s.Interface, s.Packets, seconds(s.Seconds))
		for _, not := range s.NotSwept {
			fmt.Fprintf(to, "  not on %s: %s\n", not.Network, not.Reason)
		}
	}
	for _, s := range plan.Segments {
		fmt.Fprintf(to, "everybody on %s is asked over %s: %s\n", s.Network, s.Protocol, requestNames(s.Requests, full))
	}
	var rows [][]string
	add := func(who string, d ask.DevicePlan) {
		for _, item := range d.Items {
			rows = append(rows, []string{who, d.Class.String(), fmt.Sprintf("%s %s/%d", item.Protocol, item.Transport, item.Port), item.Grade, requestNames(item.Requests, full)})
			who = ""
		}
	}
	for _, d := range plan.Devices {
		add(d.Address.String(), d)
	}
	if plan.Later != nil {
		add(fmt.Sprintf("each host found later (at most %d)", plan.Later.AtMost), plan.Later.Each)
	}
	fmt.Fprintln(to)
	if len(rows) == 0 {
		fmt.Fprintln(to, "no device is asked anything")
	} else if err := writeTable(to, []string{"Who", "Class", "What", "Why", "Requests"}, nil, rows); err != nil {
		return err
	}
	if full {
		printForms(to, plan)
	}
	printNotAsked(to, plan.NotAsked)
	_, err := fmt.Fprintf(to, "\nin all: %d devices, %d questions, %d set-up messages, %d packets, %s\n",
		plan.Totals.Devices, plan.Totals.Questions, plan.Totals.Setup, plan.Totals.Packets, seconds(plan.Totals.Seconds))
	return err
}

// requestNames lists requests by their names; in full also those of set-up and tear-down.
func requestNames(requests []ask.Planned, full bool) string {
	var names []string
	for _, r := range requests {
		if r.Setup && !full {
			continue
		}
		name := r.Name
		if r.AtMost > 1 {
			name = fmt.Sprintf("%s (at most %d)", name, r.AtMost)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// printForms lists each planned request once, byte for byte.
func printForms(to io.Writer, plan ask.Plan) {
	fmt.Fprintln(to)
	seen := map[string]bool{}
	show := func(protocol string, requests []ask.Planned) {
		for _, r := range requests {
			if name := protocol + " " + r.Name; !seen[name] {
				seen[name] = true
				fmt.Fprintf(to, "%s  class %s\n  %s\n", name, r.Safety, r.Template)
			}
		}
	}
	if plan.Sweep != nil {
		show(plan.Sweep.Protocol, plan.Sweep.Requests)
	}
	for _, s := range plan.Segments {
		show(s.Protocol, s.Requests)
	}
	devices := plan.Devices
	if plan.Later != nil {
		devices = append(devices[:len(devices):len(devices)], plan.Later.Each)
	}
	for _, d := range devices {
		for _, item := range d.Items {
			show(item.Protocol, item.Requests)
		}
	}
}

// printNotAsked tells what is not asked, grouped by the reason.
func printNotAsked(to io.Writer, rows []ask.NotAsked) {
	var order []string
	who := map[string][]string{}
	for _, n := range rows {
		key := strings.TrimSpace(n.Protocol+" "+n.Request) + ": " + n.Reason
		if who[key] == nil {
			order = append(order, key)
		}
		name := "hosts found later"
		if n.Address.IsValid() {
			name = n.Address.String()
		}
		who[key] = append(who[key], name)
	}
	if len(order) == 0 {
		return
	}
	fmt.Fprintln(to, "\nnot asked")
	const shownHosts = 4
	for _, key := range order {
		names := who[key]
		more := ""
		if len(names) > shownHosts {
			more = fmt.Sprintf(" and %d more", len(names)-shownHosts)
			names = names[:shownHosts]
		}
		fmt.Fprintf(to, "  %s (%s%s)\n", strings.TrimPrefix(key, ": "), strings.Join(names, ", "), more)
	}
}

func seconds(s float64) string {
	return "about " + (time.Duration(s*float64(time.Second)) + time.Second/2).Truncate(time.Second).String()
}
