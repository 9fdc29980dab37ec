package main

import (
	"errors"
	"fmt"
	"os"
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
	sources := make([]*hashedSource, 0, len(c.Files))
	for _, name := range c.Files {
		source, err := openHashed(a, name)
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
		if a.ctx.Err() == nil {
			file, hashErr := source.hash.capture(c.Files[i])
			if hashErr == nil {
				r.survey.Custody.Captures = append(r.survey.Custody.Captures, file)
			}
		}
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

// hashedSource is a capture whose bytes are hashed while they are read.
type hashedSource struct {
	capture.Source
	hash *hashing
	file *os.File // nil: standard input
}

func openHashed(a *app, name string) (*hashedSource, error) {
	from, title := a.stdin, "standard input"
	var file *os.File
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, fmt.Errorf("open capture: %w", err)
		}
		if info, err := file.Stat(); err == nil && info.IsDir() {
			_ = file.Close() // it was only looked at
			_, err := capture.OpenFile(name)
			return nil, err
		}
		from, title = file, name
	}
	s := &hashedSource{hash: newHashing(from), file: file}
	var err error
	if s.Source, err = capture.NewReader(s.hash, title); err == nil {
		return s, nil
	}
	if file != nil {
		err = errors.Join(err, file.Close())
	}
	return nil, err
}

// Close closes the capture and its file.
func (s *hashedSource) Close() error {
	err := s.Source.Close()
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
	}
	return err
}
