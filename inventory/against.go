package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// against says why the groups that share a mark cannot be one device, or is empty.
func (g *groups) against(m Mark, sharing []int) string {
	all := g.groupsOf(sharing)
	cards := stations(slices.Concat(all...))
	switch {
	case len(all) < 2:
		return ""
	case m.Kind != MarkSerial && differ(all, serials):
		return "the serial numbers differ"
	case m.Kind == MarkManagement && g.tellers(m, sharing) > 1:
		return "several devices tell it"
	case m.Kind == MarkChassis || m.Kind == MarkMAC || m.Kind == MarkStation || m.Kind == MarkManagement:
		return againstPorts(m, all, cards)
	case modelsDiffer(all):
		return "the models differ"
	case len(cards) > maxInterfaces || countBlocks(cards) > maxBlocks:
		return "too many tell it"
	}
	const together = "they were seen at the same time"
	switch m.Kind {
	case MarkSerial, MarkCIP:
		if liveCards(all) && slices.ContainsFunc(all, func(group []*atom) bool { return len(stations(group)) > 0 && !hasModel(group) }) {
			return together + ", and nothing says that they are of one model"
		}
	case MarkEngine, MarkApplication, MarkBACnet:
		if differ(all, names) {
			return "the names differ"
		}
		if m.Kind != MarkEngine && (live(all, sameHour) || liveCards(all)) {
			return together
		}
	}
	if liveCards(all) && !corroborated(all) {
		return together + ", and nothing else says that they are one"
	}
	return ""
}

// againstPorts says why the ports that tell one chassis cannot be those of one device: there are more than any has, or the chassis
// id is a word that several devices came with.
func againstPorts(m Mark, all [][]*atom, cards []*atom) string {
	switch {
	case len(cards) > maxPorts:
		return "too many tell it"
	case m.Kind == MarkChassis && liveCards(all) && !corroborated(all):
		return "they were seen at the same time, and nothing else says that they are one"
	}
	return ""
}

func hasModel(group []*atom) bool {
	return slices.ContainsFunc(group, func(a *atom) bool { return a.model != "" })
}

// tellers counts the groups that tell a mark themselves.
func (g *groups) tellers(m Mark, sharing []int) int {
	roots := map[int]bool{}
	for _, i := range sharing {
		if own, ok := g.atoms[i].mark(m.Kind); ok && own == m {
			roots[g.root(i)] = true
		}
	}
	return len(roots)
}

// note writes the doubts down at the atoms that share a mark with an atom of another group.
func (g *groups) note() {
	const shown = 3
	for _, d := range g.doubts {
		for _, i := range d.sharing {
			var others []string
			for _, j := range d.sharing {
				if g.root(i) == g.root(j) {
					continue
				}
				if len(others) == shown {
					others = append(others, "others")
					break
				}
				others = append(others, g.atoms[j].address().Value)
			}
			if len(others) > 0 {
				g.atoms[i].notes = append(g.atoms[i].notes,
					fmt.Sprintf("has the %s of %s, but is taken for another device: %s", d.mark.Kind.title(), strings.Join(others, ", "), d.why))
			}
		}
	}
}

// stations are the atoms that stand for a network card.
func stations(atoms []*atom) []*atom {
	var out []*atom
	for _, a := range atoms {
		if !a.mac.IsZero() && !a.mac.IsVirtual() {
			out = append(out, a)
		}
	}
	return out
}

// countBlocks counts the blocks that the MACs of the atoms are in.
func countBlocks(cards []*atom) int {
	byMAC := slices.SortedFunc(slices.Values(cards), func(a, b *atom) int { return slices.Compare(a.mac[:], b.mac[:]) })
	n := 0
	for i, a := range byMAC {
		if i == 0 || !oneBlock(byMAC[i-1].mac, a.mac) {
			n++
		}
	}
	return n
}

// liveCards reports whether network cards of two of the groups were plugged in at one time.
func liveCards(all [][]*atom) bool {
	cards := make([][]*atom, 0, len(all))
	for _, group := range all {
		if own := stations(group); len(own) > 0 {
			cards = append(cards, own)
		}
	}
	return live(cards, sameTime)
}

