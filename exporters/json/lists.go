package json

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

// list is one of the document's, of things of one kind, as lines name it.
type list struct {
	name, kind string
	each       func(ctx context.Context, from inventory.Source, add func(any) error) error
}

func lists() []list {
	return []list{
		{"assets", "asset", streamed(inventory.Source.Assets)},
		{"evidence", "evidence", evidence},
		{"conversations", "conversation", streamed(inventory.Source.Conversations)},
		{"zones", "zone", func(ctx context.Context, from inventory.Source, add func(any) error) error {
			zoning, err := inventory.ProposeZones(ctx, from)
			if err != nil {
				return err
			}
			return all(zoning.Zones, add)
		}},
		{"conduits", "conduit", func(ctx context.Context, from inventory.Source, add func(any) error) error {
			zoning, err := inventory.ProposeZones(ctx, from)
			if err != nil {
				return err
			}
			conduits, err := inventory.Conduits(ctx, from, zoning)
			if err != nil {
				return err
			}
			return all(conduits, add)
		}},
		{"external", "external", gathered(inventory.External)},
		{"coverage", "coverage", gathered(inventory.Coverage)},
		{"changes", "change", streamed(func(from inventory.Source, ctx context.Context) iter.Seq2[inventory.Change, error] {
			return from.Changes(ctx, time.Time{}, "")
		})},
		{"surveys", "survey", streamed(inventory.Source.Surveys)},
		{"ledger", "message", streamed(func(from inventory.Source, ctx context.Context) iter.Seq2[inventory.LedgerEntry, error] {
			return from.Ledger(ctx, "")
		})},
	}
}

// streamed is a list that is written as it is read.
func streamed[T any](of func(inventory.Source, context.Context) iter.Seq2[T, error]) func(context.Context, inventory.Source, func(any) error) error {
	return func(ctx context.Context, from inventory.Source, add func(any) error) error {
		for one, err := range of(from, ctx) {
			if err != nil {
				return fmt.Errorf("read the inventory: %w", err)
			}
			if err := add(one); err != nil {
				return err
			}
		}
		return nil
	}
}

// gathered is a list that is made of the whole inventory.
func gathered[T any](of func(context.Context, inventory.Source) ([]T, error)) func(context.Context, inventory.Source, func(any) error) error {
	return func(ctx context.Context, from inventory.Source, add func(any) error) error {
		list, err := of(ctx, from)
		if err != nil {
			return err
		}
		return all(list, add)
	}
}

func all[T any](list []T, add func(any) error) error {
	for _, one := range list {
		if err := add(one); err != nil {
			return err
		}
	}
	return nil
}

// Fact is one piece of evidence.
type Fact struct {
	Asset      string    `json:"asset"`
	Site       string    `json:"site"`
	Segment    string    `json:"segment"`
	MAC        string    `json:"mac,omitempty"`
	IP         string    `json:"ip,omitempty"`
	VLAN       uint16    `json:"vlan,omitempty"`
	Path       string    `json:"path,omitempty"`
	Key        string    `json:"key"`
	Value      string    `json:"value"`
	Raw        string    `json:"raw,omitempty"` // hex
	Mode       string    `json:"mode"`
	Protocol   string    `json:"protocol,omitempty"`
	Sensor     string    `json:"sensor,omitempty"`
	Teller     string    `json:"teller,omitempty"`
	Rule       string    `json:"rule,omitempty"`
	From       []string  `json:"from,omitempty"`
	Confidence float32   `json:"confidence,omitempty"`
	Count      int       `json:"count,omitempty"`
	First      time.Time `json:"first_seen,omitzero"`
	Last       time.Time `json:"last_seen,omitzero"`
	Survey     string    `json:"survey,omitempty"`
}

// FactOf puts evidence about an asset into words.
func FactOf(asset string, e inventory.Evidence) Fact {
	f := Fact{
		Asset: asset, Site: e.Subject.Site, Segment: e.Subject.Segment, MAC: e.Subject.MAC.String(), VLAN: e.Subject.VLAN, Path: e.Subject.Path,
		Key: string(e.Fact.Key), Value: e.Fact.Value, Raw: hex.EncodeToString(e.Fact.Raw), Mode: e.Mode.String(), Protocol: e.Protocol,
		Sensor: e.Sensor, Rule: e.Fact.Rule, Confidence: e.Fact.Confidence, Count: e.Count, First: e.First, Last: e.Last, Survey: e.Survey,
	}
	if e.Subject.IP.IsValid() {
		f.IP = e.Subject.IP.String()
	}
	if !e.Teller.IsZero() {
		f.Teller = e.Teller.String()
	}
	for _, key := range e.Fact.From {
		f.From = append(f.From, string(key))
	}
	return f
}

func evidence(ctx context.Context, from inventory.Source, add func(any) error) error {
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		for e, err := range from.Evidence(ctx, a.ID) {
			if err != nil {
				return fmt.Errorf("read the evidence of %s: %w", a.ID, err)
			}
			if err := add(FactOf(a.ID, e)); err != nil {
				return err
			}
		}
	}
	return nil
}
