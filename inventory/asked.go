package inventory

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// AskedBy reads from the ledger who has answered or refused over which protocol: asking again tells nothing new.
func AskedBy(ctx context.Context, from Source) (Asked, error) {
	type contact struct{ site, segment, ip, protocol string }
	places := map[string]place{}
	for s, err := range from.Surveys(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read surveys: %w", err)
		}
		places[s.ID] = place{s.Site, s.Segment}
	}
	known := map[contact]bool{}
	for e, err := range from.Ledger(ctx, "") {
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		if !e.Setup && (e.Outcome == "answered" || e.Outcome == "refused") {
			host, _, _ := strings.Cut(e.Target, " ") // without the path behind it
			at := places[e.Survey]
			known[contact{at.site, at.segment, host, e.Protocol}] = true
		}
	}
	return func(a Asset, protocol string) bool {
		for _, address := range a.Addresses {
			if known[contact{a.Site, cmp.Or(address.Segment, a.Segment), address.IP, protocol}] {
				return true
			}
		}
		return false
	}, nil
}
