package web

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/html"
	"github.com/walkdown-ot/walkdown/inventory"
)

// row is an asset as lists and the map show it, with the text that a search looks through.
type row struct {
	html.Thing
	label string
	text  string // lower case
	name  string // lower case, to sort by
}

// talk is what two assets say to each other, over all ports and VLANs of a protocol.
type talk struct {
	Client     string   `json:"client,omitempty"`
	ClientIP   string   `json:"client_ip,omitempty"`
	Server     string   `json:"server,omitempty"`
	ServerIP   string   `json:"server_ip,omitempty"`
	Protocol   string   `json:"protocol,omitempty"`
	Transport  string   `json:"transport,omitempty"`
	Port       uint16   `json:"port,omitempty"`
	Packets    uint64   `json:"packets"`
	Operations []string `json:"operations,omitempty"`
	External   bool     `json:"external,omitempty"`
}

// index is one state of the inventory, as the page looks at it. It is not changed once it is made.
type index struct {
	rows      []*row
	byID      map[string]int
	talks     []talk
	summary   *html.Summary
	registers html.Registers
	gaps      []inventory.FieldGap
	sent      []html.Sent
	version   string
}

// load reads the inventory.
func load(ctx context.Context, from Store) (*index, error) {
	x := &index{byID: map[string]int{}, summary: html.NewSummary()}
	zoning, err := inventory.ProposeZones(ctx, from)
	if err != nil {
		return nil, err
	}
	gaps := inventory.NewGapCounter(nil)
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return nil, err
		}
		thing := html.ThingOf(a, zoning, gaps.Add(a))
		x.summary.Asset(thing)
		x.byID[a.ID] = len(x.rows)
		x.rows = append(x.rows, rowOf(thing))
	}
	x.gaps = gaps.Fields()
	if err := x.readTalks(ctx, from); err != nil {
		return nil, err
	}
	if x.registers, err = html.ReadRegisters(ctx, from, zoning); err != nil {
		return nil, err
	}
	if x.sent, err = x.summary.Ledger(ctx, from); err != nil {
		return nil, err
	}
	if x.summary.Surveys, err = inventory.Collect(from.Surveys(ctx)); err != nil {
		return nil, err
	}
	slices.Reverse(x.summary.Surveys)
	return x, nil
}

func (x *index) readTalks(ctx context.Context, from Store) error {
	type pair struct {
		client, server, protocol, transport string
		port                                uint16
	}
	at := map[pair]int{}
	for c, err := range from.Conversations(ctx) {
		if err != nil {
			return err
		}
		x.summary.Conversation(c)
		key := pair{cmp.Or(c.Client, c.ClientIP, c.ClientMAC), cmp.Or(c.Server, c.ServerIP, c.ServerMAC), c.Protocol, c.Transport, c.Port}
		if c.Protocol != "" {
			key.transport, key.port = "", 0
		}
		i, ok := at[key]
		if !ok {
			i = len(x.talks)
			at[key] = i
			t := talk{Client: c.Client, Server: c.Server, Protocol: c.Protocol, Transport: key.transport, Port: key.port}
			if c.External {
				t.ClientIP, t.ServerIP = c.ClientIP, c.ServerIP
			}
			x.talks = append(x.talks, t)
		}
		t := &x.talks[i]
		t.Packets += c.Packets
		t.External = t.External || c.External
		for _, o := range c.Operations {
			if !slices.Contains(t.Operations, o) {
				t.Operations = append(t.Operations, o)
			}
		}
	}
	return nil
}

func rowOf(a html.Thing) *row {
	r := &row{Thing: a}
	words := []string{
		a.ID, a.Site, a.Segment, a.Vendor, a.Family, a.Model, a.OrderNumber, a.Serial, a.Hardware, a.Firmware, a.FirmwareRaw, a.Software,
		a.OS, cmp.Or(a.Type, a.ProposedType), a.CPE, a.MACVendor, a.Role, a.Zone,
	}
	words = append(words, a.Names...)
	words = append(words, a.Protocols...)
	words = append(words, a.Notes...)
	ip, mac := "", ""
	for _, x := range a.Addresses {
		words = append(words, x.IP, x.MAC)
		ip, mac = cmp.Or(ip, x.IP), cmp.Or(mac, x.MAC)
	}
	for _, c := range a.Components {
		words = append(words, c.Path, c.Name, c.Vendor, c.Model, c.OrderNumber, c.Serial, c.Firmware)
	}
	words = slices.AppendSeq(words, maps.Values(a.Annotations))
	r.label = cmp.Or(a.Name, ip, mac, strings.TrimSpace(a.Vendor+" "+a.Model), a.ID)
	r.name = strings.ToLower(r.label)
	r.text = strings.ToLower(r.label + "\n" + strings.Join(words, "\n"))
	return r
}

// name is what people call an asset.
func (x *index) name(id string) string {
	if i, ok := x.byID[id]; ok {
		return x.rows[i].label
	}
	return id
}

// keeper holds the newest index, and makes another when the inventory has changed.
type keeper struct {
	load  func(ctx context.Context) (*index, error)
	stamp func() string

	mu   sync.Mutex
	now  *index
	wake chan struct{}
}

// often is how soon a change of the inventory is looked for; between two readings passes at least restful times what one takes.
const (
	often   = 2 * time.Second
	restful = 4
)

func (k *keeper) start(ctx context.Context) error {
	stamp := k.mark()
	first, err := k.load(ctx)
	if err != nil {
		return err
	}
	first.version = stamp
	k.now, k.wake = first, make(chan struct{}, 1)
	go k.follow(ctx)
	return nil
}

func (k *keeper) mark() string {
	if k.stamp == nil {
		return ""
	}
	return k.stamp()
}

func (k *keeper) follow(ctx context.Context) {
	rest := often
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-time.After(rest):
		}
		stamp := k.mark()
		if stamp == k.current().version {
			continue
		}
		begun := time.Now()
		next, err := k.load(ctx)
		rest = max(often, restful*time.Since(begun))
		if err != nil {
			continue // the state before is still true of its time; the next turn tries again
		}
		next.version = stamp
		k.mu.Lock()
		k.now = next
		k.mu.Unlock()
	}
}

func (k *keeper) current() *index {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// renew looks for changes at once.
func (k *keeper) renew() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}
