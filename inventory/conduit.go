package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Conduit is a flow between two zones over one protocol: conversations with a common initiator's zone, server's zone, transport,
// port and protocol, added up. It has the 35 columns of the conduit list (IEC 62443-3-2, ZCR 6.4). Empty means unknown; the
// columns from AccountableOrg on, apart from EvidenceIDs, are what people said.
type Conduit struct {
	ID        string `json:"conduit_id"` // "c-" and 12 hex digits, of zones, transport, port and protocol: stable
	Name      string `json:"name"`
	ZoneA     string `json:"zone_a"` // the client's
	ZoneB     string `json:"zone_b"` // the server's
	Medium    string `json:"medium,omitempty"`
	Initiator string `json:"initiator"` // "a": clients in zone A open the conversation
	Protocol  string `json:"protocol,omitempty"`
	L4Port    string `json:"l4_port"`   // "tcp/502"
	Direction string `json:"direction"` // "a to b" writes or controls, "b to a" reads, "both", or "unknown"

	AssetsA          []string  `json:"assets_a,omitempty"` // ids, or addresses of who is in no inventory; sorted
	AssetsB          []string  `json:"assets_b,omitempty"`
	FrequencyClass   string    `json:"frequency_class,omitempty"`    // of the most regular conversation
	MedianIntervalMS int64     `json:"median_interval_ms,omitempty"` // the shortest
	FirstSeen        time.Time `json:"first_seen"`
	LastSeen         time.Time `json:"last_seen"`
	ObservedWindow   string    `json:"observed_window"` // in which conversations were heard at all, as an ISO 8601 interval
	Bytes            uint64    `json:"bytes"`
	Encrypted        string    `json:"encrypted"` // "yes", "no" or "unknown", by the protocol
	Authenticated    string    `json:"authenticated"`

	LogicalAccessPoint  string `json:"logical_access_point,omitempty"`  // routers, firewalls and remote access of both zones
	PhysicalAccessPoint string `json:"physical_access_point,omitempty"` // the switch ports that these are plugged into
	CrossesBoundary     string `json:"crosses_boundary"`                // "yes": one end is outside of the site
	ExternalParty       string `json:"external_party,omitempty"`        // who that is: by people, else its addresses

	AccountableOrg string   `json:"accountable_org,omitempty"`
	TechnicalOwner string   `json:"technical_owner,omitempty"`
	Purpose        string   `json:"purpose,omitempty"`
	Justification  string   `json:"justification,omitempty"`
	ApprovedBy     string   `json:"approved_by,omitempty"`
	ApprovedOn     string   `json:"approved_on,omitempty"`
	Safety         string   `json:"safety,omitempty"`
	SLT            string   `json:"sl_t,omitempty"`
	Requirements   string   `json:"requirements,omitempty"`
	Policies       string   `json:"policies,omitempty"`
	Assumptions    string   `json:"assumptions,omitempty"`
	EvidenceIDs    []string `json:"evidence_ids,omitempty"` // "10.0.0.5>10.0.0.7 tcp/502": lines of `walkdown conversations`

	// Not among the 35 columns.
	Site          string            `json:"site,omitempty"` // of zone A, else of zone B
	Conversations int               `json:"conversations"`
	Custom        map[string]string `json:"custom,omitempty"` // fields of people's own, by name with CustomPrefix
}

// Accepted reports whether a person has approved the conduit.
func (c Conduit) Accepted() bool { return c.ApprovedBy != "" && c.ApprovedOn != "" }

// ConduitColumns are the names of the 35 columns, in their order.
func ConduitColumns() []string {
	return []string{
		"conduit_id", "name", "zone_a", "zone_b", "medium", "initiator", "protocol", "l4_port", "direction", "assets_a", "assets_b",
		"frequency_class", "median_interval_ms", "first_seen", "last_seen", "observed_window", "bytes", "encrypted", "authenticated",
		"logical_access_point", "physical_access_point", "crosses_boundary", "external_party", "accountable_org", "technical_owner",
		"purpose", "justification", "approved_by", "approved_on", "safety", "sl_t", "requirements", "policies", "assumptions", "evidence_ids",
	}
}

// Values are the cells under ConduitColumns, as plain text: whoever writes them into a sheet guards them. Lists are joined with
// "; " and cut after listed members, with the number of the others behind.
func (c Conduit) Values() []string {
	interval := ""
	if c.MedianIntervalMS > 0 {
		interval = strconv.FormatInt(c.MedianIntervalMS, 10)
	}
	return []string{
		c.ID, c.Name, c.ZoneA, c.ZoneB, c.Medium, c.Initiator, c.Protocol, c.L4Port, c.Direction, shortList(c.AssetsA, listed), shortList(c.AssetsB, listed),
		c.FrequencyClass, interval, timeCell(c.FirstSeen), timeCell(c.LastSeen), c.ObservedWindow, strconv.FormatUint(c.Bytes, 10), c.Encrypted, c.Authenticated,
		c.LogicalAccessPoint, c.PhysicalAccessPoint, c.CrossesBoundary, c.ExternalParty, c.AccountableOrg, c.TechnicalOwner,
		c.Purpose, c.Justification, c.ApprovedBy, c.ApprovedOn, c.Safety, c.SLT, c.Requirements, c.Policies, c.Assumptions, shortList(c.EvidenceIDs, listed),
	}
}

