package inventory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Hole is a part of the plant that was not looked at, or not seen whole, and what would close it.
type Hole struct {
	Kind    string `json:"kind"` // see below
	Site    string `json:"site,omitempty"`
	Segment string `json:"segment,omitempty"`
	Survey  string `json:"survey,omitempty"` // the last one that it is true of
	What    string `json:"what"`             // a network, an address, a switch port
	Count   int    `json:"count,omitempty"`  // assets, addresses, frames or questions, as the reason says
	Why     string `json:"why"`
	Close   string `json:"close,omitempty"` // a command, or what to do
}

// The kinds of holes, in the order in which they are told.
const (
	HoleNotSurveyed = "not-surveyed" // a network that was seen and in which nobody was asked
	HoleBlindSpot   = "blind-spot"   // a neighbour of a switch that was never seen; a switch whose ports nobody has read
	HoleNotSeen     = "not-seen"     // an asset that a person expects here, and that was never met
	HoleNotSwept    = "not-swept"    // a network of the scope that is too large to be looked through
	HoleUnreachable = "unreachable"  // asked, and nothing could be sent
	HoleSilent      = "silent"       // asked, and never answered
	HoleRefused     = "refused"      // asked, and refused
	HoleUnsupported = "unsupported"  // answered or heard, and not understood
	HoleDistress    = "distress"     // left alone because it suffered
	HoleNotAsked    = "not-asked"    // planned, and not sent
	HoleExcluded    = "excluded"     // left out by a person
	HoleDropped     = "dropped"      // frames that the capture lost, and what was given up for want of room
	HoleUnfinished  = "unfinished"   // a survey that did not end as it should
)

func holeKinds() []string {
	return []string{
		HoleNotSurveyed, HoleBlindSpot, HoleNotSeen, HoleNotSwept, HoleUnreachable, HoleSilent, HoleRefused, HoleUnsupported, HoleDistress, HoleNotAsked,
		HoleExcluded, HoleDropped, HoleUnfinished,
	}
}

// Intent is what a survey meant to do and not to do, as its plan says.
type Intent struct {
	Survey   string
	Excluded []string
	NotSwept []Omission
	NotAsked []Omission
}

// Omission is something that a plan leaves out, and why.
type Omission struct{ What, Reason string }

// Planner is a Source that also knows what surveys meant to do.
type Planner interface {
	// Intents are those of the surveys that kept a plan, the oldest first.
	Intents(ctx context.Context) ([]Intent, error)
}

// Coverage says what was not looked at: it reads everything but the evidence, once, and keeps a line for each network and for each
// device and protocol that was asked. Sorted by kind, site, segment and what.
func Coverage(ctx context.Context, from Source) ([]Hole, error) {
	f, err := NewHoleFinder(ctx, from)
	if err != nil {
		return nil, err
	}
	if err := readAssets(ctx, from, f.Add); err != nil {
		return nil, err
	}
	return f.Holes(ctx)
}

// HoleFinder is Coverage for whoever reads the assets anyway, and hands them over.
type HoleFinder struct {
	from     Source
	surveys  []Survey
	byID     map[string]int // place in surveys
	attempts map[attempt]*result
	unread   []unread
	known    []netip.Prefix
	networks map[networkKey]*network
	places   map[string]place // of the assets
	holes    []Hole
}

// NewHoleFinder reads the surveys.
func NewHoleFinder(ctx context.Context, from Source) (*HoleFinder, error) {
	f := &HoleFinder{from: from, networks: map[networkKey]*network{}, places: map[string]place{}, byID: map[string]int{}, attempts: map[attempt]*result{}}
	var err error
	if f.known, err = knownNetworks(ctx, from); err != nil {
		return nil, err
	}
	for s, err := range from.Surveys(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read surveys: %w", err)
		}
		s.Rhythms = nil
		f.byID[s.ID] = len(f.surveys)
		f.surveys = append(f.surveys, s)
	}
	return f, nil
}

// Holes reads the rest, and says what was not looked at by the surveys and among the assets that were added.
func (f *HoleFinder) Holes(ctx context.Context) ([]Hole, error) {
	for s, err := range strangers(ctx, f.from) {
		if err != nil {
			return nil, fmt.Errorf("read conversations: %w", err)
		}
		f.stranger(s)
	}
	for e, err := range f.from.Ledger(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		f.exchange(e)
	}
	if planner, ok := f.from.(Planner); ok {
		intents, err := planner.Intents(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the plans: %w", err)
		}
		f.leftOut(intents)
	}
	f.switches()
	f.lost()
	f.inVain()
	f.notSurveyed()
	kinds := holeKinds()
	slices.SortFunc(f.holes, func(a, b Hole) int {
		return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Segment, b.Segment),
			compareIPs(a.What, b.What), cmp.Compare(a.What, b.What), cmp.Compare(a.Survey, b.Survey), cmp.Compare(a.Why, b.Why))
	})
	return f.holes, nil
}

