package inventory

import (
	"cmp"
	"slices"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Wire is one cable as one of its ends told it.
type Wire struct {
	Asset  string // id of the teller
	Link   discovery.Link
	Remote string // id of the other end, where it is in the inventory
	Last   time.Time
}

// Neighbours says for each asset what it is wired to. A cable is told at both of its ends, also when only one of them told it.
// Of two tellings of one cable the one with more ports is kept. What forwarding tables tell counts as far as edges lets it.
func Neighbours(wires []Wire) map[string][]Neighbour {
	out := map[string][]Neighbour{}
	for _, w := range edges(wires) {
		if w.Asset == w.Remote || w.Asset == "" {
			continue
		}
		n := Neighbour{LocalPort: w.Link.LocalPort, Asset: w.Remote, RemotePort: w.Link.RemotePort, Via: w.Link.Via}
		if w.Remote == "" {
			n.Name = cmp.Or(w.Link.RemoteName, w.Link.Remote.String())
			if n.Name == "" {
				continue // the other end is whoever heard it: the sensor
			}
		} else {
			out[w.Remote] = append(out[w.Remote], Neighbour{LocalPort: w.Link.RemotePort, Asset: w.Asset, RemotePort: w.Link.LocalPort, Via: w.Link.Via})
		}
		out[w.Asset] = append(out[w.Asset], n)
	}
	for id, list := range out {
		slices.SortFunc(list, func(a, b Neighbour) int {
			return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Via, b.Via),
				cmp.Compare(b.LocalPort, a.LocalPort), cmp.Compare(b.RemotePort, a.RemotePort))
		})
		var kept []Neighbour
		for _, n := range list {
			if !slices.ContainsFunc(kept, func(k Neighbour) bool { return covers(k, n) }) {
				kept = append(kept, n)
			}
		}
		slices.SortFunc(kept, func(a, b Neighbour) int {
			return cmp.Or(cmp.Compare(a.LocalPort, b.LocalPort), cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Name, b.Name),
				cmp.Compare(a.RemotePort, b.RemotePort), cmp.Compare(a.Via, b.Via))
		})
		out[id] = kept
	}
	return out
}

// covers reports whether k says all that n says.
func covers(k, n Neighbour) bool {
	return k.Asset == n.Asset && k.Name == n.Name && k.Via == n.Via &&
		(n.LocalPort == "" || n.LocalPort == k.LocalPort) && (n.RemotePort == "" || n.RemotePort == k.RemotePort)
}
