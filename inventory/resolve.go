package inventory

import (
	"cmp"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Rules are the rules of who is who.
type Rules struct {
	Identify  Identify        // nil: nothing is identified, and no serial number is known
	Sensor    []discovery.MAC // the sensors' own: never assets of the plant
	Decisions []Decision      // what people have decided
}

const (
	// maxInterfaces is how many MACs a serial number or an engine id can hold together. What is told by more is a filler that
	// isFiller does not know, or a disk image. maxBlocks is how many blocks of MACs these can be: one for each card.
	maxInterfaces = 32
	maxBlocks     = 4
	// maxPorts is how many ports of a chassis have a MAC of their own at most.
	maxPorts = 1024
	// sameTime is how close two MACs must have been seen for both to count as plugged in: a network card that is swapped takes
	// its serial number along to the next day at the earliest, two devices with one filler are seen in one survey.
	sameTime = 24 * time.Hour
	// sameHour is the same of two addresses that are not both known to be network cards: leases are handed on faster.
	sameHour = time.Hour
	// clockJump is the gap inside one survey that no survey is long enough for: the clock was set, and both were seen together.
	clockJump = 180 * 24 * time.Hour
)

// Resolve makes things of sightings: who is who. The same sightings give the same things in the same order, however they are
// sorted. It may be given a part of the inventory, if that part is closed: with a subject all others that share its MAC, its
// IP in its segment, a mark, or a decision.
//
// A MAC that its maker gave, with the IPs that are bound to it, counts in its whole site; sites share nothing. It is cut only where
// what is said under it is said by several devices: see unmask and formers. What people decided comes first. Then the atoms are
// joined by their marks in the order of trust:
//   - vendor and serial number, by the fingerprints or in a CIP identity: if no two models contradict each other, and of several
//     MACs that were seen at one time (the communication processors of one PLC, or devices with one filler) only those of one known
//     model of which something else says that they belong together: see corroborated;
//   - LLDP chassis id, and the MAC of the chassis in PROFINET's TLV or in CDP (the ports of a switch): unless serial numbers
//     contradict each other; a chassis id that is no MAC, of MACs that were seen at one time, as above;
//   - PROFINET name of station: the same, and only the MACs of one block;
//   - SNMP engine id: unless serial numbers, models or names contradict each other, and of MACs that were seen at one time as above;
//   - OPC UA ApplicationUri and BACnet device instance: the same, and never two addresses that were seen at one time;
//   - the management address that a device tells in LLDP, with who holds that IP in its segment: unless serial numbers do, or
//     two devices tell the same address (a default that nobody changed);
//   - an address that a device tells to be that of one of its ports, with who holds it: see joinInterface.
//
// Nothing else is ever joined by an IP, and nothing by a name.
//
// What a person entered by mistake and took back is no thing.
func (r Rules) Resolve(sightings []Sighting) []Thing {
	atoms := r.atomize(withoutMistakes(sightings))
	g := newGroups(atoms)
	g.decide(r.active())
	for _, kind := range []MarkKind{
		MarkSerial, MarkCIP, MarkChassis, MarkMAC, MarkStation, MarkEngine, MarkApplication, MarkBACnet, MarkManagement,
	} {
		g.join(kind)
	}
	g.joinInterfaces()
	g.note()
	joined := g.joined()
	things := make([]Thing, 0, len(atoms))
	for root, set := range g.sets {
		if len(set) == 0 {
			continue
		}
		slices.Sort(set)
		t := r.fold(g.pick(set))
		t.Asset.Joined, t.Apart = joined[root], g.isApart(root)
		things = append(things, t)
	}
	slices.SortFunc(things, func(a, b Thing) int {
		return cmp.Or(compareAssets(a.Asset, b.Asset), slices.CompareFunc(a.Marks, b.Marks, compareMarks), a.Asset.FirstSeen.Compare(b.Asset.FirstSeen))
	})
	return things
}

// groups is a disjoint-set forest over atoms, with the members of each set at its root, which is its first atom.
type groups struct {
	atoms  []*atom
	parent []int
	sets   [][]int
	sides  [][]side // by root: where decisions put the group
	doubts []doubt
	joins  []joint
}

// doubt is a mark that is shared and was not believed.
type doubt struct {
	mark    Mark
	sharing []int
	why     string
}

// joint is what joined some atoms.
type joint struct {
	by, value string
	atoms     []int
}

func newGroups(atoms []*atom) *groups {
	g := &groups{atoms: atoms, parent: make([]int, len(atoms)), sets: make([][]int, len(atoms)), sides: make([][]side, len(atoms))}
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
	g.sides[i], g.sides[j] = append(g.sides[i], g.sides[j]...), nil
}

// unite unites the atoms as far as they are not one yet, and notes by what.
func (g *groups) unite(by, value string, atoms []int) {
	var apart []int
	roots := map[int]bool{}
	for _, i := range atoms {
		if root := g.root(i); !roots[root] {
			roots[root] = true
			apart = append(apart, i)
		}
	}
	if len(apart) < 2 {
		return
	}
	g.joins = append(g.joins, joint{by, value, apart})
	for _, i := range apart[1:] {
		g.union(apart[0], i)
	}
}

// joined is what holds each group together, by root.
func (g *groups) joined() map[int][]Join {
	out := map[int][]Join{}
	for _, joint := range g.joins {
		join := Join{By: joint.by, Value: joint.value}
		for _, i := range joint.atoms {
			join.Addresses = append(join.Addresses, g.atoms[i].address().Value)
		}
		root := g.root(joint.atoms[0])
		out[root] = append(out[root], join)
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
		if kind == MarkMAC && !a.former { // a chassis id that is the MAC of another port
			m := a.address()
			if own := sharing[m]; len(own) == 0 || own[len(own)-1] != i {
				sharing[m] = append(own, i)
			}
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
		for _, block := range g.blocks(m, sharing[m]) {
			g.joinMark(m, block)
		}
	}
}

// blocks parts those that share a PROFINET name by the blocks of their MACs: a device that was replaced hands its name on to another
// one. Other marks are not parted.
func (g *groups) blocks(m Mark, sharing []int) [][]int {
	if m.Kind != MarkStation {
		return [][]int{sharing}
	}
	byMAC := slices.Clone(sharing)
	slices.SortStableFunc(byMAC, func(i, j int) int { return slices.Compare(g.atoms[i].mac[:], g.atoms[j].mac[:]) })
	var out [][]int
	for n, i := range byMAC {
		if n == 0 || !oneBlock(g.atoms[byMAC[n-1]].mac, g.atoms[i].mac) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], i)
	}
	return out
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

// joinMark joins the groups that share a mark, as far as no decision keeps them apart.
func (g *groups) joinMark(m Mark, sharing []int) {
	for _, class := range g.allowed(m, sharing) {
		if why := g.against(m, class); why != "" {
			g.doubts = append(g.doubts, doubt{m, class, why})
			continue
		}
		g.unite(m.Kind.title(), m.Value, class)
	}
}

// pick gives the atoms of indices.
func (g *groups) pick(indices []int) []*atom {
	out := make([]*atom, 0, len(indices))
	for _, i := range indices {
		out = append(out, g.atoms[i])
	}
	return out
}

// groupsOf are the groups that the indices are in, each once.
func (g *groups) groupsOf(indices []int) [][]*atom {
	roots := map[int]bool{}
	var out [][]*atom
	for _, i := range indices {
		if root := g.root(i); !roots[root] {
			roots[root] = true
			out = append(out, g.pick(g.sets[root]))
		}
	}
	return out
}
