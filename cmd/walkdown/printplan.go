package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery/ask"
)

// printPlan writes the plan for people; in full also the form of each request.
func printPlan(to io.Writer, plan ask.Plan, full bool) error {
	fmt.Fprintf(to, "scope %s", strings.Join(plan.Scope, ", "))
	if len(plan.Excluded) > 0 {
		fmt.Fprintf(to, ", without %s", strings.Join(plan.Excluded, ", "))
	}
	fmt.Fprintln(to)
	printPace(to, plan)
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
		class, most, time := d.Class.String(), fmt.Sprint(d.Questions), seconds(d.Seconds)
		for _, item := range d.Items {
			rows = append(rows, []string{
				who, class, fmt.Sprintf("%s %s/%d", item.Protocol, item.Transport, item.Port), item.Grade, itemNames(item, full), most, time,
			})
			who, class, most, time = "", "", "", ""
		}
	}
	for _, d := range plan.Devices {
		add(d.Address.String(), d)
	}
	if plan.Later != nil {
		add(fmt.Sprintf("each host found later (at most %d)", plan.Later.AtMost), plan.Later.Each)
		if plan.Later.Infrastructure != nil {
			add("each that turns out to be a switch or router", *plan.Later.Infrastructure)
		}
	}
	fmt.Fprintln(to)
	if len(rows) == 0 {
		fmt.Fprintln(to, "no device is asked anything")
	} else if err := writeTable(to, []string{"Who", "Class", "What", "Why", "Requests, in this order", "At most", "Takes"}, nil, rows); err != nil {
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

// printPace writes the numbers that hold for the whole run, and when it may be.
func printPace(to io.Writer, plan ask.Plan) {
	p := plan.Pace
	fmt.Fprintf(to, "pace %s: at most %g questions and %d packets a second, %d devices at once, no more than %d behind one switch port; one\n"+
		"connection to a device at a time; %s between its questions by its class (below), %s between any two messages\n",
		p.Name, p.PerSecond, p.Packets, p.Devices, p.AtOnePort, gaps(p.GapsMS), milli(p.SetupGapMS))
	if len(plan.Windows) == 0 {
		return
	}
	fmt.Fprintf(to, "only inside %s (local time)", strings.Join(plan.Windows, "; "))
	windows, err := ask.ParseWindows(plan.Windows)
	if err != nil {
		fmt.Fprintf(to, ": %v\n", err)
		return
	}
	opens := windows.Next(time.Now())
	until, _ := windows.Open(opens)
	needs, has := time.Duration(plan.Totals.Seconds*float64(time.Second)), until.Sub(opens)
	fmt.Fprintf(to, ": next from %s to %s", opens.Format("Mon 2 Jan 15:04"), until.Format("15:04"))
	if needs > has {
		fmt.Fprintf(to, ", which is too short: it needs %s", seconds(plan.Totals.Seconds))
	}
	fmt.Fprintln(to)
}

// gaps are the times between two questions, from the shortest to the longest.
func gaps(ms map[string]int64) string {
	var least, most int64
	for _, gap := range ms {
		if least == 0 || gap < least {
			least = gap
		}
		most = max(most, gap)
	}
	return milli(least) + " to " + milli(most)
}

func milli(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }

// itemNames lists the requests of an item in their order, and of which units behind the address.
func itemNames(item ask.Item, full bool) string {
	text := requestNames(item.Requests, full)
	if len(item.Units) > 0 {
		text += " of units " + strings.Trim(strings.ReplaceAll(fmt.Sprint(item.Units), " ", ", "), "[]")
	}
	return text
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

// printForms lists each planned request once, byte for byte, in the order of sending.
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
		if plan.Later.Infrastructure != nil {
			devices = append(devices, *plan.Later.Infrastructure)
		}
	}
	for _, d := range devices {
		for _, item := range d.Items {
			show(item.Protocol, item.Requests)
		}
	}
}

// printNotAsked tells what is not asked, grouped by the reason and the hosts.
func printNotAsked(to io.Writer, rows []ask.NotAsked) {
	type group struct{ reason, hosts string }
	whose := map[[2]string][]string{} // hosts, by what and why
	var order [][2]string
	for _, n := range rows {
		key := [2]string{strings.TrimSpace(n.Protocol + " " + n.Request), n.Reason}
		if whose[key] == nil {
			order = append(order, key)
		}
		name := "hosts found later"
		switch {
		case n.Address.IsValid():
			name = n.Address.String()
		case n.Grade == "":
			name = "everybody on the link"
		}
		whose[key] = append(whose[key], name)
	}
	if len(order) == 0 {
		return
	}
	var groups []group
	whats := map[group][]string{}
	for _, key := range order {
		g := group{key[1], someOf(whose[key])}
		if whats[g] == nil {
			groups = append(groups, g)
		}
		if key[0] != "" {
			whats[g] = append(whats[g], key[0])
		} else {
			whats[g] = append(whats[g], "anything")
		}
	}
	fmt.Fprintln(to, "\nnot asked")
	for _, g := range groups {
		fmt.Fprintf(to, "  %s: %s (%s)\n", strings.Join(whats[g], ", "), g.reason, g.hosts)
	}
}

// someOf names a few of many.
func someOf(names []string) string {
	const shown = 4
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

func seconds(s float64) string {
	return "about " + (time.Duration(s*float64(time.Second)) + time.Second/2).Truncate(time.Second).String()
}
