package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Rules are the rules of who is who.
type Rules struct {
	Identify Identify        // nil: nothing is identified, and no serial number is known
	Sensor   []discovery.MAC // the sensors' own: never assets of the plant
}

const (
	// maxInterfaces is how many MACs a serial number or an engine id can hold together. What is told by more is a filler that
	// isFiller does not know, or a disk image.
	maxInterfaces = 32
	// sameTime is how close two MACs must have been seen for both to count as plugged in: a network card that is swapped takes
	// its serial number along to the next day at the earliest, two devices with one filler are seen in one survey.
	sameTime = 24 * time.Hour
)

// Resolve makes things of sightings: who is who. The same sightings give the same things in the same order, however they are
// sorted. It may be given a part of the inventory, if that part is closed: with a subject all others that share its MAC, its
// IP in its segment, or a mark.
//
// A MAC that its maker gave, with the IPs that are bound to it, is never cut, and counts in its whole site; sites share nothing.
// These are then joined by their marks in the order of trust:
//   - vendor and serial number: if no two models contradict each other, and of several MACs that were seen at one time (the
//     communication processors of one PLC, or two devices with one filler) only those whose model is known;
//   - LLDP chassis id (the ports of a switch): unless serial numbers contradict each other;
//   - SNMP engine id: unless serial numbers or models do;
//   - OPC UA ApplicationUri: the same, and never two MACs that were seen at one time;
//   - the management address that a device tells in LLDP, with who holds that IP in its segment: unless serial numbers do, or
//     two devices tell the same address (a default that nobody changed);
//   - an address that a device tells over SNMP to be that of one of its ports, with who holds it: see joinInterface.
//
// Nothing else is ever joined by an IP, and nothing by a name.
func (r Rules) Resolve(sightings []Sighting) []Thing {
	atoms := r.atomize(sightings)
	g := newGroups(atoms)
	for _, kind := range []MarkKind{MarkSerial, MarkChassis, MarkMAC, MarkEngine, MarkApplication, MarkManagement} {
		g.join(kind)
	}
	g.joinInterfaces()
	g.note()
	things := make([]Thing, 0, len(atoms))
	for _, members := range g.members() {
		things = append(things, r.fold(members))
	}
	slices.SortFunc(things, func(a, b Thing) int {
		return cmp.Or(compareAssets(a.Asset, b.Asset), slices.CompareFunc(a.Marks, b.Marks, compareMarks))
	})
	return things
}

// groups is a disjoint-set forest over atoms, with the members of each set at its root, which is its first atom.
type groups struct {
	atoms  []*atom
	parent []int
	sets   [][]int
	doubts []doubt
}

// doubt is a mark that is shared and was not believed.
type doubt struct {
	mark    Mark
	sharing []int
	why     string
}

func newGroups(atoms []*atom) *groups {
	g := &groups{atoms: atoms, parent: make([]int, len(atoms)), sets: make([][]int, len(atoms))}
	for i := range atoms {
		g.parent[i], g.sets[i] = i, []int{i}
	}
	return g
}

func (g *groups) root(i int) int {
	for g.parent[i] != i {
		g.parent[i] = g.parent[g.parent[i]]
		i = g.parent[i]
	}
	return i
}

func (g *groups) union(i, j int) {
	i, j = g.root(i), g.root(j)
	if i == j {
		return
	}
	i, j = min(i, j), max(i, j)
	g.parent[j] = i
	g.sets[i], g.sets[j] = append(g.sets[i], g.sets[j]...), nil
}

// members are the groups, in the order of their first atom.
func (g *groups) members() [][]*atom {
	var out [][]*atom
	for _, set := range g.sets {
		if len(set) > 0 {
			slices.Sort(set)
			out = append(out, g.pick(set))
		}
	}
	return out
}

// join joins the groups that share a mark of a kind, where nothing contradicts it.
func (g *groups) join(kind MarkKind) {
	sharing := map[Mark][]int{}
	for i, a := range g.atoms {
		if m, ok := a.mark(kind); ok {
			sharing[m] = append(sharing[m], i)
		}
		if kind == MarkMAC { // a chassis id that is the MAC of another port
			sharing[a.address()] = append(sharing[a.address()], i)
		}
	}
	if kind == MarkManagement {
		g.addHolders(sharing)
	}
	marks := make([]Mark, 0, len(sharing))
	for m, atoms := range sharing {
		if len(atoms) > 1 {
			marks = append(marks, m)
		}
	}
	slices.SortFunc(marks, compareMarks)
	for _, m := range marks {
		g.joinMark(m, sharing[m])
	}
}

