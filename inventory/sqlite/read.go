package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/inventory"
)

// stream runs f in one reading transaction, so that what is yielded is one state of the inventory. An error comes last.
func stream[T any](ctx context.Context, r reader, act string, f func(tx *sql.Tx, yield func(T) error) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		err := r.within(ctx, func(tx *sql.Tx) error {
			return f(tx, func(v T) error {
				if !yield(v, nil) {
					return errStopped
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(none, told(act, err))
		}
	}
}

// errStopped says that whoever iterates has had enough.
var errStopped = errors.New("stopped")

// macText is a MAC in the spelling of the tables, or empty.
func macText(text string) string {
	mac, err := discovery.ParseMAC(text)
	if err != nil {
		return ""
	}
	return mac.String()
}

// Asset is the one asset that goes by an id, the beginning of an id, a MAC, an IP, a name or a serial number. An id that was
// merged leads to the asset that goes on. Several assets: an AmbiguousError; none: ErrNotFound.
func (s *Store) Asset(ctx context.Context, ref string) (inventory.Asset, error) {
	var list []inventory.Asset
	for a, err := range stream(ctx, s, "look up asset", func(tx *sql.Tx, yield func(inventory.Asset) error) error {
		ids, err := candidates(ctx, tx, ref)
		if err != nil || len(ids) == 0 {
			return err
		}
		page, err := assetRows(ctx, tx, "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY site, segment, place, id", jsonText(ids))
		if err != nil {
			return err
		}
		around, err := surround(ctx, tx, ids)
		if err != nil {
			return err
		}
		whole, err := around.complete(ctx, tx, page)
		if err != nil {
			return err
		}
		return yieldAll(whole, yield)
	}) {
		if err != nil {
			return inventory.Asset{}, err
		}
		list = append(list, a)
	}
	switch len(list) {
	case 0:
		return inventory.Asset{}, fmt.Errorf("asset %q: %w", ref, ErrNotFound)
	case 1:
		return list[0], nil
	}
	ambiguous := &AmbiguousError{Ref: ref}
	for _, a := range list {
		words := []string{a.ID, a.Segment, a.Name}
		for _, address := range a.Addresses {
			words = append(words, strings.TrimSpace(address.IP+" "+address.MAC))
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		ambiguous.Candidates = append(ambiguous.Candidates, strings.Join(words, " "))
	}
	return inventory.Asset{}, ambiguous
}

const (
	// shortestID is how much of an id must be given.
	shortestID = len("a-") + 2
	// maxCandidates is how many assets one name may mean before it is not worth listing more.
	maxCandidates = 20
)

// candidates are the ids of the assets that a reference may mean. An exact id means nothing else.
func candidates(ctx context.Context, tx *sql.Tx, ref string) ([]string, error) {
	exact, err := texts(tx.QueryContext(ctx, `SELECT id FROM assets WHERE id = ?1
		UNION SELECT into_asset FROM merges WHERE asset = ?1 AND kind = 'merged'`, ref))
	if err != nil || len(exact) > 0 {
		return exact, err
	}
	ip := ref
	if addr, err := netip.ParseAddr(ref); err == nil {
		ip = addr.Unmap().String()
	}
	prefix := "-"
	if len(ref) >= shortestID && strings.HasPrefix(ref, "a-") {
		prefix = ref
	}
	return texts(tx.QueryContext(ctx, `SELECT id FROM assets WHERE serial <> '' AND serial = ?1 COLLATE NOCASE
		UNION SELECT id FROM assets WHERE id >= ?2 AND id < ?2 || '~' AND ?2 <> '-'
		UNION SELECT asset FROM asset_names WHERE name = ?1 AND ?1 <> ''
		UNION SELECT asset FROM addresses WHERE ip = ?3 AND ip <> ''
		UNION SELECT asset FROM addresses WHERE mac = ?4 AND mac <> ''
		LIMIT ?5`, ref, prefix, ip, macText(ref), maxCandidates))
}

// Subjects are the addresses and paths that an asset is made of.
func (s *Store) Subjects(ctx context.Context, asset string) ([]discovery.Subject, error) {
	var out []discovery.Subject
	err := each(ctx, s.read, `SELECT DISTINCT `+subjectColumns+` FROM asset_subjects AS p JOIN subjects AS s ON s.id = p.subject`+joinPlace("s")+
		`WHERE p.asset = ? ORDER BY s.place, s.mac, s.vlan, s.path`, func(scan func(...any) error) error {
		subject, err := scanSubject(scan)
		out = append(out, subject)
		return err
	}, asset)
	return out, told("list the addresses of "+asset, err)
}

// Evidence of one asset, by its id, sorted by subject, key and time: what was said, and what was deduced of it.
func (v view) Evidence(ctx context.Context, asset string) iter.Seq2[inventory.Evidence, error] {
	return stream(ctx, v, "list the evidence of "+asset, func(tx *sql.Tx, yield func(inventory.Evidence) error) error {
		subjects := map[int64]discovery.Subject{}
		var list []inventory.Evidence
		add := func(e inventory.Evidence, id int64) error {
			var ok bool
			if e.Subject, ok = subjects[id]; !ok {
				return fmt.Errorf("%w: subject %d", ErrDamaged, id)
			}
			list = append(list, e)
			return nil
		}
		err := each(ctx, tx, `SELECT `+subjectColumns+`, s.id FROM subjects AS s`+joinPlace("s")+`WHERE s.id IN
			(SELECT subject FROM asset_subjects WHERE asset = ?1 UNION SELECT d.subject FROM assets AS a CROSS JOIN deduced AS d ON d.asset = a.age WHERE a.id = ?1)`,
			func(scan func(...any) error) error {
				var id int64
				subject, err := scanSubject(scan, &id)
				subjects[id] = subject
				return err
			}, asset)
		if err != nil {
			return err
		}
		if err := each(ctx, tx, `SELECT `+factColumns+`, f.subject FROM asset_subjects AS p
			CROSS JOIN facts AS f ON f.subject = p.subject`+joinMessage+` AND m.last >= p.since AND m.last < p.until`+joinTeller+`WHERE p.asset = ?`, func(scan func(...any) error) error {
			var id int64
			e, err := scanFact(scan, &id)
			if err != nil {
				return err
			}
			return add(e, id)
		}, asset); err != nil {
			return err
		}
		if err := deducedOf(ctx, tx, asset, add); err != nil {
			return err
		}
		renew(list)
		inventory.SortEvidence(list)
		for _, e := range list {
			if err := yield(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// renew makes deduced facts as new as what they rest on: an asset that is only seen again is not folded again.
func renew(list []inventory.Evidence) {
	type place struct {
		path string
		key  discovery.Key
	}
	newest := map[place]inventory.Evidence{}
	for _, e := range list {
		at := place{e.Subject.Path, e.Fact.Key}
		if e.Mode != discovery.Deduced && e.Last.After(newest[at].Last) {
			newest[at] = e
		}
	}
	for i, e := range list {
		if e.Mode != discovery.Deduced {
			continue
		}
		for _, key := range e.Fact.From {
			if n := newest[place{e.Subject.Path, key}]; n.Last.After(list[i].Last) {
				list[i].Last, list[i].Survey = n.Last, n.Survey
			}
		}
	}
}

// under is the condition that a row has the IP ?3, or where there is none the MAC ?4, in a form that finds it by an index.
func under(table string, about discovery.Subject) string {
	if about.IP.IsValid() {
		return table + ".ip = ?3 AND " + table + ".ip <> ''"
	}
	return table + ".mac = ?4 AND " + table + ".mac <> '' AND ?3 = ''"
}

// known is the newest value of a key under an address, or under another address of its asset. What another MAC told at the IP was
// told by another device.
func (s *Store) known(ctx context.Context, about discovery.Subject, key discovery.Key, since time.Time) (string, bool, error) {
	var value string
	err := s.read.QueryRowContext(ctx, `WITH here AS (
			SELECT s.id FROM subjects AS s JOIN segments AS g ON g.id = s.segment JOIN sites AS t ON t.id = g.site
			WHERE t.name = ?1 AND g.name = ?2 AND `+under("s", about)+` AND (?4 = '' OR s.mac = '' OR s.mac = ?4))
		SELECT f.value FROM facts AS f JOIN subjects AS s ON s.id = f.subject`+joinMessage+`
		WHERE f.key = ?6 AND m.last >= ?7 AND s.path = ?5 AND f.subject IN (
			SELECT id FROM here UNION SELECT b.subject FROM here JOIN asset_subjects AS a ON a.subject = here.id AND a.until = '~'
				JOIN asset_subjects AS b ON b.asset = a.asset)
		ORDER BY m.last DESC, f.value LIMIT 1`,
		about.Site, about.Segment, ipText(about.IP), about.MAC.String(), about.Path, key, timeText(since)).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return value, err == nil, err
}

// At is the asset at an address, as it was identified, and whether there is one; times, neighbours and annotations are left out.
func (s *Store) At(ctx context.Context, about discovery.Subject) (inventory.Asset, bool, error) {
	var id, body string
	err := s.read.QueryRowContext(ctx, `SELECT a.id, a.body FROM addresses AS d JOIN assets AS a ON a.id = d.asset JOIN asset_states AS t ON t.asset = a.age
		WHERE d.site = ?1 AND d.segment = ?2 AND `+under("d", about)+`
		ORDER BY d.mac = ?4 DESC, t.last_seen DESC LIMIT 1`, about.Site, about.Segment, ipText(about.IP), about.MAC.String()).Scan(&id, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return inventory.Asset{}, false, nil
	}
	var a inventory.Asset
	if err == nil {
		a, err = assetOf(id, []byte(body))
	}
	return a, err == nil, told("look up what is at an address", err)
}

// Ledger is what was sent, in the order of time; of one survey, or of all when it is empty.
func (v view) Ledger(ctx context.Context, survey string) iter.Seq2[inventory.LedgerEntry, error] {
	return stream(ctx, v, "list the ledger", func(tx *sql.Tx, yield func(inventory.LedgerEntry) error) error {
		number, err := optionalSurvey(survey)
		if err != nil {
			return err
		}
		return each(ctx, tx, `SELECT survey, time, mac, ip, path, protocol, request, setup, bytes, outcome, rtt_ns, note FROM ledger
			WHERE ?1 = 0 OR survey = ?1 ORDER BY time, id`, func(scan func(...any) error) error {
			var e inventory.LedgerEntry
			var id, rtt int64
			var at, mac, ip, path string
			var sent []byte
			if err := scan(&id, &at, &mac, &ip, &path, &e.Protocol, &e.Request, &e.Setup, &sent, &e.Outcome, &rtt, &e.Note); err != nil {
				return err
			}
			target, err := subjectOf("", "", mac, ip, 0, path)
			if err != nil {
				return err
			}
			e.Survey, e.Target, e.Bytes = surveyID(id), target.String(), hex.EncodeToString(sent)
			e.RTTMS = float64(rtt) / float64(time.Millisecond)
			if e.Time, err = parseTime(at); err != nil {
				return err
			}
			return yield(e)
		}, number)
	})
}

// optionalSurvey is the number of a survey, 0 for all.
func optionalSurvey(id string) (int64, error) {
	if id == "" {
		return 0, nil
	}
	return surveyNumber(id)
}

// Changes are what changed in surveys that ended at since or later, apart from those before the survey, the oldest first. The
// zero time and the empty survey mean all.
func (v view) Changes(ctx context.Context, since time.Time, survey string) iter.Seq2[inventory.Change, error] {
	return stream(ctx, v, "list changes", func(tx *sql.Tx, yield func(inventory.Change) error) error {
		number, err := optionalSurvey(survey)
		if err != nil {
			return err
		}
		return changes(ctx, tx, yield, "time >= ? AND survey >= ?", timeText(since), number)
	})
}

// ChangesOf are all changes of an asset, by its id, the oldest first.
func (v view) ChangesOf(ctx context.Context, asset string) iter.Seq2[inventory.Change, error] {
	return stream(ctx, v, "list the changes of "+asset, func(tx *sql.Tx, yield func(inventory.Change) error) error {
		return changes(ctx, tx, yield, "asset = ?", asset)
	})
}

func changes(ctx context.Context, tx *sql.Tx, yield func(inventory.Change) error, where string, args ...any) error {
	return each(ctx, tx, "SELECT time, survey, asset, kind, attribute, old, new, via FROM changes WHERE "+where+" ORDER BY time, id",
		func(scan func(...any) error) error {
			var c inventory.Change
			var at string
			var id int64
			if err := scan(&at, &id, &c.Asset, &c.Kind, &c.Attribute, &c.Old, &c.New, &c.Via); err != nil {
				return err
			}
			c.Survey = surveyID(id)
			var err error
			if c.Time, err = parseTime(at); err != nil {
				return err
			}
			return yield(c)
		}, args...)
}

// Titles are what people call the assets named: the name, else the first address, by the id.
func (v view) Titles(ctx context.Context, assets []string) (map[string]string, error) {
	out := map[string]string{}
	err := v.within(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, `SELECT a.id, CASE a.name WHEN '' THEN coalesce((SELECT CASE d.ip WHEN '' THEN d.mac ELSE d.ip END FROM addresses AS d
			WHERE d.asset = a.id ORDER BY d.ip = '', d.ip, d.mac LIMIT 1), '') ELSE a.name END
			FROM json_each(?) AS only CROSS JOIN assets AS a ON a.id = only.value`, func(scan func(...any) error) error {
			var id, title string
			err := scan(&id, &title)
			out[id] = title
			return err
		}, jsonText(assets))
	})
	return out, told("look up assets", err)
}

// Counts are the sizes of the inventory.
type Counts struct {
	Sites, Segments, Surveys    int
	Assets                      int
	WithVendor                  int // assets whose vendor is known
	WithModel, WithFirmware     int
	Facts, Conversations, Asked int // Asked: lines of the ledger
}

// Counts gives the sizes of the inventory.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	err := s.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sites), (SELECT count(*) FROM segments), (SELECT count(*) FROM surveys),
		(SELECT count(*) FROM assets), (SELECT count(*) FROM assets WHERE body ->> 'vendor' <> ''), (SELECT count(*) FROM assets WHERE body ->> 'model' <> ''),
		(SELECT count(*) FROM assets WHERE body ->> 'firmware' <> ''), (SELECT count(*) FROM facts), (SELECT count(*) FROM talks),
		(SELECT count(*) FROM ledger)`).Scan(&c.Sites, &c.Segments, &c.Surveys, &c.Assets, &c.WithVendor, &c.WithModel, &c.WithFirmware,
		&c.Facts, &c.Conversations, &c.Asked)
	return c, told("count", err)
}
