package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

type surveysCmd struct {
	Survey string `arg:"" optional:"" placeholder:"ID" help:"Only this run, with all that is recorded of it, and what it sent to each device."`
}

// surveyShown is the JSON form of one survey.
type surveyShown struct {
	inventory.Survey
	Sent []inventory.Burden `json:"sent,omitempty"` // to each device
}

// Run prints the runs so far, or one of them.
func (c surveysCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	if c.Survey == "" {
		return list(a, store.Surveys(a.ctx), surveyColumns(), "no survey has been recorded yet")
	}
	var v surveyShown
	if v.Survey, err = store.Survey(a.ctx, c.Survey); err != nil {
		return err
	}
	if v.Sent, err = store.Burdens(a.ctx, v.ID); err != nil {
		return err
	}
	switch a.common.Format {
	case "json":
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		_, err = fmt.Fprintln(a.stdout, string(text))
		return err
	case "csv":
		return listCSV(a.stdout, each([]inventory.Survey{v.Survey}), surveyColumns())
	}
	return printSurvey(a.stdout, v)
}

// printSurvey writes a survey for people: how it went, how it is recorded, and what it sent.
func printSurvey(to io.Writer, v surveyShown) error {
	fmt.Fprintf(to, "%s  %s  %s  %s\n", v.ID, v.Kind, strings.TrimSpace(local(v.Started)+"  "+took(v.Survey)), v.Outcome)
	for _, reason := range v.Reasons {
		fmt.Fprintf(to, "  %s\n", reason)
	}
	fmt.Fprintln(to, "\nRecord")
	for _, line := range v.Record() {
		fmt.Fprintf(to, "%-14s  %s\n", line.Name, line.Value)
	}
	var counts, troubles, sent [][]string
	for _, name := range slices.Sorted(maps.Keys(v.Counts)) {
		counts = append(counts, []string{strings.ReplaceAll(name, "-", " "), fmt.Sprint(v.Counts[name])})
	}
	for _, t := range v.Troubles {
		troubles = append(troubles, []string{t.Protocol, t.Reason, fmt.Sprint(t.Count), t.Example})
	}
	for _, b := range v.Sent {
		sent = append(sent, []string{b.IP, b.Segment, fmt.Sprint(b.Messages), fmt.Sprint(b.First), b.FirstSurvey})
	}
	title := "Sent to devices"
	if text := burdenText(v.Sent); text != "" {
		title += ": " + text
	}
	for _, s := range []struct {
		title string
		heads []string
		rows  [][]string
	}{
		{"Counts", []string{"What", "Number"}, counts},
		{"Not understood", []string{"Protocol", "Why", "Times", "For example"}, troubles},
		{title, []string{"Address", "Segment", "Messages", "First time", "In"}, sent},
	} {
		if len(s.rows) == 0 {
			continue
		}
		fmt.Fprintf(to, "\n%s\n", s.title)
		if err := writeTable(to, s.heads, nil, s.rows); err != nil {
			return err
		}
	}
	return nil
}

func surveyColumns() []column[inventory.Survey] {
	return []column[inventory.Survey]{
		{"ID", func(v inventory.Survey) string { return v.ID }, 0},
		{"Kind", func(v inventory.Survey) string { return v.Kind }, 0},
		{"Started", func(v inventory.Survey) string { return local(v.Started) }, 0},
		{"Took", took, 6},
		{"Site", func(v inventory.Survey) string { return v.Site }, 5},
		{"Segment", func(v inventory.Survey) string { return v.Segment }, 0},
		{"Sensor", func(v inventory.Survey) string { return v.Sensor }, 1},
		{"Plugged into", func(v inventory.Survey) string { return plug(v.Plug) }, 4},
		{"Scope", func(v inventory.Survey) string { return strings.Join(v.Scope, ", ") }, 2},
		{"Operator", func(v inventory.Survey) string { return v.Operator }, 7},
		{"Permission", func(v inventory.Survey) string { return v.Permission }, 8},
		{"Asked", func(v inventory.Survey) string { return count(v.Counts["questions"]) }, 3},
		{"Outcome", func(v inventory.Survey) string { return v.Outcome }, 0},
		{"Why", func(v inventory.Survey) string { return strings.Join(v.Reasons, "; ") }, 0},
	}
}

// local is a time as a person at this machine reads it.
func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func took(v inventory.Survey) string {
	if v.Ended.IsZero() {
		return ""
	}
	return v.Ended.Sub(v.Started).Round(time.Second / 10).String()
}

// plug is the plug-in point in a few words: the switch and port, else the gateway.
func plug(p inventory.PlugInPoint) string {
	switch {
	case p.Switch != "" || p.SwitchName != "":
		return strings.TrimSpace(fmt.Sprintf("%s %s", first(p.SwitchName, p.Switch), p.Port))
	case p.GatewayMAC != "":
		return "gateway " + p.GatewayMAC
	}
	return p.Address
}