// addHolders adds who holds an IP to those that tell it as their management address.
func (g *groups) addHolders(sharing map[Mark][]int) {
	for i, a := range g.atoms {
		for _, home := range a.held {
			m := Mark{Kind: MarkManagement, Site: home.site, Segment: home.segment, Value: home.ip.String()}
			if tellers, ok := sharing[m]; ok && !slices.Contains(tellers, i) {
				sharing[m] = append(tellers, i)
			}
		}
	}
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

// joinMark joins the groups that share a mark.
func (g *groups) joinMark(m Mark, sharing []int) {
	if why := g.against(m, sharing); why != "" {
		g.doubts = append(g.doubts, doubt{m, sharing, why})
		return
	}
	for _, i := range sharing[1:] {
		g.union(sharing[0], i)
	}
}

// against says why the groups that share a mark cannot be one device, or is empty.
func (g *groups) against(m Mark, sharing []int) string {
	all := g.whole(sharing)
	cards := stations(all)
	switch {
	case m.Kind != MarkSerial && len(serials(all)) > 1:
		return "the serial numbers differ"
	case m.Kind == MarkManagement && g.tellers(m, sharing) > 1:
		return "several devices tell it"
	case m.Kind == MarkChassis || m.Kind == MarkMAC || m.Kind == MarkManagement:
		return ""
	case contradict(models(all)):
		return "the models differ"
	case len(cards) > maxInterfaces:
		return "too many tell it"
	case m.Kind == MarkSerial && slices.ContainsFunc(cards, func(a *atom) bool { return a.model == "" }) && liveTogether(cards):
		return "they were seen at the same time, and nothing says that they are of one model"
	case m.Kind == MarkApplication && liveTogether(cards):
		return "they were seen at the same time"
	}
	return ""
}

// note writes the doubts down at the atoms that share a mark with an atom of another group.
func (g *groups) note() {
	for _, d := range g.doubts {
		for _, i := range d.sharing {
			var others []string
			for _, j := range d.sharing {
				if g.root(i) != g.root(j) {
					others = append(others, g.atoms[j].address().Value)
				}
			}
			if len(others) == 0 {
				continue
			}
			const shown = 3
			if len(others) > shown {
				others = append(others[:shown], "others")
			}
			g.atoms[i].notes = append(g.atoms[i].notes,
				fmt.Sprintf("has the %s of %s, but is taken for another device: %s", d.mark.Kind.title(), strings.Join(others, ", "), d.why))
		}
	}
}

// whole are all atoms of the groups that the indices are in.
func (g *groups) whole(indices []int) []*atom {
	roots := map[int]bool{}
	var out []*atom
	for _, i := range indices {
		if root := g.root(i); !roots[root] {
			roots[root] = true
			out = append(out, g.pick(g.sets[root])...)
		}
	}
	return out
}

func (g *groups) pick(indices []int) []*atom {
	out := make([]*atom, 0, len(indices))
	for _, i := range indices {
		out = append(out, g.atoms[i])
	}
	return out
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

// liveTogether reports whether two of the atoms were seen at one time.
func liveTogether(atoms []*atom) bool {
	for i, a := range atoms {
		for _, b := range atoms[i+1:] {
			if a.seen.near(b.seen, sameTime) {
				return true
			}
		}
	}
	return false
}

// serials are the different vendor and serial numbers of the atoms.
func serials(atoms []*atom) []string {
	var out []string
	for _, a := range atoms {
		if m, ok := a.mark(MarkSerial); ok && !slices.Contains(out, m.Value) {
			out = append(out, m.Value)
		}
	}
	return out
}

// models are the different models of the atoms.
func models(atoms []*atom) []string {
	var out []string
	for _, a := range atoms {
		if a.model != "" && !slices.Contains(out, a.model) {
			out = append(out, a.model)
		}
	}
	return out
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
