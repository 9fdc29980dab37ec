package inventory

import (
	"cmp"
	"slices"
)

// Known is an asset as it stood before its sightings were resolved anew.
type Known struct {
	ID    string
	Born  string // when it came into an inventory: a time as text that sorts
	Marks []Mark // the most trusted first
	Took  []Past // the assets that were merged into it
}

// Past is an asset that was merged into another one, as it was recognised then. Split off again, it gets its id back.
type Past struct {
	ID    string
	Born  string
	Marks []Mark
}

// PastMarks are those of an asset that it will be recognised by when it is split off again: an IP alone only where it had no MAC.
func PastMarks(marks []Mark) []Mark {
	hasMAC := slices.ContainsFunc(marks, func(m Mark) bool { return m.Kind == MarkMAC })
	return slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return m.Kind == MarkInterface || m.Kind == MarkIP && hasMAC })
}

// Matching says which asset each thing is.
type Matching struct {
	IDs     []string // by thing
	New     []bool   // by thing: the id was made just now
	Merged  []Merge
	Split   []Merge // an asset whose part became an asset of its own: Into is the new one
	Gone    []string
	Revived []Past // of Split: who has its id back
}

// Merge is an asset that became another one.
type Merge struct {
	From, Into string
	Reason     string // see Explain
}

// Match gives the things the ids of the assets that they were: an asset goes on in the thing that has the most trusted of its
// marks. Where several assets go on in one thing, the oldest gives the id and the others are merged into it. A thing in which
// no asset goes on gets the id of an asset that was merged into another one and comes out of it again, else a new id; if it took a mark along from an asset that goes on elsewhere, it was split from it. An IP
// that now belongs to another MAC is no such mark: the IP has moved. Nor is an address that a device took over from another one.
func Match(before []Known, things []Thing, newID func() string) Matching {
	before = slices.Clone(before)
	slices.SortFunc(before, func(a, b Known) int { return cmp.Or(cmp.Compare(a.Born, b.Born), cmp.Compare(a.ID, b.ID)) })
	having := map[Mark][]int{}
	for i, t := range things {
		for _, m := range t.Marks {
			having[m] = append(having[m], i)
		}
	}
	m := Matching{IDs: make([]string, len(things)), New: make([]bool, len(things))}
	for _, k := range before {
		i := heir(k.without(), things, having)
		if i < 0 {
			i = heir(k, things, having)
		}
		switch {
		case i < 0:
			m.Gone = append(m.Gone, k.ID)
		case m.IDs[i] == "":
			m.IDs[i] = k.ID
		default:
			m.Merged = append(m.Merged, Merge{From: k.ID, Into: m.IDs[i]})
		}
	}
	for _, k := range before {
		for _, past := range k.Took {
			i := heir(Known{Marks: past.Marks}, things, having)
			if i < 0 || m.IDs[i] != "" || parent(things[i], before) == "" {
				continue
			}
			m.IDs[i] = past.ID
			m.Split, m.Revived = append(m.Split, Merge{From: k.ID, Into: past.ID}), append(m.Revived, past)
		}
	}
	for i, t := range things {
		if m.IDs[i] != "" {
			continue
		}
		m.IDs[i], m.New[i] = newID(), true
		if from := parent(t, before); from != "" {
			m.Split = append(m.Split, Merge{From: from, Into: m.IDs[i]})
		}
	}
	return m
}

// without is the asset as it would be if nothing had been merged into it.
func (k Known) without() Known {
	if len(k.Took) == 0 {
		return k
	}
	k.Marks = slices.DeleteFunc(PastMarks(k.Marks), func(m Mark) bool {
		return slices.ContainsFunc(k.Took, func(p Past) bool { return slices.Contains(p.Marks, m) })
	})
	return k
}

// heir is the thing that an asset goes on in, or -1. Of several that have the most trusted mark left, it is the one that shares
// the most marks; what a decision has cut off is it only where the rest has no address of the asset.
func heir(k Known, things []Thing, having map[Mark][]int) int {
	rest := slices.ContainsFunc(k.Marks, func(m Mark) bool {
		return (m.Kind == MarkMAC || m.Kind == MarkIP) && slices.ContainsFunc(having[m], func(i int) bool { return !things[i].Apart })
	})
	for _, mark := range k.Marks {
		if mark.Kind == MarkInterface {
			continue // what a device tells of its ports joins, but others may tell the same
		}
		best, most := -1, 0
		for _, i := range having[mark] {
			if rest && things[i].Apart {
				continue
			}
			shared := 0
			for _, m := range k.Marks {
				if slices.Contains(things[i].Marks, m) {
					shared++
				}
			}
			if shared > most {
				best, most = i, shared
			}
		}
		if best >= 0 {
			return best
		}
	}
	return -1
}

// parent is the oldest asset that a new thing was a part of.
func parent(t Thing, before []Known) string {
	isAddress := func(m Mark) bool { return m.Kind == MarkIP }
	lonely := !slices.ContainsFunc(t.Marks, func(m Mark) bool { return m.Kind == MarkMAC })
	for _, k := range before {
		if slices.ContainsFunc(t.Marks, func(m Mark) bool {
			return m.Kind != MarkInterface && (!isAddress(m) || lonely) && !slices.Contains(t.Took, m) && slices.Contains(k.Marks, m)
		}) {
			return k.ID
		}
	}
	return ""
}
