package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

func inOrder[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// store takes in what a sheet says: what it says of nameplates as observations of a run of its own, the rest as annotations.
func (c annotateCmd) store(a *app, in *intake) (err error) {
	engine, err := a.engine()
	if err != nil {
		return err
	}
	store, err := sqlite.Open(a.ctx, a.common.DB, sqlite.Options{Identify: engine.Identify, Now: now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	author := first(c.Author, operator())
	if len(in.statements)+len(in.entered)+len(in.taken) > 0 {
		if err := c.observe(a, store, in, author); err != nil {
			return err
		}
	}
	notes := slices.Clone(in.annotations)
	for _, e := range in.entered {
		if len(e.said) == 0 {
			continue
		}
		id, err := store.AssetOf(a.ctx, e.about)
		if err != nil {
			return err
		}
		if id == "" {
			return fmt.Errorf("the device %s was entered and is not there", e.about)
		}
		for _, field := range inOrder(e.said) {
			notes = append(notes, inventory.Annotation{Of: id, Attribute: field, Value: e.said[field]})
		}
	}
	for i := range notes {
		notes[i].Author = author
	}
	_, err = store.Annotate(a.ctx, notes)
	return err
}

// observe records what people say of nameplates.
func (c annotateCmd) observe(a *app, store *sqlite.Store, in *intake, author string) error {
	recorder, err := store.Begin(a.ctx, inventory.Survey{
		Kind: "annotate", Site: a.common.Site, Segment: a.common.Segment, Operator: author, Sensor: c.File, Version: version(), Started: now(),
	})
	if err != nil {
		return err
	}
	at := now()
	tell := func(s plateWord) {
		o := discovery.Observation{Time: at, Sensor: c.File, Protocol: inventory.PersonProtocol, Mode: discovery.Person, Subject: s.about}
		for _, field := range inOrder(s.fields) {
			o.Facts = append(o.Facts, discovery.NewFact(inventory.StatedKey(field), s.fields[field]))
		}
		recorder.Observe(o)
	}
	for _, s := range in.statements {
		tell(s)
	}
	for _, e := range in.entered {
		tell(e.plateWord)
		recorder.Observe(discovery.Observation{
			Time: at, Sensor: c.File, Protocol: inventory.PersonProtocol, Mode: discovery.Person, Subject: e.about,
			Facts: []discovery.Fact{discovery.NewFact(inventory.KeyEntered, inventory.EnteredYes)},
		})
		for _, subject := range e.bound {
			recorder.Observe(discovery.Observation{
				Time: at, Sensor: c.File, Protocol: inventory.PersonProtocol, Mode: discovery.Person, Subject: subject,
				Facts: []discovery.Fact{discovery.NewFact(discovery.KeyBinding, "table")},
			})
		}
	}
	for _, device := range in.taken {
		for _, subject := range device {
			recorder.Observe(discovery.Observation{
				Time: at, Sensor: c.File, Protocol: inventory.PersonProtocol, Mode: discovery.Person, Subject: subject,
				Facts: []discovery.Fact{discovery.NewFact(inventory.KeyEntered, inventory.EnteredNo)},
			})
		}
	}
	return recorder.End(a.ctx, inventory.Survey{})
}
