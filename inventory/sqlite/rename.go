package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// Place is a segment of a site.
type Place struct{ Site, Segment string }

// String is "site/segment".
func (p Place) String() string { return p.Site + "/" + p.Segment }

// Places are the segments of the inventory.
func (s *Store) Places(ctx context.Context) ([]Place, error) {
	all, err := places(ctx, s.read)
	return slices.SortedFunc(maps.Values(all), func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Segment, b.Segment))
	}), told("list segments", err)
}

// places are the segments by their rows.
func places(ctx context.Context, q queryer) (map[int64]Place, error) {
	out := map[int64]Place{}
	return out, each(ctx, q, "SELECT g.id, t.name, g.name FROM segments AS g JOIN sites AS t ON t.id = g.site", func(scan func(...any) error) error {
		var id int64
		var p Place
		err := scan(&id, &p.Site, &p.Segment)
		out[id] = p
		return err
	})
}

// knownAs says under which names an inventory knows the segments of another one, by the surveys that it has of it already.
func knownAs(ctx context.Context, tx *session, from *Store) (naming, error) {
	const query = "SELECT v.uid, t.name, g.name FROM surveys AS v JOIN segments AS g ON g.id = v.segment JOIN sites AS t ON t.id = g.site"
	here := map[string]Place{}
	read := func(f func(uid string, p Place)) func(scan func(...any) error) error {
		return func(scan func(...any) error) error {
			var uid string
			var p Place
			err := scan(&uid, &p.Site, &p.Segment)
			f(uid, p)
			return err
		}
	}
	if err := each(ctx, tx, query, read(func(uid string, p Place) { here[uid] = p })); err != nil {
		return nil, err
	}
	out := naming{}
	err := each(ctx, from.read, query, read(func(uid string, p Place) {
		if known, ok := here[uid]; ok && known != p {
			out[p] = known
		}
	}))
	return out, err
}

// naming is how the segments of an inventory are called in the one that it is merged into.
type naming map[Place]Place

// place is the new name of a segment.
func (n naming) place(site, segment string) Place {
	if to, ok := n[Place{site, segment}]; ok {
		return to
	}
	return Place{site, segment}
}

// mark is the mark under the new names. One that counts in the whole site goes where the segment goes that it was seen in; without
// that, where the first of its site goes.
func (n naming) mark(m inventory.Mark, seenIn string) inventory.Mark {
	if m.Segment != "" {
		to := n.place(m.Site, m.Segment)
		m.Site, m.Segment = to.Site, to.Segment
		return m
	}
	if seenIn != "" {
		m.Site = n.place(m.Site, seenIn).Site
		return m
	}
	for _, from := range slices.SortedFunc(maps.Keys(n), func(a, b Place) int { return strings.Compare(a.String(), b.String()) }) {
		if from.Site == m.Site {
			m.Site = n[from].Site
			break
		}
	}
	return m
}

// subject is the subject under the new names.
func (n naming) subject(s discovery.Subject) discovery.Subject {
	to := n.place(s.Site, s.Segment)
	s.Site, s.Segment = to.Site, to.Segment
	return s
}

// asset is the asset under the new names.
func (n naming) asset(a inventory.Asset) inventory.Asset {
	site, segment := a.Site, a.Segment
	to := n.place(site, segment)
	a.Site, a.Segment = to.Site, to.Segment
	for i, address := range a.Addresses {
		if address.Segment != "" {
			a.Addresses[i].Segment = n.place(site, address.Segment).Segment
		}
	}
	return a
}

// Renames reads --as: "site/segment" for the only segment of the inventory, or "site/segment=site/segment".
func (s *Store) Renames(ctx context.Context, texts []string) (map[Place]Place, error) {
	places, err := s.Places(ctx)
	if err != nil {
		return nil, err
	}
	out := map[Place]Place{}
	for _, text := range texts {
		old, renamed, given := strings.Cut(text, "=")
		if !given {
			renamed = old
			if len(places) != 1 {
				return nil, fmt.Errorf("%q does not say which segment it is to be, of %s", text, join(places))
			}
			old = places[0].String()
		}
		to, ok := parsePlace(renamed)
		from, known := parsePlace(old)
		if !ok || !known || !slices.Contains(places, from) {
			return nil, fmt.Errorf("%q names no segment of it; there are %s", text, join(places))
		}
		out[from] = to
	}
	return out, nil
}

func parsePlace(text string) (Place, bool) {
	site, segment, ok := strings.Cut(strings.TrimSpace(text), "/")
	return Place{site, segment}, ok && site != "" && segment != ""
}

func join(places []Place) string {
	var words []string
	for _, p := range places {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}