// live reports whether two of the groups were seen closer together than gap; or in one survey and further apart than any survey
// is long.
func live(all [][]*atom, gap time.Duration) bool {
	type presence struct {
		span
		survey string
	}
	var there []presence
	for _, group := range all {
		var p presence
		for _, a := range group {
			if a.seen.last.After(p.last) || a.seen.last.Equal(p.last) {
				p.survey = max(p.survey, a.survey)
			}
			p.add(a.seen.first, a.seen.last)
		}
		there = append(there, p)
	}
	slices.SortFunc(there, func(a, b presence) int {
		return cmp.Or(a.first.Compare(b.first), a.last.Compare(b.last), cmp.Compare(a.survey, b.survey))
	})
	last := map[string]time.Time{} // by survey
	for i, p := range there {
		if i > 0 && p.near(there[i-1].span, gap) {
			return true
		}
		if before, ok := last[p.survey]; ok && p.first.Sub(before) > clockJump {
			return true
		}
		if p.survey != "" {
			last[p.survey] = p.last
		}
	}
	return false
}

// corroborated reports whether the groups, which share a mark and were there at one time, belong together by something else: each
// with another one has MACs of one block, a name in common, or tells an address of the other.
func corroborated(all [][]*atom) bool {
	reached := map[int]bool{0: true}
	queue := []int{0}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for j := range all {
			if !reached[j] && akin(all[i], all[j]) {
				reached[j] = true
				queue = append(queue, j)
			}
		}
	}
	return len(reached) == len(all)
}

// akin reports whether something says of two groups that they belong together.
func akin(a, b []*atom) bool {
	for _, x := range a {
		for _, y := range b {
			if !x.mac.IsZero() && oneBlock(x.mac, y.mac) || slices.ContainsFunc(x.names, func(n string) bool { return slices.Contains(y.names, n) }) ||
				tells(x, y) || tells(y, x) {
				return true
			}
		}
	}
	return false
}

// tells reports whether an atom tells an address of another one to be its own.
func tells(a, b *atom) bool {
	return len(a.own) > 0 && slices.ContainsFunc(b.addresses(), func(m Mark) bool { return slices.Contains(a.own, m) })
}

// differ reports whether two of the groups have different values of something, and none in common. Where a person joined what
// contradicts itself, either value will do.
func differ(all [][]*atom, of func(*atom) []string) bool {
	var first []string
	for _, group := range all {
		var values []string
		for _, a := range group {
			values = append(values, of(a)...)
		}
		switch {
		case len(values) == 0:
		case len(first) == 0:
			first = values
		case !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(first, v) }):
			return true
		}
	}
	return false
}

// serials is the vendor and serial number of an atom, for differ; names are its names.
func serials(a *atom) []string { return valuesOf(a, MarkSerial) }

func names(a *atom) []string { return a.names }

func valuesOf(a *atom, kind MarkKind) []string {
	if m, ok := a.mark(kind); ok {
		return []string{m.Value}
	}
	return nil
}

// modelsDiffer reports whether the models of two of the groups contradict each other.
func modelsDiffer(all [][]*atom) bool {
	var seen [][]string // each once
	for _, group := range all {
		var models []string
		for _, a := range group {
			if a.model != "" && !slices.Contains(models, a.model) {
				models = append(models, a.model)
			}
		}
		slices.Sort(models)
		if len(models) == 0 || slices.ContainsFunc(seen, func(s []string) bool { return slices.Equal(s, models) }) {
			continue
		}
		for _, other := range seen {
			if !slices.ContainsFunc(models, func(a string) bool {
				return slices.ContainsFunc(other, func(b string) bool { return !contradict([]string{a, b}) })
			}) {
				return true
			}
		}
		seen = append(seen, models)
	}
	return false
}

// contradict reports whether two of the models cannot be two spellings of one: neither contains the other.
func contradict(models []string) bool {
	for i, a := range models {
		for _, b := range models[i+1:] {
			if !strings.Contains(a, b) && !strings.Contains(b, a) {
				return true
			}
		}
	}
	return false
}
