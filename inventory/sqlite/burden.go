package sqlite

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/walkdown-ot/walkdown/inventory"
)

// Burdens are what a survey sent to each device, in the order of segment and address. Those that only surveys before it sent something
// to are among them.
func (s *Store) Burdens(ctx context.Context, survey string) ([]inventory.Burden, error) {
	number, err := surveyNumber(survey)
	if err != nil {
		return nil, err
	}
	type device struct {
		segment string
		ip      netip.Addr
	}
	all := map[device]*inventory.Burden{}
	err = each(ctx, s.read, `SELECT l.survey, g.name, l.ip, count(*) FROM ledger AS l JOIN segments AS g ON g.id = l.segment
		WHERE l.ip <> '' AND l.protocol <> 'arp' AND l.outcome <> 'skipped' AND l.survey <= ? GROUP BY l.survey, l.segment, l.ip ORDER BY l.survey`,
		func(scan func(...any) error) error {
			var of int64
			var segment, text string
			var messages int
			if err := scan(&of, &segment, &text, &messages); err != nil {
				return err
			}
			ip, err := netip.ParseAddr(text)
			if err != nil || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
				return nil //nolint:nilerr // it is no device
			}
			b := all[device{segment, ip}]
			if b == nil {
				b = &inventory.Burden{Segment: segment, IP: text, First: messages, FirstSurvey: surveyID(of)}
				all[device{segment, ip}] = b
			}
			if of == number {
				b.Messages = messages
			}
			return nil
		}, number)
	out := make([]inventory.Burden, 0, len(all))
	for _, d := range slices.SortedFunc(maps.Keys(all), func(x, y device) int {
		return cmp.Or(cmp.Compare(x.segment, y.segment), x.ip.Compare(y.ip))
	}) {
		out = append(out, *all[d])
	}
	return out, told("count what was sent", err)
}

// Claim takes a lock that goes with the process, on a file that is made for it. ErrLocked says that another process has it.
func Claim(path string) (release func() error, err error) {
	lock, err := acquireLock(path)
	if err != nil {
		return nil, err
	}
	return lock.release, nil
}
