package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/walkdown-ot/walkdown/inventory"
)

const (
	// firstPage is how many assets are told before the surroundings of all are gathered: whoever looks sees the first rows at once.
	firstPage = 100
	// pageSize is how many assets are in memory at a time after that.
	pageSize = 1000
)

// assetOrder is that of Assets; an index has it.
const assetOrder = " ORDER BY site, segment, place, id LIMIT ?"

// Assets come sorted by site, segment and first address. The first come at once, however many there are; a page is read while the
// one before it is told.
func (v view) Assets(ctx context.Context) iter.Seq2[inventory.Asset, error] {
	return stream(ctx, v, "list assets", func(tx *sql.Tx, yield func(inventory.Asset) error) error {
		page, err := assetRows(ctx, tx, assetOrder, firstPage)
		if err != nil || len(page) == 0 {
			return err
		}
		ids := make([]string, len(page))
		for i, row := range page {
			ids[i] = row.asset.ID
		}
		around, err := surround(ctx, tx, ids)
		if err != nil {
			return err
		}
		whole, err := around.complete(ctx, tx, page)
		if err != nil {
			return err
		}
		if err := yieldAll(whole, yield); err != nil || len(page) < firstPage {
			return err
		}
		if around, err = surround(ctx, tx, nil); err != nil {
			return err
		}
		return around.rest(ctx, tx, page[len(page)-1], yield)
	})
}

// rest yields the assets behind one.
func (s surroundings) rest(ctx context.Context, tx *sql.Tx, last assetLine, yield func(inventory.Asset) error) error {
	type result struct {
		assets []inventory.Asset
		err    error
	}
	pages := make(chan result)
	stop := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(pages)
		for more := true; more; {
			page, err := assetRows(ctx, tx, "WHERE (site, segment, place, id) > (?, ?, ?, ?)"+assetOrder,
				last.asset.Site, last.asset.Segment, last.place, last.asset.ID, pageSize)
			var r result
			if err == nil {
				r.assets, err = s.complete(ctx, tx, page)
			}
			r.err = err
			more = err == nil && len(page) == pageSize
			if more {
				last = page[len(page)-1]
			}
			select {
			case pages <- r:
			case <-stop:
				return
			}
		}
	})
	defer reading.Wait() // the transaction is the caller's
	defer close(stop)
	for page := range pages {
		if page.err != nil {
			return page.err
		}
		if err := yieldAll(page.assets, yield); err != nil {
			return err
		}
	}
	return nil
}

func yieldAll(assets []inventory.Asset, yield func(inventory.Asset) error) error {
	for _, a := range assets {
		if err := yield(a); err != nil {
			return err
		}
	}
	return nil
}

// assetLine is an asset as its row holds it.
type assetLine struct {
	asset inventory.Asset
	place []byte

	body        []byte
	first, last string
}

// decode reads the columns.
func (l *assetLine) decode() error {
	asset, err := assetOf(l.asset.ID, l.body)
	if err != nil {
		return err
	}
	l.asset, l.body = asset, nil
	return parseTimes(l.first, &l.asset.FirstSeen, l.last, &l.asset.LastSeen)
}

// assetRows reads the rows that a condition names. Decoding takes most of the time, so all processors share it.
func assetRows(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]assetLine, error) {
	var out []assetLine
	err := each(ctx, tx, "SELECT id, place, body, first_seen, last_seen FROM assets CROSS JOIN asset_states ON asset = age "+where, func(scan func(...any) error) error {
		var line assetLine
		err := scan(&line.asset.ID, &line.place, &line.body, &line.first, &line.last)
		out = append(out, line)
		return err
	}, args...)
	if err != nil || len(out) == 0 {
		return out, err
	}
	share := (len(out) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	var errs []error
	var mu sync.Mutex
	var group sync.WaitGroup
	for part := range slices.Chunk(out, share) {
		group.Go(func() {
			for i := range part {
				if err := part[i].decode(); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	group.Wait()
	return out, errors.Join(errs...)
}

// surroundings are what other rows tell of assets.
type surroundings struct {
	neighbours  map[string][]inventory.Neighbour
	annotations map[string]map[string]string
}

// surround gathers the surroundings of the assets named, of all for nil.
func surround(ctx context.Context, tx *sql.Tx, only []string) (surroundings, error) {
	var s surroundings
	var err error
	if s.neighbours, err = neighbours(ctx, tx, only); err != nil {
		return s, err
	}
	if only == nil {
		s.annotations, err = inEffect(ctx, tx, "a-")
	} else {
		s.annotations, err = lastWords(ctx, tx, "asset IN (SELECT value FROM json_each(?))", jsonText(only))
	}
	return s, err
}

// complete adds to the assets of a page what stands around them.
func (s surroundings) complete(ctx context.Context, tx *sql.Tx, page []assetLine) ([]inventory.Asset, error) {
	var doubtful []string
	for _, line := range page {
		if inventory.LooksAtRoles(line.asset) {
			doubtful = append(doubtful, line.asset.ID)
		}
	}
	roles, err := roles(ctx, tx, doubtful)
	if err != nil {
		return nil, err
	}
	out := make([]inventory.Asset, len(page))
	for i, line := range page {
		a := line.asset
		a.Neighbours, a.Annotations = s.neighbours[a.ID], s.annotations[a.ID]
		delete(s.neighbours, a.ID) // an asset is told once
		proposal, match := inventory.Propose(a, roles[a.ID]), inventory.MatchabilityOf(a.Identity)
		a.Level, a.LevelReason, a.ProposedType, a.Matchability = proposal.Level, proposal.Reason, proposal.Type, &match
		out[i] = a
	}
	return out, nil
}
