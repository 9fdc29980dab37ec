package inventory

import "slices"

// joinInterfaces joins the groups by the addresses that devices tell to be their own: first those that tell each other's, which are
// one device that was asked at two of its addresses; then each device with who holds an address that it alone tells.
func (g *groups) joinInterfaces() {
	tellers := map[Mark][]int{}
	for i, a := range g.atoms {
		for _, m := range a.own {
			tellers[m] = append(tellers[m], i)
		}
	}
	if len(tellers) == 0 {
		return
	}
	holders := map[Mark][]int{}
	for i, a := range g.atoms {
		for _, m := range a.addresses() {
			if _, told := tellers[m]; told {
				holders[m] = append(holders[m], i)
			}
		}
	}
	marks := make([]Mark, 0, len(holders))
	for m := range holders {
		marks = append(marks, m)
	}
	slices.SortFunc(marks, compareMarks)
	for _, m := range marks {
		for _, teller := range tellers[m] {
			for _, holder := range holders[m] {
				if g.tellEachOther(teller, holder) {
					g.joinInterface(m, teller, holder)
				}
			}
		}
	}
	for _, m := range marks {
		roots := map[int]bool{}
		for _, teller := range tellers[m] {
			roots[g.root(teller)] = true
		}
		// Several devices that tell one address have a default that nobody changed, or each have a network of their own behind them.
		if len(roots) > 1 {
			continue
		}
		for _, holder := range holders[m] {
			g.joinInterface(m, tellers[m][0], holder)
		}
	}
}

// addresses are the MAC and the IPs of an atom, as others would tell them to be theirs. Those that routers share are nobody's.
func (a *atom) addresses() []Mark {
	if a.mac.IsVirtual() || a.former {
		return nil
	}
	var out []Mark
	if m := a.address(); a.mac.IsStation() {
		m.Kind = MarkInterface
		out = append(out, m)
	}
	for _, home := range a.held {
		m := ipMark(home.site, home.segment, home.ip)
		m.Kind = MarkInterface
		out = append(out, m)
	}
	return out
}

// tellEachOther reports whether each of two atoms tells an address that the other one holds.
func (g *groups) tellEachOther(i, j int) bool {
	return i != j && tells(g.atoms[i], g.atoms[j]) && tells(g.atoms[j], g.atoms[i])
}

// joinInterface joins who tells an address with who holds it, unless something speaks against it: their serial numbers, models,
// LLDP chassis ids or SNMP engine ids differ, the holder of an IP has a MAC that is none of the teller's, or a decision.
func (g *groups) joinInterface(m Mark, teller, holder int) {
	if g.root(teller) == g.root(holder) || !g.mayJoin(teller, holder) {
		return
	}
	all := g.groupsOf([]int{teller, holder})
	chassis := func(a *atom) []string { return valuesOf(a, MarkChassis) }
	engine := func(a *atom) []string { return valuesOf(a, MarkEngine) }
	if differ(all, serials) || modelsDiffer(all) || differ(all, chassis) || differ(all, engine) {
		return
	}
	if mac := g.atoms[holder].address(); m.Segment != "" && !g.atoms[holder].mac.IsZero() {
		mac.Kind = MarkInterface
		tells, known := false, false
		for _, a := range all[0] {
			tells = tells || slices.Contains(a.own, mac)
			known = known || slices.ContainsFunc(a.own, func(o Mark) bool { return o.Segment == "" })
		}
		if known && !tells {
			return
		}
	}
	g.unite("address that it tells to be its own", m.Value, []int{teller, holder})
}
