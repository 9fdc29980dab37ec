package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type mergeCmd struct {
	Assets []string `arg:"" name:"asset" help:"Two or more assets: id or the beginning of one, name, IP, MAC or serial number."`
	Reason string   `placeholder:"TEXT" help:"Why; kept with the decision."`
	Yes    bool     `help:"Also where serial numbers, vendors or models contradict it, without asking."`
}

// Help is shown below the flags.
func (mergeCmd) Help() string {
	return `The assets become one, under the oldest id. The decision is about their addresses: it holds for later surveys,
refingerprint and merge-db, until a later decision or ` + "`walkdown decisions --undo`" + ` ends it. No packet is sent.`
}

// Run makes one asset of several.
func (c mergeCmd) Run(a *app) error {
	if len(c.Assets) < 2 {
		return usage("for example: walkdown merge 10.20.30.11 10.20.31.11", "merge needs two assets")
	}
	d := inventory.Decision{Kind: inventory.Merged, Reason: c.Reason}
	var assets []inventory.Asset
	var doubts []string
	err := a.reading(func(store *sqlite.Store) error {
		for i, ref := range c.Assets {
			asset, err := store.Asset(a.ctx, ref)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(assets, func(other inventory.Asset) bool { return other.ID == asset.ID }) {
				continue
			}
			if len(assets) > 0 && asset.Site != assets[0].Site {
				return failed(fmt.Errorf("%q is in site %s, %q in site %s", c.Assets[0], assets[0].Site, ref, asset.Site), "sites share nothing: an asset cannot be in two")
			}
			for _, other := range assets {
				for _, doubt := range inventory.Contradictions(other, asset) {
					doubts = append(doubts, fmt.Sprintf("%s and %s: %s", title(other), title(asset), doubt))
				}
			}
			assets = append(assets, asset)
			marks, err := store.AddressMarks(a.ctx, asset.ID)
			if err != nil {
				return err
			}
			if i == 0 {
				d.Addresses = marks
			} else {
				d.Others = append(d.Others, marks...)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(assets) == 1 {
		a.say("%s is one asset already; nothing was written", title(assets[0]))
		return nil
	}
	if len(d.Addresses) == 0 || len(d.Others) == 0 {
		return failed(errors.New("one of them has no address now: its address went to another device"), "a decision is about addresses")
	}
	if err := a.confirmDoubts(doubts, c.Yes); err != nil {
		return err
	}
	return a.decide(d)
}

// confirmDoubts tells what speaks against a decision, and lets a person confirm it.
func (a *app) confirmDoubts(doubts []string, yes bool) error {
	if len(doubts) == 0 {
		return nil
	}
	for _, doubt := range doubts {
		fmt.Fprintf(a.stderr, "%s\n", doubt)
	}
	switch {
	case yes:
		return nil
	case !a.terminal():
		return usage("--yes merges them all the same", "what is known of them contradicts each other")
	}
	answer, err := a.askLine("Merge them all the same? [y/N] ")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y") {
		return failed(errors.New("nothing was written"), "")
	}
	return nil
}

type splitCmd struct {
	Asset   string   `arg:"" help:"An id or the beginning of one, a name, an IP, a MAC or a serial number."`
	Address []string `required:"" placeholder:"IP|MAC,..." help:"The addresses that become another asset. A MAC takes its IPs along."`
	Reason  string   `placeholder:"TEXT" help:"Why; kept with the decision."`
}

// Help is shown below the flags.
func (splitCmd) Help() string {
	return `The addresses become an asset with a new id; the rest keeps its own. An IP whose MAC has other IPs is cut off that MAC: then
the MAC is that of a bridge or a gateway. No later survey, refingerprint or merge-db joins the two again, until a later
decision or ` + "`walkdown decisions --undo`" + ` ends it. No packet is sent.`
}

// Run makes two assets of one.
func (c splitCmd) Run(a *app) error {
	d := inventory.Decision{Kind: inventory.Split, Reason: c.Reason}
	err := a.reading(func(store *sqlite.Store) error {
		asset, err := store.Asset(a.ctx, c.Asset)
		if err != nil {
			return err
		}
		all, err := store.AddressMarks(a.ctx, asset.ID)
		if err != nil {
			return err
		}
		if d.Others, err = named(asset, all, c.Address); err != nil {
			return err
		}
		d.Addresses = slices.DeleteFunc(all, func(m inventory.Mark) bool { return slices.Contains(d.Others, m) })
		if len(d.Addresses) == 0 {
			return usage("at least one address must stay with it; `walkdown show` lists them", "these are all addresses of %s", title(asset))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.decide(d)
}

// named are the marks of the addresses that a person names of an asset.
func named(asset inventory.Asset, all []inventory.Mark, refs []string) ([]inventory.Mark, error) {
	wanted := map[string]bool{}
	for _, ref := range refs {
		text := strings.TrimSpace(ref)
		if mac, err := discovery.ParseMAC(text); err == nil {
			text = mac.String()
		} else if ip, err := netip.ParseAddr(text); err == nil {
			text = ip.Unmap().String()
		} else {
			return nil, usage("for example: --address 10.20.30.11,28:63:36:aa:bb:cc", "%q is neither an IP nor a MAC", ref)
		}
		wanted[text] = true
		if !slices.ContainsFunc(asset.Addresses, func(v inventory.Address) bool { return v.MAC == text || v.IP == text }) {
			return nil, usage("`walkdown show` lists its addresses", "%s has no address %s", title(asset), ref)
		}
	}
	var out []inventory.Mark
	add := func(m inventory.Mark) {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	for _, v := range asset.Addresses {
		whole := wanted[v.MAC] || wanted[v.IP] && !slices.ContainsFunc(asset.Addresses, func(o inventory.Address) bool { return o.MAC == v.MAC && o.IP != "" && !wanted[o.IP] })
		switch {
		case v.MAC != "" && whole:
			for _, m := range all {
				if m.Kind == inventory.MarkMAC && m.Value == v.MAC {
					add(m)
				}
			}
		case wanted[v.IP]:
			add(inventory.Mark{Kind: inventory.MarkIP, Site: asset.Site, Segment: first(v.Segment, asset.Segment), Value: v.IP})
		}
	}
	return out, nil
}

type decisionsCmd struct {
	Undo   string `placeholder:"ID" help:"Take this decision back (d-3): the rules say again who is who."`
	Reason string `placeholder:"TEXT" help:"Why it is taken back."`
}

// Run lists the decisions, or takes one back.
func (c decisionsCmd) Run(a *app) error {
	var decided []inventory.Decision
	var taken inventory.Decision
	err := a.reading(func(store *sqlite.Store) (err error) {
		if c.Undo != "" {
			taken, err = store.Decision(a.ctx, c.Undo)
			return err
		}
		decided, err = store.Decisions(a.ctx)
		return err
	})
	if err != nil {
		return err
	}
	if c.Undo == "" {
		return listDecisions(a, decided)
	}
	if !taken.Undone.IsZero() {
		a.say("%s was taken back already; nothing was written", taken.ID)
		return nil
	}
	changes, err := a.anew(a.common.DB, inventory.Survey{Kind: "undo"}, func(r *sqlite.Recorder) error {
		return r.Undo(a.ctx, taken, inventory.Decision{Operator: operator(), Reason: c.Reason, Time: now()})
	})
	if err != nil {
		return err
	}
	a.say("%s is taken back", taken.ID)
	return list(a, each(changes), changeColumns(), "nothing changes in the inventory")
}

func listDecisions(a *app, decisions []inventory.Decision) error {
	addresses := func(marks []inventory.Mark) string {
		var words []string
		for _, m := range marks {
			words = append(words, m.Value)
		}
		return strings.Join(words, " ")
	}
	return list(a, each(decisions), []column[inventory.Decision]{
		{"Decision", func(d inventory.Decision) string { return d.ID }, 0},
		{"When", func(d inventory.Decision) string { return local(d.Time) }, 0},
		{"What", func(d inventory.Decision) string { return d.Kind }, 0},
		{"Addresses", func(d inventory.Decision) string { return addresses(d.Addresses) }, 0},
		{"Others", func(d inventory.Decision) string { return addresses(d.Others) }, 0},
		{"By", func(d inventory.Decision) string { return d.Operator }, 2},
		{"Reason", func(d inventory.Decision) string { return d.Reason }, 1},
		{"Taken back", func(d inventory.Decision) string { return local(d.Undone) }, 0},
	}, "nobody has decided anything")
}

// decide writes a decision down, settles the inventory by it, and prints what changed.
func (a *app) decide(d inventory.Decision) error {
	d.Operator, d.Time = operator(), now()
	verb := map[string]string{inventory.Merged: "merge", inventory.Split: "split"}[d.Kind]
	changes, err := a.anew(a.common.DB, inventory.Survey{Kind: verb}, func(r *sqlite.Recorder) (err error) {
		d, err = r.Decide(a.ctx, d)
		return err
	})
	if err != nil {
		return err
	}
	a.say("decision %s is kept; `walkdown decisions --undo %s` takes it back", d.ID, d.ID)
	return list(a, each(changes), changeColumns(), "nothing changes in the inventory")
}

// reading opens the inventory to read, for as long as f runs.
func (a *app) reading(f func(*sqlite.Store) error) error { return a.readingAt(a.common.DB, f) }

func (a *app) readingAt(path string, f func(*sqlite.Store) error) error {
	store, err := sqlite.Open(a.ctx, path, sqlite.Options{ReadOnly: true, Now: now})
	if err != nil {
		return err
	}
	return errors.Join(f(store), store.Close())
}

// title is an asset for people.
func title(v inventory.Asset) string {
	return strings.TrimSpace(first(v.Name, firstAddress(v), firstMAC(v)) + " (" + v.ID + ")")
}
