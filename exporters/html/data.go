package html

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/clean"
	"github.com/walkdown-ot/walkdown/inventory"
)

// What a report holds at most. More would make a file that no browser opens at once; the page then says how much was left out.
const (
	mostEvidence      = 20_000 // assets with their evidence
	mostConversations = 50_000
	mostChanges       = 50_000
)

// Summary is an inventory in numbers.
type Summary struct {
	Assets        int            `json:"assets"`
	Components    int            `json:"components"`
	WithVendor    int            `json:"with_vendor"`
	WithModel     int            `json:"with_model"`
	WithFirmware  int            `json:"with_firmware"`
	WithSerial    int            `json:"with_serial"`
	Conversations int            `json:"conversations"`
	External      int            `json:"external"` // conversations with a public address
	Questions     int            `json:"questions"`
	DevicesAsked  int            `json:"devices_asked"`
	Types         map[string]int `json:"types"` // by value, "" where it is not known
	Vendors       map[string]int `json:"vendors"`
	Levels        map[string]int `json:"levels"`
	Segments      map[string]int `json:"segments"`
	Zones         map[string]int `json:"zones"`
	Surveys       []Run          `json:"surveys"`            // the newest first
	LeftOut       []string       `json:"left_out,omitempty"` // in words
}

// Run is a survey as the page shows it.
type Run struct {
	inventory.Survey
	Record []inventory.Particular `json:"record"` // how it is recorded, in words
}

// Runs are the surveys, the newest first.
func Runs(ctx context.Context, from inventory.Source) ([]Run, error) {
	var out []Run
	for v, err := range from.Surveys(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read surveys: %w", err)
		}
		out = append(out, Run{v, v.Record()})
	}
	slices.Reverse(out)
	return out, nil
}

// NewSummary is that of an empty inventory.
func NewSummary() *Summary {
	return &Summary{Types: map[string]int{}, Vendors: map[string]int{}, Levels: map[string]int{}, Segments: map[string]int{}, Zones: map[string]int{}}
}

// Thing is an asset as the page shows it.
type Thing struct {
	inventory.Asset
	Zone         string   `json:"zone,omitempty"` // accepted or proposed
	ZoneAccepted bool     `json:"zone_accepted,omitempty"`
	ZoneReason   string   `json:"zone_reason,omitempty"`
	Unknown      []string `json:"unknown,omitempty"` // titles of the fields that nobody has told
	Close        []string `json:"close,omitempty"`   // the first commands that would close them
}

// mostCommands is how many commands an asset shows for its gaps.
const mostCommands = 3

// ThingOf adds to an asset what is made of the whole inventory.
func ThingOf(a inventory.Asset, zoning *inventory.Zoning, gaps []inventory.Gap) Thing {
	t := Thing{Asset: a}
	if p, ok := zoning.Of(a.ID); ok {
		t.Zone, t.ZoneAccepted, t.ZoneReason = p.Zone, p.Accepted, p.Reason
	}
	for _, gap := range gaps {
		t.Unknown = append(t.Unknown, gap.Title)
		for _, command := range gap.Close {
			if len(t.Close) < mostCommands && !slices.Contains(t.Close, command) {
				t.Close = append(t.Close, command)
			}
		}
	}
	return t
}

// Asset counts one in.
func (s *Summary) Asset(a Thing) {
	s.Assets++
	s.Components += len(a.Components)
	for value, n := range map[*int]string{&s.WithVendor: a.Vendor, &s.WithModel: a.Model, &s.WithFirmware: cmp.Or(a.Firmware, a.FirmwareRaw), &s.WithSerial: a.Serial} {
		if n != "" {
			*value++
		}
	}
	s.Types[cmp.Or(a.Type, a.ProposedType)]++
	s.Vendors[a.Vendor]++
	s.Levels[a.Level]++
	s.Segments[a.Segment]++
	s.Zones[a.Zone]++
}

// Conversation counts one in.
func (s *Summary) Conversation(c inventory.Conversation) {
	s.Conversations++
	if c.External {
		s.External++
	}
}

// Sent is how often one kind of request was sent in a survey, with one outcome.
type Sent struct {
	Survey    string  `json:"survey"`
	Protocol  string  `json:"protocol"`
	Request   string  `json:"request"`
	Setup     bool    `json:"setup,omitempty"`
	Outcome   string  `json:"outcome"`
	Count     int     `json:"count"`
	Devices   int     `json:"devices"`
	SlowestMS float64 `json:"slowest_ms,omitempty"`
}

