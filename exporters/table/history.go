package table

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

func conversations(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{
			{"client", 20},
			{"client_ip", 17},
			{"client_mac", 19},
			{"server", 20},
			{"server_ip", 17},
			{"server_mac", 19},
			{"transport", 10},
			{"port", 7},
			{"ether_type", 10},
			{"protocol", 14},
			{"vlan", 6},
			{"packets", 10},
			{"bytes", 12},
			{"operations", 16},
			{"frequency", 10},
			{"median_interval_ms", 12},
			{"first_seen", 20},
			{"last_seen", 20},
			{"external", 9},
			{"tlp", 9},
		},
		rows(from.Conversations(ctx), "read conversations", func(c inventory.Conversation) [][]Cell {
			port, etherType := number(c.Port), Cell(nil)
			if c.Transport == discovery.EtherType.String() {
				port, etherType = nil, fmt.Sprintf("0x%04x", c.Port)
			}
			return one(c.Client, c.ClientIP, c.ClientMAC, c.Server, c.ServerIP, c.ServerMAC, c.Transport,
				port, etherType, c.Protocol, number(c.VLAN), c.Packets, c.Bytes, c.Operations, c.Frequency,
				number(c.MedianIntervalMS), c.FirstSeen, c.LastSeen, c.External, TLP{})
		}),
	}, nil
}

func changes(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{
			{"time", 20}, {"survey", 8}, {"asset", 20}, {"kind", 14}, {"attribute", 18}, {"old", 30}, {"new", 30}, {"via", 10}, {"tlp", 9},
		},
		rows(from.Changes(ctx, time.Time{}, ""), "read changes", func(c inventory.Change) [][]Cell {
			return one(c.Time, c.Survey, c.Asset, c.Kind, c.Attribute, c.Old, c.New, c.Via, TLP{})
		}),
	}, nil
}

func surveys(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{
			{"id", 8},
			{"kind", 12},
			{"site", 14},
			{"segment", 14},
			{"operator", 16},
			{"permission", 20},
			{"sensor", 16},
			{"switch", 20},
			{"switch_name", 20},
			{"switch_port", 14},
			{"gateway_mac", 19},
			{"address", 20},
			{"scope", 24},
			{"started", 20},
			{"ended", 20},
			{"outcome", 12},
			{"reasons", 30},
			{"counts", 40},
			{"version", 12},
			{"tlp", 9},
		},
		rows(from.Surveys(ctx), "read surveys", func(s inventory.Survey) [][]Cell {
			var counts []string
			for _, name := range slices.Sorted(maps.Keys(s.Counts)) {
				counts = append(counts, fmt.Sprintf("%s=%d", name, s.Counts[name]))
			}
			return one(s.ID, s.Kind, s.Site, s.Segment, s.Operator, s.Permission, s.Sensor, s.Plug.Switch,
				s.Plug.SwitchName, s.Plug.Port, s.Plug.GatewayMAC, s.Plug.Address, s.Scope, s.Started, s.Ended,
				s.Outcome, s.Reasons, counts, s.Version, TLP{})
		}),
	}, nil
}

func ledger(ctx context.Context, from inventory.Source) (Table, error) {
	return Table{
		[]Column{
			{"time", 20},
			{"survey", 8},
			{"target", 30},
			{"protocol", 14},
			{"request", 24},
			{"setup", 7},
			{"bytes", 40},
			{"outcome", 10},
			{"rtt_ms", 10},
			{"note", 30},
			{"tlp", 9},
		},
		rows(from.Ledger(ctx, ""), "read the ledger", func(e inventory.LedgerEntry) [][]Cell {
			var rtt Cell
			if e.RTTMS > 0 {
				rtt = e.RTTMS
			}
			return one(e.Time, e.Survey, e.Target, e.Protocol, e.Request, e.Setup, e.Bytes, e.Outcome, rtt, e.Note, TLP{})
		}),
	}, nil
}

// evidence reads that of each asset in turn.
func evidence(ctx context.Context, from inventory.Source) (Table, error) {
	columns := []Column{
		{"asset", 20},
		{"site", 14},
		{"segment", 14},
		{"mac", 19},
		{"ip", 17},
		{"vlan", 6},
		{"path", 24},
		{"key", 24},
		{"value", 40},
		{"raw", 24},
		{"mode", 9},
		{"protocol", 14},
		{"sensor", 14},
		{"teller", 24},
		{"rule", 20},
		{"from", 24},
		{"confidence", 10},
		{"count", 8},
		{"first_seen", 20},
		{"last_seen", 20},
		{"survey", 8},
		{"tlp", 9},
	}
	return Table{columns, func(yield func([]Cell, error) bool) {
		for a, err := range from.Assets(ctx) {
			if err != nil {
				yield(nil, fmt.Errorf("read assets: %w", err))
				return
			}
			for row, err := range rows(from.Evidence(ctx, a.ID), "read the evidence of "+a.ID, func(e inventory.Evidence) [][]Cell {
				return one(a.ID, e.Subject.Site, e.Subject.Segment, e.Subject.MAC.String(), ipText(e.Subject), number(e.Subject.VLAN), e.Subject.Path,
					string(e.Fact.Key), e.Fact.Value, hex.EncodeToString(e.Fact.Raw), e.Mode.String(), e.Protocol, e.Sensor, teller(e), e.Fact.Rule,
					each(e.Fact.From, func(k discovery.Key) string { return string(k) }), Confidence(e.Fact.Confidence), e.Count, e.First, e.Last, e.Survey, TLP{})
			}) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}}, nil
}

func ipText(s discovery.Subject) string {
	if !s.IP.IsValid() {
		return ""
	}
	return s.IP.String()
}

func teller(e inventory.Evidence) string {
	if e.Teller.IsZero() {
		return ""
	}
	return e.Teller.String()
}
