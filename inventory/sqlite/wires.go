package sqlite

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"

	"github.com/walkdown-ot/walkdown/inventory"
)

// neighbours are those of the assets named, of all for nil.
func neighbours(ctx context.Context, tx *sql.Tx, only []string) (map[string][]inventory.Neighbour, error) {
	found, err := wires(ctx, tx, only)
	if err != nil || only == nil {
		return inventory.Neighbours(found), err
	}
	// Whether what a forwarding table tells counts, depends on what else hangs on the bridge, and on what other bridges say of that.
	for range 2 {
		if !slices.ContainsFunc(found, func(w inventory.Wire) bool { return w.Link.Via == inventory.ViaForwarding }) {
			break
		}
		ends := map[string]bool{}
		for _, id := range only {
			ends[id] = true
		}
		for _, w := range found {
			ends[w.Asset], ends[w.Remote] = true, true
		}
		delete(ends, "")
		if found, err = wires(ctx, tx, slices.Sorted(maps.Keys(ends))); err != nil {
			return nil, err
		}
	}
	return inventory.Neighbours(found), nil
}

// wiresTold begins with those that assets told; wiresTo with those that may lead to them.
const (
	wiresTold = `SELECT l.id FROM json_each(?1) AS only CROSS JOIN asset_subjects AS p ON p.asset = only.value CROSS JOIN links AS l ON l.subject = p.subject`
	wiresTo   = `SELECT l.id FROM json_each(?1) AS only CROSS JOIN addresses AS a ON a.asset = only.value AND a.mac <> ''
			CROSS JOIN subjects AS r ON r.mac = a.mac AND r.mac <> '' CROSS JOIN links AS l ON l.remote = r.id
		UNION SELECT l.id FROM json_each(?1) AS only CROSS JOIN addresses AS a ON a.asset = only.value AND a.ip <> ''
			CROSS JOIN sites AS t ON t.name = a.site CROSS JOIN segments AS g ON g.site = t.id AND g.name = a.segment
			CROSS JOIN subjects AS r ON r.segment = g.id AND r.ip = a.ip CROSS JOIN links AS l ON l.remote = r.id
		UNION SELECT l.id FROM (
				SELECT n.name AS name FROM json_each(?1) AS only CROSS JOIN asset_names AS n ON n.asset = only.value
				UNION SELECT m.value FROM json_each(?1) AS only CROSS JOIN asset_marks AS m ON m.asset = only.value AND m.kind IN ('mac', 'chassis')
				UNION SELECT a.mac FROM json_each(?1) AS only CROSS JOIN addresses AS a ON a.asset = only.value AND a.mac <> '') AS named
			CROSS JOIN links AS l ON lower(replace(l.remote_name, '-', ':')) = lower(replace(named.name, '-', ':'))`
)

// wires are the links that the assets named told or are told by, of all for nil, with the assets at both ends.
func wires(ctx context.Context, tx *sql.Tx, only []string) ([]inventory.Wire, error) {
	at, err := places(ctx, tx)
	if err != nil {
		return nil, err
	}
	which, args := "", []any(nil)
	if only != nil {
		which, args = " WHERE l.id IN ("+wiresTold+" UNION "+wiresTo+")", []any{jsonText(only)}
	}
	var out []inventory.Wire
	var ends []end
	err = each(ctx, tx, `SELECT p.asset, o.segment, l.local_port, l.remote_name, l.remote_port, l.via, l.last,
		coalesce(r.mac, ''), coalesce(r.ip, ''), coalesce(r.segment, o.segment)
		FROM links AS l JOIN subjects AS o ON o.id = l.subject JOIN asset_subjects AS p ON p.subject = l.subject AND l.last >= p.since AND l.last < p.until
		LEFT JOIN subjects AS r ON r.id = l.remote`+which+` ORDER BY l.id`, func(scan func(...any) error) error {
		var w inventory.Wire
		var e end
		var segment, remoteSegment int64
		var last string
		if err := scan(&w.Asset, &segment, &w.Link.LocalPort, &w.Link.RemoteName, &w.Link.RemotePort, &w.Link.Via, &last,
			&e.mac, &e.ip, &remoteSegment); err != nil {
			return err
		}
		e.site, e.segment, e.name = at[segment].Site, at[remoteSegment].Segment, w.Link.RemoteName
		var err error
		if w.Last, err = parseTime(last); err == nil {
			w.Link.Remote, err = subjectOf(e.site, e.segment, e.mac, e.ip, 0, "")
		}
		out, ends = append(out, w), append(ends, e)
		return err
	}, args...)
	if err != nil {
		return nil, err
	}
	if err := findEnds(ctx, tx, ends, manyEnds); err != nil {
		return nil, err
	}
	for i, e := range ends {
		out[i].Remote = e.asset
	}
	return out, nil
}