type networkKey struct {
	site, segment string
	prefix        netip.Prefix
}

// network is a subnet in which somebody was seen.
type network struct {
	assets    int  // assets with an address there
	asked     bool // one of them answered a question
	strangers map[netip.Addr]bool
}

// strangersOf is how many addresses without an asset are counted in a network.
const strangersOf = 256

func (f *HoleFinder) network(site, segment string, ip netip.Addr) *network {
	key := networkKey{site, segment, networkOf(ip, f.known)}
	n := f.networks[key]
	if n == nil {
		n = &network{strangers: map[netip.Addr]bool{}}
		f.networks[key] = n
	}
	return n
}

// Add takes an asset in.
func (f *HoleFinder) Add(a Asset) {
	if a.Role == "sensor" || isOutsider(a) {
		return
	}
	f.places[a.ID] = place{a.Site, a.Segment}
	if a.Seen == "" {
		if a.Annotations[FieldExpected] == "yes" {
			f.holes = append(f.holes, Hole{
				Kind: HoleNotSeen, Site: a.Site, Segment: a.Segment, What: strings.TrimSpace(cmp.Or(firstIP(a), a.ID) + " " + nameUnlessAddress(a)),
				Why: "a person expects it here, and it was neither heard nor did it answer", Close: listenCommand + ", or ask it by its address",
			})
		}
		return // what only people know of was seen in no network
	}
	for _, address := range a.Addresses {
		ip, err := netip.ParseAddr(address.IP)
		if err != nil || ip.IsLinkLocalUnicast() {
			continue
		}
		n := f.network(a.Site, cmp.Or(address.Segment, a.Segment), ip)
		n.assets++
		n.asked = n.asked || a.Seen == SeenActive || a.Seen == SeenBoth
	}
	hole := Hole{Kind: HoleBlindSpot, Site: a.Site, Segment: a.Segment}
	name := strings.TrimSpace(firstIP(a) + " " + nameUnlessAddress(a))
	for _, n := range a.Neighbours {
		if n.Asset != "" {
			continue
		}
		hole.What = strings.TrimSpace(name + " port " + cmp.Or(n.LocalPort, "?"))
		hole.Why = fmt.Sprintf("%s tells of the neighbour %s there, which was never seen itself", n.Via, strings.TrimSpace(n.Name+" "+n.RemotePort))
		hole.Close = "listen behind it: " + listenCommand + ", or ask it by its address"
		f.holes = append(f.holes, hole)
	}
	if a.Type == "switch" && len(a.Ports) == 0 {
		hole.What = name
		f.unread = append(f.unread, unread{hole, firstIP(a)})
	}
}

// unread is a switch whose ports and tables were not read.
type unread struct {
	Hole
	ip string
}

// switches tells of the switches that were not read: one that answered SNMP shows no more to whom was asked for.
func (f *HoleFinder) switches() {
	for _, u := range f.unread {
		u.Why, u.Close = "a switch whose ports and tables were not read: who hangs on it is not known", listenCommand
		if ip, err := netip.ParseAddr(u.ip); err == nil {
			u.Close = fmt.Sprintf("walkdown ask --ask %s --protocols snmp", netip.PrefixFrom(ip, ip.BitLen()))
		}
		if r := f.attempts[attempt{u.ip, "snmp"}]; r != nil && r.answered {
			u.Why = "a switch that answers SNMP and shows no ports and tables: who hangs on it is not known"
			u.Close = "a community or user that may read them, in the configuration (snmp:)"
		}
		f.holes = append(f.holes, u.Hole)
	}
}

func nameUnlessAddress(a Asset) string {
	if a.Name == firstIP(a) {
		return ""
	}
	return a.Name
}

// inScope reports whether a survey had a network in its scope.
func (f *HoleFinder) inScope(p netip.Prefix) bool {
	for _, s := range f.surveys {
		for _, text := range s.Scope {
			if scope, err := netip.ParsePrefix(text); err == nil && scope.Overlaps(p) {
				return true
			}
			if ip, err := netip.ParseAddr(text); err == nil && p.Contains(ip) {
				return true
			}
		}
	}
	return false
}

