package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/walkdown-ot/walkdown/discovery"
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
	if name := first(c.AskVia, c.Interface); name != "" {
		if ifi, err = net.InterfaceByName(name); err != nil {
			return failed(fmt.Errorf("interface %s: %w", name, err), "`walkdown doctor` lists the interfaces")
		}
	}
	engine, err := a.engine()
	if err != nil {
		return err
	}
	store, err := a.openToRead()
	if err != nil && !errors.Is(err, sqlite.ErrMissing) {
		return err
	}
	known := func(discovery.Subject, discovery.Key) (string, bool) { return "", false }
	var identified func(discovery.Subject) ask.Identity
	if store != nil {
		defer store.Close() //nolint:errcheck // it was only read
		known = func(about discovery.Subject, key discovery.Key) (string, bool) {
			value, ok, err := store.Known(a.ctx, about, key)
			if err != nil {
				a.log.Warn("look up what is known", "err", err)
			}
			return value, ok
		}
		identified = a.identified(a.ctx, store)
	}
	keeper, err := ask.New(ask.Options{
		Protocols: protocols.All(), Limits: w.limits, Scope: w.scope, Exclude: w.exclude, Allow: w.allow, Windows: w.windows, Refresh: c.Refresh,
		Credentials: a.secrets.credentials(), Interface: ifi, Known: known, Identified: identified, Log: a.log,
	})
	if err != nil {
		return err
	}
	// A host without an address stands for those that are found later.
	hosts := []ask.Host{survey.Candidate{}.Host(protocols.All(), w.named, engine.Likely)}
	segment := first(a.common.Segment, "default")
	listed := withNamed(nil, w, a.common.Site, segment)
	if store != nil {
		if listed, err = candidates(a.ctx, store, a.common.Site, segment, w); err != nil {
			return err
		}
	}
	for _, candidate := range listed {
		hosts = append(hosts, candidate.Host(protocols.All(), w.named, engine.Likely))
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
