package sqlite

import (
	"context"

	"github.com/walkdown-ot/walkdown/inventory"
)

// Burdens are what each survey that asked has sent, the oldest first.
func (s *Store) Burdens(ctx context.Context) ([]inventory.Burden, error) {
	var out []inventory.Burden
	err := each(ctx, s.read, `SELECT survey, count(*), count(DISTINCT segment || ' ' || ip) FROM ledger
		WHERE ip <> '' AND protocol <> 'arp' AND outcome <> 'skipped' GROUP BY survey ORDER BY survey`, func(scan func(...any) error) error {
		var b inventory.Burden
		var survey int64
		err := scan(&survey, &b.Messages, &b.Devices)
		b.Survey = surveyID(survey)
		out = append(out, b)
		return err
	})
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