// notSurveyed tells the networks in which nobody was asked. A network of strangers alone lies behind a router.
func (f *HoleFinder) notSurveyed() {
	for key, n := range f.networks {
		if n.asked || f.inScope(key.prefix) {
			continue
		}
		h := Hole{Kind: HoleNotSurveyed, Site: key.site, Segment: key.segment, What: key.prefix.String(), Count: n.assets + len(n.strangers)}
		h.Close = "walkdown plan --ask " + key.prefix.String()
		switch {
		case n.assets == 0:
			h.Why = addressCount(len(n.strangers)) + " to the plant, from behind a router"
			h.Close = "survey it from inside, if it is yours: " + h.Close
		case f.isOwn(key.prefix):
			h.Why = assetCount(n.assets) + " heard there, and nobody was asked"
		default:
			h.Why = assetCount(n.assets) + " heard there, in no scope so far"
		}
		f.holes = append(f.holes, h)
	}
}

func addressCount(n int) string {
	switch n {
	case 1:
		return "one address there talks"
	case strangersOf:
		return fmt.Sprintf("%d addresses or more there talk", n)
	}
	return fmt.Sprintf("%d addresses there talk", n)
}

func assetCount(n int) string {
	if n == 1 {
		return "one asset was"
	}
	return fmt.Sprintf("%d assets were", n)
}

// isOwn reports whether a sensor stood in a network.
func (f *HoleFinder) isOwn(p netip.Prefix) bool {
	return slices.ContainsFunc(f.surveys, func(s Survey) bool {
		own, err := netip.ParsePrefix(s.Plug.Address)
		return err == nil && own.Overlaps(p)
	})
}

// lost tells what each survey lost.
func (f *HoleFinder) lost() {
	for _, s := range f.surveys {
		h := Hole{Site: s.Site, Segment: s.Segment, Survey: s.ID}
		add := func(kind, what string, count int, why, shut string) {
			if count > 0 {
				h.Kind, h.What, h.Count, h.Why, h.Close = kind, what, count, why, shut
				f.holes = append(f.holes, h)
			}
		}
		add(HoleDropped, s.Sensor, s.Counts["frames-dropped"], "frames were lost by the capture: what they said is not known", "a faster machine, or a mirror of fewer ports")
		add(HoleUnsupported, s.Sensor, s.Counts["frames-foreign"], "frames of a link type that is not read", "capture on Ethernet")
		var shed []string
		for _, name := range slices.Sorted(maps.Keys(s.Counts)) {
			if what, ok := strings.CutPrefix(name, "shed-"); ok && s.Counts[name] > 0 {
				shed = append(shed, fmt.Sprintf("%d %s", s.Counts[name], strings.ReplaceAll(what, "-", " ")))
			}
		}
		if len(shed) > 0 {
			h.Kind, h.What, h.Count = HoleDropped, s.Sensor, 0
			h.Why, h.Close = "not followed to the end, for want of room: "+strings.Join(shed, ", "), "listen for a shorter time, or to fewer ports"
			f.holes = append(f.holes, h)
		}
		for _, t := range s.Troubles {
			add(HoleUnsupported, t.Protocol, t.Count, "not understood: "+t.Reason, "report it with a capture: it may be a dialect that is not known yet")
		}
		if s.Outcome != "done" && s.Outcome != "running" {
			h.Kind, h.What, h.Count, h.Close = HoleUnfinished, s.ID, 0, "run it again"
			h.Why = strings.TrimSuffix(s.Outcome+": "+strings.Join(s.Reasons, "; "), ": ")
			f.holes = append(f.holes, h)
		}
	}
}

// leftOut tells what plans left out. Of what several left out alike, the last one is told.
func (f *HoleFinder) leftOut(intents []Intent) {
	at := map[Hole]int{}
	for _, intent := range intents {
		s := f.survey(intent.Survey)
		add := func(key, h Hole) {
			key.Kind, key.Site, key.Segment, key.Why = h.Kind, s.Site, s.Segment, h.Why
			h.Site, h.Segment, h.Survey = s.Site, s.Segment, intent.Survey
			if i, ok := at[key]; ok {
				f.holes[i] = h
				return
			}
			at[key] = len(f.holes)
			f.holes = append(f.holes, h)
		}
		for _, what := range intent.Excluded {
			add(Hole{What: what}, Hole{Kind: HoleExcluded, What: what, Why: "excluded by a person", Close: "ask without the exclusion, or walkdown annotate"})
		}
		for _, o := range intent.NotSwept {
			add(Hole{What: o.What}, Hole{Kind: HoleNotSwept, What: o.What, Why: o.Reason, Close: "name a smaller network: walkdown plan --ask " + o.What})
		}
		for _, h := range byReason(intent.NotAsked) {
			add(Hole{}, h)
		}
	}
}