// listed is how many members a cell lists.
const listed = 50

func shortList(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:most], "; "), len(list)-most)
}

func timeCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

const (
	// evidenceOf is how many conversations a conduit names; all of them stand in the list of conversations.
	evidenceOf = 20
	// partiesOf is how many addresses outside a conduit names.
	partiesOf = 8
)

// Conduits gathers the conversations that cross from one zone into another. A conduit keeps its ends, once each, and no more than
// a few of its conversations. Sorted by zones, protocol and port.
func Conduits(ctx context.Context, from Source, zoning *Zoning) ([]Conduit, error) {
	g := NewGatherer(from, zoning)
	for c, err := range from.Conversations(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read conversations: %w", err)
		}
		g.Add(c)
	}
	return g.Conduits(ctx)
}

// NewGatherer makes an empty one.
func NewGatherer(from Source, zoning *Zoning) *Gatherer {
	return &Gatherer{from: from, zoning: zoning, conduits: map[conduitKey]*flow{}, names: map[string]string{}}
}

// Conduits are those of the conversations that were added, with what people said of them.
func (g *Gatherer) Conduits(ctx context.Context) ([]Conduit, error) {
	notes, err := saidOf(ctx, g.from, prefixConduit)
	if err != nil {
		return nil, fmt.Errorf("read what was said of conduits: %w", err)
	}
	out := make([]Conduit, 0, len(g.conduits))
	for key, f := range g.conduits {
		out = append(out, g.conduit(key, f, notes))
	}
	slices.SortFunc(out, func(a, b Conduit) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.ZoneA, b.ZoneA), cmp.Compare(a.ZoneB, b.ZoneB), cmp.Compare(a.Protocol, b.Protocol),
			cmp.Compare(a.L4Port, b.L4Port), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

type conduitKey struct {
	a, b            int // zones
	where, protocol string
}

// flow is what adds up of a conduit.
type flow struct {
	a, b          map[string]bool
	outside       map[string]bool
	frequency     string
	median        int64
	first, last   time.Time
	bytes         uint64
	read, write   bool
	onLink        bool
	conversations int
	evidence      []string
}

// Gatherer is Conduits for whoever reads the conversations anyway, and hands them over in their order.
type Gatherer struct {
	from     Source
	zoning   *Zoning
	conduits map[conduitKey]*flow
	window   span
	names    map[string]string // one string for each address that is met again and again
}

// Add takes a conversation in. Those inside a zone, and those to a group of hosts, are in no conduit.
func (g *Gatherer) Add(c Conversation) {
	g.window.add(c.FirstSeen, c.LastSeen)
	a, ok1 := g.zoning.ofEnd(c.Client, c.ClientIP)
	b, ok2 := g.zoning.ofEnd(c.Server, c.ServerIP)
	if !ok1 || !ok2 || a == b {
		return
	}
	key := conduitKey{a, b, c.Where(), c.Protocol}
	f := g.conduits[key]
	if f == nil {
		f = &flow{a: map[string]bool{}, b: map[string]bool{}, outside: map[string]bool{}, first: c.FirstSeen, last: c.LastSeen}
		g.conduits[key] = f
	}
	f.conversations++
	f.a[g.end(a, c.Client, c.ClientIP)] = true
	f.b[g.end(b, c.Server, c.ServerIP)] = true
	for _, end := range []struct {
		zone int
		ip   string
	}{{a, c.ClientIP}, {b, c.ServerIP}} {
		if g.zoning.Zones[end.zone].Outside && len(f.outside) <= partiesOf {
			f.outside[end.ip] = true
		}
	}
	if rhythm(c.Frequency) > rhythm(f.frequency) {
		f.frequency = c.Frequency
	}
	if c.MedianIntervalMS > 0 && (f.median == 0 || c.MedianIntervalMS < f.median) {
		f.median = c.MedianIntervalMS
	}
	if c.FirstSeen.Before(f.first) {
		f.first = c.FirstSeen
	}
	if c.LastSeen.After(f.last) {
		f.last = c.LastSeen
	}
	f.bytes += c.Bytes
	for _, op := range c.Operations {
		f.read = f.read || op == "read"
		f.write = f.write || op == "write" || op == "control"
	}
	f.onLink = f.onLink || c.onLink()
	if len(f.evidence) < evidenceOf {
		f.evidence = append(f.evidence, c.ClientAddress()+">"+c.ServerAddress()+" "+c.Where())
	}
}

// end is an end of a conversation: outside the address, inside the asset.
func (g *Gatherer) end(zone int, asset, ip string) string {
	text := cmp.Or(asset, ip)
	if g.zoning.Zones[zone].Outside {
		text = cmp.Or(ip, asset)
	}
	if known, ok := g.names[text]; ok {
		return known
	}
	g.names[text] = text
	return text
}

// rhythm is how regular a frequency class is.
func rhythm(class string) int {
	return slices.Index([]string{"", "one-off", "sporadic", "periodic", "cyclic"}, class)
}

func (g *Gatherer) conduit(key conduitKey, f *flow, notes map[string]map[string]string) Conduit {
	a, b := g.zoning.Zones[key.a], g.zoning.Zones[key.b]
	c := Conduit{
		ID:   shortID(prefixConduit, a.Site, a.Name, b.Site, b.Name, key.where, key.protocol),
		Name: fmt.Sprintf("%s to %s: %s", a.Name, b.Name, cmp.Or(key.protocol, key.where)), ZoneA: a.Name, ZoneB: b.Name,
		Medium: medium(f, a, b), Initiator: "a", Protocol: key.protocol, L4Port: key.where, Direction: direction(f),
		AssetsA: sorted(f.a), AssetsB: sorted(f.b), FrequencyClass: f.frequency, MedianIntervalMS: f.median, FirstSeen: f.first, LastSeen: f.last,
		ObservedWindow: timeCell(g.window.first) + "/" + timeCell(g.window.last), Bytes: f.bytes, CrossesBoundary: "no",
		EvidenceIDs: f.evidence, Site: cmp.Or(a.Site, b.Site), Conversations: f.conversations,
	}
	if f.conversations > len(f.evidence) {
		c.EvidenceIDs = append(c.EvidenceIDs, fmt.Sprintf("and %d more", f.conversations-len(f.evidence)))
	}
	c.Encrypted, c.Authenticated = protection(key.protocol)
	c.LogicalAccessPoint = shortList(both(a.AccessPoints, b.AccessPoints), partiesOf)
	c.PhysicalAccessPoint = shortList(both(a.ports, b.ports), partiesOf)
	if a.Outside || b.Outside || a.Site != b.Site {
		c.CrossesBoundary = "yes"
		parties := sorted(f.outside)
		if len(parties) > partiesOf {
			parties = append(parties[:partiesOf], "others")
		}
		c.ExternalParty = strings.Join(parties, "; ")
	}
	people := notes[c.ID]
	for _, column := range []struct {
		name string
		to   *string
	}{
		{"accountable_org", &c.AccountableOrg},
		{"technical_owner", &c.TechnicalOwner},
		{"purpose", &c.Purpose},
		{"justification", &c.Justification},
		{fieldApprovedBy, &c.ApprovedBy},
		{fieldApprovedOn, &c.ApprovedOn},
		{"safety", &c.Safety},
		{FieldSLT, &c.SLT},
		{"requirements", &c.Requirements},
		{"policies", &c.Policies},
		{"assumptions", &c.Assumptions},
	} {
		*column.to = people[column.name]
	}
	for name, value := range people {
		if strings.HasPrefix(name, CustomPrefix) {
			if c.Custom == nil {
				c.Custom = map[string]string{}
			}
			c.Custom[name] = value
		}
	}
	return c
}

// medium is what the flow goes over, as far as frames tell: they were heard on Ethernet. A VLAN is named where both zones have one
// and the same.
func medium(f *flow, a, b Zone) string {
	text := "ethernet, ip"
	if f.onLink {
		text = "ethernet"
	}
	if len(a.VLANs) == 1 && slices.Equal(a.VLANs, b.VLANs) {
		text += fmt.Sprintf(", vlan %d", a.VLANs[0])
	}
	return text
}

// direction is where the data goes: a client that reads gets it, one that writes gives it.
func direction(f *flow) string {
	switch {
	case f.read && f.write:
		return "both"
	case f.read:
		return "b to a"
	case f.write:
		return "a to b"
	}
	return "unknown"
}

// protection says whether a protocol encrypts, and whether it makes sure who is at its ends, as far as its name tells.
func protection(protocol string) (encrypted, authenticated string) {
	switch protocol {
	case "ssh":
		return "yes", "yes"
	case "tls", "https", "mbap-s":
		return "yes", "unknown" // the server shows a certificate; the client need not
	case "modbus", "s7", "enip", "profinet", "fins", "slmp", "ads", "bacnet", "hartip", "mms", "umas", "srtp", "dns", "mdns", "llmnr", "nbns",
		"browser", "ssdp", "dhcp", "arp", "nd", "codesys2", "dnp3", "iec104", "pcworx", "knx", "goose", "telnet", "ftp":
		switch protocol {
		case "telnet", "ftp":
			return "no", "unknown" // a password in the clear
		}
		return "no", "no"
	case "http":
		return "no", "unknown"
	}
	return "unknown", "unknown"
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for text := range set {
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

// both joins two lists, each member once.
func both(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" })
}