// Ledger sums the ledger by kind of request, the latest survey first, and counts the questions and the devices that got any.
func (s *Summary) Ledger(ctx context.Context, from inventory.Source) ([]Sent, error) {
	type kind struct {
		survey, protocol, request, outcome string
		setup                              bool
	}
	sums := map[kind]*Sent{}
	targets := map[kind]map[string]bool{}
	asked := map[string]bool{}
	for e, err := range from.Ledger(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		k := kind{e.Survey, e.Protocol, e.Request, e.Outcome, e.Setup}
		if sums[k] == nil {
			sums[k] = &Sent{Survey: e.Survey, Protocol: e.Protocol, Request: e.Request, Setup: e.Setup, Outcome: e.Outcome}
			targets[k] = map[string]bool{}
		}
		sums[k].Count++
		targets[k][e.Target] = true
		sums[k].SlowestMS = max(sums[k].SlowestMS, e.RTTMS)
		if !e.Setup && e.Outcome != "skipped" {
			s.Questions++
			asked[e.Target] = true
		}
	}
	s.DevicesAsked = len(asked)
	out := make([]Sent, 0, len(sums))
	for k, sum := range sums {
		sum.Devices = len(targets[k])
		out = append(out, *sum)
	}
	slices.SortFunc(out, func(a, b Sent) int {
		return cmp.Or(cmp.Compare(len(b.Survey), len(a.Survey)), cmp.Compare(b.Survey, a.Survey), cmp.Compare(a.Protocol, b.Protocol),
			cmp.Compare(a.Request, b.Request), cmp.Compare(a.Outcome, b.Outcome))
	})
	return out, nil
}

// row is a statement without the names of its fields, which would be most of the file.
func row(f inventory.Statement) []any {
	return []any{f.Subject, f.Key, f.Value, f.Mode, f.Protocol, f.Teller, f.Rule, f.From, f.Confidence, f.Count, f.First, f.Last, f.Survey}
}

// writeData writes the lists as scripts of type application/json.
func writeData(ctx context.Context, from inventory.Source, to io.Writer) error {
	registrar, err := NewRegistrar(ctx, from)
	if err != nil {
		return err
	}
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		registrar.Asset(a)
	}
	zoning, err := registrar.Zoning(ctx)
	if err != nil {
		return err
	}
	w := &lists{to: to}
	s, gaps := NewSummary(), inventory.NewGapCounter(nil)
	var ids []string
	w.open("assets", '[')
	for a, err := range from.Assets(ctx) {
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		thing := ThingOf(a, zoning, gaps.Add(a))
		s.Asset(thing)
		if len(ids) < mostEvidence {
			ids = append(ids, a.ID)
		}
		w.item("", thing)
	}
	w.close(']')
	if s.Assets > mostEvidence {
		s.LeftOut = append(s.LeftOut, fmt.Sprintf("The evidence of %d assets is left out here; walkdown show prints it.", s.Assets-mostEvidence))
	}

	w.open("evidence", '{')
	for _, id := range ids {
		var rows []any
		for e, err := range from.Evidence(ctx, id) {
			if err != nil {
				return fmt.Errorf("read the evidence of %s: %w", id, err)
			}
			rows = append(rows, row(clean.Value(e.Statement())))
		}
		if len(rows) > 0 {
			w.item(id, rows)
		}
	}
	w.close('}')

	w.open("conversations", '[')
	for c, err := range from.Conversations(ctx) {
		if err != nil {
			return fmt.Errorf("read conversations: %w", err)
		}
		registrar.Conversation(c)
		if s.Conversation(c); s.Conversations <= mostConversations {
			w.item("", c)
		}
	}
	w.close(']')
	if s.Conversations > mostConversations {
		s.LeftOut = append(s.LeftOut, fmt.Sprintf("%d conversations are left out here; walkdown conversations prints them.", s.Conversations-mostConversations))
	}

	registers, err := registrar.Registers(ctx)
	if err != nil {
		return err
	}
	writeList(w, "zones", registers.Zones)
	writeList(w, "conduits", registers.Conduits)
	writeList(w, "external", registers.External)
	writeList(w, "coverage", registers.Coverage)
	writeList(w, "gaps", gaps.Fields())

	changes, left, err := latest(ctx, from)
	if err != nil {
		return err
	}
	if left > 0 {
		s.LeftOut = append(s.LeftOut, fmt.Sprintf("%d older changes are left out here; walkdown changes prints them.", left))
	}
	writeList(w, "changes", changes)
	sent, err := s.Ledger(ctx, from)
	if err != nil {
		return err
	}
	writeList(w, "sent", sent)
	if s.Surveys, err = Runs(ctx, from); err != nil {
		return err
	}
	w.whole("summary", s)
	return w.err
}

