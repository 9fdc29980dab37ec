package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// Explain says in words why assets were merged and split, from what holds the things together now, and how the assets stood before.
func (m *Matching) Explain(things []Thing, was func(id string) Asset) {
	byID := map[string]Thing{}
	for i, id := range m.IDs {
		byID[id] = things[i]
	}
	for i, merge := range m.Merged {
		m.Merged[i].Reason = whyMerged(was(merge.From), byID[merge.Into])
	}
	for i, split := range m.Split {
		m.Split[i].Reason = whySplit(was(split.From), byID[split.Into])
	}
}

// whyMerged is what joins the addresses of an asset with the others of the thing that it has become a part of.
func whyMerged(was Asset, t Thing) string {
	var own []string
	for _, a := range was.Addresses {
		own = append(own, a.MAC, a.IP)
	}
	isOwn := func(address string) bool { return slices.Contains(own, address) }
	for _, join := range t.Asset.Joined {
		if slices.ContainsFunc(join.Addresses, isOwn) && slices.ContainsFunc(join.Addresses, func(a string) bool { return !isOwn(a) }) {
			return join.String()
		}
	}
	for _, a := range t.Asset.Addresses {
		if a.MAC != "" && a.IP != "" && isOwn(a.MAC) != isOwn(a.IP) {
			return fmt.Sprintf("%s belongs to %s", a.IP, a.MAC)
		}
	}
	if len(t.Asset.Joined) > 0 {
		return t.Asset.Joined[0].String()
	}
	return "they have an address in common"
}

// String is the reason in words: "serial number SIEMENS/SC4711 at 28:63:36:aa:bb:cc and 10.1.0.1".
func (j Join) String() string {
	const shown = 3
	addresses := j.Addresses
	if len(addresses) > shown {
		addresses = append(slices.Clone(addresses[:shown]), fmt.Sprintf("%d others", len(addresses)-shown))
	}
	where := strings.Join(addresses, ", ")
	if n := len(addresses); n > 1 {
		where = strings.Join(addresses[:n-1], ", ") + " and " + addresses[n-1]
	}
	return strings.TrimSpace(j.By+" "+j.Value) + " at " + where
}

// whySplit is what speaks against a thing being a part of the asset that it was split from, or what no longer speaks for it.
func whySplit(was Asset, t Thing) string {
	for _, note := range t.Asset.Notes {
		for _, sign := range []string{"is kept apart from", "is taken for another device", "is reached through"} {
			if strings.Contains(note, sign) {
				return note
			}
		}
	}
	var own []string
	for _, a := range t.Asset.Addresses {
		own = append(own, a.MAC, a.IP)
	}
	isOwn := func(address string) bool { return slices.Contains(own, address) }
	for _, join := range was.Joined {
		if slices.ContainsFunc(join.Addresses, isOwn) && slices.ContainsFunc(join.Addresses, func(a string) bool { return !isOwn(a) }) {
			return "no longer joined by " + join.String()
		}
	}
	for _, a := range was.Addresses {
		if a.IP != "" && isOwn(a.IP) && a.MAC != "" && !isOwn(a.MAC) {
			return fmt.Sprintf("%s does not belong to %s", a.IP, a.MAC)
		}
	}
	return "nothing says any more that they are one"
}

// Contradictions says what speaks against two assets being one: a person may know better, but should have seen it.
func Contradictions(a, b Asset) []string {
	var out []string
	if a.Serial != "" && b.Serial != "" && !sameSerial(a.Serial, b.Serial) {
		text := fmt.Sprintf("the serial numbers differ: %s and %s", a.Serial, b.Serial)
		seen, other := span{a.FirstSeen, a.LastSeen}, span{b.FirstSeen, b.LastSeen}
		if len(macs(a)) > 0 && len(macs(b)) > 0 && seen.near(other, sameTime) {
			text += ", and both were seen at the same time"
		}
		out = append(out, text)
	}
	if a.Vendor != "" && b.Vendor != "" && letters(a.Vendor) != letters(b.Vendor) {
		out = append(out, fmt.Sprintf("the vendors differ: %s and %s", a.Vendor, b.Vendor))
	}
	if x, y := letters(a.Model), letters(b.Model); x != "" && y != "" && contradict([]string{x, y}) {
		out = append(out, fmt.Sprintf("the models differ: %s and %s", a.Model, b.Model))
	}
	return out
}
