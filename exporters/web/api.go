package web

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/exporters/html"
	"github.com/walkdown-ot/walkdown/inventory"
)

// What one answer holds at most.
const (
	mostRows  = 1000
	mostNodes = 5000
	mostTalks = 200 // of one asset
)

// page is a piece of a list.
type page struct {
	Total int               `json:"total"`
	Rows  any               `json:"rows"`
	Names map[string]string `json:"names,omitempty"` // of the assets that the rows name
}

func (s *Server) summary(x *index, w http.ResponseWriter, _ *http.Request) {
	type format struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}
	type field struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	}
	out := struct {
		html.Summary
		Formats []format `json:"formats"`
		Fields  []field  `json:"fields"` // that people may fill in
	}{Summary: *x.summary}
	for _, f := range inventory.Fields() {
		out.Fields = append(out.Fields, field{f.Name, f.Title})
	}
	for _, f := range s.o.Formats {
		out.Formats = append(out.Formats, format{f.Name, f.Description})
	}
	send(w, out, nil)
}

// chosen gives the rows that the filters of a query leave.
func (x *index) chosen(q url.Values) []*row {
	words := strings.Fields(strings.ToLower(q.Get("q")))
	fields := map[string]func(*row) string{
		"type": func(r *row) string { return cmp.Or(r.Type, r.ProposedType) }, "vendor": func(r *row) string { return r.Vendor },
		"segment": func(r *row) string { return r.Segment }, "level": func(r *row) string { return r.Level }, "zone": func(r *row) string { return r.Zone },
	}
	type want struct {
		value string
		get   func(*row) string
	}
	var wants []want
	for key, get := range fields {
		if value := q.Get(key); value != "" {
			wants = append(wants, want{value, get})
		}
	}
	if len(words) == 0 && len(wants) == 0 {
		return x.rows
	}
	var out []*row
next:
	for _, r := range x.rows {
		for _, w := range wants {
			if w.get(r) != w.value {
				continue next
			}
		}
		for _, word := range words {
			if !strings.Contains(r.text, word) && !strings.Contains(strings.ToLower(r.Zone), word) {
				continue next
			}
		}
		out = append(out, r)
	}
	return out
}

// sorted orders rows by a column; what is empty comes last.
func sorted(rows []*row, column string, down bool) []*row {
	keys := map[string]func(*row) string{
		"name": func(r *row) string { return r.name }, "vendor": func(r *row) string { return strings.ToLower(r.Vendor) }, "model": func(r *row) string { return strings.ToLower(r.Model) },
		"firmware": func(r *row) string { return cmp.Or(r.Firmware, r.FirmwareRaw) }, "serial": func(r *row) string { return r.Serial },
		"type": func(r *row) string { return cmp.Or(r.Type, r.ProposedType) }, "level": func(r *row) string { return r.Level }, "segment": func(r *row) string { return r.Segment },
		"zone": func(r *row) string { return r.Zone }, "confidence": func(r *row) string { return strconv.FormatFloat(float64(r.Confidence), 'f', 4, 32) },
	}
	key := keys[column]
	switch {
	case column == "address" && down:
		rows = slices.Clone(rows)
		slices.Reverse(rows)
		return rows
	case key == nil: // by site, segment and address, as they are
		return rows
	}
	type keyed struct {
		key string
		at  int
	}
	all := make([]keyed, len(rows))
	for i, r := range rows {
		all[i] = keyed{key(r), i}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		switch {
		case a.key == b.key:
			return cmp.Compare(a.at, b.at)
		case a.key == "":
			return 1
		case b.key == "":
			return -1
		case down:
			return cmp.Compare(b.key, a.key)
		}
		return cmp.Compare(a.key, b.key)
	})
	out := make([]*row, len(rows))
	for i, k := range all {
		out[i] = rows[k.at]
	}
	return out
}

func (s *Server) assets(x *index, w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	rows := sorted(x.chosen(q), q.Get("sort"), q.Get("down") == "true")
	offset, limit := piece(q)
	out := make([]html.Thing, 0, limit)
	for _, row := range rows[min(offset, len(rows)):min(offset+limit, len(rows))] {
		out = append(out, row.Thing)
	}
	send(w, page{Total: len(rows), Rows: out}, nil)
}

// piece is which rows a query asks for.
func piece(q url.Values) (offset, limit int) {
	offset, _ = strconv.Atoi(q.Get("offset"))
	limit, _ = strconv.Atoi(q.Get("limit"))
	if limit <= 0 || limit > mostRows {
		limit = mostRows
	}
	return max(offset, 0), limit
}