// Registers are what is made of the whole inventory for the next phase: zones, conduits, the outside, and what was not looked at.
type Registers struct {
	Zones    []inventory.Zone
	Conduits []inventory.Conduit
	External []inventory.Dependency
	Coverage []inventory.Hole
}

// Registrar makes the Registers of an inventory whose assets, and then conversations, are handed over as they are read, so that this
// happens once.
type Registrar struct {
	zoner    *inventory.Zoner
	external *inventory.Register
	holes    *inventory.HoleFinder
	conduits *inventory.Gatherer
	zones    []inventory.Zone
	from     inventory.Source
}

// NewRegistrar reads the surveys.
func NewRegistrar(ctx context.Context, from inventory.Source) (*Registrar, error) {
	r := &Registrar{from: from}
	var err error
	if r.zoner, err = inventory.NewZoner(ctx, from); err != nil {
		return nil, err
	}
	if r.external, err = inventory.NewRegister(ctx, from); err != nil {
		return nil, err
	}
	r.holes, err = inventory.NewHoleFinder(ctx, from)
	return r, err
}

// Asset takes an asset in, in the order of the inventory.
func (r *Registrar) Asset(a inventory.Asset) {
	r.zoner.Add(a)
	r.external.Add(a)
	r.holes.Add(a)
}

// Zoning says where the assets belong that were taken in; it comes before the conversations.
func (r *Registrar) Zoning(ctx context.Context) (*inventory.Zoning, error) {
	zoning, err := r.zoner.Zoning(ctx)
	if err != nil {
		return nil, err
	}
	r.zoner = nil
	r.zones = slices.Clone(zoning.Zones)
	r.conduits = inventory.NewGatherer(r.from, zoning)
	return zoning, nil
}

// Conversation takes a conversation in, in the order of the inventory.
func (r *Registrar) Conversation(c inventory.Conversation) { r.conduits.Add(c) }

// Registers makes them. Zones and conduits come without the lists of their assets, which the assets tell themselves.
func (r *Registrar) Registers(ctx context.Context) (out Registers, err error) {
	for _, zone := range r.zones {
		zone.Assets = nil
		out.Zones = append(out.Zones, zone)
	}
	if out.Conduits, err = r.conduits.Conduits(ctx); err != nil {
		return out, fmt.Errorf("make the conduits: %w", err)
	}
	for i := range out.Conduits {
		out.Conduits[i].EvidenceIDs = nil
	}
	if out.External, err = r.external.Dependencies(ctx); err != nil {
		return out, fmt.Errorf("make the register of what is outside: %w", err)
	}
	if out.Coverage, err = r.holes.Holes(ctx); err != nil {
		return out, fmt.Errorf("say what was not looked at: %w", err)
	}
	return out, nil
}

// latest gives the newest changes first, and how many older ones there are.
func latest(ctx context.Context, from inventory.Source) (changes []inventory.Change, left int, err error) {
	for c, err := range from.Changes(ctx, time.Time{}, "") {
		if err != nil {
			return nil, 0, fmt.Errorf("read changes: %w", err)
		}
		if changes = append(changes, c); len(changes) >= 2*mostChanges {
			left += mostChanges
			changes = slices.Delete(changes, 0, mostChanges)
		}
	}
	if more := len(changes) - mostChanges; more > 0 {
		left += more
		changes = changes[more:]
	}
	slices.Reverse(changes)
	return changes, left, nil
}

// lists writes JSON into script elements. encoding/json writes <, > and & as escapes, so no value can end the element. After an
// error nothing more is written.
type lists struct {
	to    io.Writer
	empty bool // nothing stands in the list yet
	err   error
}

func (l *lists) print(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.to, format, args...)
	}
}

func (l *lists) open(id string, bracket rune) {
	l.print("<script type=\"application/json\" id=\"data-%s\">%c", id, bracket)
	l.empty = true
}

// item writes one element; in an object it has a key.
func (l *lists) item(key string, value any) {
	text, err := json.Marshal(clean.Value(value))
	if l.err == nil && err != nil {
		l.err = fmt.Errorf("write JSON: %w", err)
		return
	}
	if !l.empty {
		l.print(",\n")
	}
	l.empty = false
	if key != "" {
		l.print("%q:", key)
	}
	l.print("%s", text)
}

func (l *lists) close(bracket rune) { l.print("%c</script>\n", bracket) }

func (l *lists) whole(id string, value any) {
	l.open(id, ' ')
	l.item("", value)
	l.close(' ')
}

// writeList writes values that are in memory.
func writeList[T any](l *lists, id string, values []T) {
	l.open(id, '[')
	for _, value := range values {
		l.item("", value)
	}
	l.close(']')
}