// byReason gathers what was not asked for one reason into one hole, which names a few.
func byReason(list []Omission) []Hole {
	const named = 3
	at := map[string]int{}
	var out []Hole
	for _, o := range list {
		i, ok := at[o.Reason]
		if !ok {
			i = len(out)
			at[o.Reason] = i
			out = append(out, Hole{Kind: HoleNotAsked, Why: o.Reason, Close: annotateCommand})
			if _, option, ok := strings.Cut(o.Reason, "needs --allow "); ok {
				out[i].Close = "walkdown ask --ask PLACE --allow " + option
			}
		}
		h := &out[i]
		if h.Count++; h.Count <= named && o.What != "" {
			h.What = strings.TrimPrefix(h.What+", "+o.What, ", ")
		}
	}
	for i := range out {
		if more := out[i].Count - named; more > 0 && out[i].What != "" {
			out[i].What += fmt.Sprintf(" and %d more", more)
		}
	}
	return out
}

// survey is a survey by its id; without one it is empty.
func (f *HoleFinder) survey(id string) Survey {
	if i, ok := f.byID[id]; ok {
		return f.surveys[i]
	}
	return Survey{}
}

// attempt is a device that was asked over a protocol.
type attempt struct{ target, protocol string }

// result is what came of it: in the last survey that asked, by outcome of the ledger, and whether it ever answered.
type result struct {
	survey   string
	counts   map[string]int
	answered bool
}

// exchange takes a line of the ledger, which comes in the order of time.
func (f *HoleFinder) exchange(e LedgerEntry) {
	host, _, _ := strings.Cut(e.Target, " ") // without the path behind it
	if e.Setup || e.Protocol == "arp" || e.Protocol == "nd" || host == "" {
		return
	}
	key := attempt{host, e.Protocol}
	r := f.attempts[key]
	if r == nil {
		r = &result{}
		f.attempts[key] = r
	}
	if r.survey != e.Survey {
		r.survey, r.counts = e.Survey, map[string]int{}
	}
	r.counts[e.Outcome]++
	r.answered = r.answered || e.Outcome == "answered"
}

// inVain tells of devices that were asked in vain, in the last survey that asked them.
func (f *HoleFinder) inVain() {
	answers := map[string]bool{}
	for key, r := range f.attempts {
		answers[key.target] = answers[key.target] || r.answered
	}
	for key, r := range f.attempts {
		if r.counts["answered"] > 0 {
			continue
		}
		s := f.survey(r.survey)
		h := Hole{Site: s.Site, Segment: s.Segment, Survey: r.survey, What: key.target, Close: annotateCommand}
		switch {
		case r.counts["garbage"] > 0:
			h.Kind, h.Why, h.Close = HoleUnsupported, "answered "+key.protocol+", and was not understood", "walkdown show "+key.target
		case r.counts["reset"] > 0:
			h.Kind, h.Why = HoleDistress, "broke "+key.protocol+" off inside an exchange and was left alone"
		case r.counts["refused"] > 0:
			h.Kind, h.Why = HoleRefused, "refuses "+key.protocol
		case r.counts["silent"] > 0:
			h.Kind, h.Why = HoleSilent, "never answered "+key.protocol
			switch {
			case r.answered:
				h.Why = fmt.Sprintf("did not answer %s in %s, though it did before", key.protocol, r.survey)
			case answers[key.target]:
				h.Why += ", though it answers others"
			}
			if key.protocol == "snmp" {
				h.Close = "its community or user in the configuration (snmp:), or walkdown annotate"
			}
		case r.counts["error"] > 0:
			h.Kind, h.Why, h.Close = HoleUnreachable, key.protocol+" could not be sent", "walkdown doctor"
		default: // skipped
			h.Kind, h.Why, h.Close = HoleNotAsked, key.protocol+" was planned and not sent", fmt.Sprintf("walkdown ask --ask %s --protocols %s", key.target, key.protocol)
		}
		for _, n := range r.counts {
			h.Count += n
		}
		f.holes = append(f.holes, h)
	}
}
