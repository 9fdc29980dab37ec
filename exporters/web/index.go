package web

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/html"
	"github.com/walkdown-ot/walkdown/inventory"
)

// row is an asset as lists and the map show it, with the text that a search looks through. What only the asset's own page shows is
// not kept.
type row struct {
	html.Thing
	label  string
	text   string   // lower case; a search also looks at the zone
	name   string   // lower case, to sort by
	cables []string // ids of the assets at the other ends
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

// index is one state of the inventory, as the page looks at it. It is not changed once it is published.
type index struct {
	rows      []*row
	byID      map[string]int
	talks     []talk
	summary   *html.Summary
	registers html.Registers
	gaps      []inventory.FieldGap
	sent      []html.Sent
	version   string
	partial   bool // the assets are there, what is made of the whole inventory is not yet

	conversations, changes lazily
}

// lazily holds a long list that is read when it is first looked at.
type lazily struct {
	once sync.Once
	list any
	err  error
}

// read gives the list, from the store the first time.
func read[T any](l *lazily, from iter.Seq2[T, error]) ([]T, error) {
	l.once.Do(func() { l.list, l.err = inventory.Collect(from) })
	list, _ := l.list.([]T)
	return list, l.err
}

// load reads the inventory. The assets are published as soon as they are there, unless there is a state to show already.
func load(ctx context.Context, from Store, version string, publish func(*index)) error {
	x := &index{byID: map[string]int{}, summary: html.NewSummary(), version: version}
	none := &inventory.Zoning{}
	gaps := inventory.NewGapCounter(nil)
	registrar, err := html.NewRegistrar(ctx, from)
	if err != nil {
		return err
	}
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return err
		}
		gaps.Add(a)
		registrar.Asset(a)
		x.byID[a.ID] = len(x.rows)
		x.rows = append(x.rows, rowOf(html.ThingOf(a, none, nil)))
		x.summary.Components += len(a.Components)
	}
	x.gaps = gaps.Fields()
	first := *x.summary
	for _, r := range x.rows {
		first.Asset(r.Thing)
	}
	publish(&index{rows: x.rows, byID: x.byID, summary: &first, gaps: x.gaps, version: version + " assets", partial: true})

	zoning, err := registrar.Zoning(ctx)
	if err != nil {
		return err
	}
	components := x.summary.Components
	x.summary = html.NewSummary()
	x.summary.Components = components
	placed := make([]*row, len(x.rows))
	for i, r := range x.rows {
		with := *r // the published rows stay as they are
		with.Thing = html.ThingOf(r.Asset, zoning, nil)
		placed[i] = &with
		x.summary.Asset(with.Thing)
	}
	x.rows = placed
	if err := x.readTalks(ctx, from, registrar); err != nil {
		return err
	}
	if x.registers, err = registrar.Registers(ctx); err != nil {
		return err
	}
	if x.sent, err = x.summary.Ledger(ctx, from); err != nil {
		return err
	}
	if x.summary.Surveys, err = html.Runs(ctx, from); err != nil {
		return err
	}
	publish(x)
	return nil
}

func (x *index) readTalks(ctx context.Context, from Store, registrar *html.Registrar) error {
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
		registrar.Conversation(c)
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
		a.OS, cmp.Or(a.Type, a.ProposedType), a.CPE, a.MACVendor, a.Role,
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
	for _, n := range a.Neighbours {
		if n.Asset != "" {
			r.cables = append(r.cables, n.Asset)
		}
	}
	// What a list does not show would be most of the memory.
	r.Names, r.Components, r.Ports, r.Services, r.Neighbours, r.Protocols, r.Notes, r.Confidences, r.Matchability = nil, nil, nil, nil, nil, nil, nil, nil, nil
	r.CPE, r.CPECandidate, r.LevelReason = "", "", ""
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
	load  func(ctx context.Context, version string, publish func(*index)) error
	stamp func() string

	mu    sync.Mutex
	now   *index
	err   error         // of the last reading
	ready chan struct{} // closed when there is something to show, or an error
	wake  chan struct{}
}

// often is how soon a change of the inventory is looked for; between two readings passes at least restful times what one takes.
const (
	often   = 2 * time.Second
	restful = 4
)

// start reads the inventory and follows its changes until the context ends.
func (k *keeper) start(ctx context.Context) {
	k.ready, k.wake = make(chan struct{}), make(chan struct{}, 1)
	go func() {
		stamp, rest := "", k.renewed(ctx, k.mark())
		for {
			select {
			case <-ctx.Done():
				return
			case <-k.wake:
			case <-time.After(rest):
			}
			if stamp = k.mark(); k.outdated(stamp) {
				rest = k.renewed(ctx, stamp)
			}
		}
	}()
}

func (k *keeper) mark() string {
	if k.stamp == nil {
		return ""
	}
	return k.stamp()
}

func (k *keeper) outdated(stamp string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err != nil || k.now == nil || k.now.version != stamp
}

// renewed reads the inventory, and says how long to rest then. After an error the state before is still true of its time.
func (k *keeper) renewed(ctx context.Context, stamp string) time.Duration {
	begun := time.Now()
	err := k.load(ctx, stamp, func(x *index) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if x.partial && k.now != nil {
			return
		}
		k.now = x
		k.open()
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err = err; err != nil {
		k.open()
	}
	return max(often, restful*time.Since(begun))
}

// open lets those in who wait for the first reading.
func (k *keeper) open() {
	select {
	case <-k.ready:
	default:
		close(k.ready)
	}
}

// current is the newest state; it waits for the first.
func (k *keeper) current(ctx context.Context) (*index, error) {
	select {
	case <-k.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now == nil {
		return nil, k.err
	}
	return k.now, nil
}

// renew looks for changes at once.
func (k *keeper) renew() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}
