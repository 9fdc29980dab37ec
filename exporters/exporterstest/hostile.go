package exporterstest

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// HostileNames are what a device may call itself to harm whoever opens an export.
func HostileNames() map[string]string {
	return map[string]string{
		"formula":       `=cmd|' /C calc'!A0`,
		"formula_plus":  `+HYPERLINK("http://evil.example","x")`,
		"formula_minus": `-1+1`,
		"formula_at":    `@SUM(A1:A2)`,
		"formula_tab":   "\t=1+1",
		"formula_cr":    "\r=1+1",
		"formula_wide":  "＝1+1",
		"semicolon":     `a;=1+1`,
		"quotes":        `"," "" ,=1`,
		"newline":       "a\r\nb\nc",
		"html":          `<script>alert(1)</script>&amp;`,
		"json":          `","type":"x\`,
		"bidi":          "evil\u202egnp.exe",
		"separator":     "a\u2028b",
		"nul":           "a\x00b",
		"not_utf8":      "T\xe9l\xe9",
		"long":          strings.Repeat("A<", 32<<10),
		"empty":         "   ",
		"bom_link":      "urn:cdx:x",
	}
}

// Hostile is an inventory with such a name in every field that has text from the network or from people.
func Hostile() *Inventory {
	i := &Inventory{Proofs: map[string][]inventory.Evidence{}}
	n := 0
	for kind, bad := range HostileNames() {
		n++
		id := fmt.Sprintf("a-%016x", n)
		identity := inventory.Identity{
			Vendor: bad, Family: bad, Model: bad, OrderNumber: bad, Serial: bad, Hardware: bad, Firmware: bad, FirmwareRaw: bad, OS: bad,
			Type: bad, CPE: "cpe:2.3:o:" + bad, Confidence: float32(math.NaN()), Confidences: map[string]float32{"model": 7, bad: 0.5},
		}
		i.Things = append(i.Things, inventory.Asset{
			ID: id, Site: bad, Segment: kind, Name: bad, Names: []string{bad, bad + "2"}, Identity: identity, MACVendor: bad, Role: bad,
			Addresses: []inventory.Address{{MAC: bad, IP: bad}}, Protocols: []string{bad},
			Services:    []inventory.Service{{Transport: "tcp", Port: 1, Protocol: bad}, {Transport: bad, Port: 2}},
			Components:  []inventory.Component{{Path: "endpoint=" + bad, Name: bad, Identity: identity}},
			Neighbours:  []inventory.Neighbour{{LocalPort: bad, Name: bad, RemotePort: bad, Via: bad}},
			Annotations: map[string]string{"owner": bad, "zone": bad, bad: bad}, Notes: []string{bad}, Seen: inventory.SeenPassive,
			Ports: []inventory.Port{{Name: bad, Description: bad, MAC: bad}}, ProposedType: bad, LevelReason: bad,
		})
		i.Proofs[id] = []inventory.Evidence{
			{Mode: discovery.Heard, Fact: discovery.Fact{Key: "lldp.system-name", Value: bad, Raw: []byte(bad)}},
			{Mode: discovery.Deduced, Fact: discovery.Fact{Key: discovery.KeyName, Value: bad, Confidence: 2, Rule: bad, From: []discovery.Key{"lldp.system-name"}}},
		}
		i.Talks = append(i.Talks, inventory.Conversation{
			Client: id, ClientIP: bad, Server: id, ServerIP: bad, Transport: "tcp", Port: 1, Protocol: bad, Operations: []string{bad}, Frequency: bad,
		})
		// One with the next asset, which is in another zone, and one with the internet.
		i.Talks = append(i.Talks,
			inventory.Conversation{Client: id, ClientIP: "10.0.0.1", Server: fmt.Sprintf("a-%016x", n%len(HostileNames())+1), ServerIP: "10.0.0.2", Transport: "tcp", Port: 2, Protocol: bad},
			inventory.Conversation{Client: id, ClientIP: "10.0.0.1", ServerIP: fmt.Sprintf("198.51.100.%d", n), Transport: "tcp", Port: 443, Protocol: bad, External: true})
		i.Changed = append(i.Changed, inventory.Change{Survey: "s-1", Asset: id, Kind: inventory.Appeared, Attribute: bad, Old: bad, New: bad, Via: bad})
		i.Sent = append(i.Sent, inventory.LedgerEntry{Survey: "s-1", Target: bad, Protocol: bad, Request: bad, Bytes: "00", Outcome: "answered", Note: bad})
		i.Runs = append(i.Runs, inventory.Survey{
			ID: fmt.Sprintf("s-%d", n), Site: bad, Segment: kind, Operator: bad, Permission: bad, Sensor: bad, Scope: []string{bad}, Reasons: []string{bad},
			Plug:     inventory.PlugInPoint{SwitchName: bad, Port: bad},
			Troubles: []inventory.Trouble{{Protocol: bad, Reason: bad, Count: 1, Example: bad}},
		})
	}
	return i
}

// Large is a source of n assets that are made as they are read, each with evidence, a service and a conversation.
type Large int

// Assets makes the assets, in an order that is not that of their ids.
func (l Large) Assets(ctx context.Context) iter.Seq2[inventory.Asset, error] {
	return func(yield func(inventory.Asset, error) bool) {
		for n := range int(l) {
			if !yield(inventory.Asset{
				ID: l.id(n), Site: "s", Segment: "s", Name: fmt.Sprintf("device %d", n),
				Identity: inventory.Identity{
					Vendor: "Siemens", Model: "CPU 1511-1 PN", Firmware: "2.8.1", Confidence: 0.9,
					Confidences: map[string]float32{"vendor": 0.9, "model": 0.9, "firmware": 0.9},
				},
				Addresses: []inventory.Address{{MAC: fmt.Sprintf("28:63:36:%02x:%02x:%02x", n>>16&255, n>>8&255, n&255), IP: fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)}},
				Services:  []inventory.Service{{Transport: "tcp", Port: 102, Protocol: "s7"}}, Seen: inventory.SeenActive, LastSeen: time.Unix(1_700_000_000, 0),
			}, ctx.Err()) {
				return
			}
		}
	}
}

// Evidence makes three facts.
func (l Large) Evidence(_ context.Context, _ string) iter.Seq2[inventory.Evidence, error] {
	return func(yield func(inventory.Evidence, error) bool) {
		for _, e := range []inventory.Evidence{
			{Mode: discovery.Asked, Fact: discovery.NewFact("s7.module", "6ES7 511-1AK02-0AB0")},
			{Mode: discovery.Deduced, Fact: discovery.Fact{Key: discovery.KeyModel, Value: "CPU 1511-1 PN", Confidence: 0.9, Rule: "r", From: []discovery.Key{"s7.module"}}},
			{Mode: discovery.Deduced, Fact: discovery.Fact{Key: discovery.KeyFirmware, Value: "2.8.1", Confidence: 0.9, Rule: "r", From: []discovery.Key{"s7.module"}}},
		} {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Conversations makes one with each asset.
func (l Large) Conversations(ctx context.Context) iter.Seq2[inventory.Conversation, error] {
	return func(yield func(inventory.Conversation, error) bool) {
		for n := range int(l) {
			if !yield(inventory.Conversation{
				ClientIP: "10.0.0.1", Server: l.id(n), Transport: "tcp", Port: 102, Protocol: "s7", Packets: 10, Bytes: 1000, Operations: []string{"read"},
			}, ctx.Err()) {
				return
			}
		}
	}
}

// Changes tells of each asset that it appeared.
func (l Large) Changes(ctx context.Context, _ time.Time, _ string) iter.Seq2[inventory.Change, error] {
	return func(yield func(inventory.Change, error) bool) {
		for n := range int(l) {
			if !yield(inventory.Change{Time: time.Unix(1_700_000_000, 0), Survey: "s-1", Asset: l.id(n), Kind: inventory.Appeared}, ctx.Err()) {
				return
			}
		}
	}
}

// Surveys gives one.
func (l Large) Surveys(ctx context.Context) iter.Seq2[inventory.Survey, error] {
	return func(yield func(inventory.Survey, error) bool) {
		began := time.Unix(1_700_000_000, 0).UTC()
		yield(inventory.Survey{ID: "s-1", Kind: "survey", Site: "s", Segment: "s", Started: began, Ended: began.Add(time.Hour), Outcome: "done"}, ctx.Err())
	}
}

// Ledger gives one question to each asset.
func (l Large) Ledger(ctx context.Context, _ string) iter.Seq2[inventory.LedgerEntry, error] {
	return func(yield func(inventory.LedgerEntry, error) bool) {
		for n := range int(l) {
			if !yield(inventory.LedgerEntry{
				Time: time.Unix(1_700_000_000, 0), Survey: "s-1", Target: l.id(n), Protocol: "s7", Request: "module", Bytes: "0300", Outcome: "answered",
			}, ctx.Err()) {
				return
			}
		}
	}
}

func (l Large) id(n int) string { return fmt.Sprintf("a-%016x", int(l)-n) }