func (s *Server) asset(x *index, w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	a, err := s.store.Asset(ctx, r.URL.Query().Get("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	thing := html.ThingOf(a, &inventory.Zoning{}, inventory.GapsOf(a, nil))
	if i, ok := x.byID[a.ID]; ok {
		known := x.rows[i]
		thing.Zone, thing.ZoneAccepted, thing.ZoneReason = known.Zone, known.ZoneAccepted, known.ZoneReason
	}
	out := struct {
		html.Thing
		Evidence      []inventory.Statement    `json:"evidence"`
		Conversations []inventory.Conversation `json:"conversations,omitempty"`
		Changes       []inventory.Change       `json:"changes,omitempty"`
		Names         map[string]string        `json:"names"`
	}{Thing: thing, Names: map[string]string{}}
	for e, err := range s.store.Evidence(ctx, a.ID) {
		if err != nil {
			send(w, nil, err)
			return
		}
		out.Evidence = append(out.Evidence, e.Statement())
	}
	for c, err := range s.store.ConversationsOf(ctx, a.ID) {
		if err != nil {
			send(w, nil, err)
			return
		}
		if out.Conversations = append(out.Conversations, c); len(out.Conversations) >= mostTalks {
			break
		}
	}
	if out.Changes, err = inventory.Collect(s.store.ChangesOf(ctx, a.ID)); err != nil {
		send(w, nil, err)
		return
	}
	for _, n := range a.Neighbours {
		out.Names[n.Asset] = x.name(n.Asset)
	}
	for _, c := range out.Conversations {
		out.Names[c.Client], out.Names[c.Server] = x.name(c.Client), x.name(c.Server)
	}
	out.Names[a.Via] = x.name(a.Via)
	delete(out.Names, "")
	send(w, out, nil)
}

// node is an asset on the map.
type node struct {
	ID      string   `json:"id"`
	Label   string   `json:"label"`
	Type    string   `json:"type"`
	Level   string   `json:"level"`
	Zone    string   `json:"zone"`
	Segment string   `json:"segment"`
	Vendor  string   `json:"vendor"`
	Model   string   `json:"model"`
	Role    string   `json:"role"`
	Cables  []string `json:"cables"`
}

func (s *Server) graph(x *index, w http.ResponseWriter, r *http.Request) {
	rows := x.chosen(r.URL.Query())
	out := struct {
		Nodes   []node `json:"nodes"`
		Talks   []talk `json:"talks"`
		LeftOut int    `json:"left_out,omitempty"`
	}{Nodes: []node{}, Talks: []talk{}, LeftOut: max(0, len(rows)-mostNodes)}
	drawn := map[string]bool{}
	for _, row := range rows[:min(len(rows), mostNodes)] {
		n := node{
			ID: row.ID, Label: row.label, Type: cmp.Or(row.Type, row.ProposedType), Level: row.Level, Zone: row.Zone, Segment: row.Segment,
			Vendor: row.Vendor, Model: row.Model, Role: row.Role, Cables: row.cables,
		}
		drawn[n.ID] = true
		out.Nodes = append(out.Nodes, n)
	}
	for _, t := range x.talks {
		if drawn[t.Client] && (drawn[t.Server] || t.External) || drawn[t.Server] && t.External {
			out.Talks = append(out.Talks, t)
		}
	}
	send(w, out, nil)
}

func (s *Server) list(x *index, w http.ResponseWriter, r *http.Request) {
	q, ctx := r.URL.Query(), r.Context()
	switch r.PathValue("name") {
	case "conversations":
		talks, err := read(&x.conversations, s.store.Conversations(context.WithoutCancel(ctx))) // others look at the list too
		if err != nil {
			send(w, nil, err)
			return
		}
		filtered(w, q, talks, func(c inventory.Conversation, names map[string]string) {
			names[c.Client], names[c.Server] = x.name(c.Client), x.name(c.Server)
		})
	case "changes":
		changes, err := read(&x.changes, newestFirst(context.WithoutCancel(ctx), s.store))
		if err != nil {
			send(w, nil, err)
			return
		}
		filtered(w, q, changes, func(c inventory.Change, names map[string]string) { names[c.Asset] = x.name(c.Asset) })
	case "zones":
		filtered(w, q, x.registers.Zones, func(z inventory.Zone, names map[string]string) {
			for _, one := range z.Separate {
				names[one.Asset] = x.name(one.Asset)
			}
		})
	case "conduits":
		filtered(w, q, x.registers.Conduits, func(inventory.Conduit, map[string]string) {})
	case "external":
		filtered(w, q, x.registers.External, func(d inventory.Dependency, names map[string]string) { names[d.Asset] = x.name(d.Asset) })
	case "coverage":
		filtered(w, q, x.registers.Coverage, func(inventory.Hole, map[string]string) {})
	case "gaps":
		filtered(w, q, x.gaps, func(g inventory.FieldGap, names map[string]string) {
			for _, id := range g.Assets {
				names[id] = x.name(id)
			}
		})
	case "sent":
		filtered(w, q, x.sent, func(html.Sent, map[string]string) {})
	default:
		http.NotFound(w, r)
	}
}

// filtered sends a piece of a list that a search leaves.
func filtered[T any](w http.ResponseWriter, q url.Values, list []T, name func(T, map[string]string)) {
	offset, limit := piece(q)
	words := strings.Fields(strings.ToLower(q.Get("q")))
	if len(words) > 0 {
		var found []T
		for _, one := range list {
			names := map[string]string{}
			if name(one, names); mentions(one, names, words) {
				found = append(found, one)
			}
		}
		list = found
	}
	out := page{Total: len(list), Names: map[string]string{}}
	rows := append([]T{}, list[min(offset, len(list)):min(offset+limit, len(list))]...)
	for _, one := range rows {
		name(one, out.Names)
	}
	delete(out.Names, "")
	out.Rows = rows
	send(w, out, nil)
}

// mentions reports whether every word stands in the JSON of a row, or in the names of its assets.
func mentions(value any, names map[string]string, words []string) bool {
	text, err := json.Marshal(value)
	if err != nil {
		return false
	}
	all := string(text)
	for _, name := range names {
		all += "\n" + name
	}
	all = strings.ToLower(all)
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(all, word) })
}

func newestFirst(ctx context.Context, from Store) iter.Seq2[inventory.Change, error] {
	return func(yield func(inventory.Change, error) bool) {
		all, err := inventory.Collect(from.Changes(ctx, time.Time{}, ""))
		slices.Reverse(all)
		for _, c := range all {
			if !yield(c, nil) {
				return
			}
		}
		if err != nil {
			yield(inventory.Change{}, err)
		}
	}
}
