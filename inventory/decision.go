package inventory

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Decision is what a person decided of who is who. It is about addresses, which outlive every id: all of them are one asset
// (merged), or none of Others is one with any of Addresses (split). No rule overturns it; a later decision does.
type Decision struct {
	ID        string    `json:"id"`  // "d-" and its number in this inventory
	UID       string    `json:"uid"` // the same in every inventory
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"` // Merged or Split
	Operator  string    `json:"operator,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Addresses []Mark    `json:"addresses"` // MarkMAC, MarkIP, MarkEntered
	Others    []Mark    `json:"others"`
	Undone    time.Time `json:"undone,omitzero"` // taken back: it counts no more
	UndoneBy  string    `json:"undone_by,omitempty"`
}

// Who is the decision with its author and reason, for people.
func (d Decision) Who() string {
	text := d.ID
	if d.Operator != "" {
		text += " by " + d.Operator
	}
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return text
}

// active are the decisions that have not been taken back, the newest first.
func (r Rules) active() []Decision {
	out := slices.DeleteFunc(slices.Clone(r.Decisions), func(d Decision) bool { return !d.Undone.IsZero() })
	slices.SortFunc(out, func(a, b Decision) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.UID, a.UID)) })
	return out
}

// cutOff takes the IPs from a MAC that a person said to be another device's.
func (r Rules) cutOff(b bindings) {
	for _, d := range r.active() {
		if d.Kind != Split {
			continue
		}
		for _, m := range d.Others {
			ip, err := netip.ParseAddr(m.Value)
			if m.Kind != MarkIP || err != nil {
				continue
			}
			home := homeKey{place{m.Site, m.Segment}, ip}
			for _, c := range slices.Clone(b.homes[home]) {
				if slices.ContainsFunc(d.Addresses, func(o Mark) bool {
					return o.Kind == MarkMAC && o.Site == m.Site && (o.Segment == "" || o.Segment == m.Segment) && o.Value == c.mac.String()
				}) {
					b.release(home, c.mac)
				}
			}
		}
	}
}

// side is where a decision puts a group: apart from the groups on its other side.
type side struct {
	decision int
	other    bool
}

// decide joins and keeps apart what people decided. The newest comes first: where two decisions contradict each other, it counts.
func (g *groups) decide(decisions []Decision) {
	if len(decisions) == 0 {
		return
	}
	about := g.byAddress()
	pick := func(marks []Mark) []int {
		var out []int
		for _, m := range marks {
			for _, i := range about[m] {
				if !slices.Contains(out, i) {
					out = append(out, i)
				}
			}
		}
		return out
	}
	for n, d := range decisions {
		ours, theirs := pick(d.Addresses), pick(d.Others)
		if len(ours) == 0 {
			ours, theirs = theirs, nil
		}
		if d.Kind == Merged {
			for _, class := range g.classes(append(ours, theirs...)) {
				g.unite(byDecision, d.Who(), class)
			}
			continue
		}
		theirs = slices.DeleteFunc(theirs, func(i int) bool { // a newer decision has joined them
			return slices.ContainsFunc(ours, func(j int) bool { return g.root(i) == g.root(j) })
		})
		if len(ours) == 0 || len(theirs) == 0 {
			continue
		}
		for _, i := range ours {
			g.sides[g.root(i)] = append(g.sides[g.root(i)], side{decision: n})
		}
		for _, i := range theirs {
			g.sides[g.root(i)] = append(g.sides[g.root(i)], side{decision: n, other: true})
			g.atoms[i].notes = append(g.atoms[i].notes, fmt.Sprintf("is kept apart from %s by a decision (%s)", g.some(ours), d.Who()))
		}
	}
}

// byDecision is how a join is called that a person made.
const byDecision = "decision"

// byAddress finds the atoms by the marks of their own addresses. An IP that was an atom by itself when the decision was made may
// belong to a MAC now.
func (g *groups) byAddress() map[Mark][]int {
	out := map[Mark][]int{}
	for i, a := range g.atoms {
		if a.former {
			continue
		}
		marks := []Mark{a.address()}
		for _, home := range a.held {
			if m := ipMark(home.site, home.segment, home.ip); m != marks[0] {
				marks = append(marks, m)
			}
		}
		for _, m := range marks {
			out[m] = append(out[m], i)
		}
	}
	return out
}

// some are the addresses of a few atoms, for people.
func (g *groups) some(atoms []int) string {
	const shown = 3
	var words []string
	for _, i := range atoms {
		if len(words) == shown {
			words = append(words, "others")
			break
		}
		words = append(words, g.atoms[i].address().Value)
	}
	return strings.Join(words, ", ")
}

// mayJoin reports whether no decision keeps two groups apart.
func (g *groups) mayJoin(i, j int) bool {
	for _, a := range g.sides[g.root(i)] {
		if slices.Contains(g.sides[g.root(j)], side{a.decision, !a.other}) {
			return false
		}
	}
	return true
}

// classes parts the atoms into classes inside which no decision keeps any two apart. Whoever no decision is about goes with the first.
func (g *groups) classes(atoms []int) [][]int {
	out := make([][]int, 1)
	decided := make([][]int, 1) // of each class, those that decisions are about
next:
	for _, i := range atoms {
		if len(g.sides[g.root(i)]) == 0 {
			out[0] = append(out[0], i)
			continue
		}
		for n, class := range decided {
			if !slices.ContainsFunc(class, func(j int) bool { return !g.mayJoin(i, j) }) {
				out[n], decided[n] = append(out[n], i), append(class, i)
				continue next
			}
		}
		out, decided = append(out, []int{i}), append(decided, []int{i})
	}
	return out
}

// allowed are the classes of those that share a mark; that there are several is told.
func (g *groups) allowed(m Mark, sharing []int) [][]int {
	if !slices.ContainsFunc(sharing, func(i int) bool { return len(g.sides[g.root(i)]) > 0 }) {
		return [][]int{sharing}
	}
	classes := g.classes(sharing)
	if len(classes) > 1 {
		g.doubts = append(g.doubts, doubt{m, sharing, "a person decided so"})
	}
	return classes
}

// isApart reports whether a decision has cut the group off another one.
func (g *groups) isApart(root int) bool {
	return slices.ContainsFunc(g.sides[root], func(s side) bool { return s.other })
}
