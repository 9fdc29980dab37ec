package inventory

import (
	"cmp"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Sighting is all that is known under one subject. Assets are made of sightings, and of nothing else.
type Sighting struct {
	Subject  discovery.Subject
	Evidence []Evidence // under this subject
	Talks    []Talk
}

// Talk is a part that a subject took in conversations: as a client, or as a server that answered. The server that never
// answered may be an address that nobody has, and takes no part.
type Talk struct {
	Service
	Server      bool
	Mode        discovery.Mode
	First, Last time.Time
}

// Thing is what Resolve takes for one physical or virtual thing.
type Thing struct {
	Asset   Asset      // without id, neighbours and annotations
	Deduced []Evidence // what the fingerprints made of the evidence: every candidate, for each key the best first
	Marks   []Mark     // what it is recognised by, the most trusted first
	Parts   []Part     // what it is made of
	Apart   bool       // a decision has cut it off what else it would be
	Took    []Mark     // addresses that it took over from another device
	Fresh   time.Time  // when the newest of its evidence came up
	Steady  bool       // one station, or one IP, that holds all that it ever held, and no value of it came back
}

// IsCalm reports whether to see again what was seen of it changes nothing, as long as no value of it came up meanwhile. When several
// addresses are seen may decide whether they are one thing, or which of its leases a station holds; and so it may where something
// is in doubt, or where a device goes back and forth between two values.
func (t Thing) IsCalm() bool {
	return t.Steady && len(t.Asset.Notes) == 0 && !t.Apart && len(t.Took) == 0
}

// Part is a subject whose evidence belongs to a thing, as far as it was last seen at Since or later and before Until. Zero
// times are open: only an address that has gone from one device to another is cut in two.
type Part struct {
	Subject      discovery.Subject
	Since, Until time.Time
}

// Holds reports whether evidence that was last seen at t belongs to the part.
func (p Part) Holds(t time.Time) bool {
	return !t.Before(p.Since) && (p.Until.IsZero() || t.Before(p.Until))
}

// compareSubjects orders subjects by site, segment, IP, MAC, VLAN and path.
func compareSubjects(a, b discovery.Subject) int {
	return cmp.Or(
		cmp.Compare(a.Site, b.Site), cmp.Compare(a.Segment, b.Segment), a.IP.Compare(b.IP), slices.Compare(a.MAC[:], b.MAC[:]),
		cmp.Compare(a.VLAN, b.VLAN), cmp.Compare(a.Path, b.Path))
}

// compareEvidence is a whole order, so that what is folded does not depend on the order of arrival.
func compareEvidence(a, b Evidence) int {
	return cmp.Or(
		compareSubjects(a.Subject, b.Subject), cmp.Compare(a.Fact.Key, b.Fact.Key), a.First.Compare(b.First), a.Last.Compare(b.Last),
		cmp.Compare(a.Fact.Value, b.Fact.Value), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.Protocol, b.Protocol),
		compareSubjects(a.Teller, b.Teller), slices.Compare(a.Fact.Raw, b.Fact.Raw), cmp.Compare(a.Fact.Rule, b.Fact.Rule))
}

// SortEvidence sorts by subject, key and time.
func SortEvidence(evidence []Evidence) { slices.SortFunc(evidence, compareEvidence) }

// span is a stretch of time; the zero span is empty.
type span struct{ first, last time.Time }

func (s *span) add(first, last time.Time) {
	if s.first.IsZero() || first.Before(s.first) {
		s.first = first
	}
	if last.After(s.last) {
		s.last = last
	}
}

// near reports whether two spans overlap, or lie closer together than gap.
func (s span) near(other span, gap time.Duration) bool {
	return s.first.Add(-gap).Before(other.last) && other.first.Add(-gap).Before(s.last)
}
