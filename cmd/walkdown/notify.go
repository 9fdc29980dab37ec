package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/walkdown-ot/walkdown/inventory/notify"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

// notifyConfig is one entry of the section notify: a syslog server, or a webhook.
type notifyConfig struct {
	Syslog   string `yaml:"syslog"`   // udp://HOST:PORT, tcp://HOST:PORT or local
	Facility string `yaml:"facility"` // of syslog; local0
	Format   string `yaml:"format"`   // of syslog: text or cef
	Webhook  string `yaml:"webhook"`  // https://HOST/PATH
	Token    string `yaml:"token"`    // of the webhook; else WALKDOWN_NOTIFY_TOKEN
}

// targets are who is told of changes. A file with a token must be its owner's alone.
func (c *config) targets() ([]notify.Target, error) {
	var out []notify.Target
	for _, n := range c.notify {
		const hint = "each entry of notify has either syslog: udp://HOST:PORT, or webhook: https://HOST/PATH"
		if n.Token != "" {
			if err := c.isPrivate(); err != nil {
				return nil, err
			}
		}
		var target notify.Target
		var err error
		switch {
		case (n.Syslog == "") == (n.Webhook == ""):
			return nil, usage(hint, "an entry of notify in %s has %s", c.path, map[bool]string{true: "neither syslog nor webhook", false: "both syslog and webhook"}[n.Syslog == ""])
		case n.Syslog != "" && n.Format != "" && n.Format != "text" && n.Format != "cef":
			return nil, usage("", "notify: there is no format %q: text or cef", n.Format)
		case n.Syslog != "" && n.Token != "" || n.Webhook != "" && (n.Facility != "" || n.Format != ""):
			return nil, usage("a token is for a webhook, facility and format are for syslog", "an entry of notify in %s has what is not for it", c.path)
		case n.Syslog != "":
			target, err = notify.NewSyslog(n.Syslog, n.Facility, n.Format == "cef", version())
		default:
			target, err = notify.NewWebhook(n.Webhook, cmp.Or(n.Token, os.Getenv("WALKDOWN_NOTIFY_TOKEN")), version())
		}
		if err != nil {
			return nil, usage(hint, "notify: %v", err)
		}
		out = append(out, target)
	}
	return out, nil
}

// teller tells the changes of an inventory to who is to be told. How far it has come stands in a file beside it.
func (a *app) teller(store *sqlite.Store) *notify.Teller {
	return &notify.Teller{From: store, Targets: a.notify, State: a.common.DB + ".told"}
}

// tellWithin is how long a survey waits at its end for those who are to be told.
const tellWithin = 30 * time.Second

// tellChanges tells what has not been told yet. What cannot be told now is told after the next survey; it is no failure of this one.
func (a *app) tellChanges(store *sqlite.Store) {
	if len(a.notify) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), tellWithin)
	defer cancel()
	if err := a.teller(store).Tell(ctx); err != nil {
		a.say("not told yet, and kept: %v", err)
	}
}