// end is the far end of a link, as it was told, and the asset that it is: empty when it is in nobody's inventory yet, or cannot be
// told.
type end struct {
	site, segment string
	mac, ip, name string
	asset         string
}

const tableAddresses = "addresses AS x"

// manyEnds is from how many ends on the addresses are read through, which is cheaper then than to look each of them up.
const manyEnds = 10_000

// findEnds finds the assets: by the MAC, the IP, the chassis id, or a name that only one asset of the segment has.
func findEnds(ctx context.Context, tx *sql.Tx, ends []end, many int) error {
	type key struct{ value, site, segment string }
	for _, try := range []struct {
		value     func(end) string
		inSegment bool
		table     string // x has site and segment
		column    string // of the value
		asset     string
	}{
		{func(e end) string { return e.mac }, false, tableAddresses, "x.mac", "x.asset"},
		{func(e end) string { return e.ip }, true, tableAddresses, "x.ip", "x.asset"},
		{func(e end) string { return macText(e.name) }, false, tableAddresses, "x.mac", "x.asset"},
		{func(e end) string { return macText(e.name) }, false, "asset_marks AS x ON x.kind = 'mac'", "x.value", "x.asset"},
		{func(e end) string { return strings.ToLower(e.name) }, true, "asset_marks AS x ON x.kind = 'chassis'", "x.value", "x.asset"},
		{func(e end) string { return e.name }, true, "asset_names AS n CROSS JOIN assets AS x ON x.id = n.asset", "n.name", "x.id"},
	} {
		wanted := map[string]bool{}
		for _, e := range ends {
			if value := try.value(e); e.asset == "" && value != "" {
				wanted[value] = true
			}
		}
		if len(wanted) == 0 {
			continue
		}
		columns := ", x.site, x.segment, " + try.asset
		query, args := "SELECT "+try.column+columns+" FROM "+try.table, []any(nil)
		if try.table != tableAddresses || len(wanted) < many {
			query = "SELECT wanted.value" + columns + " FROM json_each(?) AS wanted CROSS JOIN " + try.table +
				" WHERE " + try.column + " = wanted.value AND " + try.column + " <> ''"
			args = []any{jsonText(slices.Sorted(maps.Keys(wanted)))}
		}
		found := map[key]string{} // empty: several
		err := each(ctx, tx, query, func(scan func(...any) error) error {
			var k key
			var asset string
			if err := scan(&k.value, &k.site, &k.segment, &asset); err != nil || !wanted[k.value] {
				return err
			}
			if !try.inSegment {
				k.segment = ""
			}
			if before, ok := found[k]; ok && before != asset {
				asset = ""
			}
			found[k] = asset
			return nil
		}, args...)
		if err != nil {
			return err
		}
		for i, e := range ends {
			if e.asset != "" {
				continue
			}
			k := key{try.value(e), e.site, e.segment}
			if !try.inSegment {
				k.segment = ""
			}
			ends[i].asset = found[k]
		}
	}
	return nil
}
