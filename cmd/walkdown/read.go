package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery/capture"
	"github.com/walkdown-ot/walkdown/discovery/survey"
	"github.com/walkdown-ot/walkdown/inventory"
)

type readCmd struct {
	Files []string `arg:"" placeholder:"FILE" help:"pcap or pcapng, plain or gzipped; - for standard input."`
}

// Run listens to the files, one after the other.
func (c readCmd) Run(a *app) error {
	sources := make([]capture.Source, 0, len(c.Files))
	for _, name := range c.Files {
		source, err := c.open(a, name)
		if err != nil {
			for _, open := range sources {
				err = errors.Join(err, open.Close())
			}
			return failed(err, "walkdown reads pcap and pcapng, plain or gzipped")
		}
		sources = append(sources, source)
	}
	r, err := a.record(inventory.Survey{Kind: "read", Sensor: strings.Join(c.Files, ", ")})
	if err != nil {
		return err
	}
	show := newProgress(a, r.counts)
	var whole survey.Report
	for i, source := range sources {
		run := survey.Survey{Ear: source, Listener: r.listen(c.Files[i], r.recorder, nil), Progress: show.show}
		report, err := run.Run(a.ctx)
		if err = errors.Join(err, source.Close()); err != nil {
			whole.Reasons = append(whole.Reasons, err.Error())
		}
		whole.Heard.Frames += report.Heard.Frames
		whole.Heard.Dropped += report.Heard.Dropped
		whole.Heard.Foreign += report.Heard.Foreign
		whole.Heard.ForeignLinks = append(whole.Heard.ForeignLinks, report.Heard.ForeignLinks...)
		whole.Reasons = append(whole.Reasons, report.Reasons...)
		whole.Interrupted = whole.Interrupted || report.Interrupted
	}
	show.end()
	r.tellTroubles()
	if whole.Heard.Foreign > 0 {
		whole.Reasons = append(whole.Reasons, fmt.Sprintf("%d frames of other link types (%v) were passed over", whole.Heard.Foreign, whole.Heard.ForeignLinks))
	}
	if err := r.settle(a.ctx); err != nil {
		return r.end(whole, err)
	}
	hosts, identified := r.counts()
	a.say("%d frames read, %d assets in %s, %d of them identified", whole.Heard.Frames, hosts, a.common.DB, identified)
	return r.end(whole, nil)
}

func (c readCmd) open(a *app, name string) (capture.Source, error) {
	if name == "-" {
		return capture.NewReader(a.stdin, "standard input")
	}
	return capture.OpenFile(name)
}
